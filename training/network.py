"""Learns the small networks of `samplemind_worker/dsp/network.py`: softmax, one hidden layer, Adam.

An example is a set of rows (twelve tonics, the candidates of a pitch, or one row), every row gives ``k`` logits, and
one of all rows' logits is right. The rows share their weights.
"""

# ruff: noqa: PLR0917 -- the shares and ranges of random draws explain themselves where they stand

from collections.abc import Sequence
from dataclasses import fields
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.network import Network, softmax

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_BATCH, _RATE, _DROPPED = 256, 0.01, 0.2


def _member(
    z: F32,
    right: npt.NDArray[np.int64],
    mask: npt.NDArray[np.bool_],
    weight: F32,
    outputs: int,
    hidden: int,
    epochs: int,
    decay: float,
    noise: float,
    seed: int,
) -> dict[str, F32]:
    rng = np.random.default_rng(seed)
    examples, _, measures = z.shape
    p: dict[str, F32] = {
        "direct": np.zeros((measures, outputs), np.float32),
        "bias": np.zeros(outputs, np.float32),
        "hidden": (rng.normal(size=(measures, hidden)) / np.sqrt(measures)).astype(np.float32),
        "offset": np.zeros(hidden, np.float32),
        "out": (rng.normal(size=(hidden, outputs)) / np.sqrt(hidden)).astype(np.float32),
    }
    first = {name: np.zeros_like(v) for name, v in p.items()}
    second = {name: np.zeros_like(v) for name, v in p.items()}
    step = 0
    for epoch in range(epochs):
        rate = _RATE * 0.5 * (1.0 + np.cos(np.pi * epoch / epochs))
        order = rng.permutation(examples)
        for start in range(0, examples, _BATCH):
            i = order[start : start + _BATCH]
            x = z[i].reshape(-1, measures)
            if noise:
                x = x + noise * rng.standard_normal(x.shape, np.float32)
            keep = (rng.random(hidden) >= _DROPPED).astype(np.float32) / (1.0 - _DROPPED)
            unit = np.tanh(x @ p["hidden"] + p["offset"])
            logits = (x @ p["direct"] + p["bias"] + (unit * keep) @ p["out"]).reshape(len(i), -1)
            error = softmax(np.where(mask[i], logits, -1e9))
            error[np.arange(len(i)), right[i]] -= 1.0
            error = (error * weight[i, None] / len(i)).reshape(-1, outputs).astype(np.float32)
            back = (error @ p["out"].T) * keep * (1.0 - unit * unit)
            slope = {
                "direct": x.T @ error + decay * p["direct"],
                "bias": error.sum(axis=0),
                "hidden": x.T @ back + decay * p["hidden"],
                "offset": back.sum(axis=0),
                "out": (unit * keep).T @ error + decay * p["out"],
            }
            step += 1
            for name, g in slope.items():
                first[name] = np.asarray(0.9 * first[name] + 0.1 * g, np.float32)
                second[name] = np.asarray(0.99 * second[name] + 0.01 * g * g, np.float32)
                ahead = first[name] / (1 - 0.9**step)
                p[name] -= rate * min(1.0, step / 20) * ahead / (np.sqrt(second[name] / (1 - 0.99**step)) + 1e-8)
    return p


def fit(
    rows: npt.NDArray[Any],
    right: npt.NDArray[np.int64],
    *,
    outputs: int = 1,
    mask: npt.NDArray[np.bool_] | None = None,
    weight: F64 | None = None,
    hidden: int = 16,
    epochs: int = 25,
    decay: float = 1e-2,
    noise: float = 0.0,
    seeds: Sequence[int] = (0,),
) -> Network:
    """Learn from rows (examples, rows, measures) and the index of the right one of all (rows x outputs) logits.

    ``mask`` (examples, rows x outputs) is False where there is no such answer; ``noise`` is added to the measures anew
    each time, in units of their spread.
    """
    used = (
        np.ones(rows.shape[:2], bool) if mask is None else mask.reshape(len(rows), rows.shape[1], outputs).any(axis=2)
    )
    centre, spread = rows[used].mean(axis=0), rows[used].std(axis=0) + 1e-3
    z = ((rows - centre) / spread).astype(np.float32)
    z[~used] = 0.0
    everything = np.ones((len(rows), rows.shape[1] * outputs), bool) if mask is None else mask
    even = np.ones(len(rows), np.float32) if weight is None else (weight / weight.mean()).astype(np.float32)
    members = [_member(z, right, everything, even, outputs, hidden, epochs, decay, noise, seed) for seed in seeds]
    m = len(members)
    return Network(
        centre=centre.astype(np.float64),
        scale=1.0 / spread.astype(np.float64),
        direct=np.mean([p["direct"] for p in members], axis=0).astype(np.float64),
        bias=np.mean([p["bias"] for p in members], axis=0).astype(np.float64),
        hidden=np.concatenate([p["hidden"] for p in members], axis=1).astype(np.float64),
        offset=np.concatenate([p["offset"] for p in members]).astype(np.float64),
        out=np.concatenate([p["out"] for p in members]).astype(np.float64) / m,
    )


def temperature(logits: F64, right: npt.NDArray[np.int64]) -> float:
    """Find by what to divide held-out logits so that their probabilities come true (Guo et al., 2017)."""
    choices = np.geomspace(0.3, 4.0, 60)
    losses = [-np.log(softmax(logits / t)[np.arange(len(right)), right] + 1e-12).mean() for t in choices]
    return float(choices[int(np.argmin(losses))])


def to_arrays(network: Network, part: str = "net", *, divisor: float = 1.0) -> dict[str, F32]:
    """Give the arrays of a network for its file, its logits divided by the temperature."""
    names = [each.name for each in fields(Network) if each.init]  # the others follow from them
    arrays = {f"{part}_{name}": getattr(network, name).astype(np.float32) for name in names}
    for name in ("direct", "bias", "out"):
        arrays[f"{part}_{name}"] /= np.float32(divisor)
    return arrays
