"""Duplicates: what ``--near`` finds of altered one-shots, and how long a large library takes.

The first table has, for each alteration, the share of the copies that are found at the default threshold among all
originals and copies at once, and the lowest likeness; half of the sounds are also there cut to 60 ms. Below it are the
pairs of originals that are called copies. The originals are synthesized hits and notes, or the recordings of a folder:
if it has a manifest.csv, those that are labelled as one-shots.

The second table has seconds and peak memory on a private MongoDB that holds COUNT contents, beside the seconds that one
pass over their fingerprints takes. One in fifty contents lies twice, one in fifty has the audio of another one, one in
fifty is an altered copy.
"""

import argparse
import csv
import hashlib
import multiprocessing
import os
import resource
import tempfile
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from config.settings import Settings
from samplemind_worker import fingerprints
from samplemind_worker.decode import Limits
from samplemind_worker.finding import alterations, duplicates
from samplemind_worker.local_services import ensure_running, stop
from samplemind_worker.pipeline.engine import measure
from samplemind_worker.pipeline.signals import read_signal
from samplemind_worker.store import copies, mongo
from training import signals

F32 = npt.NDArray[np.float32]
RATE = 44100
_MOST_RATE = 48000
_BLOCK = 1 << 15
_PAGE = 2000
_EACH = 50


def _first(y: F32) -> int:
    loud = np.abs(y).max(axis=1)
    return int(np.argmax(loud > 0.03 * loud.max()))


def _faded(y: F32, frames: int) -> F32:
    faded = y.copy()
    frames = min(frames, len(y))
    faded[len(y) - frames :] *= np.linspace(1.0, 0.0, frames, dtype=np.float32)[:, None]
    return faded


def _resampled(y: F32, sr: int, to: int) -> F32:
    return soxr.resample(y, sr, to).astype(np.float32).reshape(-1, y.shape[1])


def _after_silence(y: F32, sr: int, seconds: float) -> F32:
    return np.concatenate((np.zeros((round(seconds * sr), y.shape[1]), np.float32), y))


Altered = tuple[F32, int, str, str]
"""Samples, rate, format and subtype of an altered copy."""

ALTERATIONS: dict[str, Callable[[F32, int], Altered]] = {
    "6 dB quieter": lambda y, sr: (y * np.float32(0.5), sr, "WAV", "PCM_16"),
    "attack cut by 3 ms": lambda y, sr: (y[_first(y) + round(0.003 * sr) :], sr, "WAV", "PCM_16"),
    "last 30 % cut": lambda y, sr: (_faded(y[: round(0.7 * len(y))], round(0.002 * sr)), sr, "WAV", "PCM_16"),
    "30 ms of silence in front": lambda y, sr: (_after_silence(y, sr, 0.0303), sr, "WAV", "PCM_16"),
    "MP3": lambda y, sr: (y, sr, "MP3", "MPEG_LAYER_III"),
    "Ogg Vorbis": lambda y, sr: (y, sr, "OGG", "VORBIS"),
    "Opus": lambda y, sr: (_resampled(y, sr, 48000), 48000, "OGG", "OPUS"),
    "resampled to 48 kHz": lambda y, sr: (_resampled(y, sr, 48000), 48000, "WAV", "PCM_16"),
    "resampled to 22.05 kHz": lambda y, sr: (_resampled(y, sr, 22050), 22050, "WAV", "PCM_16"),
    "mixed to mono": lambda y, sr: (y.mean(axis=1, keepdims=True), sr, "WAV", "PCM_16"),
    "polarity inverted": lambda y, sr: (-y, sr, "WAV", "PCM_16"),
    "quieter, later, 48 kHz, MP3": lambda y, sr: (
        _resampled(_after_silence(np.float32(0.63) * y, sr, 0.02), sr, 48000),
        48000,
        "MP3",
        "MPEG_LAYER_III",
    ),
}


def _fingerprint(path: Path, altered: Altered) -> bytes:
    """Write a sound to a file, and take its fingerprint as the pipeline does."""
    y, sr, form, subtype = altered
    with sf.SoundFile(path, "w", samplerate=sr, channels=y.shape[1], format=form, subtype=subtype) as sound:
        for start in range(0, len(y), _BLOCK):  # libsndfile's Vorbis encoder crashes on long audio in one call
            sound.write(y[start : start + _BLOCK])
    with path.open("rb") as file:
        signal = read_signal(file, name=b"a", file_id="", limits=Limits())
    return measure(signal).features.fingerprint.tobytes()


