"""Judges whether a sound has a tempo, and whether it is the likeliest one.

Conventions: probabilities 0 to 1. The trees of `tempo_model` weigh candidates against each other; a network here weighs
the winner against the possibility that there is no tempo at all, for it knows what the sound is like.
`training/pulse.py` trains it; whoever changes a measure, here, in `recurrence`, in `tempo.estimate_tempo` or in
`kind.kind_row`, has to train it again. The networks of `kind` read parts of the same row.
"""

import math

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.kind import restlessness
from samplemind_worker.dsp.probabilities import probabilities
from samplemind_worker.dsp.recurrence import recurrence
from samplemind_worker.dsp.types import Features, KeyEstimate, TempoEstimate

F64 = npt.NDArray[np.float64]

LEAST = 0.4
"""Probability of having a tempo below which none is reported."""
_EVIDENCE = 13
"""Measures at the beginning of a row that are the evidence of a tempo; 0 where nothing can repeat."""
_QUIET = 1e-6  # of full scale, in power
_EDGE = 4  # frames of the level (23 ms), and of the mel bands (93 ms), at the beginning and the end
_LOWEST = 60.0  # dB below the loudest; what is softer is silent


def course(features: Features) -> F64:
    """Measure how the level changes from the first quarter to each later one: (3,), in bels of power, -3 to 3."""
    level = np.square(features.level.astype(np.float64))
    quarters = np.array([part.mean() for part in np.array_split(level, 4)])
    return np.clip(np.log10((quarters[1:] + _QUIET) / (quarters[0] + _QUIET)), -3.0, 3.0)


def edges(features: Features) -> F64:
    """Measure whether a sound could go on at its beginning: (3,).

    Levels of the first and the last 23 ms, from 0 (60 dB below the loudest) to 1, and the cosine of the mel bands about
    their mean between the first and the last 93 ms. What rings out ends in silence, a loop where it is cut.
    """
    level = features.level.astype(np.float64)
    floor = float(level.max()) * 10.0 ** (-_LOWEST / 20.0)
    first, last = (math.log10(max(float(part.max()), floor) / floor) for part in (level[:_EDGE], level[-_EDGE:]))
    mel = features.mel.astype(np.float64)
    mel = mel - mel.mean(axis=0)
    start, end = mel[:_EDGE].mean(axis=0), mel[-_EDGE:].mean(axis=0)
    size = float(np.linalg.norm(start) * np.linalg.norm(end))
    return np.array([first / 3.0, last / 3.0, float(start @ end) / size if size > 0.0 else 1.0])


def pulse_row(features: Features, row: F64, *, tempo: TempoEstimate, key: KeyEstimate) -> F64:
    """Return the measures that tell whether there is a tempo, and whether it is this one: (52,).

    Parameters
    ----------
    features : Features
        Features of a sound that is not silent.
    row : ndarray of float, shape (19,)
        The result of `kind.kind_row`.
    tempo, key
        Estimates made as if the sound had a tempo and a key.
    """
    evidence, again = tempo.evidence or (0.0,) * _EVIDENCE, recurrence(features.mel, tempo.tempo)
    lasting = (key.music or 0.0, *restlessness(features))
    return np.array([*evidence, *again, *row, *lasting, *course(features), *edges(features)])


def chances(row: F64, tempo: TempoEstimate) -> tuple[float, float]:
    """Return the probabilities that the sound has a tempo, and that it has this one; 0 where nothing repeats.

    Parameters
    ----------
    row : ndarray of float, shape (52,)
        The result of `pulse_row`.
    tempo : TempoEstimate
        The likeliest tempo.
    """
    if tempo.tempo is None:
        return 0.0, 0.0
    none, _, right = probabilities("pulse", row).tolist()
    return 1.0 - none, right
