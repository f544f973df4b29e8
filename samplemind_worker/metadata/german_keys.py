"""Reads keys in German: ``a-Moll``, ``Fis-Dur``, ``Esmoll``. Conventions: as in `said`."""

import re

from samplemind_worker.metadata.said import Said

_KEY = re.compile(r"(?<![a-z])([a-h])(is|es|(?<=[ae])s|)[\s_-]*(moll|dur)(?![a-z])", re.IGNORECASE)
_PITCH_CLASS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 10, "h": 11}
"""In German, H is the note below C, and B is a semitone lower."""
_ACCIDENTAL = {"": 0, "is": 1, "es": -1, "s": -1}
_MODES = {"moll": "minor", "dur": "major"}


def german_keys(text: str) -> list[Said]:
    """Return the keys that a name tells in German."""
    said: list[Said] = []
    for found in _KEY.finditer(text):
        letter, accidental, mode = (part.lower() for part in found.groups())
        tonic = (_PITCH_CLASS[letter] + _ACCIDENTAL[accidental]) % 12
        said.append(Said("key", tonic, found[0], "clear", _MODES[mode]))
    return said