def _sounds(labelled: Path | None) -> Iterator[tuple[str, F32, int]]:
    if labelled is None:
        for seed in range(8):
            for kind, make in signals.DRUMS.items():
                seconds = 0.15 + 0.1 * seed
                yield f"{kind} {seed}", signals.widen(make(seconds, sr=RATE, seed=seed), seed=seed), RATE
            for voice in ("pluck", "organ", "bass"):
                yield f"{voice} {seed}", signals.note(38 + 3 * seed, 0.8, sr=RATE, voice=voice)[:, None], RATE
        return
    manifest = labelled / "manifest.csv"
    if manifest.exists():
        with manifest.open(newline="") as lines:
            paths = [row["path"] for row in csv.DictReader(lines) if row["kind"] == "one_shot"]
    else:
        found = sorted(path for path in labelled.rglob("*") if path.suffix.lower() in {".wav", ".flac", ".ogg", ".mp3"})
        paths = [str(path.relative_to(labelled)) for path in found]
    for path in paths:
        y, sr = sf.read(labelled / path, dtype="float32", always_2d=True)
        kept = np.asarray(y[: 4 * sr, :2], np.float32)
        if sr > _MOST_RATE:  # no MP3 has it
            kept, sr = _resampled(kept, sr, _MOST_RATE), _MOST_RATE
        if np.abs(kept).max(initial=0.0) > 0.0:
            yield path, kept, sr


def find_altered(labelled: Path | None, every: int) -> None:
    """Alter each sound, or one in so many, in every way; print what is found."""
    taken: dict[str, bytes] = {}
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        path = Path(folder) / "sound"
        for number, (name, sound, sr) in enumerate(_sounds(labelled)):
            taken[name] = _fingerprint(path, (sound, sr, "WAV", "PCM_16"))
            if number % every:
                continue
            cuts = {"": sound}
            if number % 2 and len(sound) > 0.1 * sr:
                begin = _first(sound)
                cuts[" (60 ms)"] = _faded(sound[begin : begin + round(0.06 * sr)], round(0.004 * sr))
                taken[f"{name} (60 ms)"] = _fingerprint(path, (cuts[" (60 ms)"], sr, "WAV", "PCM_16"))
            for cut, y in cuts.items():
                for alteration, alter in ALTERATIONS.items():
                    taken[f"{name}{cut}|{alteration}"] = _fingerprint(path, alter(y, sr))
    index = alterations.Index(skip=())
    index.add(taken.items())
    alike = {frozenset(pair): found.alike for pair, found in index.pairs(threshold=0.0).items()}
    copied = [name for name in taken if "|" in name]
    print(
        f"{len(taken) - len(copied)} originals, {len(copied)} altered copies, threshold {alterations.DEFAULT_THRESHOLD}"
    )
    print(f"{'alteration':28}  copies  recall  lowest")
    for alteration in ALTERATIONS:
        values = [
            alike.get(frozenset((name, name.partition("|")[0])), 0.0)
            for name in copied
            if name.endswith(f"|{alteration}")
        ]
        recall = sum(value >= alterations.DEFAULT_THRESHOLD for value in values) / len(values)
        print(f"{alteration:28}  {len(values):6}  {recall:6.2f}  {min(values):6.2f}")
    originals = alterations.Index(skip=())
    originals.add((name, print_) for name, print_ in taken.items() if "|" not in name and "(60 ms)" not in name)
    false = originals.pairs(threshold=alterations.DEFAULT_THRESHOLD)
    print(f"pairs of originals that are called copies: {len(false)}")
    for (one, other), found in false.items():
        print(f"  {found.alike:.3f}  {one}  {other}  {', '.join(found.in_words(shorter=0.0))}")


def _varied(bases: npt.NDArray[np.void], count: int, rng: np.random.Generator) -> npt.NDArray[np.void]:
    """Return fingerprints of made-up sounds: other levels, and a waveform that is mostly noise."""
    made = bases[rng.integers(len(bases), size=count)].copy()
    low, high = (
        np.clip(np.rint(0.5 * (made["steps"] >> shift & 15) + rng.normal(4.0, 2.5, made["steps"].shape)), 1, 15)
        for shift in (0, 4)
    )
    made["steps"] = (low.astype(np.uint8) | (high.astype(np.uint8) << 4)).astype(np.uint8)
    tilt = rng.normal(0.0, 8.0, (count, 1, fingerprints.BANDS)) + rng.normal(
        0.0, 6.0, (count, fingerprints.STRETCHES, 1)
    )
    levels = made["levels"]
    made["levels"] = np.where(levels > 0, np.clip(levels + tilt, 1, 255), 0).astype(np.uint8)
    return made


def _copied(prints: npt.NDArray[np.void], rng: np.random.Generator) -> npt.NDArray[np.void]:
    """Return what a codec leaves of them, 6 dB quieter."""
    made = prints.copy()
    made["peak_db"] -= 6.0
    low, high = (
        np.clip((made["steps"] >> shift & 15).astype(np.int8) + (rng.random(made["steps"].shape) < 0.1), 1, 15)
        for shift in (0, 4)
    )
    made["steps"] = (low | (high << 4)).astype(np.uint8)
    return made


