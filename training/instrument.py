"""Learns to name the instrument of one-shots.

`python -m training.instrument FOLDER` reads the sounds of `training.oneshots` and `training.sources`, reports scores
on held-out sources and writes `samplemind_worker/dsp/models/instrument.npz`. It asks the pitch networks:
`training.pitch` comes first.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import CLASSES, describe
from samplemind_worker.dsp.network import softmax
from samplemind_worker.dsp.pitch import hear
from training import confidence, confusion, network, oneshots, singles

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_SHORTEST_EFFECT_SECONDS = 1.0
_MODEL = Path(dsp.__file__).parent / "models" / "instrument.npz"
_PICTURE = Path(__file__).parents[1] / "docs" / "instruments.svg"
_OPTIONS: dict[str, Any] = {"outputs": len(CLASSES), "hidden": 96, "epochs": 18, "decay": 1e-3, "seeds": (0, 1)}


def _is_impact(features: dsp.Features, truth: dict[str, Any]) -> bool:
    """Tell recorded steps and knocks: they sound as drums do, and taught that rims and shakers are effects."""
    short = features.samples < _SHORTEST_EFFECT_SECONDS * dsp.SR
    return short and bool(truth["name"] == "fx") and singles.is_recorded(truth)


def rows_of(sounds: list[singles.Single]) -> tuple[F32, npt.NDArray[np.int64], npt.NDArray[np.str_], F64]:
    """Describe each sound that has a class: rows, classes, where from, how much it counts."""
    kept = [(f, t) for f, t in sounds if t["name"] is not None and f.peak > 0.0 and not _is_impact(f, t)]
    rows = np.stack([describe(f, hear(f)) for f, _ in kept])
    right = np.array([CLASSES.index(t["name"]) for _, t in kept])
    fonts = np.array([t["font"] for _, t in kept])
    # Rare classes count for more, but not as much as common ones.
    weight: F64 = np.bincount(right, minlength=len(CLASSES))[right].astype(np.float64) ** -0.5
    return rows, right, fonts, weight


def _report(odds: npt.NDArray[np.float64], right: npt.NDArray[np.int64]) -> None:
    found, chance = odds.argmax(axis=1), odds.max(axis=1)
    for k, name in enumerate(CLASSES):
        own = right == k
        if own.any():
            others = np.bincount(found[own & (found != k)], minlength=len(CLASSES))
            taken = ", ".join(f"{CLASSES[j]} {others[j]}" for j in np.argsort(-others)[:4] if others[j])
            sys.stdout.write(f"{name:11}{own.sum():6} {100 * (found[own] == k).mean():5.1f} % right, else {taken}\n")
    confidence.report("instrument", chance, found == right)


def fit(sounds: list[singles.Single]) -> None:
    """Learn, report on held-out sources, draw what was taken for what, write the model."""
    rows, right, fonts, weight = rows_of(sounds)
    logits, tested = np.zeros((len(rows), len(CLASSES))), np.zeros(len(rows), bool)
    for fold in oneshots.FOLDS:
        out = np.isin(fonts, fold)
        tested |= out
        net = network.fit(rows[~out][:, None], right[~out], weight=weight[~out], **_OPTIONS)
        logits[out] = net.logits(rows[out].astype(np.float64))
        for font in fold:
            own = fonts == font
            hit = logits[own].argmax(axis=1) == right[own]
            if own.any():
                sys.stdout.write(f"without its fold {font}: {own.sum()} sounds, {100 * hit.mean():.1f} % right\n")
    divisor = network.temperature(logits[tested], right[tested])
    _report(softmax(logits[tested] / divisor), right[tested])
    _PICTURE.write_text(confusion.svg(CLASSES, right[tested], logits[tested].argmax(axis=1)))
    net = network.fit(rows[:, None], right, weight=weight, **_OPTIONS)
    np.savez_compressed(_MODEL, **network.to_arrays(net, divisor=divisor))  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(singles.measure(Path(sys.argv[1])))
