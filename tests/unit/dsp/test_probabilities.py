import numpy as np
import pytest

from samplemind_worker.dsp.network import load_network, softmax
from samplemind_worker.dsp.probabilities import probabilities

NETWORKS = [
    ("instrument", "net", 1),
    ("pitch", "which", 1),
    ("pitch", "which", 40),
    ("pitch", "pitched", 1),
    ("chord", "single", 12),
    ("kind", "net", 1),
    ("pulse", "net", 1),
]


def _exact(name: str, part: str, rows: np.ndarray) -> np.ndarray:
    net = load_network(name, part)
    measures = (rows.astype(np.float64) - net.centre) * net.scale
    logits = measures @ net.direct + net.bias + np.tanh(measures @ net.hidden + net.offset) @ net.out
    return softmax(logits.ravel())


@pytest.mark.parametrize(("name", "part", "count"), NETWORKS)
def test_probabilities_are_those_of_the_exact_sums(name: str, part: str, count: int):
    net = load_network(name, part)
    spread = np.random.default_rng(count).normal(size=(count, len(net.centre)))
    rows = (net.centre + spread / net.scale).astype(np.float32)
    found = probabilities(name, rows, part=part)
    assert found.shape == (count * net.last.shape[1],)
    np.testing.assert_allclose(found, _exact(name, part, rows), atol=2e-6)
    np.testing.assert_allclose(found, softmax(net.logits(rows).ravel()), atol=2e-6)


def test_probabilities_take_one_row_of_any_precision():
    net = load_network("kind")
    row = net.centre + 0.5 / net.scale
    np.testing.assert_array_equal(probabilities("kind", row), probabilities("kind", row.astype(np.float32)[None]))


def test_probabilities_of_absurd_measures_are_finite():
    net = load_network("pulse")
    found = probabilities("pulse", net.centre + 1e6 / net.scale)
    assert np.isfinite(found).all()
    assert found.sum() == pytest.approx(1.0)