def fill(count: int) -> None:
    """Write contents, analyses and places of made-up one-shots to the open database."""
    rng = np.random.default_rng(1)
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        path = Path(folder) / "sound"
        bases = b"".join(_fingerprint(path, (y, sr, "WAV", "PCM_16")) for _, y, sr in _sounds(None))
    found = np.frombuffer(bases, fingerprints.LAYOUT)
    for first in range(0, count, _PAGE):
        size = min(_PAGE, count - first)
        prints = _varied(found, size, rng)
        prints[_EACH - 1 :: _EACH] = _copied(prints[_EACH - 2 :: _EACH][: len(prints[_EACH - 1 :: _EACH])], rng)
        _insert(first, prints)
    mongo.make_indexes()


@mongo.synchronous
async def _insert(first: int, prints: npt.NDArray[np.void]) -> None:
    now = datetime.now(UTC)
    files: list[dict[str, Any]] = []
    analyses: list[dict[str, Any]] = []
    lie: list[dict[str, Any]] = []
    for number, taken in enumerate(prints, first):
        content = hashlib.sha256(str(number).encode()).hexdigest()
        same = number - 1 if number % _EACH == 10 else number
        files.append(
            {
                "_id": content, "file_id": content, "filename": f"{number}.wav", "file_size": 100_000 + number,
                "duration": 0.5, "sample_rate": 44100, "channels": 2, "format": "WAV", "subtype": "PCM_16",
                "audio_hash": hashlib.blake2b(str(same).encode(), digest_size=16).hexdigest(), "uploaded_at": now,
            }
        )  # fmt: skip
        analyses.append(
            {
                "_id": content, "file_id": content, "fingerprint": taken.tobytes(), "kind": "one_shot",
                # As large as an analysis is.
                "vector": _numbers(number), "spectral_features": {"mfcc": {"mean": _numbers(number)}},
            }
        )  # fmt: skip
        lie += [
            {
                "_id": f"{number}-{copy}", "root": "/nowhere", "path": f"{copy}/{number}.wav", "file_id": content,
                "size": 100_000 + number, "mtime_ns": 1, "ctime_ns": 1, "settled": True,
            }
            for copy in range(2 if number % _EACH == 20 else 1)
        ]  # fmt: skip
    await mongo.collection("audio_files").insert_many(files, ordered=False)
    await mongo.collection("analyses").insert_many(analyses, ordered=False)
    await mongo.collection("file_locations").insert_many(lie, ordered=False)


def _numbers(number: int) -> list[float]:
    """Return 64 numbers."""
    return np.random.default_rng(number).normal(size=64).tolist()


def _timed(settings: Settings, threshold: float | None) -> tuple[float, int, float]:
    """Search in this process alone; return seconds, groups, and peak memory in MB."""
    assert settings.mongodb_url is not None
    mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
    started = time.perf_counter()
    found = duplicates.find(settings, threshold=threshold, say=lambda _: None)
    seconds = time.perf_counter() - started
    mongo.close()
    return seconds, len(found.groups), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000.0


def measure_size(count: int) -> None:
    """Fill a private MongoDB, and print how long exact and near duplicates take."""
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        own = Settings(home=Path(folder) / "home")
        settings = ensure_running(own, workers=False)
        assert settings.mongodb_url is not None
        try:
            mongo.connect(settings.mongodb_url.get_secret_value(), database=settings.database)
            fill(count)
            started = time.perf_counter()
            size = sum(len(taken or b"") for page in copies.fingerprints() for _, taken in page)
            reading = time.perf_counter() - started
            mongo.close()
            print(f"{count:,} contents: one pass over {size / 1e6:.0f} MB of fingerprints {reading:.1f} s")
            for name, threshold in (("exact", None), ("near", alterations.DEFAULT_THRESHOLD)):
                with multiprocessing.get_context("spawn").Pool(1) as pool:
                    seconds, groups, memory = pool.apply(_timed, (settings, threshold))
                passes = f"{seconds / reading:5.1f} times the pass"
                print(f"{name:5}  {groups:7,} groups  {seconds:6.1f} s  {passes}  {memory:5.0f} MB")
        finally:
            mongo.close()
            stop(own)


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("labelled", nargs="?", type=Path, help="a folder of recordings")
    parser.add_argument("--every", type=int, default=1, help="alter one sound in so many")
    parser.add_argument("--count", type=int, default=100_000, help="contents of the large library; 0 leaves it out")
    chosen = parser.parse_args()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    find_altered(chosen.labelled, chosen.every)
    if chosen.count:
        measure_size(chosen.count)


if __name__ == "__main__":
    main()
