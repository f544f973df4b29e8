"""The character of a sound: the measures that words like "dark", "punchy" or "short" are defined by.

Conventions: seconds, Hz, dB, shares of 0 to 1; None where a question has no answer, as of silence. No measure depends
on the gain. The signal reaches up to 11 kHz.
"""

import math
from functools import lru_cache
from typing import Final

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _character
from samplemind_worker.dsp.key_model import tonalness
from samplemind_worker.dsp.types import Features
from samplemind_worker.dsp.units import SR

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

THIRDS: Final = 26
"""Bands of a third of an octave from 25 Hz to 10.2 kHz; the last one reaches up to 11 kHz."""
_LOWEST_HZ = 25.0
_SHARES: Final = {"sub": 4, "low": 9, "low_mid": 14, "mid": 19, "high": 24, "air": THIRDS}
"""First band above each range: 63, 200, 635, 2016 and 6400 Hz."""
_ENDS: Final = np.array(list(_SHARES.values()))
_ENVELOPE: Final = (
    "decay_seconds",
    "tail_seconds",
    "length_seconds",
    "sustain",
    "crest_db",
    "transient_db",
    "modulation_db",
    "onsets_per_second",
)
MEASURES: Final = (
    "attack_seconds",
    *_ENVELOPE,
    "brightness_hz",
    "attack_brightness_hz",
    "body_brightness_hz",
    "noisiness_db",
    "tonalness",
    *(f"{name}_share" for name in _SHARES),
)
"""The names of all measures."""
_FOUR_DIGITS: Final = "%.4g " * len(MEASURES)


@lru_cache(maxsize=1)
def band_edges(size: int) -> npt.NDArray[np.int64]:
    """Return the bins between which the thirds of an octave lie, for spectra of ``size`` samples at 22.05 kHz."""
    hz = _LOWEST_HZ * 2.0 ** (np.arange(THIRDS + 1) / 3.0)
    edges = np.rint(hz * size / SR).astype(np.int64)
    edges[-1] = size // 2 + 1
    return edges


def attack_seconds(y: F32) -> float:
    """Measure how long a sound takes to rise from a tenth to eight tenths of its greatest magnitude.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Signal at 22.05 kHz, not silent.

    Returns
    -------
    float
        Seconds in steps of a millisecond, 0 to 4.

    References
    ----------
    Peeters et al., "The Timbre Toolbox", 2011 (attack between two thresholds of the envelope).
    """
    return _character.rise_blocks(y) * _character.BLOCK / SR


def character(features: Features) -> dict[str, float | None]:
    """Measure the character of a sound.

    Parameters
    ----------
    features : Features

    Returns
    -------
    dict of str to float or None
        ``attack_seconds`` (`attack_seconds`), ``decay_seconds`` (to 20 dB below the greatest level), ``tail_seconds``
        (of the next 20 dB), ``length_seconds`` (audible, to 30 dB below), ``sustain`` (RMS of the second half over the
        first), ``crest_db``, ``transient_db`` (first 30 ms over the next 170), ``modulation_db``,
        ``onsets_per_second``, ``brightness_hz`` (centre of the third-octave magnitudes on a logarithmic scale),
        ``attack_brightness_hz`` and ``body_brightness_hz`` (centroid of the first 70 ms, and after them),
        ``noisiness_db`` (spectral flatness, 0 for white noise), ``tonalness`` (share of the energy above 150 Hz in
        spectral peaks) and the shares of the energy below 63 Hz (``sub_share``), 200 Hz (``low``), 635 Hz
        (``low_mid``), 2 kHz (``mid``), 6.4 kHz (``high``) and above (``air``). All None for silence.

    References
    ----------
    Peeters et al., "The Timbre Toolbox", 2011 (temporal descriptors); Johnston, 1988 (spectral flatness).
    """
    if features.peak == 0.0:
        return dict.fromkeys(MEASURES)
    found = np.empty(len(_ENVELOPE) + 3 + 1 + len(_SHARES))
    _character.describe(features.level, features.onset[0], SR / 128.0, features.frames, features.thirds, _ENDS, found)
    *envelope, head, body, flatness, centre = found[: -len(_SHARES)].tolist()
    # In the order of `MEASURES`.
    values = [
        features.attack_seconds,
        *envelope,
        _LOWEST_HZ * 2.0**centre,
        2.0**head,
        2.0**body,
        10.0 * flatness,
        tonalness(features),
        *found[-len(_SHARES) :].tolist(),
    ]
    # Four digits are more than a word needs.
    rounded = map(float, (_FOUR_DIGITS % tuple(values)).split())
    return {name: value if math.isfinite(value) else None for name, value in zip(MEASURES, rounded, strict=True)}
