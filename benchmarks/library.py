"""Write the small sounds and songs that the benchmarks of speed read.

``python -m benchmarks.library oneshots DIR`` and ``tracks`` write them. A library appears at once, when it is complete;
one that is already there is left alone.
"""

import argparse
import os
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.demo.library import Item, write
from training import signals

F32 = npt.NDArray[np.float32]

_FILE_TYPES = ("wav", "flac", "ogg", "mp3")


def oneshots(count: int) -> Iterator[Item]:
    """Plan drum hits and notes of 0.3 to 1 s, no two alike."""
    rng = np.random.default_rng(2000)
    drums = tuple(signals.DRUMS)
    for k in range(count):
        seconds = round(float(rng.uniform(0.3, 1.0)), 3)
        common: dict[str, Any] = {"set": "oneshots", "kind": "one_shot", "seconds": seconds}
        path = f"{k // 500:02}/shot_{k:05}.wav"
        if k % 3 < 2:
            name = drums[k % len(drums)]
            yield Item(
                path=path,
                make=partial(signals.DRUMS[name], seconds, seed=k),
                notes=f"class={name}",
                **common,
            )
        else:
            midi = 36 + k % 48
            yield Item(
                path=path,
                make=partial(signals.note, midi, seconds, seed=k),
                tonic=midi % 12,
                notes=f"midi={midi}",
                **common,
            )


def tracks(count: int, seconds: float) -> Iterator[Item]:
    """Plan songs in WAV, FLAC, MP3 and OGG by turns."""
    patterns = [name for name in signals.PATTERNS if name != "waltz"]
    for k in range(count):
        ending = _FILE_TYPES[k % 4]
        tonic, mode, bpm = k % 12, ("major", "minor")[k % 2], 70.0 + (k * 37 % 110)
        yield Item(
            path=f"track_{k:04}.{ending}",
            set="tracks",
            kind="track",
            make=partial(
                _wide, signals.track, tonic, mode, bpm, seconds, pattern=patterns[k % len(patterns)], seed=5000 + k
            ),
            seconds=seconds,
            bpm=bpm,
            tonic=tonic,
            mode=mode,
        )


def _wide(make: Callable[..., F32], *arguments: object, **options: object) -> F32:
    return signals.widen(make(*arguments, **options))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.library", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("oneshots", "tracks"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=Path)
        command.add_argument("--count", type=int, default=2000 if name == "oneshots" else 40)
        if name == "tracks":
            command.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args(arguments)
    is_short = chosen.command == "oneshots"
    items = list(oneshots(chosen.count) if is_short else tracks(chosen.count, chosen.seconds))
    workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    written = write(chosen.folder, items, jobs=workers)
    print(f"{chosen.folder}: {len(items)} files {'written' if written else 'already there'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
