"""One reading of a name, a tag or a chunk.

Conventions: tonics are 0 (C) to 11 (B); ``clarity`` ranks how reliable a reading is.
"""

from dataclasses import dataclass
from typing import Literal

About = Literal["tempo", "key", "pitch", "kind", "instrument"]
Clarity = Literal["clear", "likely", "weak"]


@dataclass(frozen=True, slots=True)
class Said:
    """One reading of a name."""

    about: About
    value: float | str
    """A tempo in BPM, a kind, an instrument, the tonic of a key (0 to 11) or a pitch class (0 to 11)."""
    text: str
    clarity: Clarity
    mode: str | None = None
    """Mode of a key; None where only the tonic is given."""
