"""Estimates the key of a loop or track.

Conventions: tonic 0 (C) to 11 (B), mode "major" or "minor"; candidates sorted by score, best first; scores are 0 to 1
and sum to at most 1. Drums, noise, silence and single notes have no key.
"""

import numpy as np

from samplemind_worker.dsp import key_model
from samplemind_worker.dsp.network import calibrated
from samplemind_worker.dsp.probabilities import probabilities
from samplemind_worker.dsp.types import Features, KeyEstimate
from samplemind_worker.pitches import PITCH_CLASSES, camelot

LEAST = 0.4
"""Confidence below which no key is reported: of the held-out answers from 0.2 to 0.4 a third are right."""
_SHOWN = 5


def estimate_key(features: Features) -> KeyEstimate:
    """Estimate the key.

    Parameters
    ----------
    features : Features

    Returns
    -------
    KeyEstimate
        All None where there is no key: silence, noise, drums. The confidence is the rate of correct answers at this
        score on held-out material, where drums taken for music count as wrong.

    References
    ----------
    Krumhansl, "Cognitive foundations of musical pitch", 1990 (correlation with profiles); two networks that
    `training/key.py` trains decide whether the sound is music or drums, and which of 24 keys it has.
    """
    if features.peak == 0.0 or not features.notes.any():
        return KeyEstimate()
    described = key_model.profiles(features.notes)
    music = float(probabilities("key", key_model.tonal_row(features, described), part="tonal")[1])
    if music <= 0.5:  # noqa: PLR2004 -- drums are more likely
        return KeyEstimate(music=music)
    odds = probabilities("key", key_model.key_rows(described)).reshape(12, 2).T.ravel()
    ranking = np.argsort(-odds, kind="stable")[:_SHOWN]
    named = [(int(k) % 12, "major" if k < 12 else "minor", float(odds[k])) for k in ranking]  # noqa: PLR2004 -- twelve of each
    tonic, mode, odd = named[0]
    confidence = calibrated("key", odd * music)
    # The other keys share the remaining probability in their old proportions.
    left = (1.0 - confidence) / max(1.0 - odd, 1e-9)
    scores = [confidence, *(min(confidence, left * score) for _, _, score in named[1:])]
    return KeyEstimate(
        key=PITCH_CLASSES[tonic],
        mode=mode,
        confidence=confidence,
        candidates=tuple((PITCH_CLASSES[k], m, score) for (k, m, _), score in zip(named, scores, strict=True)),
        camelot=camelot(tonic, mode),
        music=music,
        score=odd,
    )
