"""Learns to name the instrument of one-shots.

`python -m training.instrument FOLDER` reads the sounds of `training.oneshots`, reports scores on held-out soundfonts
and writes `samplemind_worker/dsp/models/instrument.npz`. It asks the pitch networks: `training.pitch` comes first.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import CLASSES, DRUMS, describe
from samplemind_worker.dsp.network import softmax
from samplemind_worker.dsp.pitch import hear
from training import augment, confidence, network, oneshots

F32 = npt.NDArray[np.float32]

_VARIANTS = 2
_MODEL = Path(dsp.__file__).parent / "models" / "instrument.npz"
_OPTIONS: dict[str, Any] = {"outputs": len(CLASSES), "hidden": 64, "epochs": 10, "decay": 1e-3, "seeds": (0, 1)}


def measure(folder: Path) -> tuple[F32, npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Describe each sound that has a class, as it is and in three variants: rows, classes, soundfonts."""
    rng = np.random.default_rng(8)
    rows: list[F32] = []
    names: list[int] = []
    fonts: list[str] = []
    for y, truth in oneshots.read(folder):
        if truth["name"] is None:
            continue
        for signal in (y, *(augment.vary(y, rng)[0] for _ in range(_VARIANTS))):
            if np.abs(signal).max() > 1e-3:
                features = dsp.compute_features(signal, sr=dsp.SR)
                rows.append(describe(features, hear(features)))
                names.append(CLASSES.index(truth["name"]))
                fonts.append(truth["font"])
    return np.stack(rows), np.array(names), np.array(fonts)


def _report(odds: npt.NDArray[np.float64], right: npt.NDArray[np.int64]) -> None:
    found, chance = odds.argmax(axis=1), odds.max(axis=1)
    for k, name in enumerate(CLASSES):
        own = right == k
        if own.any():
            others = np.bincount(found[own & (found != k)], minlength=len(CLASSES))
            taken = ", ".join(f"{CLASSES[j]} {others[j]}" for j in np.argsort(-others)[:4] if others[j])
            sys.stdout.write(f"{name:11}{own.sum():6} {100 * (found[own] == k).mean():5.1f} % right, else {taken}\n")
    confidence.report("instrument", chance, found == right)


def fit(folder: Path) -> None:
    """Learn, report on held-out soundfonts, write the model."""
    rows, right, fonts = measure(folder)
    # Rare classes count for more, but not as much as common ones.
    weight = np.bincount(right, minlength=len(CLASSES))[right] ** -0.5
    logits, tested = np.zeros((len(rows), len(CLASSES))), np.zeros(len(rows), bool)
    for fold in oneshots.FOLDS:
        out = np.isin(fonts, fold)
        tested |= out
        net = network.fit(rows[~out][:, None], right[~out], weight=weight[~out], **_OPTIONS)
        logits[out] = net.logits(rows[out].astype(np.float64))
        hit, drum = logits[out].argmax(axis=1) == right[out], right[out] < len(DRUMS)
        line = "without {}: drums {:.1f} %, others {:.1f} % right\n"
        sys.stdout.write(line.format(", ".join(fold), 100 * hit[drum].mean(), 100 * hit[~drum].mean()))
    divisor = network.temperature(logits[tested], right[tested])
    _report(softmax(logits[tested] / divisor), right[tested])
    net = network.fit(rows[:, None], right, weight=weight, **_OPTIONS)
    np.savez_compressed(_MODEL, **network.to_arrays(net, divisor=divisor))  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(Path(sys.argv[1]))
