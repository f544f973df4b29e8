"""Learns the pitch of single notes: which candidate is heard, and whether any is.

`python -m training.pitch FOLDER` reads the sounds of `training.oneshots` and `training.sources`, reports scores on
held-out sources and writes `samplemind_worker/dsp/models/pitch.npz`. Recordings are only measured (`docs/analysis.md`).
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp import network as net
from samplemind_worker.dsp import pitch
from training import network, oneshots, programs, singles, sounds, struck

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_SLOTS, _NOISES, _STRUCK = 40, 1500, 3000
_MODEL = Path(dsp.__file__).parent / "models" / "pitch.npz"
_WHICH: dict[str, Any] = {"hidden": 32, "epochs": 30, "decay": 1e-3}
_PITCHED: dict[str, Any] = {"outputs": 2, "hidden": 16, "epochs": 30, "decay": 1e-3, "seeds": (0, 1)}


def _noise(rng: np.random.Generator) -> F32:
    """Noise of some band, long or short, even or swelling."""
    n = round(float(np.exp(rng.uniform(np.log(0.05), np.log(9.0)))) * dsp.SR)
    if rng.random() < 0.4:
        y = rng.normal(size=n)
    else:
        y = sounds.band_noise(n, float(np.exp(rng.uniform(3.0, 7.0))), float(np.exp(rng.uniform(7.3, 9.3))), rng)
    level = rng.uniform(0.2, 1.0, 12) if rng.random() < 0.5 else np.ones(12)
    y = y * np.interp(np.arange(n), np.linspace(0, n, 12), level)
    return np.asarray(sounds.peak(y), np.float32)


def _pitched_or_not(sounds: list[singles.Single]) -> list[singles.Single]:
    """Give the sounds of which it is known whether they have a pitch, noise, and struck strings."""
    rng = np.random.default_rng(7)
    out = [(f, t) for f, t in sounds if t["midi"] != programs.UNKNOWN and f.peak > 0.0]
    truth = {"midi": None, "font": "synth", "program": -6}
    out += [(dsp.compute_features(_noise(rng), sr=dsp.SR), truth) for _ in range(_NOISES)]
    return out + list(_struck(np.random.default_rng(320)))


def _struck(rng: np.random.Generator) -> Iterator[singles.Single]:
    for _ in range(_STRUCK):
        y, midi = struck.play(rng)
        yield dsp.compute_features(y, sr=dsp.SR), {"midi": midi, "font": "struck", "program": -7}


def _slots(rows: F32) -> F32:
    """Fill up to 40 candidates."""
    return np.concatenate([rows, np.zeros((_SLOTS - len(rows), rows.shape[1]), np.float32)])


class Material:
    """The sounds that have candidates: rows, which of them are there, and what is right."""

    def __init__(self, sounds: list[singles.Single]) -> None:
        kept = [(f, t) for f, t in sounds if len(f.pitch)]
        self.features = [f for f, _ in kept]
        self.rows = np.stack([_slots(f.pitch) for f in self.features])
        self.mask = np.arange(_SLOTS) < np.array([len(f.pitch) for f in self.features])[:, None]
        self.midi = np.array([-1.0 if t["midi"] is None else t["midi"] for _, t in kept])
        self.font = np.array([t["font"] for _, t in kept])
        self.recorded = np.array([singles.is_recorded(t) for _, t in kept])
        distance = np.where(self.mask, np.abs(self.rows[:, :, 0] - self.midi[:, None]), 99.0)
        self.right = distance.argmin(axis=1)
        self.noted = self.midi > 0.0
        self.found = self.noted & (distance.min(axis=1) < 0.4)


def _which(m: Material, used: npt.NDArray[np.bool_]) -> net.Network:
    return network.fit(m.rows[used], m.right[used], mask=m.mask[used], **_WHICH)


def _chances(m: Material, which: net.Network) -> F64:
    return net.softmax(np.where(m.mask, which.logits(m.rows.astype(np.float64))[:, :, 0], -1e9))


def _pitched_rows(m: Material, chances: F64) -> F64:
    return np.stack(
        [pitch.pitched_row(f, int(c.argmax()), c[: len(f.pitch)]) for f, c in zip(m.features, chances, strict=True)]
    )


def _report(m: Material, chances: F64, pitched: F64, tested: npt.NDArray[np.bool_]) -> None:
    best = m.rows[np.arange(len(m.rows)), chances.argmax(axis=1), 0]
    off = best - m.midi
    octave, right = np.abs((off + 6.0) % 12.0 - 6.0) < 0.5, np.abs(off) < 0.5
    notes, other = tested & m.noted, tested & ~m.noted
    line = (
        "{:10} {:5} notes: candidate there {:.1f}, class {:.1f}, octave too {:.1f}, called pitched {:.1f}; "
        "{:5} others called pitched {:.1f}\n"
    )
    for font in [*sorted(set(m.font[tested])), ""]:
        n, o = notes & ((m.font == font) | (font == "")), other & ((m.font == font) | (font == ""))
        sure = pitched >= pitch.SURE
        shares = [100 * x[n].mean() if n.any() else np.nan for x in (m.found, octave, right, sure)]
        mistaken = 100 * sure[o].mean() if o.any() else np.nan
        sys.stdout.write(line.format(font or "all", n.sum(), *shares, o.sum(), mistaken))


def learn(m: Material, used: npt.NDArray[np.bool_]) -> tuple[net.Network, net.Network]:
    """Learn both networks from some of the sounds."""
    which = _which(m, used & m.found)
    rows = _pitched_rows(m, _chances(m, which))
    pitched = network.fit(rows[used][:, None], m.noted[used].astype(np.int64), **_PITCHED)
    return which, pitched


def fit(sounds: list[singles.Single]) -> None:
    """Learn, report on held-out sources, write the model."""
    m = Material(_pitched_or_not(sounds))
    everything, tested = ~m.recorded, np.isin(m.font, sum(oneshots.FOLDS, ()))
    logits, chances, pitched = np.zeros((len(m.rows), 2)), np.zeros(m.mask.shape), np.zeros(len(m.rows))
    for fold in oneshots.FOLDS:
        out = np.isin(m.font, fold)
        which, sure = learn(m, everything & ~out)
        held = _chances(m, which)
        chances[out] = held[out]
        logits[out] = sure.logits(_pitched_rows(m, held))[out]
    pitched = net.softmax(logits)[:, 1]
    _report(m, chances, pitched, tested)
    which, sure = learn(m, everything)
    tested &= everything
    found = tested & m.found
    divisor = network.temperature(np.log(chances[found] + 1e-12), m.right[found])
    other = network.temperature(logits[tested], m.noted[tested].astype(np.int64))
    sys.stdout.write(f"temperatures {divisor:.2f}, {other:.2f}\n")
    arrays = network.to_arrays(which, "which", divisor=divisor) | network.to_arrays(sure, "pitched", divisor=other)
    np.savez_compressed(_MODEL, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(singles.measure(Path(sys.argv[1])))
