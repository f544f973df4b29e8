"""The fingerprint of a sound, by which altered copies of it are found.

`samplemind_worker.fingerprints` has its layout.
"""

import math

import numpy as np
import numpy.typing as npt

from samplemind_worker import fingerprints as layout

F32 = npt.NDArray[np.float32]

_ONSET = 0.1  # of the greatest level: where a sound begins
_EMPHASIS = 0.95  # makes up for the fall of most spectra, so that 4 bits hold their upper half as well
_LEVEL_HOP, _MEL_HOP = 128, 512
_EDGES = layout.EDGES * (layout.RATE / _MEL_HOP)


def fingerprint(y: F32, *, level: F32, mel: F32) -> npt.NDArray[np.uint8]:
    """Take the fingerprint of a sound.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Signal at 22.05 kHz, not silent.
    level, mel : ndarray of float32
        Its level (m,) and log mel power (k, 40), as `Features` has them.

    Returns
    -------
    ndarray of uint8
        The bytes of one record of `fingerprints.LAYOUT`.
    """
    begin = int(np.argmax(level >= _ONSET * level.max())) * _LEVEL_HOP
    found = np.zeros((), layout.LAYOUT)
    found["version"], found["onset"] = layout.VERSION, begin / layout.RATE
    found["length"] = max(len(y) - begin, 0) / layout.RATE
    first = begin - layout.LEAD
    heard = y[max(first - 1, 0) : first + layout.SNIPPET]
    snippet = np.zeros(layout.SNIPPET + 1, np.float32)
    at = max(1 - first, 0)
    snippet[at : at + len(heard)] = heard
    runs = (snippet[1:] - np.float32(_EMPHASIS) * snippet[:-1]).reshape(-1, layout.RUN)
    scales = np.abs(runs).max(axis=1)
    peak = float(scales.max())
    if peak > 0.0:
        found["peak_db"] = 20.0 * math.log10(peak)
        quiet = -20.0 / layout.STEP_DB * np.log10(np.maximum(scales / peak, 1e-9))
        found["scales"] = kept = np.maximum(255.0 - np.floor(quiet), 0.0).astype(np.uint8)
        whole = 10.0 ** ((kept.astype(np.float32) - 255.0) * (layout.STEP_DB / 20.0)) * peak
        steps = np.clip(np.rint(runs * (7.0 / whole)[:, None]), -7, 7).astype(np.int8).ravel() + 8
        found["steps"] = (steps[0::2] | (steps[1::2] << 4)).astype(np.uint8)
    found["levels"] = _contour(mel, begin / _MEL_HOP)
    return np.frombuffer(found.tobytes(), np.uint8)


def _contour(mel: F32, begin: float) -> npt.NDArray[np.uint8]:
    """Measure the mean power of each band in each stretch, in steps below the loudest."""
    levels = np.zeros((layout.STRETCHES, layout.BANDS), np.uint8)
    # Frame t is about what lies around t, so it ends at t + 1/2. The first stretch is there, others if half of them is.
    places = _EDGES + (begin + 0.5)
    count = max(1, int(np.searchsorted((places[:-1] + places[1:]) / 2.0, len(mel))))
    places = np.minimum(places[: count + 1], len(mel))
    power = np.exp(mel * np.float32(math.log(10.0) / 10.0)).reshape(len(mel), layout.BANDS, -1).sum(axis=2)
    sums = np.zeros((len(mel) + 1, layout.BANDS))
    np.cumsum(power, axis=0, out=sums[1:])
    whole = np.minimum(places.astype(np.int64), len(mel) - 1)
    at = sums[whole] + (places - whole)[:, None] * power[whole]
    means = (at[1:] - at[:-1]) / np.maximum(places[1:] - places[:-1], 1e-9)[:, None]
    loudest = float(means.max(initial=0.0))
    if loudest > 0.0:
        below = np.log10(np.maximum(means / loudest, 1e-13)) * (10.0 / layout.STEP_DB)
        levels[:count] = np.maximum(np.rint(below + 255.0), 1.0)
    return levels
