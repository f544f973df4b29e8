"""Learns whether a sound has a tempo, and whether the likeliest one is right.

`python -m training.pulse CACHE FOLDER` reads the bank of `training.tempo` (CACHE) and the sounds of `training.oneshots`
and `training.sources` (FOLDER), makes loops, tracks and what only resembles them, reports scores on held-out material
and writes `samplemind_worker/dsp/models/pulse.npz`. It asks the models of tempo, key and pitch: they come first. What
was measured stays in FOLDER (`pulse-*.npz`); delete it after a change of those models or of a measure.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.key import estimate_key
from samplemind_worker.dsp.kind import SHORTEST_LOOP_SECONDS, kind_row
from samplemind_worker.dsp.network import softmax
from samplemind_worker.dsp.pitch import hear
from samplemind_worker.dsp.pulse import pulse_row
from samplemind_worker.dsp.tempo import estimate_tempo
from training import (
    augment,
    bank,
    beatless,
    beds,
    confidence,
    effects,
    figures,
    lasting,
    material,
    network,
    oneshots,
    singles,
    sounds,
    studio,
    voices,
)
from training.material import Clip

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

_MODEL = Path(dsp.__file__).parent / "models" / "pulse.npz"
_FIRST_SEED = 1_000_000  # away from those that the tempo learns from
_COUNTS = {
    "material": 2000, "studio": 6000, "project": 2000, "still": 1200, "short": 2300, "figures": 2100, "beatless": 1200,
    "effects": 1000, "shots": 1400, "recorded": 0,
}  # fmt: skip
"""Clips of each part; of the recordings all that last a second are taken."""
_LONGEST_SECONDS = 33.0
_FOLDS = 4
_NONE, _WRONG, _RIGHT = 0, 1, 2
_LEVELS = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)
_OPTIONS: dict[str, Any] = {"outputs": 3, "hidden": 40, "epochs": 60, "decay": 1e-3}


def _clips(part: str, cache: Path, folder: Path) -> Iterator[Clip]:
    """Give the clips of one part; the name says what each is, and for recordings their source."""
    count, rng = _COUNTS[part], np.random.default_rng(sorted(_COUNTS).index(part))
    seeds = range(_FIRST_SEED, _FIRST_SEED + count)
    if part == "material":
        yield from map(material.make, seeds)
    elif part in {"studio", "project", "still"}:
        here = studio.Studio(bank.load(cache), [])
        make = {"studio": studio.make, "project": studio.project, "still": studio.still}[part]
        yield from (make(seed, here) for seed in seeds)
    elif part == "short":
        yield from (figures.short_loop(np.random.default_rng((5150, seed))) for seed in seeds)
    elif part == "beatless":
        for seed in seeds:
            y, name = beatless.beatless(np.random.default_rng((5152, seed)))
            yield Clip(y, None, name=name)
    elif part == "effects":
        for k in range(count):
            y = effects.draw(rng) if k % 2 else beds.draw(rng, float(rng.uniform(1.0, 16.0)))
            yield Clip(voices.sing(rng)[0] if k % 4 == 1 else y, None, name="effect")
    else:
        everything = [(y, t) for y, t in oneshots.read(folder) if t["name"] != "ambience" or singles.is_recorded(t)]
        yield from (_recorded if part == "recorded" else _rendered)(rng, everything, part, count)


def _rendered(rng: Rng, everything: list[oneshots.Sound], part: str, count: int) -> Iterator[Clip]:
    """Give one-shots of soundfonts that last, a quarter with echoes; or figures that are made of them."""
    own = [y for y, t in everything if not singles.is_recorded(t)]
    if part == "figures":
        for _ in range(count):
            yield Clip(figures.figure(rng, own), None, name="figure")
        return
    long = [y for y in own if len(y) > 0.95 * dsp.SR]
    for k in rng.choice(len(long), min(count, len(long)), replace=False).tolist():
        y = augment.vary(long[k], rng)[0]
        if rng.random() < 0.25:
            rest = np.zeros(round(float(rng.uniform(0.3, 2.0)) * dsp.SR))
            y = sounds.peak(sounds.echo(np.append(y, rest), float(rng.uniform(0.08, 0.5)), rng)).astype(np.float32)
        yield Clip(y, None, name="shot")


def _recorded(rng: Rng, everything: list[oneshots.Sound], part: str, count: int) -> Iterator[Clip]:
    """Give recordings, and of each source takes of speech and effects, or figures of its hits and notes."""
    del part, count
    by_source: dict[str, list[oneshots.Sound]] = {}
    for y, truth in everything:
        if singles.is_recorded(truth):
            by_source.setdefault(str(truth["font"]), []).append((y, truth))
    for source, own in sorted(by_source.items()):
        for y, truth in own[:200]:
            most = round(float(np.exp(rng.uniform(0.0, np.log(20.0)))) * dsp.SR)
            is_long = truth["name"] in {"voice", "ambience", "fx"}
            yield Clip(y[:most] if is_long else y, None, name=f"recorded {source}")
        shelf, shots = lasting.Shelf(own), [y for y, _ in own if len(y) > 2000]
        for _ in range(100):
            take = lasting.joined(rng, shelf, float(rng.uniform(1.5, 16.0)))
            yield Clip(figures.figure(rng, shots) if take is None else take, None, name=f"recorded {source}")


def _measure(clip: Clip) -> tuple[F64, tuple[float, float, float]] | None:
    """Return the row of a clip, its truth (0 for none), and what was found; None where nothing can repeat."""
    duration = len(clip.y) / dsp.SR
    if not SHORTEST_LOOP_SECONDS <= duration <= _LONGEST_SECONDS or np.abs(clip.y).max() < 1e-3:
        return None
    features = dsp.compute_features(clip.y, sr=dsp.SR)
    tempo, key = estimate_tempo(features, duration=duration), estimate_key(features)
    if tempo.tempo is None:
        return None
    row = kind_row(features, hear(features), duration=duration, tempo=tempo, key=key)
    truth = clip.bpm or 0.0
    if clip.half and _near(2.0 * tempo.tempo, truth):
        truth = tempo.tempo  # half the tempo is right, too
    return pulse_row(features, row, tempo=tempo, key=key), (truth, tempo.tempo, float(tempo.clear))


def _near(found: float, true: float) -> bool:
    return abs(found / true - 1.0) < 0.04


def measure(part: str, cache: Path, folder: Path) -> Path:
    """Measure the clips of a part, unless that was done; return where they lie."""
    target = folder / f"pulse-{part}.npz"
    if not target.exists():
        kept = [(c.name, found) for c in _clips(part, cache, folder) if (found := _measure(c)) is not None]
        rows, truths = np.array([found[0] for _, found in kept]), np.array([found[1] for _, found in kept])
        np.savez(target, rows=rows, truths=truths, names=np.array([f"{part} {name}" for name, _ in kept]))
        sys.stderr.write(f"{part}: {len(kept)}\n")
    return target


def _taught(truths: F64) -> npt.NDArray[np.int64]:
    """Return the class of each clip: it has no tempo, another one, or the one that was found."""
    right = np.abs(truths[:, 1] / np.maximum(truths[:, 0], 1.0) - 1.0) < 0.04
    return np.where(truths[:, 0] == 0.0, _NONE, np.where(right, _RIGHT, _WRONG))


def report(chances: F64, truths: F64, names: npt.NDArray[np.str_]) -> None:
    """Print, for limits on the probability of a tempo, what is found and what is given falsely, by part."""
    level = [np.abs(truths[:, 1] / np.maximum(truths[:, 0], 1.0) / f - 1.0) < 0.04 for f in _LEVELS]
    has, right, any_level = truths[:, 0] > 0.0, _taught(truths) == _RIGHT, np.any(level, axis=0)
    parts = np.array([name.split()[0] for name in names.tolist()])
    for limit in (0.0, 0.3, 0.4, 0.5, 0.7):
        given = truths[:, 2] > 0.0 if limit == 0.0 else chances[:, _NONE] <= 1.0 - limit
        sys.stdout.write(f"{limit or 'trees alone'}\n")
        for part in sorted(set(parts.tolist())):
            own, wanted = parts == part, (parts == part) & has
            if wanted.any():
                shares = [100.0 * float((given & x)[wanted].mean()) for x in (right, any_level)]
                none = 100.0 * float((~given)[wanted].mean())
                sys.stdout.write(f"  {part:9} acc1 {shares[0]:5.1f} acc2 {shares[1]:5.1f} none {none:5.1f}\n")
            if (own & ~has).any():
                sys.stdout.write(f"  {part:9} false {100.0 * float(given[own & ~has].mean()):5.1f}\n")
    given = chances[:, _NONE] <= 0.6
    confidence.report("tempo", chances[given & has, _RIGHT], right[given & has])


def fit(cache: Path, folder: Path) -> None:
    """Learn, report on held-out clips (recorded sources as a whole), write the model."""
    with ProcessPoolExecutor(2) as pool:
        paths = list(pool.map(partial(measure, cache=cache, folder=folder), _COUNTS))
    tables = [np.load(path) for path in paths]
    rows, truths, names = (np.concatenate([table[name] for table in tables]) for name in ("rows", "truths", "names"))
    taught = _taught(truths)
    sources = sorted({name for name in names.tolist() if name.startswith("recorded")})
    fold = np.random.default_rng(0).integers(0, _FOLDS, len(rows))
    for k, source in enumerate(sources):
        fold[names == source] = k % _FOLDS
    chances = np.zeros((len(rows), 3))
    for k in range(_FOLDS):
        out = fold == k
        net = network.fit(rows[~out][:, None], taught[~out], seeds=(0, 1), **_OPTIONS)
        chances[out] = softmax(net.logits(rows[out]))
    report(chances, truths, names)
    net = network.fit(rows[:, None], taught, seeds=(0, 1, 2, 3), **_OPTIONS)
    np.savez_compressed(_MODEL, **network.to_arrays(net))  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(Path(sys.argv[1]), Path(sys.argv[2]))
