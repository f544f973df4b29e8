"""Learns to tell loops from one-shots where length alone does not.

`python -m training.kind FOLDER` reads the sounds of `training.oneshots`, makes loops, pads and long one-shots, reports
scores on held-out material and writes `samplemind_worker/dsp/models/kind.npz`. It asks the models of tempo, key and
pitch: they come first.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.key import estimate_key
from samplemind_worker.dsp.kind import (
    LONGEST_LOOP_SECONDS,
    SHORTEST_LOOP_SECONDS,
    change,
    kind_row,
    onset_times,
)
from samplemind_worker.dsp.network import softmax
from samplemind_worker.dsp.pitch import hear
from samplemind_worker.dsp.tempo import estimate_tempo
from training import augment, beatless, confidence, effects, material, network, oneshots, singles, songs, sounds, voices

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

_LOOPS, _SONGS, _BEATLESS, _EFFECTS, _SHOTS = 1100, 250, 1200, 200, 1800
_KINDS = {"hit": 0, "held": 0, "riser": 0, "pad": 1}  # noise and scattered hits are neither
_MODEL = Path(dsp.__file__).parent / "models" / "kind.npz"
_FIRST_SEED = 700_000  # away from those that the tempo learns from


def _echoing(y: F32, rng: Rng) -> F32:
    """Repeat it softer and softer, as an echo does."""
    longer = np.concatenate([y.astype(np.float64), np.zeros(round(float(rng.uniform(0.3, 2.0)) * dsp.SR))])
    return np.asarray(sounds.peak(sounds.echo(longer, float(rng.uniform(0.08, 0.5)), rng)), np.float32)


def clips(folder: Path) -> Iterator[tuple[F32, int, str]]:
    """Give signals, whether each is a loop, and where it comes from."""
    rng = np.random.default_rng(11)
    for k in range(_LOOPS):
        yield material.loop(np.random.default_rng(_FIRST_SEED + k)).y, 1, "loop"
    for y in songs.clips(rng, _SONGS):
        yield y, 1, "song"
    for k in range(_BEATLESS):
        y, name = beatless.beatless(np.random.default_rng(_FIRST_SEED + k))
        if name in _KINDS:
            yield y, _KINDS[name], name
    for _ in range(_EFFECTS):
        yield effects.draw(rng), 0, "effect"
        yield voices.sing(rng)[0], 0, "voice"
    # Of the longest rendered sounds: cymbals that ring, notes that are held.
    rendered = [(y, str(t["name"])) for y, t in oneshots.read(folder) if not singles.is_recorded(t)]
    long = [(y, name) for y, name in rendered if len(y) > SHORTEST_LOOP_SECONDS * dsp.SR]
    for k in rng.choice(len(long), _SHOTS, replace=False).tolist():
        y, name = long[k]
        y = augment.vary(y, rng)[0]
        yield (_echoing(y, rng) if rng.random() < 0.2 else y), 0, name


def not_changing(features: dsp.Features) -> bool:
    """Tell a chord that is only held: some call it a pad, others a one-shot."""
    return change(features) < 0.08 and len(onset_times(features)) < 4


def measure(folder: Path) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.int64], npt.NDArray[np.str_]]:
    """Measure all clips whose length does not decide: rows, whether a loop, where from."""
    rows: list[npt.NDArray[np.float64]] = []
    right: list[int] = []
    names: list[str] = []
    for y, is_loop, name in clips(folder):
        duration = len(y) / dsp.SR
        if not SHORTEST_LOOP_SECONDS <= duration <= LONGEST_LOOP_SECONDS or np.abs(y).max() < 1e-3:
            continue
        features = dsp.compute_features(y, sr=dsp.SR)
        if is_loop and not_changing(features):
            continue
        tempo, key = estimate_tempo(features, duration=duration), estimate_key(features)
        rows.append(kind_row(features, hear(features), duration=duration, tempo=tempo, key=key))
        right.append(is_loop)
        names.append(name)
    return np.stack(rows), np.array(right), np.array(names)


def fit(folder: Path) -> None:
    """Learn, report on held-out clips, write the model."""
    rows, right, names = measure(folder)
    options = {"outputs": 2, "hidden": 12, "epochs": 40, "decay": 1e-3}
    fold = np.random.default_rng(0).integers(0, 4, len(rows))
    logits = np.zeros((len(rows), 2))
    # A one-shot taken for a loop gets a tempo and a key that it has not: that is the worse mistake.
    weight = np.where(right == 1, 1.0, 2.0) / np.bincount(right)[right]
    for k in range(4):
        out = fold == k
        logits[out] = network.fit(rows[~out][:, None], right[~out], weight=weight[~out], **options).logits(rows[out])
    hit = logits.argmax(axis=1) == right
    for name in sorted(set(names.tolist())):
        own = names == name
        sys.stdout.write(f"{name:11}{own.sum():6} {100 * hit[own].mean():5.1f} % right\n")
    divisor = network.temperature(logits, right)
    chance = softmax(logits / divisor).max(axis=1)
    confidence.report("kind", chance, hit)
    net = network.fit(rows[:, None], right, weight=weight, **options)
    np.savez_compressed(_MODEL, **network.to_arrays(net, divisor=divisor))  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(Path(sys.argv[1]))
