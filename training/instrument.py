"""Learns to name the instrument of one-shots.

`python -m training.instrument FOLDER` reads the sounds of `training.oneshots` and `training.sources`, reports scores
on held-out recordings and writes `samplemind_worker/dsp/models/instrument.npz`; the network for drums in it stays. It
asks the pitch networks: `training.pitch` comes first.
"""

import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import CLASSES, DRUMS, PITCH, SURE, describe, divided
from samplemind_worker.dsp.network import Network, load_network, softmax
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


@dataclass(frozen=True)
class Material:
    """Rows of `describe`, and of each its class and where it is from."""

    rows: F32
    right: npt.NDArray[np.int64]
    fonts: npt.NDArray[np.str_]
    recorded: npt.NDArray[np.bool_]


def material(sounds: list[singles.Single]) -> Material:
    """Describe each sound that has a class."""
    kept = [(f, t) for f, t in sounds if t["name"] is not None and f.peak > 0.0 and not _is_impact(f, t)]
    return Material(
        np.stack([describe(f, hear(f, PITCH)) for f, _ in kept]),
        np.array([CLASSES.index(t["name"]) for _, t in kept]),
        np.array([t["font"] for _, t in kept]),
        np.array([singles.is_recorded(t) for _, t in kept]),
    )


def _learn(m: Material, used: npt.NDArray[np.bool_]) -> Network:
    right = m.right[used]
    # Rare classes count for more, but not as much as common ones.
    weight: F64 = np.bincount(right, minlength=len(CLASSES))[right].astype(np.float64) ** -0.5
    return network.fit(m.rows[used][:, None], right, weight=weight, **_OPTIONS)


def _report(odds: F64, right: npt.NDArray[np.int64]) -> None:
    found, chance = np.where(odds.max(axis=1) < SURE, len(CLASSES) - 1, odds.argmax(axis=1)), odds.max(axis=1)
    for k, name in enumerate(CLASSES):
        own = right == k
        if own.any():
            others = np.bincount(found[own & (found != k)], minlength=len(CLASSES))
            taken = ", ".join(f"{CLASSES[j]} {others[j]}" for j in np.argsort(-others)[:4] if others[j])
            sys.stdout.write(f"{name:11}{own.sum():6} {100 * (found[own] == k).mean():5.1f} % right, else {taken}\n")
    drums = right < len(DRUMS)
    recalls = [100 * (found[right == k] == k).mean() for k in sorted(set(right[drums].tolist()))]
    named, others = (100 * (found[own] == right[own]).mean() for own in (drums, ~drums))
    sys.stdout.write(f"drums {named:.1f} % right, mean recall {np.mean(recalls):.1f}; others {others:.1f} % right\n")
    confidence.report("instrument", chance, odds.argmax(axis=1) == right)


def fit(m: Material) -> None:
    """Learn, report on held-out sources, draw what was taken for what, write the model."""
    logits, tested = np.zeros((len(m.rows), len(CLASSES))), np.zeros(len(m.rows), bool)
    # Recordings are held out: what is rendered flatters.
    for fold in oneshots.FOLDS:
        out = np.isin(m.fonts, fold) & m.recorded
        tested |= out
        logits[out] = _learn(m, ~out).logits(m.rows[out].astype(np.float64))
    divisor = network.temperature(logits[tested], m.right[tested])
    # Which drum it is, the network says that learned before there were recordings: docs/analysis.md compares others.
    drums = load_network("instrument", "drums")
    odds = divided(softmax(logits / divisor), softmax(drums.logits(m.rows.astype(np.float64))))
    for font in sum(oneshots.FOLDS, ()):
        own = tested & (m.fonts == font)
        if own.any():
            hit = (odds[own].argmax(axis=1) == m.right[own]) & (odds[own].max(axis=1) >= SURE)
            sys.stdout.write(f"held out {font}: {own.sum()} sounds, {100 * hit.mean():.1f} % right\n")
    _report(odds[tested], m.right[tested])
    _PICTURE.write_text(confusion.svg(CLASSES, m.right[tested], odds[tested].argmax(axis=1)))
    each = _learn(m, np.ones(len(m.rows), bool))
    arrays = network.to_arrays(each, divisor=divisor) | network.to_arrays(drums, "drums")
    np.savez_compressed(_MODEL, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(material(singles.measure(Path(sys.argv[1]))))
