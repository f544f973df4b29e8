"""Learns to tell loops from one-shots where length alone does not.

`python -m training.kind FOLDER` reads the sounds of `training.oneshots` and `training.sources`, makes loops, pads and
what only resembles them, reports scores on held-out material (recorded sources as a whole) and writes
`samplemind_worker/dsp/models/kind.npz`. It asks the models of tempo, key and pitch: they come first. What was measured
stays in FOLDER (`pulse-*.npz`, `kind-echoes.npz`); delete it after a change of those models or of a measure.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import sys
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.kind import LONGEST_LOOP_SECONDS, PHRASE
from samplemind_worker.dsp.network import softmax
from training import augment, confidence, network, oneshots, pulse, sounds
from training.material import Clip

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

_ONE_SHOTS = ("figures", "effects", "shots", "recorded", "takes", "clapped", "echoes")
_PARTS = ("material", "short", "songs", "soft", "played", "beatless", "pads", *_ONE_SHOTS[:-1])
"""Parts of `training.pulse`; the echoes are made here."""
_BEATLESS = {"hit": 0, "held": 0, "riser": 0, "pad": 1}  # noise and scattered hits are neither
_ECHOES = 500
_DURATION, _CHANGE, _ONSETS = 0, 6, 8  # places in the result of `kind_row`
_MODEL = Path(dsp.__file__).parent / "models" / "kind.npz"
_OPTIONS: dict[str, Any] = {"outputs": 2, "hidden": 48, "epochs": 40, "decay": 1e-3, "noise": 0.2}
_WEIGHTS = {"echoes": 3.0, "figures": 2.0}
"""Weights of the clips of a part: there are few, and taken for a loop they get a tempo that they have not."""
_OF_ONE_SHOTS = 1.5
"""Weight of all one-shots together, where all loops together weigh 1."""


def in_time(hits: list[F32], rng: Rng) -> Clip:
    """Repeat a hit softer and softer on the beats of a tempo, and cut it to whole beats: an effect, and no loop."""
    beat = 60.0 / float(rng.uniform(60.0, 190.0))
    delay = beat * float(rng.choice([0.25, 1 / 3, 0.5, 0.75, 1.0]))
    less = float(rng.uniform(0.3, 0.75))
    y = augment.vary(hits[int(rng.integers(len(hits)))], rng)[0]
    out = np.zeros(round(int(rng.choice([2, 4, 4, 8])) * beat * dsp.SR))
    for k in range(12):
        first = round(k * delay * dsp.SR)
        if first >= len(out):
            break
        out[first : first + len(y)] += less**k * y[: len(out) - first]
    return Clip(np.asarray(sounds.peak(out), np.float32), None, name="echo")


def _echoes(folder: Path) -> Path:
    """Measure echoes that are in time, unless that was done; return where they lie."""
    hits = [y[: 2 * dsp.SR] for y, _ in oneshots.read(folder) if 0.05 * dsp.SR < len(y) < 2 * dsp.SR]
    rng = np.random.default_rng(12)
    return pulse.store(folder / "kind-echoes.npz", "echoes", (partial(in_time, hits, rng) for _ in range(_ECHOES)))


def material(folder: Path) -> tuple[F64, npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Measure all clips whose length does not decide: rows, whether a loop, where from."""
    paths = [*(pulse.measure(part, folder, folder) for part in _PARTS), _echoes(folder)]
    tables = [np.load(path) for path in paths]
    rows, truths, names = (np.concatenate([table[name] for table in tables]) for name in ("rows", "truths", "names"))
    rows = rows[:, PHRASE]
    labels = np.array([label(name, bpm) for name, bpm in zip(names.tolist(), truths[:, 0].tolist(), strict=True)])
    # A chord that is only held some call a pad, others a one-shot.
    held = (labels == 1) & (rows[:, _CHANGE] < 0.08) & (rows[:, _ONSETS] < np.log2(5.0))
    used = (labels >= 0) & ~held & (rows[:, _DURATION] <= np.log2(LONGEST_LOOP_SECONDS))
    return rows[used], labels[used], names[used]


def label(name: str, bpm: float) -> int:
    """Return 1 for a loop, 0 for a one-shot, -1 for what is neither."""
    part, _, what = name.partition(" ")
    if bpm > 0.0:
        return 1
    return 0 if part in _ONE_SHOTS else _BEATLESS.get(what, -1)


def fit(folder: Path) -> None:
    """Learn, report on held-out clips, write the model."""
    rows, right, names = material(folder)
    fold = pulse.folds(names)
    logits = np.zeros((len(rows), 2))
    weight = np.array([_WEIGHTS.get(name.partition(" ")[0], 1.0) for name in names.tolist()])
    weight *= np.where(right == 0, _OF_ONE_SHOTS, 1.0) / np.bincount(right)[right]
    for k in range(4):
        out = fold == k
        logits[out] = network.fit(rows[~out][:, None], right[~out], weight=weight[~out], **_OPTIONS).logits(rows[out])
    hit = logits.argmax(axis=1) == right
    groups = np.array([name if "recorded" in name else name.partition(" ")[0] for name in names.tolist()])
    groups = np.char.add(groups, np.where(right == 1, " (loop)", ""))
    for name in sorted(set(groups.tolist())):
        own = groups == name
        sys.stdout.write(f"{name:28}{own.sum():6} {100 * hit[own].mean():5.1f} % right\n")
    divisor = network.temperature(logits, right)
    confidence.report("kind", softmax(logits / divisor).max(axis=1), hit)
    net = network.fit(rows[:, None], right, weight=weight, seeds=(0, 1, 2, 3), **_OPTIONS)
    np.savez_compressed(_MODEL, **network.to_arrays(net, divisor=divisor))  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(Path(sys.argv[1]))
