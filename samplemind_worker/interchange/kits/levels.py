"""Levels and tuning of the sounds of a kit, from what is recorded of them."""

from collections.abc import Sequence
from statistics import median
from typing import Final

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.interchange.kits.roles import Role
from samplemind_worker.pitches import PITCH_CLASSES

_MOST_CUT: Final = 6.0
"""Decibels by which the softest sound may bring down the middle one: beyond that it stays softer than the others."""
_SCALES: Final = {"major": (0, 2, 4, 5, 7, 9, 11), "minor": (0, 2, 3, 5, 7, 8, 10)}
_FURTHEST: Final = 3
"""Semitones beyond which a drum does not sound like itself any more."""

Key = tuple[int, str]
"""A tonic, 0 (C) to 11 (B), and ``major`` or ``minor``."""


def level(sounds: Sequence[tuple[Role, AudioFacts]]) -> list[float]:
    """Return the gain of each sound in dB, so that all are equally loud but for the trims of their roles.

    The gains are at most 0, because many samplers cannot raise a level, and a raised one may clip: louder sounds come
    down to the softest one, unless that is so soft that the whole kit would be. A sound whose loudness is unknown gets
    the median of the gains.
    """
    wanted = [None if audio.loudness_lufs is None else role.trim - audio.loudness_lufs for role, audio in sounds]
    known = [each for each in wanted if each is not None]
    if not known:
        return [0.0] * len(sounds)
    middle = median(known)
    highest = min(max(known), middle + _MOST_CUT)
    return [round(min((middle if each is None else each) - highest, 0.0), 2) for each in wanted]


def tune(role: Role, analysis: AnalysisFacts, key: Key | None) -> float:
    """Return the semitones by which a sound is tuned.

    A sound of a pitched role whose note is known comes to that note exactly; with a key, to the nearest note of its
    scale that is at most three semitones away.
    """
    if not role.is_pitched or analysis.pitch_midi is None:
        return 0.0
    shift = 0
    if key is not None:
        tonic, mode = key
        steps = [
            step
            for step in range(-_FURTHEST, _FURTHEST + 1)
            if (analysis.pitch_midi + step - tonic) % len(PITCH_CLASSES) in _SCALES[mode]
        ]
        shift = min(steps, key=lambda step: (abs(step), step))
    return round(shift - (analysis.pitch_cents or 0.0) / 100.0, 2)
