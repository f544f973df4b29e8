import numba as nb
import numpy as np

from samplemind_worker.dsp import _frames, _notes, _sounds
from samplemind_worker.dsp._lanes import load, store

U = np.uint64


@nb.njit("void(f4[::1], f4[::1])")
def _logarithms(x: np.ndarray, out: np.ndarray) -> None:
    for k in range(U(0), U(x.shape[0]), U(8)):
        store(out, k, _frames.log2(load(x, k)))


def test_logarithm_is_as_exact_as_its_arguments():
    x = np.concatenate([np.geomspace(1e-30, 1e30, 8000), np.linspace(0.5, 2.0, 8000), [1.0] * 8]).astype(np.float32)
    out = np.empty_like(x)
    _logarithms(x, out)
    reference = np.log2(x.astype(np.float64))
    np.testing.assert_allclose(out, reference, rtol=3e-7, atol=1e-12)
    assert out[-1] == 0.0


def test_chances_of_a_note_are_summed_over_its_neighbours_and_octaves():
    rng = np.random.default_rng(6)
    rows = rng.uniform(-1, 1, (5, _notes.MEASURES)).astype(np.float32)
    rows[:, 0] = 60.0, 60.3, 72.2, 47.9, 66.0
    chances, level = np.array([0.4, 0.2, 0.15, 0.15, 0.1]), rng.random(30).astype(np.float32)
    out = np.full(_notes.MEASURES + 6, 7.0)
    _notes.describe_note(rows, 0, chances, level, out)
    np.testing.assert_array_equal(out[: _notes.MEASURES], rows[0])
    np.testing.assert_allclose(out[_notes.MEASURES : _notes.MEASURES + 2], [0.6, 0.9])
    np.testing.assert_array_equal(out[_notes.MEASURES + 2 : -1], 7.0)
    np.testing.assert_allclose(out[-1], level.mean() / level.max(), rtol=1e-6)


def test_tonalness_is_weighted_by_the_level():
    tonalness = np.array([[0.5, 2.0], [1.0, 0.0], [0.2, 1.0]], np.float32)
    np.testing.assert_allclose(_notes.weighted_share(tonalness), 1.2 / 3.0, rtol=1e-6)
    assert _notes.weighted_share(np.zeros((3, 2), np.float32)) == 0.0


def test_tones_are_shared_among_pitch_classes_and_octaves():
    notes = np.random.default_rng(7).random((5, 84)).astype(np.float32)
    chroma, bass, octaves = np.ones(12, np.float32), np.ones(12, np.float32), np.ones(7, np.float32)
    _sounds.describe_tones(notes, chroma, bass, octaves)
    shares = np.sqrt(notes).sum(axis=0).reshape(7, 12)
    shares /= shares.sum()
    np.testing.assert_allclose(chroma, shares.sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(bass, shares[:2].sum(axis=0), rtol=1e-5)
    np.testing.assert_allclose(octaves, shares.sum(axis=1), rtol=1e-5)
    _sounds.describe_tones(np.zeros((3, 84), np.float32), chroma, bass, octaves)
    assert not np.concatenate([chroma, bass, octaves]).any()
