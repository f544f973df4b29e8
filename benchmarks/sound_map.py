"""Measure the map of all sounds: whether neighbours stay neighbours, how long it takes, and how far it moves.

``python -m benchmarks.sound_map [LABELLED] [--sounds N]...``; LABELLED is a folder with a ``manifest.csv``. Its sounds
are measured, and so are N vectors (10,000 and 100,000) that are drawn around random centres of very different sizes.

Trustworthiness says how few points have neighbours on the map that are none in the vectors (1 is best; Venna and Kaski,
2001). Recall is the share of the 15 nearest vectors that are among the 15 nearest points. Both are of 1,000 points,
beside the two principal components alone. The shift is the median way of a point, relative to the mean distance from
the centre: when the same map is made again, and when a tenth of the sounds come new.
"""

import argparse
import time
from pathlib import Path

import numpy as np
import numpy.typing as npt

from benchmarks.likeness import labelled
from samplemind_worker import dsp
from samplemind_worker.demo.library import MANIFEST
from samplemind_worker.dsp.sound_map import NEIGHBOURS, arrange, principal

F32 = npt.NDArray[np.float32]
I64 = npt.NDArray[np.int64]
_ASKED = 1000
_INNER = 6  # dimensions within a cluster


def drawn(count: int) -> F32:
    """Draw vectors around centres, which lie around few others; a few centres have most of the vectors."""
    rng = np.random.default_rng(3)
    number = max(10, int(count**0.5 / 2))
    groups = rng.normal(size=(12, dsp.EMBEDDING_SIZE))
    centres = groups[rng.integers(0, 12, number)] + 0.8 * rng.normal(size=(number, dsp.EMBEDDING_SIZE))
    sizes = rng.pareto(1.2, number) + 0.3
    cluster = rng.choice(number, count, p=sizes / sizes.sum())
    axes = 0.25 * rng.normal(size=(number, _INNER, dsp.EMBEDDING_SIZE))
    vectors = np.empty((count, dsp.EMBEDDING_SIZE), np.float32)
    for each in range(number):
        inside = np.flatnonzero(cluster == each)
        within = rng.normal(size=(len(inside), _INNER)) @ axes[each]
        vectors[inside] = centres[each] + within + 0.05 * rng.normal(size=within.shape)
    return vectors


def ranked(rows: F32, asked: I64, *, by_cosine: bool) -> I64:
    """Rank all rows for each that is asked for, nearest first, without itself."""
    if by_cosine:
        unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
        far = -(unit[asked] @ unit.T)
    else:
        far = ((rows[asked, None] - rows[None]) ** 2).sum(axis=2)
    far[np.arange(len(asked)), asked] = np.inf
    return np.argsort(far, axis=1, kind="stable")


def judge(vectors: F32, points: F32, asked: I64) -> tuple[float, float]:
    """Return trustworthiness and recall."""
    true, lost, kept = None, 0.0, 0.0
    count, k = len(vectors), NEIGHBOURS
    for start in range(0, len(asked), 100):
        block = asked[start : start + 100]
        true = ranked(vectors, block, by_cosine=True)
        place = np.empty_like(true)
        np.put_along_axis(place, true, np.arange(count)[None], axis=1)
        near = ranked(points, block, by_cosine=False)[:, :k]
        ranks = np.take_along_axis(place, near, axis=1) + 1
        lost += float(np.maximum(ranks - k, 0).sum())
        kept += float((ranks <= k).sum())
    worst = len(asked) * k * (2 * count - 3 * k - 1) / 2
    return 1.0 - lost / worst, kept / (len(asked) * k)


def shift(before: F32, after: F32) -> float:
    """Return the median way of a point, relative to the mean distance from the centre."""
    radius = np.linalg.norm(before - before.mean(axis=0), axis=1).mean()
    return float(np.median(np.linalg.norm(after - before, axis=1)) / radius)


def measure(title: str, vectors: F32) -> None:
    """Print one row."""
    asked = np.random.default_rng(0).choice(len(vectors), min(_ASKED, len(vectors)), replace=False)
    began = time.perf_counter()
    points = arrange(vectors)
    seconds = time.perf_counter() - began
    known = len(vectors) * 9 // 10
    start = np.full((len(vectors), 2), np.nan, np.float32)
    start[:known] = arrange(vectors[:known])
    cells = [
        *judge(vectors, principal(vectors, 2), asked),
        *judge(vectors, points, asked),
        100.0 * shift(points, arrange(vectors, start=points)),
        100.0 * shift(start[:known], arrange(vectors, start=start)[:known]),
    ]
    print(
        f"{title:10} {len(vectors):>8,} {seconds:8.1f} {cells[0]:8.3f} {cells[1]:7.3f} "
        f"{cells[2]:8.3f} {cells[3]:7.3f} {cells[4]:7.1f} {cells[5]:7.1f}"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sound_map", description=__doc__)
    parser.add_argument("labelled", type=Path, nargs="?")
    parser.add_argument("--sounds", type=int, action="append")
    options = parser.parse_args(arguments)
    dsp.warm_up()
    print(f"{'':28} {'principal comp.':>15} {'map':>16} {'shift, %':>15}")
    print(
        f"{'':10} {'sounds':>8} {'seconds':>8} {'trust':>8} {'recall':>7} {'trust':>8} {'recall':>7} "
        f"{'again':>7} {'grown':>7}"
    )
    folder: Path | None = options.labelled
    if folder is not None:
        sounds = list(labelled(folder / MANIFEST if folder.is_dir() else folder))
        measure("labelled", np.stack([sound.vector for sound in sounds]).astype(np.float32))
    for count in options.sounds or (10_000, 100_000):
        measure("drawn", drawn(count))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
