"""The convolutional network against one that is written as its definition says."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.convolution import LIMIT, ConvolutionalNetwork, Layer, scaled
from samplemind_worker.dsp.network import softmax

F32 = npt.NDArray[np.float32]
_GENTLER = np.float32(1000.0)
"""By what logits of random weights are divided, so that no probability is 1."""


def _layer(rng: np.random.Generator, inputs: int, units: int, width: int) -> Layer:
    weights = rng.normal(size=(width * inputs, units)).astype(np.float32)
    return Layer(weights, rng.normal(size=units).astype(np.float32))


def _applied(layer: Layer, x: F32) -> F32:
    """Take each sum on its own."""
    bands, inputs = x.shape
    width = len(layer.weights) // inputs
    sums = np.tile(layer.bias, (bands, 1)).astype(np.float64)
    for band in range(bands):
        for k in range(width):
            source = band + k - width // 2
            if 0 <= source < bands:
                sums[band] += x[source].astype(np.float64) @ layer.weights[k * inputs : (k + 1) * inputs]
    pairs = [np.maximum(sums[2 * b], sums[2 * b + 1]) for b in range(bands // 2)]
    return np.maximum(np.array(pairs), 0.0).astype(np.float32)


def test_a_layer_sums_neighbouring_bands_and_keeps_the_greater_of_two():
    rng = np.random.default_rng(0)
    for bands, inputs, units, width in ((40, 24, 16, 5), (20, 8, 32, 3), (10, 3, 48, 3), (5, 3, 16, 3)):
        layer = _layer(rng, inputs, units, width)
        x = rng.normal(size=(bands, inputs)).astype(np.float32)
        np.testing.assert_allclose(layer.apply(x), _applied(layer, x), rtol=1e-4, atol=1e-4)


def test_the_probabilities_follow_from_picture_and_measures():
    rng = np.random.default_rng(1)
    layers = (_layer(rng, 24, 32, 5), _layer(rng, 32, 16, 3))
    join, out = rng.normal(size=(10 * 16 + 7, 6)).astype(np.float32), rng.normal(size=(6, 3)).astype(np.float32)
    centre, scale = rng.normal(size=7).astype(np.float32), np.full(7, 2.0, np.float32)
    network = ConvolutionalNetwork(layers, centre, scale, join, np.ones(6, np.float32), out, np.ones(3, np.float32))
    picture = rng.uniform(-60.0, 0.0, (40, 24)).astype(np.float32)
    row = np.array([0.0, 1.0, -1.0, 100.0, -100.0, 0.5, 0.2], np.float32)
    x = _applied(layers[1], _applied(layers[0], scaled(picture)))
    measures = np.clip(2.0 * (row - centre), -LIMIT, LIMIT)
    unit = np.maximum(np.concatenate([x.ravel(), measures]) @ join + 1.0, 0.0)
    logits = (unit @ out + 1.0) / _GENTLER
    network = replace(network, out=out / _GENTLER, out_bias=np.full(3, 1.0 / _GENTLER, np.float32))
    np.testing.assert_allclose(network.probabilities(picture, row), softmax(logits.astype(np.float64)), atol=1e-3)
