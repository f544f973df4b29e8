"""A kit: which sound plays on which note, how loud, and how it is tuned."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from samplemind_worker.interchange.kits.roles import Role
from samplemind_worker.interchange.naming import plain_name
from samplemind_worker.interchange.reports import KitReport


@dataclass(frozen=True, slots=True)
class Pad:
    """One sound of a kit."""

    role: Role
    file_id: str
    source: Path
    """The file of the library."""
    frames: int
    rate: int
    """Hz."""
    subtype: str
    """As libsndfile names it."""
    gain_db: float
    """At most 0, so that no sampler has to raise a level."""
    tune: float
    """Semitones by which the sound is tuned; 0 where its pitch is not known."""
    why: tuple[str, ...] = ()
    """What made it chosen, in words."""
    is_asked_for: bool = True
    """False where no sound of this role fits the description, and the nearest one stands in."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A pad whose file lies in the kit's folder under a plain name."""

    pad: Pad
    file: str
    """A name of ASCII letters, digits, ``_``, ``-`` and ``.``."""


@dataclass(frozen=True, slots=True)
class Kit:
    """A chosen kit."""

    name: str
    seed: int
    pads: Sequence[Pad]
    missing: Sequence[str] = ()
    """Roles for which the library has no sound."""

    @property
    def file_name(self) -> str:
        """Its name as a name of files that no format misreads."""
        return plain_name(self.name, instead="kit")

    def report(self) -> KitReport:
        """Return the kit as a JSON object."""
        return {
            "name": self.name,
            "seed": self.seed,
            "pads": [
                {
                    "role": pad.role.name,
                    "note": pad.role.note,
                    "choke": pad.role.choke or None,
                    "path": str(pad.source),
                    "file_id": pad.file_id,
                    "gain_db": pad.gain_db,
                    "tune": pad.tune,
                    "why": list(pad.why),
                    "is_asked_for": pad.is_asked_for,
                }
                for pad in self.pads
            ],
            "missing": list(self.missing),
        }


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes a kit in one format, into a folder that holds its samples already."""

    endings: frozenset[str]
    """Endings of the files that the format's players read."""
    subtypes: frozenset[str] | None
    """Subtypes of the WAV files that they read; None for all."""
    write: Callable[[Kit, Sequence[Placed], Path], None]
    """Writes the files of the format; raises OSError if one cannot be written."""
