"""A map of vectors: a point in the plane for each, so that what is alike lies together.

Method: UMAP (McInnes, Healy, Melville, "UMAP: Uniform manifold approximation and projection for dimension reduction",
2018), by cosine, with 15 neighbours, on the plane with the likeness 1 / (1 + d^2) of t-SNE, which needs no power and
keeps as many neighbours. It begins with the two principal components, or with an earlier map: known points then hardly
move, and new ones begin beside the nearest known one.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp._map import move
from samplemind_worker.dsp.nearest import Progress, nearest

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I32 = npt.NDArray[np.int32]
Flags = npt.NDArray[np.bool_]

NEIGHBOURS: Final = 15
_SEED: Final = 20_260
_NEGATIVES: Final = 5  # points that push, for each neighbour that pulls
_EPOCHS: Final = 200
_AGAIN: Final = 60
"""Epochs on an earlier map."""
_HELD: Final = 0.02
"""How much a known point moves on an earlier map, relative to a new one."""
_MOSTLY_NEW: Final = 0.5
"""Share of new points from which a map is made as if it were the first, from where the known points lie."""
_CHUNK: Final = 10  # epochs between two reports
_SPREAD: Final = 10.0  # half the width of the first map at its beginning
_JITTER: Final = 0.01
_ROUNDS: Final = 10  # in which new points look for a neighbour that has a place
_BASIS: Final = 20_000  # vectors that principal components are learned from
_LOOKING: Final = 0.5  # share of the work that is looking for neighbours


def arrange(vectors: F32, *, start: F32 | None = None, on_progress: Progress = lambda _share: None) -> F32:
    """Return a point for each vector, of shape (vectors, 2); the same vectors and start give the same points.

    ``vectors`` are rows, whose length does not matter. ``start`` has where they lay on an earlier map, of shape
    (vectors, 2), with NaN for new ones. The result has the position and turn of the earlier map.
    """
    count = len(vectors)
    rng = np.random.default_rng(_SEED)
    known: Flags = np.zeros(count, bool) if start is None else np.asarray(np.isfinite(start).all(axis=1))
    width = min(NEIGHBOURS, count - 1)
    vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.float32(1e-9))
    points = principal(vectors, 2) if count else np.zeros((0, 2), np.float32)
    points *= _SPREAD / max(float(np.abs(points).max(initial=0.0)), 1e-9)
    if width < 1:
        return points if start is None or not known.all() else start.astype(np.float32)
    indices, cosines = nearest(
        vectors, count=width, seed=_SEED, on_progress=lambda share: on_progress(_LOOKING * share)
    )
    weights = weigh(np.sqrt(np.maximum(2.0 - 2.0 * cosines, 0.0)))
    if start is not None and known.any():
        points = _continued(points, start, known, indices, weights)
    fresh = known.mean() < 1.0 - _MOSTLY_NEW
    points[~known] += rng.normal(0.0, _JITTER, (int((~known).sum()), 2))
    points = np.ascontiguousarray(points, np.float32)
    mobility = np.where(known & ~fresh, _HELD, 1.0).astype(np.float32)
    epochs, state = _EPOCHS if fresh else _AGAIN, np.uint64(_SEED)
    for first in range(0, epochs, _CHUNK):
        state = move(points, indices, weights, mobility, 1.0, first, first + _CHUNK, epochs, _NEGATIVES, state)
        on_progress(_LOOKING + (1.0 - _LOOKING) * (first + _CHUNK) / epochs)
    return align(points, start, known) if start is not None and known.any() else points


def principal(vectors: F32, count: int) -> F32:
    """Return the first principal components of vectors, of shape (vectors, count); the first vectors tell them."""
    sample = vectors[:_BASIS].astype(np.float64)
    mean = sample.mean(axis=0)
    _, basis = np.linalg.eigh((sample - mean).T @ (sample - mean))
    basis = basis[:, ::-1][:, :count]
    # The sign of a component is arbitrary: its largest number is positive.
    basis = basis * np.where(basis[np.abs(basis).argmax(axis=0), np.arange(basis.shape[1])] < 0.0, -1.0, 1.0)
    return ((vectors - mean.astype(np.float32)) @ basis.astype(np.float32)).astype(np.float32)


def reduction(vectors: F32, count: int) -> F32:
    """Return a matrix that keeps the most of vectors like these in ``count`` numbers, so that cosines hardly change."""
    sample = vectors[:_BASIS].astype(np.float64)
    _, basis = np.linalg.eigh(sample.T @ sample)
    return np.ascontiguousarray(basis[:, ::-1][:, :count], np.float32)


def weigh(distances: F32) -> F32:
    """Return how much each neighbour counts, 0 to 1, from its distance; rows are points, nearest neighbours first.

    The nearest counts 1, and the scale of each row is such that the sum is log2 of their number.
    """
    rest = (distances - distances[:, :1]).astype(np.float64)
    target = np.log2(max(distances.shape[1], 2))
    low, high, scale = (np.full((len(rest), 1), value) for value in (0.0, np.inf, 1.0))
    for _ in range(40):
        is_below = np.exp(-rest / scale).sum(axis=1, keepdims=True) < target
        low, high = np.where(is_below, scale, low), np.where(is_below, high, scale)
        scale = np.where(np.isinf(high), 2.0 * scale, 0.5 * (low + high))
    least = 1e-3 * max(float(distances.mean()), 1e-9)
    return np.exp(-rest / np.maximum(scale, least)).astype(np.float32)


def _continued(points: F32, start: F32, known: Flags, indices: I32, weights: F32) -> F32:
    """Return where points begin on an earlier map: where they were, or at the nearest one that has a place."""
    begun = np.where(known[:, None], start, points).astype(np.float32)
    placed = known.copy()
    for _ in range(_ROUNDS):
        left = np.flatnonzero(~placed)
        nearness = weights[left] * placed[indices[left]]
        best = nearness.argmax(axis=1)
        found = nearness[np.arange(len(left)), best] > 0.0
        if not found.any():
            break
        begun[left[found]] = begun[indices[left[found], best[found]]]
        placed[left[found]] = True
    if not placed.all():
        # Nothing known is near them: they begin where the principal components put them among the known ones.
        sides = np.column_stack([points, np.ones(len(points))])
        onto, *_ = np.linalg.lstsq(sides[known], start[known], rcond=None)
        begun[~placed] = sides[~placed] @ onto
    return begun


def align(points: F32, onto: F32, known: Flags) -> F32:
    """Return points turned, mirrored and moved so that the known ones lie as near as they can to where they lay."""
    mean, goal = points[known].mean(axis=0, dtype=np.float64), onto[known].mean(axis=0, dtype=np.float64)
    left, _, right = np.linalg.svd((points[known] - mean).T @ (onto[known] - goal))
    return ((points - mean) @ (left @ right) + goal).astype(np.float32)
