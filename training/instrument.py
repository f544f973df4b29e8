"""Learns to name the instrument of one-shots.

`python -m training.instrument FOLDER` reads the sounds of `training.oneshots` and `training.sources`, reports scores on
recordings that were held out and on those that are only measured, draws what was taken for what, and writes
`samplemind_worker/dsp/models/instrument.npz`. It needs PyTorch, see `picture.py`.
"""

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import CLASSES, DRUMS, SEEN_WITH_PICTURE, SURE
from samplemind_worker.dsp.network import Network, softmax
from training import confidence, confusion, heard, network, oneshots, picture
from training.heard import Material

Bools = npt.NDArray[np.bool_]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_MODEL = Path(dsp.__file__).parent / "models" / "instrument.npz"
_PICTURE = Path(__file__).parents[1] / "docs" / "instruments.svg"
_OPTIONS: dict[str, Any] = {
    "outputs": len(CLASSES), "hidden": 96, "epochs": 14, "decay": 1e-3, "noise": 0.4, "seeds": (0, 1)
}  # fmt: skip
_RATTLING = (("opendrums", "hat_closed"), ("opendrums", "rim"))
"""Hits in which the wires of the snare are heard more than what was struck: held out, nine in ten are called snares."""
_BALANCE_OF_CLASSES, _BALANCE_OF_SOURCES, _MOST = 0.6, 0.3, 8.0
_OF_NO_INSTRUMENT = 0.6
_NO_INSTRUMENTS = [CLASSES.index(name) for name in ("ambience", "fx", "other")]
"""What a library holds less of than of drums and notes, and its weight."""
_NO_NAME = len(CLASSES) - 1


def weights(m: Material) -> F64:
    """Give the weight of each sound: rare classes count for more, and in each class the sources that have few of it.

    Rooms, effects and instruments without a word count for less, as libraries hold mostly drums and notes.
    """
    _, kind, count = np.unique(m.right, return_inverse=True, return_counts=True)
    own = [f"{font} {right}" for font, right in zip(m.fonts.tolist(), m.right.tolist(), strict=True)]
    _, source, by_source = np.unique(own, return_inverse=True, return_counts=True)
    weight = count[kind] ** -_BALANCE_OF_CLASSES * by_source[source] ** -_BALANCE_OF_SOURCES
    return np.minimum(weight / weight.mean(), _MOST) * np.where(
        np.isin(m.right, _NO_INSTRUMENTS), _OF_NO_INSTRUMENT, 1.0
    )


class Pair:
    """Two networks that have learned from the same sounds: by their measures, and by their pictures."""

    def __init__(self, m: Material) -> None:
        weight = weights(m)
        self.by_measures: Network = network.fit(m.rows[:, None], m.right, weight=weight, **_OPTIONS)
        rows = m.rows[:, SEEN_WITH_PICTURE]
        self.by_picture = picture.fit(m.pictures, rows, m.right, outputs=len(CLASSES), weight=weight)

    def logits(self, m: Material) -> F64:
        """Return the mean of both networks' logits (n, 27)."""
        by_picture = self.by_picture.logits(m.pictures, m.rows[:, SEEN_WITH_PICTURE])
        return 0.5 * (self.by_measures.logits(m.rows.astype(np.float64)) + by_picture)

    def to_arrays(self, *, divisor: float) -> dict[str, npt.NDArray[Any]]:
        """Give the arrays of the file, in half precision; the sum of the networks' logits is their mean here."""
        arrays: dict[str, Any] = network.to_arrays(self.by_measures, divisor=2.0 * divisor)
        return {name: array.astype(np.float16) for name, array in arrays.items()} | self.by_picture.to_arrays(
            "picture", divisor=2.0 * divisor
        )


def _named(odds: F64) -> I64:
    return np.where(odds.max(axis=1) < SURE, _NO_NAME, odds.argmax(axis=1))


def _score(title: str, odds: F64, right: I64, *, details: bool = False) -> None:
    """Print how many are right, and the mean over the classes; on request, each class and what it is taken for."""
    found = _named(odds)
    kinds = sorted(set(right.tolist()))
    recalls = [100.0 * (found[right == k] == k).mean() for k in kinds]
    sys.stdout.write(
        f"{title}: {len(right)} sounds, {100 * (found == right).mean():.1f} % right, mean {np.mean(recalls):.1f}\n"
    )
    for k, recall in zip(kinds, recalls, strict=True) if details else ():
        others = np.bincount(found[(right == k) & (found != k)], minlength=len(CLASSES))
        taken = ", ".join(f"{CLASSES[j]} {others[j]}" for j in np.argsort(-others)[:4] if others[j])
        sys.stdout.write(f"  {CLASSES[k]:11}{(right == k).sum():6} {recall:5.1f} % right, else {taken}\n")


def _report(odds: F64, m: Material) -> None:
    known = m.variant <= heard.TREATED
    for font in sorted(set(m.fonts.tolist())):
        own = known & (m.fonts == font)
        _score(f"held out {font}", odds[own], m.right[own])
    drums = m.right < len(DRUMS)
    _score("drums", odds[known & drums], m.right[known & drums], details=True)
    _score("others", odds[known & ~drums], m.right[known & ~drums], details=True)
    for variant, title in ((heard.FAR, "far away"), (heard.SAMPLED, "by an old sampler"), (heard.CODED, "coded")):
        own = m.variant == variant
        _score(title, odds[own], m.right[own])
    confidence.report("instrument", odds[known].max(axis=1), odds[known].argmax(axis=1) == m.right[known])


def fit(m: Material, measured: Material | None = None) -> None:
    """Learn, report on held-out recordings, draw what was taken for what, write the model."""
    rattling = np.zeros(len(m.right), bool)
    for font, name in _RATTLING:
        rattling |= (m.fonts == font) & (m.right == CLASSES.index(name))
    everything = Pair(m.part(~rattling))
    logits, tested = np.zeros((len(m.right), len(CLASSES))), np.zeros(len(m.right), bool)
    # Recordings are held out: what is rendered flatters.
    for fold in oneshots.FOLDS:
        out = np.isin(m.fonts, fold) & m.recorded
        if out.any():
            tested |= out
            logits[out] = Pair(m.part(~out & ~rattling)).logits(m.part(out))
    divisor = network.temperature(logits[tested], m.right[tested])
    odds, held_out = softmax(logits[tested] / divisor), m.part(tested)
    _report(odds, held_out)
    known = held_out.variant <= heard.TREATED
    _PICTURE.write_text(confusion.svg(CLASSES, held_out.right[known], odds[known].argmax(axis=1)))
    sys.stdout.write(f"temperature {divisor:.2f}\n")
    if measured is not None:
        found = softmax(everything.logits(measured) / divisor)
        for font in sorted(set(measured.fonts.tolist())):
            own = (measured.fonts == font) & (measured.variant == heard.AS_IS)
            _score(f"never learned from: {font}", found[own], measured.right[own])
    np.savez_compressed(_MODEL, **everything.to_arrays(divisor=divisor))  # type: ignore[arg-type]


def main() -> None:
    """Measure and learn."""
    folder = Path(sys.argv[1])
    measured = heard.measure(folder / "measured") if next((folder / "measured").glob("*.json"), None) else None
    fit(heard.measure(folder), measured)


if __name__ == "__main__":
    main()
