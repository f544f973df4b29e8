"""The fingerprint of a sound, by which altered copies of it are found.

`samplemind_worker.fingerprints` has its layout.
"""

import math
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker import fingerprints as layout
from samplemind_worker.dsp import _prints

F32 = npt.NDArray[np.float32]

_ONSET = 0.1  # of the greatest level: where a sound begins
_EMPHASIS = 0.95  # makes up for the fall of most spectra, so that 4 bits hold their upper half as well
_LEVEL_HOP, _MEL_HOP = 128, 512
_EDGES = layout.EDGES * (layout.RATE / _MEL_HOP)


def fingerprint(y: F32, *, level: F32, mel: F32, begin: int = 0) -> npt.NDArray[np.uint8]:
    """Take the fingerprint of a sound.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Signal at 22.05 kHz, not silent.
    level, mel : ndarray of float32
        Its level (m,) and log mel power (k, 40), as `Features` has them.
    begin : int
        The sample at which the first frame of both begins.

    Returns
    -------
    ndarray of uint8
        The bytes of one record of `fingerprints.LAYOUT`.
    """
    after = _prints.first_reaching(level, _ONSET) * _LEVEL_HOP
    onset = begin + after
    found = np.zeros((), layout.LAYOUT)
    found["version"], found["onset"] = layout.VERSION, onset / layout.RATE
    found["length"] = max(len(y) - onset, 0) / layout.RATE
    peak = _prints.quantize(
        y, onset - layout.LEAD, _EMPHASIS, 20.0 / layout.STEP_DB, _levels(), found["scales"], found["steps"]
    )
    if peak > 0.0:
        found["peak_db"] = 20.0 * math.log10(peak)
    # Frame t is about what lies around t, so it ends at t + 1/2.
    _prints.contour(mel, _EDGES, after / _MEL_HOP + 0.5, 10.0 / layout.STEP_DB, found["levels"])
    return np.frombuffer(found.tobytes(), np.uint8)


@lru_cache(maxsize=1)
def _levels() -> F32:
    """Return the share of the peak that each scale stands for."""
    steps = np.arange(256, dtype=np.float32) - np.float32(255.0)
    return 10.0 ** (steps * np.float32(layout.STEP_DB / 20.0))
