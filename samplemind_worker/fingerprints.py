"""How a fingerprint of a sound is laid out in the record: `dsp.fingerprint` makes it, `finding` compares it.

A fingerprint has two parts. The *snippet* is the waveform of 93 ms around the onset, in steps of 4 bits relative to the
loudest sample of each 1.5 ms. The *contour* has the level of ten bands in stretches of time that grow from 23 ms at the
onset to seconds. Both are relative to the loudest part of the sound, so neither depends on its gain.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

RATE: Final = 22050
"""Samples of the snippet per second."""
SNIPPET: Final = 2048
"""Samples of the snippet."""
LEAD: Final = 128
"""Samples of the snippet before the onset."""
RUN: Final = 32
"""Samples of the snippet that share a scale."""
BANDS: Final = 10
STRETCHES: Final = 54
EDGES: Final[npt.NDArray[np.float64]] = np.concatenate((np.arange(8.0), 8.0 * 1.15 ** np.arange(STRETCHES - 7))) * (
    512 / RATE
)
"""Where the stretches of the contour begin and end, in seconds after the onset: shape (STRETCHES + 1,)."""
STEP_DB: Final = 0.5
"""One step of a scale or of a level; 255 is the loudest one of the sound, 0 is nothing."""
VERSION: Final = 1
LAYOUT: Final = np.dtype(
    [
        ("version", "u1"),
        ("onset", "<f4"),  # seconds from the beginning of the analysed signal
        ("length", "<f4"),  # seconds from the onset to the end of the analysed signal
        ("peak_db", "<f4"),  # dBFS of scale 255
        ("scales", "u1", (SNIPPET // RUN,)),
        ("steps", "u1", (SNIPPET // 2,)),  # two samples a byte, -7 to 7, as 1 to 15; the earlier one in the low half
        ("levels", "u1", (STRETCHES, BANDS)),
    ]
)


_LEAST: Final = -2.0  # 40 dB below the loudest: what is quieter is not evened further
_AT: Final = np.clip((np.arange(SNIPPET) - (RUN - 1) / 2) / RUN, 0.0, SNIPPET // RUN - 1.001)
_RUN_BEFORE: Final = _AT.astype(np.int64)
_PART: Final = (_AT - _RUN_BEFORE).astype(np.float32)


def unpack_snippets(prints: npt.NDArray[np.void]) -> npt.NDArray[np.float32]:
    """Return the snippets of an array of fingerprints with their levels evened: float32, shape (n, SNIPPET).

    What is 20 dB below the loudest run of a snippet is 10 dB below it afterwards, so that a comparison hears the decay
    of a sound as well as its attack.
    """
    steps = np.empty((len(prints), SNIPPET), np.float32)
    steps[:, 0::2], steps[:, 1::2] = prints["steps"] & 15, prints["steps"] >> 4
    steps -= 8.0
    below = (prints["scales"].astype(np.float32) - 255.0) * (STEP_DB / 20.0)
    scales = np.where(prints["scales"] > 0, 10.0**below / 7.0, 0.0).astype(np.float32)
    steps.reshape(len(prints), SNIPPET // RUN, RUN)[:] *= scales[:, :, None]
    # The gain changes steadily: steps between runs would be heard differently where a copy begins within a run.
    gains = np.where(prints["scales"] > 0, 10.0 ** (-0.5 * np.maximum(below, _LEAST)), 1.0).astype(np.float32)
    steps *= gains[:, _RUN_BEFORE] * (1.0 - _PART) + gains[:, _RUN_BEFORE + 1] * _PART
    return steps
