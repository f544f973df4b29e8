"""The fields of what `kit`, `slice` and `stems` have made."""

from typing import Literal

from typing_extensions import TypedDict


class PadReport(TypedDict):
    """One sound of a kit."""

    role: str
    """What it plays, such as `kick`."""
    note: int
    """The MIDI note that plays it."""
    choke: int | None
    """The group of sounds that end each other."""
    path: str
    """The file of the library."""
    file_id: str
    """SHA-256 of its bytes."""
    gain_db: float
    """By how many dB its level is changed, 0 at most."""
    tune: float
    """By how many semitones it is tuned."""
    why: list[str]
    """Why it was chosen, in words."""
    is_asked_for: bool
    """False where nothing fitted the description, and the nearest sound stands in."""


class KitReport(TypedDict):
    """A drum kit."""

    name: str
    """What the kit is called."""
    seed: int
    """The number of the variant."""
    pads: list[PadReport]
    """Its sounds, in the order of the roles."""
    missing: list[str]
    """Roles for which the library has no sound."""


class SliceReport(TypedDict):
    """A part of a file."""

    start: int
    """The first frame."""
    end: int
    """The frame after the last one."""
    file: str | None
    """The name of the file that it was written to; null for cue points."""


class CutReport(TypedDict):
    """How a file is cut."""

    sample_rate: int
    """Frames per second."""
    tempo: float | None
    """BPM, where a grid was used."""
    loop: list[int] | None
    """The first and the last frame of the loop that was saved."""
    undo: str | None
    """The id by which a change of the file is taken back; null if nothing was changed."""
    slices: list[SliceReport]
    """The slices, which follow each other without a gap."""


class StemReport(TypedDict):
    """A part of a mix."""

    name: str
    """What it holds, such as `drums`."""
    file: str
    """The name of its file."""


class StemsReport(TypedDict):
    """The parts of a mix."""

    method: Literal["medians", "model"]
    """By what they were separated."""
    model: str | None
    """The name of the model's file."""
    licence: str | None
    """The licence of the model."""
    sample_rate: int
    """Frames per second of each file."""
    frames: int
    """The length of each file."""
    stems: list[StemReport]
    """The parts, which are the mix together if median filters made them."""
