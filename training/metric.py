"""Learns a small network whose outputs point the same way for sounds of one class: cosine softmax, Adam.

References
----------
Wang et al., "NormFace: L2 hypersphere embedding for face verification", 2017; Movshovitz-Attias et al., "No fuss
distance metric learning using proxies", 2017.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker.dsp.network import Network

F32 = npt.NDArray[np.float32]

_BATCH, _RATE, _DROPPED, _DECAY = 256, 3e-3, 0.2, 1e-4


def _unit(rows: F32) -> tuple[F32, F32]:
    """Scale rows to a length of 1; also give their lengths."""
    norm = np.linalg.norm(rows, axis=1, keepdims=True) + np.float32(1e-6)
    return rows / norm, norm


def _through(slope: F32, unit: F32, norm: F32) -> F32:
    """Take a slope back through `_unit`."""
    return (slope - unit * (slope * unit).sum(axis=1, keepdims=True)) / norm


def fit(
    rows: F32, right: npt.NDArray[np.int64], *, weight: F32, outputs: int, hidden: int, epochs: int, sharpness: float
) -> Network:
    """Learn from standardized rows (n, d) and their classes; a class has one proxy, which its rows are drawn to.

    ``sharpness`` is by what the cosines are multiplied before the softmax: the greater it is, the less a row is drawn
    to its proxy once it is nearer to it than to the others.
    """
    rng = np.random.default_rng(0)
    count, measures = rows.shape
    shapes = {"direct": (measures, outputs), "hidden": (measures, hidden), "out": (hidden, outputs)}
    p: dict[str, F32] = {n: (rng.normal(size=s) / np.sqrt(s[0])).astype(np.float32) for n, s in shapes.items()}
    p["direct"] *= np.float32(0.5)
    p["offset"] = np.zeros(hidden, np.float32)
    p["proxies"] = rng.normal(size=(int(right.max()) + 1, outputs)).astype(np.float32)
    first = {name: np.zeros_like(v) for name, v in p.items()}
    second = {name: np.zeros_like(v) for name, v in p.items()}
    steps = epochs * (count // _BATCH)
    for step in range(1, steps + 1):
        place = (step - 1) % (count // _BATCH)
        if place == 0:
            order = rng.permutation(count)
        i = order[place * _BATCH : (place + 1) * _BATCH]  # pyright: ignore[reportPossiblyUnboundVariable] -- step 1 sets it
        slopes = _slopes(p, rows[i], right[i], weight[i], sharpness, rng)
        rate = _RATE * min(1.0, step / 30) * 0.5 * (1.0 + np.cos(np.pi * step / steps))
        for name, g in slopes.items():
            first[name] = np.asarray(0.9 * first[name] + 0.1 * g, np.float32)
            second[name] = np.asarray(0.99 * second[name] + 0.01 * g * g, np.float32)
            ahead = first[name] / (1 - 0.9**step)
            p[name] -= (rate * ahead / (np.sqrt(second[name] / (1 - 0.99**step)) + 1e-8)).astype(np.float32)
    names: dict[str, Any] = {name: p[name].astype(np.float64) for name in ("direct", "hidden", "offset", "out")}
    return Network(centre=np.zeros(measures), scale=np.ones(measures), bias=np.zeros(outputs), **names)


def _slopes(  # noqa: PLR0917 -- the parts of one sum
    p: dict[str, F32], x: F32, right: npt.NDArray[np.int64], weight: F32, sharpness: float, rng: np.random.Generator
) -> dict[str, Any]:
    """Give the slopes of the loss of one batch."""
    sharp, one = np.float32(sharpness), np.arange(len(x))
    units = np.tanh(x @ p["hidden"] + p["offset"])
    keep = (rng.random(units.shape[1]) >= _DROPPED).astype(np.float32) / np.float32(1.0 - _DROPPED)
    vectors, lengths = _unit(x @ p["direct"] + (units * keep) @ p["out"])
    proxies, sizes = _unit(p["proxies"])
    logits = sharp * (vectors @ proxies.T)
    error = np.exp(logits - logits.max(axis=1, keepdims=True))
    error /= error.sum(axis=1, keepdims=True)
    error[one, right] -= 1.0
    error *= sharp * (weight / np.float32(len(x)))[:, None]
    back = _through(error @ proxies, vectors, lengths)
    inner = (back @ p["out"].T) * keep * (1.0 - units * units)
    decay = np.float32(_DECAY)
    return {
        "direct": x.T @ back + decay * p["direct"],
        "hidden": x.T @ inner + decay * p["hidden"],
        "offset": inner.sum(axis=0),
        "out": (units * keep).T @ back + decay * p["out"],
        "proxies": _through(error.T @ vectors, proxies, sizes),
    }
