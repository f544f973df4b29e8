"""Evaluates a small convolutional network with NumPy; `training/instrument.py` trains it.

Conventions: a sound is a picture (bands, columns) of levels in dB, -60 to 0, and a row of measures. The network looks
along the bands alone: all columns of a few neighbouring bands are the input of a unit, as the time axis begins at the
attack and needs no search. It returns probabilities. Its file is `models/<name>.npz`.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp import _layers
from samplemind_worker.dsp.network import load_arrays

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_MIDDLE_DB, _ONE_OVER_SPREAD = np.float32(-35.0), np.float32(1.0 / 20.0)
LIMIT = 6.0
"""Greatest distance of a measure from its mean, in units of its spread: no single measure decides alone."""
_LIMIT = np.float32(LIMIT)


@dataclass(frozen=True, slots=True)
class Layer:
    """A convolution along the bands, then the positive part, then the greater of two neighbours."""

    weights: F32
    """(width * inputs, units): those of the lowest band first."""
    bias: F32
    """(units,)."""

    def apply(self, x: F32) -> F32:
        """Turn (bands, inputs) into (bands / 2, units)."""
        pairs = len(x) // 2
        # Bands are summed four at once, so there may be a row for what comes of none.
        out = np.empty((pairs + pairs % 2, len(self.bias)), np.float32)
        _layers.convolve(x, self.weights, self.bias, out)
        return out[:pairs]


@dataclass(frozen=True, slots=True)
class ConvolutionalNetwork:
    """Layers that look at the picture, a layer that joins what they found with the measures, and the output."""

    layers: tuple[Layer, ...]
    centre: F32
    """(d,): subtracted from the measures, which are then multiplied by ``scale`` (d,)."""
    scale: F32
    join: F32
    """(bands * units of the last layer + d, h)."""
    join_bias: F32
    out: F32
    """(h, k)."""
    out_bias: F32

    def probabilities(self, picture: F32, row: F32) -> F64:
        """Return the probability (k,) of each output for a picture (bands, columns) and a row of measures (d,)."""
        x = scaled(picture)
        for layer in self.layers:
            x = layer.apply(x)
        odds = np.empty(len(self.out_bias))
        _layers.conclude(
            x.ravel(), row, self.centre, self.scale, _LIMIT, self.join, self.join_bias, self.out, self.out_bias, odds
        )
        return odds


def scaled(pictures: F32) -> F32:
    """Scale levels in dB as the first layer reads them."""
    found = pictures - _MIDDLE_DB
    found *= _ONE_OVER_SPREAD
    return found


@lru_cache(maxsize=4)
def load_convolutional(name: str, part: str) -> ConvolutionalNetwork:
    """Read a network; ``part`` is the prefix of its arrays in the file."""
    arrays = {key: array.astype(np.float32) for key, array in load_arrays(name).items() if key.startswith(f"{part}_")}
    count = sum(key.startswith(f"{part}_weights") for key in arrays)
    layers = tuple(Layer(arrays[f"{part}_weights{k}"], arrays[f"{part}_bias{k}"]) for k in range(count))
    others = ("centre", "scale", "join", "join_bias", "out", "out_bias")
    return ConvolutionalNetwork(layers, **{key: arrays[f"{part}_{key}"] for key in others})
