"""What the hand-written kernels of `samplemind_worker.dsp` save against the libraries that could stand in for them.

Each pair measures the same thing on the same signal, in turns, on one thread; CPU time is counted, and a ratio is the
median of the pairs. The last column is the share of a whole analysis of that signal that the library would add.
ADR 0004 holds the decision that follows from these figures.
"""

import argparse
import os
import statistics
import sys
import time
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import scipy.fft
import scipy.signal
import soxr

from samplemind_worker import dsp
from samplemind_worker.dsp import features, loudness, spectrum
from samplemind_worker.dsp.resample import resample
from samplemind_worker.dsp.units import SR
from training import signals

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    import pyloudnorm

_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_BLOCK = 256  # frames that NumPy transforms at a time: what fits the cache is fastest
_TINY = 1e-10

Array = np.ndarray[Any, Any]


def _power(y: Array, size: int, hop: int) -> Array:
    """Compute the power spectra of centred Hann frames with scipy's float32 transform."""
    padded = np.pad(y, size // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, size)[::hop]
    window = spectrum.hann(size)
    power = np.empty((len(frames), size // 2 + 1), np.float32)
    for first in range(0, len(frames), _BLOCK):
        block = scipy.fft.rfft(frames[first : first + _BLOCK] * window, axis=-1)
        power[first : first + _BLOCK] = block.real**2 + block.imag**2
    return power


def _timbre(y: Array) -> None:
    """Compute the features of `features.timbre` from scipy's spectra with NumPy."""
    power = _power(y, features.FRAME, features.HOP)
    magnitude = np.sqrt(power)
    total = np.maximum(magnitude.sum(axis=1), 1e-30)
    hz = spectrum.bin_frequencies(features.FRAME)
    centroid = magnitude @ hz / total
    spread = np.sqrt(np.maximum(magnitude @ hz**2 / total - centroid**2, 0.0))
    rolloff = (np.cumsum(magnitude, axis=1) < 0.85 * total[:, None]).sum(axis=1)
    floored = np.maximum(power, _TINY)
    flatness = np.exp(np.log(floored).mean(axis=1)) / floored.mean(axis=1)
    contrast: list[Array] = []
    for first, end, count in features._contrast_bands().tolist():  # noqa: SLF001 -- the same bands
        band = np.partition(magnitude[:, first:end], (count - 1, end - first - count), axis=1)
        peak, valley = band[:, -count:].mean(axis=1), band[:, :count].mean(axis=1)
        contrast.append(20.0 * np.log10(np.maximum(peak, _TINY) / np.maximum(valley, _TINY)))
    chroma = power @ spectrum.chroma_filters(features.FRAME)
    chroma /= np.maximum(chroma.max(axis=1, keepdims=True), 1e-38)
    decibels = 10.0 * np.log10(np.maximum(power @ spectrum.mel_filters(features.FRAME, features.MEL_BANDS), _TINY))
    decibels = np.maximum(decibels, decibels.max() - 80.0)
    cepstrum = decibels @ spectrum.dct_basis(features.MEL_BANDS, features.MFCC)
    assert np.isfinite(centroid + spread + rolloff + flatness + cepstrum[:, 0] + chroma[:, 0] + contrast[0]).all()


def _onsets(y: Array) -> None:
    """Compute the answers of `features.onset_strength` from scipy's spectra with NumPy."""
    power = _power(y, features.ONSET_FRAME, features.ONSET_HOP)
    filters, ranges = features._onset_filters()  # noqa: SLF001 -- the same filters
    bands = np.log1p(np.sqrt(power @ filters.weights.T) * np.float32(1000.0 / 128.0))
    rise = np.maximum(bands[2:] - bands[:-2], 0.0)
    assert np.isfinite(rise @ ranges.weights.T).all()
    assert np.isfinite(np.sqrt(power.sum(axis=1))).all()


def _loudness(y: Array, sr: int) -> None:
    """Measure the loudness with pyloudnorm, and the true peak with scipy's polyphase filter."""
    meter = pyloudnorm.Meter(sr, filter_class="DeMan", block_size=min(0.4, len(y) / sr))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        meter.integrated_loudness(y)
    np.abs(scipy.signal.resample_poly(y, 4, 1, axis=0)).max()


def _compare(name: str, ours: Callable[[], object], other: Callable[[], object], *, whole: float, repeats: int) -> None:
    pairs: list[tuple[float, float]] = []
    for call in (ours, other):
        call()
    for _ in range(repeats):
        times = [time.process_time()]
        for call in (ours, other):
            call()
            times.append(time.process_time())
        pairs.append((times[1] - times[0], times[2] - times[1]))
    mine, its = (statistics.median(pair[k] for pair in pairs) for k in (0, 1))
    ratio = statistics.median(b / a for a, b in pairs)
    print(f"{name:<44} {1000 * mine:9.3f} {1000 * its:9.3f} {ratio:7.2f} {(its - mine) / whole:+9.0%}", flush=True)


def main() -> None:
    """Measure."""
    if not _ONE_THREAD.items() <= os.environ.items():
        # Libraries count their threads when they are loaded.
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.kernels", *sys.argv[1:]], os.environ | _ONE_THREAD)  # noqa: S606 -- itself
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeats", type=int, default=25)
    options = parser.parse_args()
    dsp.warm_up()
    print(f"{'CPU ms, medians':<44} {'ours':>9} {'library':>9} {'ratio':>7} {'analysis':>9}")
    loop = signals.melodic_loop(0, "major", 120.0, bars=4, sr=2 * SR).astype(np.float32)
    for title, seconds in (("0.5 s one-shot", 0.5), ("8 s loop", 8.0), ("180 s track", 180.0)):
        count = int(seconds * 2 * SR)
        fast = np.tile(loop, -(-count // len(loop)))[:count].astype(np.float32)
        stereo = np.ascontiguousarray(np.stack([fast, np.roll(fast, 50)], axis=1))
        y = np.ascontiguousarray(resample(fast, sr=2 * SR))
        repeats = max(3, int(options.repeats * min(1.0, 8.0 / seconds)))
        whole = statistics.median(
            _cpu(lambda y=y: dsp.estimate(dsp.compute_features(y, sr=SR), duration=len(y) / SR)) for _ in range(3)
        )
        whole += statistics.median(_cpu(lambda s=stereo: loudness.measure(s, sr=2 * SR)) for _ in range(3))
        for name, ours, other in (
            ("_fft: 2048/512 spectra against scipy.fft", lambda y=y: _spectra(y), lambda y=y: _power(y, 2048, 512)),
            (
                "_fft: halving 44.1 kHz against soxr HQ",
                lambda f=fast: resample(f, sr=2 * SR),
                lambda f=fast: soxr.resample(f, 2 * SR, SR, quality="HQ"),
            ),
            ("_frames: timbre against NumPy and scipy", lambda y=y: features.timbre(y), lambda y=y: _timbre(y)),
            ("_frames: onsets against NumPy and scipy", lambda y=y: features.onset_strength(y), lambda y=y: _onsets(y)),
            (
                "_loudness against pyloudnorm and scipy",
                lambda s=stereo: loudness.measure(s, sr=2 * SR),
                lambda s=stereo: _loudness(s, 2 * SR),
            ),
        ):
            _compare(f"{title}, {name}", ours, other, whole=whole, repeats=repeats)


def _spectra(y: Array) -> None:
    for _ in spectrum.power_blocks(y, size=2048, hop=512):
        pass


def _cpu(call: Callable[[], object]) -> float:
    started = time.process_time()
    call()
    return time.process_time() - started


if __name__ == "__main__":
    main()
