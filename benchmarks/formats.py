"""What is read of common and awkward files, against FFmpeg's own decoding of the sound that was put into them.

Needs the command `ffmpeg`. Each case is a file that is made here, the files
whose decoding by FFmpeg it is compared with, and the warnings that are true of it. Printed are how many are read to
the same length, within a frame, and with samples that correlate above 0.99; and every file that is not.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from benchmarks.format_cases import Case, cases
from samplemind_worker.decode import Limits, decode
from samplemind_worker.dsp import SR
from samplemind_worker.errors import PermanentError

F32 = npt.NDArray[np.float32]
_ALIKE = 0.99


def reference(like: Sequence[bytes], cache: dict[bytes, tuple[F32, int]]) -> tuple[F32, int]:
    """Decode files by FFmpeg's command: mono, and the rate of the first."""
    parts: list[F32] = []
    first = 0
    for data in like:
        if data not in cache:
            cache[data] = decoded_by_ffmpeg(data)
        y, rate = cache[data]
        first = first or rate
        parts.append(y if rate == first else soxr.resample(y, rate, first))
    return np.concatenate(parts), first


def decoded_by_ffmpeg(data: bytes) -> tuple[F32, int]:
    # From a file and to a file: many containers cannot be read from a pipe, and a WAV tells rate and channels.
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target.wav")
        source.write_bytes(data)
        command = ["ffmpeg", "-v", "quiet", "-i", str(source), "-map", "0:a:0", "-c:a", "pcm_f32le", str(target)]
        subprocess.run(command, check=False)
        if not target.exists():
            return np.zeros(0, np.float32), 0
        y, rate = sf.read(target, dtype="float32", always_2d=True)
    return y.mean(axis=1), rate


def compare(case: Case, cache: dict[bytes, tuple[F32, int]]) -> tuple[str, str]:
    """Return a verdict, and what was seen."""
    wanted, rate = reference(case.like, cache)
    try:
        with tempfile.TemporaryFile() as file:
            file.write(case.data)
            file.flush()
            audio = decode(file, limits=Limits())
    except PermanentError as error:
        # What FFmpeg itself cannot read is listed, and no fault.
        return ("rejected" if len(wanted) else "silent in FFmpeg, too"), f"{error.code}: {error}"
    frames = round(audio.duration * audio.sample_rate)
    expected = case.frames or len(wanted)
    seen = f"{frames} of {expected} frames, {audio.reader}, {', '.join(audio.warnings) or 'no warning'}"
    if audio.sample_rate != rate or abs(frames - expected) > case.slack:
        return "another length", seen
    alike = likeness(audio.y, soxr.resample(wanted[: case.frames], rate, SR))
    if case.is_alike and alike < _ALIKE:
        return "another sound", f"{seen}, correlation {alike:.4f}"
    if case.warnings is not None and audio.warnings != case.warnings:
        return "another warning", f"{seen}; true is {', '.join(case.warnings) or 'none'}"
    return "right", seen


def likeness(one: F32, other: F32) -> float:
    n = min(len(one), len(other))
    norm = float(np.linalg.norm(one[:n]) * np.linalg.norm(other[:n]))
    return float(np.dot(one[:n], other[:n])) / norm if norm else 1.0


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="a folder in which the files that are not read right are left")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    options = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        print("ffmpeg is not installed: it makes the files and the reference", file=sys.stderr)
        return 2
    verdicts: Counter[str] = Counter()
    cache: dict[bytes, tuple[F32, int]] = {}
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        for case in cases(Path(folder)):
            if options.only not in case.name:
                continue
            verdict, seen = compare(case, cache)
            verdicts[verdict] += 1
            if verdict != "right":
                print(f"{verdict:16} {case.name}: {seen}", flush=True)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / case.name.replace("/", "_")).write_bytes(case.data)
    print(f"{verdicts.total()} files: " + ", ".join(f"{count} {name}" for name, count in verdicts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
