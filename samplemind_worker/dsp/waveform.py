"""The waveform of a file for drawing: the extremes of three bands of frequencies, in a few hundred buckets.

Conventions: the bands are below 250 Hz, between, and above 2.5 kHz. A waveform is ``bytes``: six unsigned bytes per
bucket, the least and the greatest value of the low, middle and high band; 128 is zero, and the loudest value of all
bands lies 127 from it. There are at most 340 buckets, 2,040 bytes, and a bucket has 16 samples or more.
"""

import math
from functools import lru_cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _waveform

F32 = npt.NDArray[np.float32]

MOST_BUCKETS: Final = 340
BYTES_PER_BUCKET: Final = 6
EDGES_HZ: Final = (250.0, 2500.0)
LEAST_SAMPLES: Final = 16
"""Samples of the shortest bucket: less than a pixel of the longest line, and less than a period of the high band."""
_LANES: Final = 8
"""What the kernel works on side by side; hops, leads and numbers of buckets are multiples of it."""
_SETTLING_SECONDS: Final = 0.0055
"""After this the lower filter has forgotten all but 1/500 of its past, half a step of the result."""
_BLOCK: Final = 1 << 16
"""Samples that are measured at once, so that the leads of eight stretches cost little."""
_LONGEST: Final = 1 << 15
"""Samples of a bucket while it is measured, so that eight of them take little memory; they are joined at the end."""
_IS_MOST = np.arange(BYTES_PER_BUCKET) % 2 == 1


@lru_cache(maxsize=8)
def _filters(sr: int) -> F32:
    """Return both filters as `_waveform.band_extremes` takes them: Butterworth, second order, in state-space form.

    The trapezoidal state variable filter of Zavalishin ("The Art of VA Filter Design", 2018, chapter 4) gives the low
    and the high part of its input at once, and stays exact where the edge is a thousandth of the rate.
    """
    rows: list[list[float]] = []
    for edge in EDGES_HZ:
        # An edge beyond half of the rate leaves nothing to the high band.
        g, damping = math.tan(math.pi * min(edge / sr, 0.49)), math.sqrt(2.0)
        a1 = 1.0 / (1.0 + g * (g + damping))
        a2, a3 = g * a1, g * g * a1
        state = [2.0 * a1 - 1.0, -2.0 * a2, 2.0 * a2, 1.0 - 2.0 * a3, 2.0 * a2, 2.0 * a3]
        low = [a2, 1.0 - a3, a3]
        high = [-(damping * a1 + a2), damping * a2 - 1.0 + a3, 1.0 - damping * a2 - a3]
        rows.append(state + low + high)
    return np.array(rows, np.float32)


def _multiple(samples: float) -> int:
    """Round up to a multiple of eight."""
    return _LANES * math.ceil(samples / _LANES)


class WaveformMeter:
    """Measures the waveform of a signal that arrives in blocks; the result does not depend on their sizes.

    Parameters
    ----------
    sr : int
        Rate of the signal in Hz, above 500.
    samples : int, optional
        Its length, if it is known. Otherwise a bucket has 10 ms or more.
    """

    def __init__(self, *, sr: int, samples: int | None = None) -> None:
        self._filters, self._lead = _filters(sr), _multiple(_SETTLING_SECONDS * sr)
        whole = sr / 100.0 if samples is None else samples / MOST_BUCKETS
        self._hop = max(LEAST_SAMPLES, _multiple(whole / max(1, math.ceil(whole / _LONGEST))))
        self._rows: list[F32] = []
        self._before = np.zeros(0, np.float32)
        """What the filters need from before the next bucket."""
        self._waiting: list[F32] = []
        """The samples that are not measured yet, and their number."""
        self._samples = 0

    def update(self, block: F32) -> None:
        """Add the next samples, mono and finite."""
        self._waiting.append(block)
        self._samples += len(block)
        if self._samples >= _BLOCK:
            self._measure(self._samples // self._hop // _LANES * _LANES)

    def _measure(self, buckets: int) -> None:
        if not buckets:
            return
        held, used = self._lead + self._samples, buckets * self._hop
        x = np.zeros(max(held, self._lead + used), np.float32)
        at = self._lead - len(self._before)
        for part in (self._before, *self._waiting):
            x[at : at + len(part)] = part
            at += len(part)
        # The last bucket is filled with what precedes, backwards, so that the filters see no step.
        mirrored = x[held - 2 : max(0, held - 2 - self._hop) : -1]
        x[held : held + len(mirrored)] = mirrored[: len(x) - held]
        rows = np.empty((buckets, BYTES_PER_BUCKET), np.float32)
        _waveform.band_extremes(x, self._lead, self._hop, self._filters, rows)
        self._rows.append(rows)
        self._before, self._waiting = x[used : used + self._lead], [x[used + self._lead : held]]
        self._samples = max(0, self._samples - used)

    def result(self) -> bytes:
        """Return the waveform, if no more samples follow; all 128 for silence, and nothing for no samples."""
        count = -(-self._samples // self._hop)
        before = sum(map(len, self._rows))
        if count:
            self._measure(_multiple(count))
        if not (count := count + before):
            return b""
        rows = np.concatenate(self._rows)[:count] if len(self._rows) > 1 else self._rows[0][:count]
        if count > MOST_BUCKETS:
            starts = np.arange(0, count, -(-count // MOST_BUCKETS))
            least, most = np.minimum.reduceat(rows, starts), np.maximum.reduceat(rows, starts)
            rows = np.where(_IS_MOST, most, least)
        data = np.empty(rows.shape, np.uint8)
        _waveform.scale(rows, data)
        return data.tobytes()


def waveform(y: npt.NDArray[Any], *, sr: int) -> bytes:
    """Measure the waveform of a whole signal.

    Parameters
    ----------
    y : ndarray of float32, shape (n,)
        Mono signal, finite.
    sr : int
        Its rate in Hz, above 500.

    Returns
    -------
    bytes
        As in the conventions; all 128 for silence, and nothing for no samples.
    """
    meter = WaveformMeter(sr=sr, samples=len(y))
    meter.update(y)
    return meter.result()
