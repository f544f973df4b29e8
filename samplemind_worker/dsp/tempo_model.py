"""Measures the evidence for each candidate tempo, and evaluates the boosted trees that weigh it.

Conventions: periods in frames of the onset strength (sr / 128 per second); one row of float32 measures per candidate.
`training/tempo.py` trains the trees; whoever changes a measure has to train them again.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _trees
from samplemind_worker.dsp.units import SR

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]

RATE = SR / 128
"""Frames of the onset strength per second."""
LONGEST_LOOP = 32.0
"""In seconds. The length of a longer file is no evidence of its tempo."""

BEATS = np.array([1 / 8, 1 / 6, 1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3, 4, 6, 8, 12, 16])
"""Lags at which the autocorrelation is read, in beats."""
CYCLES = np.array([1 / 4, 1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 3 / 2, 2, 3, 4, 6, 8])
"""Frequencies at which the spectrum of the onset strength is read, in cycles per beat."""
MEASURES = 166
"""Measures per candidate."""
_SPREAD = np.array([-0.01, -0.005, 0.0, 0.005, 0.01])
_CROSS = [2, 5, 7]  # of CYCLES: 1/2, 1 and 2 per beat
_MEAN_SECONDS = 0.4
_SMOOTHING = 1.5  # frames (9 ms): a human drummer's jitter
_LONGEST_LAG = 20.0  # seconds
_OVERLAP = 0.85  # of the signal: longer lags leave too little overlap to be evidence
_WINDOW, _PADDED = 2048, 8192  # frames of the spectrum: 12 s, interpolated to 1.3 BPM
_EVEN = 0.85  # contrast; steady noise has 0.6 to 0.85, and only one in 500 sounds with a beat has so little
_FEW, _CLEAR = 16, 2.0  # most onsets that the 99th percentile may miss, and how far the third highest stands out then
_EDGE = 4  # frames at the beginning in which an onset is no peak
_BEGINNING = 8  # frames (46 ms) over which the rise from nothing at the beginning is spread
_ABSENT = -1.0  # stands for a lag beyond the signal, and for the length where it is no evidence


@dataclass(frozen=True, slots=True)
class Pulse:
    """The onset strength, prepared for the measurement of periods."""

    envelopes: F64
    """(4, n): local mean removed, smoothed."""
    correlation: F64
    """(4, lags): autocorrelation, 1 at lag 0, corrected for the shrinking overlap."""
    around: F64
    """(4, lags) for loops: autocorrelation of the endlessly repeated signal; (4, 0) for longer signals."""
    spectra: F64
    """(4, frequencies): power spectrum over the power at frequency 0, frequencies of RATE / 8192."""
    cross: F64
    """(2, frequencies): real part of the coherence of the low range with the two above."""
    duration: float
    """Seconds of the whole file."""
    onsets: F64
    """(4,): onsets per second, which are peaks above a twentieth of the strong ones."""
    first: float
    """Seconds to the first clear onset."""
    last: float
    """Seconds from the last clear onset to the end."""
    contrast: float
    """Log ratio of strong onsets to the usual onset strength."""
    looped: bool
    """Whether the signal is the whole file and short enough to be a loop."""


def _smooth(x: F64, width: int) -> F64:
    """Return the moving average over an odd ``width`` along the last axis, at the ends over fewer values."""
    half = width // 2
    total = np.cumsum(np.pad(x, ((0, 0), (half + 1, half))), axis=1)
    count = np.cumsum(np.pad(np.ones(x.shape[1]), (half + 1, half)))
    return (total[:, width:] - total[:, :-width]) / (count[width:] - count[:-width])


def _gaussian(x: F64, sigma: float) -> F64:
    radius = int(3 * sigma + 0.5)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    kernel /= kernel.sum()
    padded = np.pad(x, ((0, 0), (radius, radius)))
    return sum(
        (weight * padded[:, k : k + x.shape[1]] for k, weight in enumerate(kernel.tolist())), start=np.zeros_like(x)
    )


def _strong(strength: F64) -> F64:
    """Return the value that one percent of each row exceeds, but at least two values."""
    rank = max(3, strength.shape[1] // 100)
    return np.partition(strength, -rank, axis=1)[:, -rank]


def _onsets(strength: F64) -> tuple[F64, F64, bool]:
    """Find clear onsets: places (frames) in the first row, onsets per second of each row, whether the first is cut.

    A signal that begins in an onset has not the rise that makes a place.
    """
    inner, strong = strength[:, 1:-1], _strong(strength)
    peaks = (inner > strength[:, :-2]) & (inner >= strength[:, 2:]) & (inner > 0.05 * strong[:, None])
    # What a signal begins with rises from nothing. Beside that, onsets within a legato would all be weak.
    least = 0.3 * _strong(strength[:1, _BEGINNING:])[0]
    clear = np.flatnonzero(peaks[0] & (inner[0] > least)).astype(np.float64) + 1.0
    cut = bool(strength[0, :_EDGE].max() > least) and not (clear <= _EDGE).any()
    return clear, np.asarray(peaks.sum(axis=1) / (strength.shape[1] / RATE), dtype=np.float64), cut


def _stands_out(raw: F64) -> float:
    """Return the log ratio of the third highest onset strength to the usual one."""
    return math.log((float(np.partition(raw, -3)[-3]) + 0.01) / (float(np.median(raw)) + 0.01))


def _spectra(envelopes: F64) -> tuple[F64, F64]:
    n = envelopes.shape[1]
    if n <= _WINDOW:
        windows = [np.fft.rfft(envelopes, _PADDED, axis=1)]
    else:
        shape = np.hanning(_WINDOW)
        starts = np.linspace(0, n - _WINDOW, min(12, 1 + -(-(n - _WINDOW) // (_WINDOW // 2)))).astype(int)
        windows = [np.fft.rfft(envelopes[:, s : s + _WINDOW] * shape, _PADDED, axis=1) for s in starts.tolist()]
    power = np.zeros((4, _PADDED // 2 + 1))
    cross = np.zeros((2, _PADDED // 2 + 1))
    for w in windows:
        power += np.square(np.abs(w)) / len(windows)
        cross += (w[1] * np.conj(w[2:])).real / len(windows)
    coherence = cross / np.sqrt(np.maximum(power[1] * power[2:], 1e-12))
    return power / np.maximum(power[:, :1], 1e-12), coherence


def prepare(onset: F32, *, samples: int, duration: float, exact_length: bool = True) -> Pulse | None:
    """Prepare the onset strength of a signal; None if it is shorter than 1 s, as even as noise, or has few onsets."""
    n = onset.shape[1]
    if n < RATE:  # nothing repeats within a second
        return None
    raw = onset.astype(np.float64)
    usual, strong = np.percentile(raw[0], (50, 99))
    contrast = float(np.log((strong + 0.01) / (usual + 0.01)))
    # Onsets may be so few that none is below the 99th percentile.
    is_even = contrast < _EVEN
    if is_even and _stands_out(raw[0]) < _CLEAR:
        return None
    width = 2 * round(_MEAN_SECONDS * RATE / 2) + 1
    envelopes = _gaussian(np.maximum(raw - _smooth(raw, width), 0.0), _SMOOTHING)
    places, rates, cut = _onsets(envelopes)
    looped = exact_length and duration <= LONGEST_LOOP and abs(samples / SR - duration) < 0.1  # noqa: PLR2004 -- seconds
    # Two hits make no pulse, unless the signal is meant to be repeated.
    enough = len(places) >= (1 if cut else 2) if looped else len(places) >= 3  # noqa: PLR2004 -- hits
    if not enough or (is_even and len(places) > _FEW):
        return None
    centred = envelopes - envelopes.mean(axis=1, keepdims=True)
    lags = n - 1 if looped else min(n - 1, round(_LONGEST_LAG * RATE))
    size = 1 << (n + lags - 1).bit_length()
    spectrum = np.fft.rfft(centred, size, axis=1)
    products = np.fft.irfft(np.square(np.abs(spectrum)), size, axis=1)[:, : lags + 1]
    energy = np.maximum(products[:, :1], 1e-12)
    around = np.zeros((4, 0))
    if looped:
        # The signal continues at its beginning: add the products at the lag and at the length minus the lag.
        back = duration * RATE - np.arange(lags + 1)
        around = products.copy()
        for row in range(4):
            around[row] += np.interp(back, np.arange(lags + 1), products[row], right=0.0)
        around /= energy
    correlation = products * (n / (n - np.arange(lags + 1))) / energy
    correlation[:, int(_OVERLAP * n) :] = 0.0
    power, cross = _spectra(envelopes)
    return Pulse(
        envelopes=envelopes,
        correlation=correlation,
        around=around,
        spectra=power,
        cross=cross,
        duration=duration,
        onsets=rates,
        first=float(places[0]) / RATE,
        last=duration - float(places[-1]) / RATE,
        contrast=contrast,
        looped=looped,
    )


def _read(table: F64, places: F64) -> F64:
    """Interpolate the rows of a table at fractional places (of any shape); `_ABSENT` beyond its end."""
    k = np.minimum(places.astype(np.int64), max(table.shape[1] - 2, 0))
    part = places - k
    values = table[:, k] * (1.0 - part) + table[:, k + 1] * part
    return np.where(places < table.shape[1] - 1, values, _ABSENT)


def describe(pulse: Pulse, periods: F64, salience: F64) -> F32:
    """Measure the evidence for each beat period.

    Parameters
    ----------
    pulse : Pulse
    periods : ndarray of float, shape (n,)
        In frames.
    salience : ndarray of float, shape (n,)
        Value of `tempo.comb` at each period.

    Returns
    -------
    ndarray of float32, shape (n, 166)
        Autocorrelation of each range at 1/8 to 16 beats, as the maximum within 1 % (-1 beyond the signal);
        autocorrelation of the mean of the ranges without that tolerance, for the plain and for the endlessly repeated
        signal; onset spectrum of each range at 1/4 to 8 cycles per beat, and the coherence of the low range with the
        others there; tempo; length in beats and its distance to whole beats and bars; onsets per beat; the salience,
        and its relation to that of the other candidates.
    """
    count = len(periods)
    lags = periods[:, None] * BEATS
    near = _read(pulse.correlation, lags[:, :, None] * (1.0 + _SPREAD)).max(axis=-1)
    mean = pulse.correlation.mean(axis=0, keepdims=True)
    exact = _read(mean, lags)[0]
    around = np.full((count, len(BEATS)), _ABSENT)
    if pulse.looped:
        around = _read(pulse.around.mean(axis=0, keepdims=True), lags)[0]
    cycles = _PADDED / periods[:, None] * CYCLES
    power = np.sqrt(np.maximum(_read(pulse.spectra[1:], cycles), 0.0))
    agree = _read(pulse.cross, cycles[:, _CROSS])
    beats = pulse.duration * RATE / periods
    absent = np.full(count, _ABSENT)
    length = [absent] * 7
    if pulse.looped:
        doublings = np.log2(beats)
        length = [
            beats,
            *(np.abs(beats - every * np.maximum(np.round(beats / every), 1)) for every in (1, 2, 3, 4)),
            np.abs(doublings - np.round(doublings)),
            np.full(count, pulse.duration),
        ]
    best = np.maximum(salience.max(), 1e-9)
    bpm = 60.0 * RATE / periods
    rest = [
        np.log2(bpm),
        *(np.abs(bpm - every * np.round(bpm / every)) for every in (0.5, 1.0, 5.0)),
        *(rate * periods / RATE for rate in pulse.onsets),
        np.full(count, pulse.onsets[0]),
        pulse.first * RATE / periods,
        np.minimum(pulse.last * RATE / periods, 16.0),
        np.full(count, pulse.contrast),
        salience,
        salience / best,
        salience.argsort().argsort()[::-1].astype(np.float64),
    ]
    blocks = [near.transpose(1, 0, 2).reshape(count, -1), exact, around]
    blocks += [power.transpose(1, 0, 2).reshape(count, -1), agree.transpose(1, 0, 2).reshape(count, -1)]
    blocks.append(np.stack([*length, *rest], axis=1))
    return np.ascontiguousarray(np.concatenate(blocks, axis=1), dtype=np.float32)


@dataclass(frozen=True, slots=True)
class Trees:
    """Boosted trees in flat arrays; the sum of their leaves is a logit."""

    roots: I32
    feature: I32
    """-1 at a leaf."""
    threshold: F32
    children: I32
    value: F32
    base: float

    def __call__(self, rows: F32) -> F64:
        """Return the probability of each row."""
        total = np.empty(len(rows))
        _trees.sum_trees(rows, self.roots, self.feature, self.threshold, self.children, self.value, total)
        return 1.0 / (1.0 + np.exp(-(total + self.base)))


@dataclass(frozen=True, slots=True)
class Model:
    """The trained model of tempi."""

    right: Trees
    """Probability that a candidate is the tempo."""
    other: Trees
    """The same, learned on other clips: asked where two tempi are nearly as likely."""
    three: Trees
    """Probability that a bar has three beats, given the tempo."""
    scores: F64
    """Calibration: scores of the best candidate, rising."""
    chances: F64
    """Calibration: how often the best candidate was right at these scores."""
    least: float
    """Score below which no tempo is reported."""


def _trees_of(arrays: Mapping[str, npt.NDArray[Any]], name: str) -> Trees:
    """Return the trees whose arrays have this prefix."""
    return Trees(
        roots=arrays[f"{name}_roots"].astype(np.int32),
        feature=arrays[f"{name}_feature"].astype(np.int32),
        threshold=arrays[f"{name}_threshold"],
        children=arrays[f"{name}_children"].astype(np.int32),
        value=arrays[f"{name}_value"],
        base=float(arrays[f"{name}_base"]),
    )


@lru_cache(maxsize=1)
def load() -> Model:
    """Read the model that comes with the package."""
    path = resources.files("samplemind_worker.dsp").joinpath("models/tempo.npz")
    with path.open("rb") as file, np.load(file) as data:
        return Model(
            right=_trees_of(data, "right"),
            other=_trees_of(data, "other"),
            three=_trees_of(data, "three"),
            scores=data["scores"].astype(np.float64),
            chances=data["chances"].astype(np.float64),
            least=float(data["least"]),
        )
