import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker.dsp import nearest as nearest_module
from samplemind_worker.dsp.nearest import nearest
from samplemind_worker.dsp.sound_map import align, arrange, reduction, weigh

F32 = npt.NDArray[np.float32]
CLUSTERS, EACH = 12, 40


def clusters(each: int = EACH, *, seed: int = 1, spread: float = 0.3) -> tuple[F32, npt.NDArray[np.int64]]:
    """Vectors around random directions, shuffled, and the cluster of each."""
    rng = np.random.default_rng(seed)
    centres = rng.normal(size=(CLUSTERS, 64))
    labels = rng.permutation(np.repeat(np.arange(CLUSTERS), each))
    return unit(centres[labels] + spread * rng.normal(size=(len(labels), 64))), labels


def unit(vectors: npt.NDArray[np.float64]) -> F32:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def neighbours(points: F32, count: int) -> npt.NDArray[np.int64]:
    distances = np.linalg.norm(points[:, None] - points[None], axis=2)
    np.fill_diagonal(distances, np.inf)
    return np.argsort(distances, axis=1)[:, :count]


def purity(points: F32, labels: npt.NDArray[np.int64]) -> float:
    """The share of the ten nearest points that are of the same cluster."""
    return float(np.mean(labels[neighbours(points, 10)] == labels[:, None]))


def ignore(_: float) -> None:
    return


def test_what_is_alike_lies_together():
    vectors, labels = clusters()

    points = arrange(vectors)

    assert points.shape == (len(vectors), 2)
    assert purity(points, labels) > 0.99


def test_a_line_stays_a_line():
    at = np.linspace(0.0, 3.0, 300)
    angles = at[:, None] * np.linspace(0.2, 1.0, 8)
    vectors = unit(np.hstack([np.cos(angles), np.sin(angles)]))

    near = neighbours(arrange(vectors), 5)

    assert np.mean(np.abs(near - np.arange(300)[:, None]) <= 10) > 0.95


def test_the_same_vectors_give_the_same_map_whatever_their_length():
    vectors, _ = clusters()

    assert np.array_equal(arrange(vectors), arrange(vectors))
    assert np.allclose(arrange(4.0 * vectors), arrange(vectors))


def test_a_map_that_is_made_again_hardly_moves():
    vectors, labels = clusters()
    before = arrange(vectors)
    radius = np.linalg.norm(before - before.mean(axis=0), axis=1).mean()

    after = arrange(vectors, start=before)

    assert np.median(np.linalg.norm(after - before, axis=1)) < 0.03 * radius
    assert purity(after, labels) > 0.99


def test_new_points_find_their_places_and_the_others_stay():
    vectors, labels = clusters()
    known = len(vectors) * 3 // 4
    before = arrange(vectors[:known])
    radius = np.linalg.norm(before - before.mean(axis=0), axis=1).mean()
    start = np.full((len(vectors), 2), np.nan, np.float32)
    start[:known] = before

    after = arrange(vectors, start=start)

    assert purity(after, labels) > 0.98
    assert np.median(np.linalg.norm(after[:known] - before, axis=1)) < 0.05 * radius


def test_a_map_that_is_mostly_new_keeps_its_turn():
    vectors, labels = clusters()
    known = len(vectors) // 4
    start = np.full((len(vectors), 2), np.nan, np.float32)
    start[:known] = arrange(vectors[:known])

    after = arrange(vectors, start=start)

    assert purity(after, labels) > 0.98
    kept = np.arange(len(vectors)) < known
    assert np.allclose(align(after, start, kept), after, atol=1e-3)


def test_new_sounds_that_nothing_known_is_like_have_a_place():
    vectors, labels = clusters()
    start = np.full((len(vectors), 2), np.nan, np.float32)
    start[labels == 0] = np.random.default_rng(0).normal(size=(EACH, 2))

    assert np.isfinite(arrange(vectors, start=start)).all()


def test_turning_and_mirroring_are_undone():
    rng = np.random.default_rng(3)
    before = rng.normal(size=(50, 2)).astype(np.float32)
    turned = (before @ np.array([[0.0, 1.0], [1.0, 0.0]]) + 7.0).astype(np.float32)

    assert np.allclose(align(turned, before, np.ones(50, bool)), before, atol=1e-4)


@pytest.mark.parametrize("count", [0, 1, 2, 3, 16, 17])
def test_few_vectors_have_places_too(count: int):
    vectors = np.random.default_rng(1).normal(size=(count, 8)).astype(np.float32)

    points = arrange(vectors)

    assert points.shape == (count, 2)
    assert np.isfinite(points).all()
    assert len(np.unique(points, axis=0)) == count
    assert np.isfinite(arrange(vectors, start=points)).all()


@pytest.mark.parametrize("number", [0.0, 1.0])
def test_vectors_that_are_equal_or_have_no_direction_do_no_harm(number: float):
    assert np.isfinite(arrange(np.full((40, 8), number, np.float32))).all()


def test_progress_grows_to_the_whole_and_may_end_the_work():
    vectors, _ = clusters()
    seen: list[float] = []
    arrange(vectors, on_progress=seen.append)
    assert seen == sorted(seen)
    assert seen[-1] == 1.0

    def stop(_: float) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        arrange(vectors, on_progress=stop)


def test_the_nearest_of_few_are_exact():
    vectors, _ = clusters()
    cosines = vectors @ vectors.T
    np.fill_diagonal(cosines, -2.0)

    found, near = nearest(vectors, count=5, seed=1, on_progress=ignore)

    assert np.array_equal(found, np.argsort(-cosines, axis=1, kind="stable")[:, :5])
    assert np.allclose(near, -np.sort(-cosines, axis=1)[:, :5], atol=1e-6)


def test_the_nearest_of_many_are_mostly_found(monkeypatch: pytest.MonkeyPatch):
    vectors, _ = clusters(500)
    exact, _ = nearest(vectors, count=10, seed=1, on_progress=ignore)
    monkeypatch.setattr(nearest_module, "EXACT", 100)

    found, near = nearest(vectors, count=10, seed=1, on_progress=ignore)

    shared = [len(set(one) & set(other)) for one, other in zip(exact, found, strict=True)]
    assert np.mean(shared) > 9.0
    assert not np.any(found == np.arange(len(vectors))[:, None])
    assert np.allclose(near, np.einsum("nd,nkd->nk", vectors, vectors[found]), atol=1e-5)


def test_many_equal_vectors_are_found_too(monkeypatch: pytest.MonkeyPatch):
    vectors = np.repeat(clusters(2)[0], 60, axis=0)
    monkeypatch.setattr(nearest_module, "EXACT", 100)

    found, near = nearest(vectors, count=10, seed=1, on_progress=ignore)

    assert np.allclose(near, 1.0, atol=1e-5)
    assert not np.any(found == np.arange(len(vectors))[:, None])


def test_weights_of_a_row_sum_to_the_logarithm_of_their_number():
    distances = np.sort(np.random.default_rng(5).random((30, 15)).astype(np.float32), axis=1)

    weights = weigh(distances)

    assert np.allclose(weights.sum(axis=1), np.log2(15), atol=1e-3)
    assert np.all(np.diff(weights, axis=1) <= 0.0)
    assert np.all(weights[:, 0] == 1.0)


def test_a_reduction_keeps_cosines():
    rng = np.random.default_rng(2)
    vectors = unit(rng.normal(size=(500, 6)) @ rng.normal(size=(6, 64)))

    fewer = unit((vectors @ reduction(vectors, 8)).astype(np.float64))

    assert np.allclose(fewer @ fewer.T, vectors @ vectors.T, atol=1e-3)
