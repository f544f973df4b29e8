"""The text fields that all kinds of tags have in common, and which of them are to be written."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from samplemind_worker import own_tags
from samplemind_worker.interchange.tags import Tags

Name = Literal["tempo", "key", "root_note", "instrument", "comment", "gain", "peak", "mark"]

_REFERENCE: Final = -18.0
"""LUFS at which ReplayGain 2.0 has a gain of 0 dB."""
SHOWN: Final[dict[str, str]] = {"gain": "loudness", "peak": "loudness", "root_note": "root note"}
"""What a field is called in messages, where that is not its name."""
_READ_AS: Final[dict[Name, str]] = {"tempo": "bpm", "key": "initial_key", "instrument": "keywords"}
"""What the analysis calls the fields that it reads."""


@dataclass(slots=True)
class Planned:
    """What is written into one file, and what is left although it differs."""

    written: list[str] = field(default_factory=list[str])
    kept: list[str] = field(default_factory=list[str])
    own: dict[str, str] = field(default_factory=dict[str, str])
    """The written values that an analysis reads, as `own_tags` names their places."""

    def note(self, name: str, *, written: bool) -> None:
        """Add a field once."""
        shown = SHOWN.get(name, name)
        target = self.written if written else self.kept
        if shown not in target:
            target.append(shown)


def texts(tags: Tags) -> dict[Name, str]:
    """Return the values of the text fields: what has no answer is left out."""
    found: dict[Name, str] = {}
    if tags.tempo is not None:
        found["tempo"] = number(tags.tempo)
    if tags.key is not None:
        found["key"] = tags.key
    if tags.note_name is not None:
        found["root_note"] = tags.note_name
    if tags.instrument is not None:
        found["instrument"] = tags.instrument
    if tags.comment is not None:
        found["comment"] = tags.comment
    if tags.loudness is not None:
        found["gain"] = f"{_REFERENCE - tags.loudness:+.2f} dB"
        if tags.peak is not None:
            found["peak"] = f"{10 ** (tags.peak / 20):.6f}"
    return found


def number(value: float) -> str:
    """Write a number with up to two decimals: 128 or 127.5."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def choose(
    wanted: Mapping[Name, str],
    present: Callable[[Name], str | None],
    *,
    overwrite: bool,
    planned: Planned,
    source: str = "tags",
) -> dict[Name, str]:
    """Return the fields to write: those that are empty, and with ``overwrite`` those that hold something else."""
    chosen: dict[Name, str] = {}
    for name, value in wanted.items():
        there = (present(name) or "").strip()
        if _says_the_same(there, value):
            continue
        is_empty = there in ("", "0")
        planned.note(name, written=is_empty or overwrite)
        if is_empty or overwrite:
            chosen[name] = value
            if name in _READ_AS:
                planned.own[f"{source}.{_READ_AS[name]}"] = value
    return chosen


def marked(chosen: dict[Name, str], present: Callable[[Name], str | None], planned: Planned) -> dict[Name, str]:
    """Add to the fields to write the mark of all that is written into the file, now and by earlier runs."""
    if planned.own:
        chosen["mark"] = own_tags.packed(own_tags.read(present("mark") or "") | planned.own)
    return chosen


def _says_the_same(there: str, value: str) -> bool:
    if there == value:
        return True
    try:
        return number(float(there)) == number(float(value))
    except ValueError:
        return False
