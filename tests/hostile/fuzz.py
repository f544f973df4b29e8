"""Damages small sounds of all formats in many ways, and has real workers analyse them all.

``python -m tests.hostile.fuzz --count 10000 --seed 0 --keep FOLDER`` starts services of its own. Every file must get an
answer: analysed, or one of the codes that say what is wrong with it. The main processes of the workers must outlive all
of it. A file that was answered otherwise is kept, and named.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

from samplemind_worker.local_services import stop
from tests.hostile import sounds
from tests.hostile.stage import DECODE_BYTES, HostileCommand, peak_of, start
from training import signals

# What may be said of a damaged file; the other codes are a fault of ours, or took a process down.
ANSWERS = frozenset(
    {"analyzed", "unreadable", "empty", "not_audio", "too_long", "too_large", "unsupported", "out_of_memory"}
)
_INTERESTING = (0, 1, 2, 0x7F, 0x80, 0xFF, 0x7FFF, 0x8000, 0xFFFF, 0x7FFFFFFF, 0x80000000, 0xFFFFFFFF)
_A_FOLDER = 500

Mutation = Callable[[bytearray, np.random.Generator, list[bytes]], None]


def _flip_bits(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    for at in rng.integers(len(data), size=rng.integers(1, 33)):
        data[at] ^= 1 << int(rng.integers(8))


def _flip_header_bits(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    for at in rng.integers(min(len(data), 128), size=rng.integers(1, 9)):
        data[at] ^= 1 << int(rng.integers(8))


def _overwrite(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 200))
    data[at : at + length] = rng.bytes(min(length, len(data) - at))


def _truncate(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    del data[int(rng.integers(1, len(data))) :]


def _cut_out(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    at = int(rng.integers(len(data) - 1))
    del data[at : at + int(rng.integers(1, 500))]


def _insert(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    at = int(rng.integers(len(data)))
    data[at:at] = rng.bytes(int(rng.integers(1, 300)))


def _repeat(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    at, length = int(rng.integers(len(data))), int(rng.integers(1, 300))
    data[at:at] = data[at : at + length] * int(rng.integers(1, 20))


def _lie(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    """Write a number of two, four or eight bytes that is at some edge, most often into the header."""
    width = int(rng.choice([2, 4, 8]))
    room = min(len(data), 256) if rng.random() < 0.8 else len(data)
    at = int(rng.integers(max(1, room - width)))
    number = int(rng.choice(_INTERESTING)) * (1 if width < 8 else int(rng.choice([1, 2**31])))
    data[at : at + width] = (number % 2 ** (8 * width)).to_bytes(width, "big" if rng.random() < 0.5 else "little")


def _lie_about_a_chunk(data: bytearray, rng: np.random.Generator, _: list[bytes]) -> None:
    """Change the size behind one of the words that chunks begin with."""
    words = [b"RIFF", b"RF64", b"fmt ", b"data", b"ds64", b"fact", b"FORM", b"COMM", b"SSND", b"desc", b"caff", b"fLaC"]
    places = [at for word in words if (at := data.find(word)) >= 0] or [0]
    at = int(rng.choice(places)) + 4
    data[at : at + 4] = int(rng.choice(_INTERESTING)).to_bytes(4, "big" if rng.random() < 0.5 else "little")


def _splice(data: bytearray, rng: np.random.Generator, others: list[bytes]) -> None:
    """The beginning of one file and the rest of another, of the same format or not."""
    other = others[int(rng.integers(len(others)))]
    data[int(rng.integers(1, len(data))) :] = other[int(rng.integers(len(other))) :]


MUTATIONS: tuple[Mutation, ...] = (
    _flip_bits,
    _flip_header_bits,
    _overwrite,
    _truncate,
    _cut_out,
    _insert,
    _repeat,
    _lie,
    _lie_about_a_chunk,
    _splice,
)


def originals() -> list[tuple[str, bytes]]:
    """Small sounds of every format, in mono and stereo, with their endings."""
    made: list[tuple[str, bytes]] = []
    for name, (_, _, ending) in sounds.FORMATS.items():
        mono = signals.kick(0.12)
        made += [(ending, sounds.encode(name, y)) for y in (mono, np.stack([mono, -0.5 * mono], axis=1))]
    for subtype in ("PCM_U8", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM", "MS_ADPCM", "GSM610"):
        made.append((".wav", sounds.encode("WAV", signals.kick(0.12), subtype=subtype)))
    made.append((".caf", sounds.encode("CAF", signals.kick(0.12), subtype="ALAC_16")))
    made += [(ending, sounds.by_ffmpeg(container, codec, 0.12)) for ending, container, codec in sounds.BY_FFMPEG]
    return made


def damaged(count: int, seed: int) -> Iterator[tuple[str, bytes]]:
    """Yield names and contents; each depends on the seed and its number alone."""
    whole = originals()
    others = [data for _, data in whole]
    for number in range(count):
        rng = np.random.default_rng([seed, number])
        ending, original = whole[number % len(whole)]
        data = bytearray(original)
        for _ in range(int(rng.choice([1, 1, 1, 2, 3]))):
            if len(data) > 8:
                MUTATIONS[int(rng.integers(len(MUTATIONS)))](data, rng, others)
        yield f"{seed}-{number:06}{ending}", bytes(data)


@dataclass
class Result:
    """What became of the files."""

    answers: Counter[str] = field(default_factory=Counter[str])
    faults: dict[str, str] = field(default_factory=dict[str, str])
    """Files that got no answer, or one that is a fault of ours."""
    lost_workers: set[str] = field(default_factory=set[str])
    """Main processes that were there before, and are not any more."""
    peak_bytes: int = 0


def fuzz(samplemind: HostileCommand, folder: Path, *, count: int, seed: int, keep: Path | None = None) -> Result:
    """Write so many damaged files, have them analysed, and look at every answer."""
    contents = dict(damaged(count, seed))
    for number, (name, data) in enumerate(contents.items()):
        parent = folder / f"{number // _A_FOLDER:03}"
        parent.mkdir(parents=True, exist_ok=True)
        (parent / name).write_bytes(data)
    result = Result()
    before = main_processes(samplemind)
    with peak_of([samplemind.supervisor], named="--role cpu") as peaks:
        batch = samplemind("submit", folder, "--wait", "--json", timeout=3600).object
    after = main_processes(samplemind)
    result.lost_workers = {name for name in before if after.get(name) != before[name]}
    result.peak_bytes = max(peaks)
    exported = samplemind("export", batch["batch_id"], "--format", "json", timeout=600)
    for report in json.loads(exported.out):
        name = report["path"].rpartition("/")[2]
        said = report["error"]["code"] if report["status"] == "rejected" else report["status"]
        result.answers[said] += 1
        contents.pop(name)
        if said not in ANSWERS:
            result.faults[name] = f"{said}: {report['error']['message']}" if "error" in report else said
    result.faults |= dict.fromkeys(contents, "no answer")
    if keep is not None and result.faults:
        keep.mkdir(parents=True, exist_ok=True)
        for name in result.faults:
            [path] = folder.rglob(name)
            shutil.copy(path, keep / name)
    return result


def main_processes(samplemind: HostileCommand) -> dict[str, tuple[int, float]]:
    """The workers' and beat's main processes, by role; a number alone may have been given to another since."""
    found: dict[str, tuple[int, float]] = {}
    for process in psutil.Process(samplemind.supervisor).children():
        words = process.cmdline()
        if "samplemind_worker.app" in words:
            role = words[words.index("--role") + 1] if "--role" in words else words[-1]
            found[role] = (process.pid, process.create_time())
    assert found.keys() == {"cpu", "io", "beat"}, "the workers have not started"
    return found


def main(arguments: list[str]) -> int:
    """Fuzz with services of its own, and say what was found; 1 if anything was."""
    parser = argparse.ArgumentParser(prog="python -m tests.hostile.fuzz", description=__doc__)
    parser.add_argument("--count", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--keep", type=Path, default=Path("fuzz-failures"), help="Where failing files are kept.")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory(prefix="samplemind-fuzz-") as place:
        samplemind = HostileCommand(Path(place) / "home", SAMPLEMIND_DISPATCH_SECONDS="1")
        try:
            start(samplemind)
            folder = Path(place) / "files"
            result = fuzz(samplemind, folder, count=options.count, seed=options.seed, keep=options.keep)
        finally:
            stop(samplemind.settings())
    for said, count in result.answers.most_common():
        print(f"{said:16} {count:8,}")
    print(f"largest process  {result.peak_bytes // 2**20:8,} MiB")
    for name, fault in result.faults.items():
        print(f"FAULT {os.path.join(options.keep, name)}: {fault}")  # noqa: PTH118 -- for the eye
    for name in sorted(result.lost_workers):
        print(f"FAULT the main process of {name} died")
    return 1 if result.faults or result.lost_workers or result.peak_bytes > DECODE_BYTES else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
