"""Evaluates small networks with NumPy; the scripts in `training/` train them.

Conventions: a network reads rows of measures and returns logits. Its members, trained from different starts, are
averaged. Its file is `models/<name>.npz`.
"""

from dataclasses import dataclass, field, fields
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Network:
    """A tanh layer beside a linear path; ``m`` members, ``d`` measures, ``h`` hidden units, ``k`` outputs."""

    centre: F64
    """(d,): subtracted from the measures, which are then multiplied by ``scale`` (d,)."""
    scale: F64
    direct: F64
    """(d, k): the mean of the members."""
    bias: F64
    hidden: F64
    """(d, m h): the members side by side, ``offset`` (m h,)."""
    offset: F64
    out: F64
    """(m h, k): divided by m."""

    first: F32 = field(init=False)
    """(d, k + m h): direct path and hidden layer side by side, with the scale included; ``shift`` likewise."""
    shift: F32 = field(init=False)
    middle: F32 = field(init=False)
    """``centre`` and, in ``base`` (k + m h,), ``bias`` and ``offset``: for sums of differences from the centre."""
    base: F32 = field(init=False)
    last: F32 = field(init=False)
    """``out`` in single precision, in which sums are taken: for one row, fetching the weights is most of the work."""

    def __post_init__(self) -> None:
        """Combine scaling, direct path and hidden layer into one matrix."""
        joined = np.concatenate([self.direct, self.hidden], axis=1)
        first = self.scale[:, None] * joined
        base = np.concatenate([self.bias, self.offset])
        combined = {
            "first": first,
            "shift": base - self.centre @ first,
            "middle": self.centre,
            "base": base,
            "last": self.out,
        }
        for name, array in combined.items():
            object.__setattr__(self, name, np.ascontiguousarray(array, np.float32))

    def logits(self, rows: F32 | F64) -> F64:
        """Return the logits (..., k) of rows of measures (..., d)."""
        return self.finished(rows.astype(np.float32, copy=False) @ self.first).astype(np.float64)

    def finished(self, sums: F32) -> F32:
        """Return the logits of rows of which the sums with ``first`` are taken; overwrites these."""
        sums += self.shift
        count = len(self.bias)
        logits = np.tanh(sums[..., count:]) @ self.last
        logits += sums[..., :count]
        return logits


def softmax(logits: F64) -> F64:
    """Turn logits into probabilities along the last axis."""
    odds = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return odds / odds.sum(axis=-1, keepdims=True)


@lru_cache(maxsize=32)
def load_arrays(name: str) -> dict[str, npt.NDArray[Any]]:
    """Read the file of a model."""
    file = resources.files("samplemind_worker.dsp").joinpath("models", f"{name}.npz")
    with resources.as_file(file) as path, np.load(path) as arrays:
        return {key: arrays[key] for key in arrays.files}


@lru_cache(maxsize=32)
def load_network(name: str, part: str = "net") -> Network:
    """Read a network; ``part`` is the prefix of its arrays in the file."""
    arrays = load_arrays(name)
    names = [each.name for each in fields(Network) if each.init]
    return Network(**{name: arrays[f"{part}_{name}"].astype(np.float64) for name in names})


def calibrated(name: str, score: float) -> float:
    """Turn the score of an answer into the probability that it is right, by the calibration curve of a model."""
    arrays = load_arrays(name)
    return float(np.interp(score, arrays["scores"], arrays["chances"]))
