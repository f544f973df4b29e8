"""Learns the pitch of single notes: which candidate is heard, and whether any is.

`python -m training.pitch FOLDER` reads the sounds of `training.oneshots`, measures them as they are, treated and from
afar, with strings, noise and loops that are synthesized; reports scores on held-out soundfonts and writes
`samplemind_worker/dsp/models/pitch.npz`. Recordings are only measured (`docs/analysis.md`).
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import pickle
import sys
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp import network as net
from samplemind_worker.dsp import pitch
from training import augment, figures, network, oneshots, programs, rooms, singles, sounds, struck

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

_SLOTS, _NOISES, _STRUCK, _LOOPS, _TONES = 40, 1500, 5000, 1000, 400
_PLAIN, _TREATED, _FAR = 0.7, 0.7, 0.3
"""Shares of the rendered sounds that are measured as they are, treated, and from afar."""
_MOST_SECONDS = 8.0
_MODEL = Path(dsp.__file__).parent / "models" / "pitch.npz"
_WHICH: dict[str, Any] = {"hidden": 32, "epochs": 30, "decay": 1e-3}
_PITCHED: dict[str, Any] = {"outputs": 2, "hidden": 16, "epochs": 30, "decay": 1e-3, "seeds": (0, 1)}
Note = tuple[F32, F32, F64, dict[str, Any]]
"""The measures of the fundamentals, the level, and those of the whole sound that the pitch reads; the truth."""


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


def _rendered(path: Path) -> Iterator[oneshots.Sound]:
    """Give the sounds of a file of which it is known whether they have a pitch, as they are, treated, and from afar."""
    rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
    for whole, truth in oneshots.read_file(path):
        if truth["midi"] == programs.UNKNOWN or singles.is_recorded(truth):
            continue
        plain, treated, far = rng.random(3) < (_PLAIN, _TREATED, _FAR)
        y = whole[: round(_MOST_SECONDS * dsp.SR)]
        if plain:
            yield y, truth
        if treated:
            varied, shift = augment.vary(y, rng)
            yield varied, truth if truth["midi"] is None else truth | {"midi": truth["midi"] + shift}
        if far:
            yield rooms.far(y, rng), truth


def _noises() -> Iterator[oneshots.Sound]:
    rng = np.random.default_rng(7)
    for _ in range(_NOISES):
        yield _noise(rng), {"midi": None, "font": "synth", "program": -6}


def _strings() -> Iterator[oneshots.Sound]:
    rng = np.random.default_rng(320)
    for _ in range(_STRUCK):
        y, midi = struck.play(rng)
        yield y, {"midi": midi, "font": "struck", "program": -7}


def _loops() -> Iterator[oneshots.Sound]:
    """Give short loops, which have no pitch: the networks of the kind and the pulse ask for it before they know."""
    for seed in range(_LOOPS):
        y = figures.short_loop(np.random.default_rng((321, seed))).y
        yield y, {"midi": None, "font": "loops", "program": -8}


def _tones() -> Iterator[oneshots.Sound]:
    """Give sines and nearly pure tones, steady ones and such that die away as slowly as no drum does."""
    rng = np.random.default_rng(322)
    for _ in range(_TONES):
        midi = float(rng.uniform(26.0, 100.0))
        t = np.arange(round(float(np.exp(rng.uniform(np.log(0.3), np.log(5.0)))) * dsp.SR)) / dsp.SR
        y = np.zeros(len(t))
        for k in range(1, int(rng.integers(2, 5))):
            level = 1.0 if k == 1 else 10.0 ** (float(rng.uniform(-70.0, -25.0)) / 20.0)
            hz = 440.0 * 2.0 ** ((midi - 69.0) / 12.0) * k
            y += level * np.sin(2.0 * np.pi * hz * t + rng.uniform(0.0, 2.0 * np.pi)) * (hz < 0.45 * dsp.SR)
        fall = float(rng.uniform(0.0, 3.0)) if rng.random() < 0.7 else 0.0
        y *= np.exp(-fall * t) * np.minimum(t / float(rng.uniform(0.002, 0.05)), 1.0)
        yield np.asarray(sounds.peak(y), np.float32), {"midi": midi, "font": "tones", "program": -9}


_SYNTHESIZED: dict[str, Callable[[], Iterator[oneshots.Sound]]] = {
    "noise": _noises,
    "struck": _strings,
    "short loops": _loops,
    "tones": _tones,
}


def measure(folder: Path, name: str) -> list[Note]:
    """Measure the sounds of one file, or of `_SYNTHESIZED`; what was measured stays in the folder."""
    target = folder / f"{name}.candidates"
    if not target.exists():
        given = _SYNTHESIZED[name]() if name in _SYNTHESIZED else _rendered(folder / f"{name}.json")
        notes: list[Note] = []
        for y, truth in given:
            if np.abs(y).max(initial=0.0) > 1e-3:
                features = dsp.compute_features(y, sr=dsp.SR)
                notes.append((features.fundamentals, features.level, pitch.sound_row(features), truth))
        target.write_bytes(pickle.dumps(notes))
    return list(pickle.loads(target.read_bytes()))  # noqa: S301 -- our own


def _slots(rows: F32) -> F32:
    """Fill up to 40 candidates."""
    return np.concatenate([rows, np.zeros((_SLOTS - len(rows), rows.shape[1]), np.float32)])


class Material:
    """The sounds that have candidates: rows, which of them are there, and what is right."""

    def __init__(self, notes: list[Note]) -> None:
        self.notes = [note for note in notes if len(note[0])]
        truth = [t for *_, t in self.notes]
        self.rows = np.stack([_slots(rows) for rows, *_ in self.notes])
        self.mask = np.arange(_SLOTS) < np.array([len(rows) for rows, *_ in self.notes])[:, None]
        self.midi = np.array([-1.0 if t["midi"] is None else t["midi"] for t in truth])
        self.font = np.array([t["font"] for t in truth])
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
        [
            pitch.pitched_row(rows, int(c.argmax()), c[: len(rows)], level, whole)
            for (rows, level, whole, _), c in zip(m.notes, chances, strict=True)
        ]
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


def fit(notes: list[Note]) -> None:
    """Learn, report on held-out soundfonts, write the model."""
    m = Material(notes)
    everything, tested = np.ones(len(m.rows), np.bool_), np.isin(m.font, sum(oneshots.FOLDS, ()))
    logits, chances = np.zeros((len(m.rows), 2)), np.zeros(m.mask.shape)
    for fold in oneshots.FOLDS:
        out = np.isin(m.font, fold)
        which, sure = learn(m, ~out)
        held = _chances(m, which)
        chances[out] = held[out]
        logits[out] = sure.logits(_pitched_rows(m, held))[out]
    _report(m, chances, net.softmax(logits)[:, 1], tested)
    which, sure = learn(m, everything)
    found = tested & m.found
    divisor = network.temperature(np.log(chances[found] + 1e-12), m.right[found])
    other = network.temperature(logits[tested], m.noted[tested].astype(np.int64))
    sys.stdout.write(f"temperatures {divisor:.2f}, {other:.2f}\n")
    arrays = network.to_arrays(which, "which", divisor=divisor) | network.to_arrays(sure, "pitched", divisor=other)
    np.savez_compressed(_MODEL, **arrays)  # type: ignore[arg-type]


def main() -> None:
    """Measure, then learn."""
    folder = Path(sys.argv[1])
    names = sorted(path.stem for path in folder.glob("*.json"))
    fit([note for name in [*names, *_SYNTHESIZED] for note in measure(folder, name)])


if __name__ == "__main__":
    main()
