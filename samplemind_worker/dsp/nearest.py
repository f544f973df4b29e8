"""The nearest neighbours of many vectors by cosine, for a map of them.

Up to some thousand vectors each is compared with all. Beyond that they are put into cells around centroids, and each is
compared with those of its own cell and of the nearest ones: nine in ten of its true neighbours are there, at a cost
that grows with the number of vectors and not with its square.
"""

from collections.abc import Callable
from typing import Final

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
I32 = npt.NDArray[np.int32]
I64 = npt.NDArray[np.int64]

EXACT: Final = 20_000
"""Vectors up to which each is compared with all."""
_CELL: Final = 256  # vectors of a cell
_PROBED: Final = 8  # cells
_SAMPLE: Final = 32  # vectors per cell that its centroid is learned from
_ROUNDS: Final = 6  # of k-means
_ROWS: Final = 1024  # compared at once
_MOST: Final = 16_384  # vectors that a cell is compared with
_NEVER: Final = np.float32(-9.0)

Progress = Callable[[float], None]
"""Gets the share that is done, 0 to 1; what it raises ends the work."""


def nearest(vectors: F32, *, count: int, seed: int, on_progress: Progress) -> tuple[I32, F32]:
    """Return the indices of the nearest vectors of each vector, nearest first, and their cosines.

    ``vectors`` are rows of length 1, more than ``count`` of them; both results have the shape (vectors, count).
    """
    indices = np.empty((len(vectors), count), np.int32)
    cosines = np.empty((len(vectors), count), np.float32)
    if len(vectors) <= EXACT:
        for start in range(0, len(vectors), _ROWS):
            _compare(vectors, np.arange(start, min(start + _ROWS, len(vectors))), None, indices, cosines)
            on_progress(start / len(vectors))
        return indices, cosines
    centroids, members = _cells(vectors, np.random.default_rng(seed))
    near = np.argsort(-(centroids @ centroids.T), axis=1, kind="stable")[:, :_PROBED]
    done = 0
    for cell, mine in enumerate(members):
        others = np.concatenate([members[each] for each in near[cell]])
        # Sounds that are nearly equal may fill a cell by the thousands, and any of them will do.
        others = others[:: -(-len(others) // _MOST)] if len(others) > count + 1 else None
        for start in range(0, len(mine), _ROWS):
            _compare(vectors, mine[start : start + _ROWS], others, indices, cosines)
        done += len(mine)
        on_progress(done / len(vectors))
    return indices, cosines


def _cells(vectors: F32, rng: np.random.Generator) -> tuple[F32, list[I64]]:
    """Return centroids, and the indices of the vectors that are nearest to each; centroids of none are left out."""
    number = len(vectors) // _CELL
    sample = vectors[rng.choice(len(vectors), number * _SAMPLE, replace=False)]
    centroids = sample[:number].copy()
    for _ in range(_ROUNDS):
        cell = _nearest_centroid(sample, centroids)
        order = np.argsort(cell, kind="stable")
        filled, starts = np.unique(cell[order], return_index=True)
        sums = np.add.reduceat(sample[order], starts, axis=0)
        centroids[filled] = sums / np.maximum(np.linalg.norm(sums, axis=1, keepdims=True), np.float32(1e-9))
    cell = _nearest_centroid(vectors, centroids)
    order = np.argsort(cell, kind="stable")
    filled, starts = np.unique(cell[order], return_index=True)
    return centroids[filled], np.split(order, starts[1:])


def _nearest_centroid(vectors: F32, centroids: F32) -> I64:
    blocks = [vectors[start : start + 4 * _ROWS] for start in range(0, len(vectors), 4 * _ROWS)]
    return np.concatenate([np.argmax(block @ centroids.T, axis=1) for block in blocks])


def _compare(vectors: F32, rows: I64, others: I64 | None, indices: I32, cosines: F32) -> None:
    """Write the neighbours of some rows that are among others; None: among all."""
    table = vectors[rows] @ (vectors if others is None else vectors[others]).T
    if others is None:
        table[np.arange(len(rows)), rows] = _NEVER
    else:
        table[rows[:, None] == others[None, :]] = _NEVER
    width = indices.shape[1]
    best = np.argpartition(-table, width - 1, axis=1)[:, :width]
    found = np.take_along_axis(table, best, axis=1)
    # Equal ones keep their order, whatever the machine.
    order = np.lexsort((best, -found), axis=1)
    best = np.take_along_axis(best, order, axis=1)
    indices[rows] = best if others is None else others[best]
    cosines[rows] = np.take_along_axis(found, order, axis=1)
