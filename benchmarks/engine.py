"""The speed of the analysis of one file, as ratios to what cannot be avoided, measured in the same run.

The floor is decoding the file, bringing it to mono at 22.05 kHz, and one 2048/512 float32 STFT (scipy). The other
reference is librosa's pipeline as most write it. All runs take turns on one thread, groups of files at a time, as a
worker takes them. CPU seconds are counted, and ratios are medians of pairs, so that another load on the machine falls
on both sides alike.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import scipy.fft
import soundfile as sf
import soxr

from benchmarks import library
from config.settings import Settings
from samplemind_worker import dsp
from samplemind_worker.pipeline.analyze import analyze_file
from samplemind_worker.pipeline.engine import judge, measure
from samplemind_worker.pipeline.signals import limits, read_signal

_WINDOW = np.hanning(2049)[:-1].astype(np.float32)
_ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_STEPS = ("decode", "features", "tempo_key")
_GROUP = 60  # short files that one step takes one after the other: a parcel's

# What a fresh process does: analyse the file named, and say how long it took from the start and how big it got.
_FRESH = """
import time
started = time.perf_counter()
import sys
from pathlib import Path
from config.settings import Settings
from samplemind_worker.pipeline.analyze import analyze_file
loaded = time.perf_counter()
analyze_file(Path(sys.argv[1]), Settings(max_duration=3600.0))
done = time.perf_counter()
peak = next(line for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(loaded - started, done - started, int(peak.split()[1]) / 1024)
"""


def floor(path: Path) -> None:
    """Decode, mix, resample, transform: no analysis can do with less."""
    y, sr = sf.read(path, dtype="float32", always_2d=True)
    mono = soxr.resample(y.mean(axis=1), sr, dsp.SR)
    padded = np.pad(mono, len(_WINDOW) // 2)
    frames = np.lib.stride_tricks.sliding_window_view(padded, len(_WINDOW))[::512]
    scipy.fft.rfft(frames * _WINDOW, axis=-1)


_LIMITS = limits(Settings())


def ours(paths: Sequence[Path]) -> list[float]:
    """Analyse files step by step, as workers and `analyze` do; return the CPU seconds of each step."""
    times = [time.process_time()]
    signals = []
    for path in paths:
        with path.open("rb") as file:
            signals.append(read_signal(file, name=os.fsencode(path.name), file_id="0" * 64, limits=_LIMITS))
    times.append(time.process_time())
    measured = [measure(signal) for signal in signals]
    times.append(time.process_time())
    for one in measured:
        judge(one)
    times.append(time.process_time())
    return [after - before for before, after in pairwise(times)]


def librosa_pipeline(path: Path) -> None:
    """Analyse a file as the tutorials do."""
    import librosa  # noqa: PLC0415 -- slow import

    warnings.simplefilter("ignore")  # that the frames of its constant-Q transform are longer than a short hit
    y, sr = librosa.load(path)
    librosa.beat.beat_track(y=y, sr=sr)
    librosa.feature.chroma_cqt(y=y, sr=sr)
    librosa.feature.mfcc(y=y, sr=sr, n_mfcc=20)
    for name in ("spectral_centroid", "spectral_bandwidth", "spectral_rolloff", "spectral_contrast"):
        getattr(librosa.feature, name)(y=y, sr=sr)
    librosa.feature.spectral_flatness(y=y)
    librosa.feature.zero_crossing_rate(y)
    librosa.feature.rms(y=y)
    librosa.onset.onset_strength(y=y, sr=sr)


def _cpu(work: Callable[[Path], object], paths: Sequence[Path]) -> float:
    started = time.process_time()
    for path in paths:
        work(path)
    return time.process_time() - started


def compare(title: str, paths: Sequence[Path], *, against: Callable[[Path], None], rounds: int) -> None:
    """Print our cost per file, the reference's, their ratio, and the shares of the steps."""
    _cpu(against, paths[:2])
    ours(paths[:2])
    groups = [paths[at : at + _GROUP] for at in range(0, len(paths), _GROUP)] * rounds
    reference: list[float] = []
    steps: list[list[float]] = []
    for group in groups:
        reference.append(_cpu(against, group) / len(group))
        steps.append([seconds / len(group) for seconds in ours(group)])
    totals = [sum(parts) for parts in steps]
    ratio = statistics.median(total / other for total, other in zip(totals, reference, strict=True))
    shares = [sum(parts[k] for parts in steps) / sum(totals) for k in range(len(_STEPS))]
    print(
        f"{title:<34} {1000 * statistics.median(totals):9.2f} {1000 * statistics.median(reference):9.2f} "
        f"{ratio:7.3f}   " + "  ".join(f"{name} {share:.0%}" for name, share in zip(_STEPS, shares, strict=True)),
        flush=True,
    )


def fresh(path: Path) -> tuple[float, float, float]:
    """Analyse a file in a process of its own: seconds to import, seconds to the result, MB at most."""
    done = subprocess.run([sys.executable, "-c", _FRESH, str(path)], check=True, capture_output=True, text=True)
    imported, result, memory = map(float, done.stdout.split())
    return imported, result, memory


def main() -> None:
    """Measure."""
    if not _ONE_THREAD.items() <= os.environ.items():
        # Libraries count their threads when they are loaded.
        os.execve(sys.executable, [sys.executable, "-m", "benchmarks.engine", *sys.argv[1:]], os.environ | _ONE_THREAD)  # noqa: S606 -- itself
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shots", type=int, default=150)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--no-librosa", action="store_true")
    options = parser.parse_args()
    dsp.warm_up()
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        top = Path(folder)
        library.write(top / "shots", list(library.oneshots(options.shots)))
        library.write(top / "tracks", list(library.tracks(4, 180.0)))
        library.write(top / "long", list(library.tracks(1, 600.0)))
        shots, tracks = sorted((top / "shots").rglob("*.wav")), sorted((top / "tracks").glob("track_*"))
        print(f"{'CPU ms per file, medians':<34} {'ours':>9} {'other':>9} {'ratio':>7}   shares of ours")
        compare("one-shots / floor", shots, against=floor, rounds=options.rounds)
        for track in tracks:
            name = f"3 min track, {track.suffix[1:].upper()} / floor"
            compare(name, [track], against=floor, rounds=max(2, options.rounds))
        if not options.no_librosa:
            compare("one-shots / librosa", shots[:6], against=librosa_pipeline, rounds=1)
            wav = [track for track in tracks if track.suffix == ".wav"]
            compare("3 min track, WAV / librosa", wav, against=librosa_pipeline, rounds=1)
        analyze_file(shots[0], Settings())
        runs = [fresh(shots[0]) for _ in range(3)]
        imported, result = (statistics.median(run[k] for run in runs) for k in (0, 1))
        print(f"fresh process, kernels cached: first result after {result:.2f} s, of that imports {imported:.2f} s")
        (long,) = (top / "long").glob("track_*")
        print(f"10 min track: at most {fresh(long)[2]:.0f} MB; a one-shot {runs[0][2]:.0f} MB")


if __name__ == "__main__":
    main()
