"""Judges whether a sound has a tempo, and whether it is the likeliest one.

Conventions: probabilities 0 to 1. The trees of `tempo_model` weigh candidates against each other; a network here weighs
the winner against the possibility that there is no tempo at all, for it knows what the sound is like.
`training/pulse.py` trains it; whoever changes a measure, here, in `tempo.estimate_tempo` or in `kind.kind_row`, has to
train it again.
"""

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.kind import restlessness
from samplemind_worker.dsp.network import load_network, softmax
from samplemind_worker.dsp.types import Features, KeyEstimate, TempoEstimate

F64 = npt.NDArray[np.float64]

LEAST = 0.4
"""Probability of having a tempo below which none is reported."""
_QUIET = 1e-6  # of full scale, in power


def course(features: Features) -> F64:
    """Measure how the level changes from the first quarter to each later one: (3,), in bels of power, -3 to 3."""
    level = np.square(features.level.astype(np.float64))
    quarters = np.array([part.mean() for part in np.array_split(level, 4)])
    return np.clip(np.log10((quarters[1:] + _QUIET) / (quarters[0] + _QUIET)), -3.0, 3.0)


def pulse_row(features: Features, row: F64, *, tempo: TempoEstimate, key: KeyEstimate) -> F64:
    """Return the measures that tell whether there is a tempo, and whether it is this one: (41,).

    Parameters
    ----------
    features : Features
        Features of a sound that is not silent.
    row : ndarray of float, shape (19,)
        The result of `kind.kind_row`.
    tempo, key
        Estimates made as if the sound had a tempo and a key; the tempo is not None.
    """
    return np.array([*tempo.evidence, *row, key.music or 0.0, *restlessness(features), *course(features)])


def chances(features: Features, row: F64, *, tempo: TempoEstimate, key: KeyEstimate) -> tuple[float, float]:
    """Return the probabilities that the sound has a tempo, and that it has this one; 0 where nothing repeats.

    The parameters are those of `pulse_row`.
    """
    if tempo.tempo is None:
        return 0.0, 0.0
    none, _, right = softmax(load_network("pulse").logits(pulse_row(features, row, tempo=tempo, key=key))).tolist()
    return 1.0 - none, right
