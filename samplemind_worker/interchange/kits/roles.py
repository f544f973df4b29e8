"""The roles of a drum kit, and their notes in General MIDI.

Sources: General MIDI 1 and 2 percussion key maps (MIDI Association, RP-024 and RP-036).
"""

from dataclasses import dataclass
from typing import Final

HATS: Final = 1
"""The choke group of the hats: a closed hat ends an open one."""


@dataclass(frozen=True, slots=True)
class Role:
    """What one sound of a kit is for."""

    name: str
    instrument: str
    """The instrument of the library that plays it."""
    note: int
    """MIDI note number."""
    trim: float
    """Level in dB relative to the kick, both measured as loudness; a starting point of a mix, not a measurement."""
    choke: int = 0
    """The group in which each sound ends the others; 0 is none."""
    is_pitched: bool = False
    """Whether it is tuned where its pitch is known."""
    longest: float = 2.5
    """Seconds beyond which a sound is less likely to be meant for this role."""


ROLES: Final = (
    Role("kick", "kick", 36, 0.0, is_pitched=True),
    Role("snare", "snare", 38, 0.0, is_pitched=True),
    Role("clap", "clap", 39, -2.0),
    Role("rim", "rim", 37, -4.0),
    Role("hat_closed", "hat_closed", 42, -6.0, choke=HATS, longest=1.0),
    Role("hat_open", "hat_open", 46, -6.0, choke=HATS),
    Role("tom_low", "tom", 45, -2.0, is_pitched=True),
    Role("tom_mid", "tom", 47, -2.0, is_pitched=True),
    Role("tom_high", "tom", 50, -2.0, is_pitched=True),
    Role("crash", "crash", 49, -6.0, longest=8.0),
    Role("ride", "ride", 51, -6.0, longest=8.0),
    Role("shaker", "shaker", 82, -6.0),
    Role("cowbell", "cowbell", 56, -6.0, is_pitched=True),
    Role("perc", "perc", 60, -4.0, is_pitched=True),
)
"""In the order in which they are chosen: what carries a kit comes first."""
