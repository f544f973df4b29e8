"""What the programs of General MIDI are: classes of the closed list, and whether their notes sound as written."""

FAMILIES = (
    ("piano", (*range(6),)),
    ("bell", (8, 9, 10, 11, 14, 112)),
    ("organ", (*range(16, 21),)),
    ("guitar", (*range(24, 32),)),
    ("bass", (*range(32, 40),)),
    ("strings", (*range(40, 46), *range(48, 52))),
    ("vocal", (52, 53, 54)),
    ("brass", (*range(56, 64),)),
    ("flute", (*range(72, 80),)),
    ("sax", (*range(64, 68),)),
    ("synth", (*range(80, 85), *range(86, 91), *range(92, 96))),
    ("tom", (117,)),
    ("perc", (115,)),
    ("fx", (119, *range(121, 128))),
    # Instruments that the closed list has no word for: clavinet, marimba, accordion, harp, oboe, clarinet, sitar.
    ("other", (6, 7, 12, 13, 15, 21, 22, 23, 46, 47, *range(68, 72), *range(104, 112))),
)
_CLASS_OF = {program: name for name, programs in FAMILIES for program in programs}
# Harmonics, fifths, drums, effects: whose pitch is not sure to be the note's; from 118 on there is none.
_UNCERTAIN = {31, 47, 55, 86, *range(96, 104), *range(112, 118)}
_NOISES = range(118, 128)

UNKNOWN = -1.0
"""Stands for a pitch that nobody can be sure of."""


def name(program: int) -> str | None:
    """Give the class; None where people would not agree."""
    return _CLASS_OF.get(program)


def pitch(program: int, midi: float) -> float | None:
    """Give the pitch of a note; None where there is none."""
    return None if program in _NOISES else UNKNOWN if program in _UNCERTAIN else midi
