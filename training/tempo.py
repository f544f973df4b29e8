"""Learn the tempo model: ``python -m training.tempo --cache DIR`` writes ``samplemind_worker/dsp/models/tempo.npz``.

The material is made by `training.material` from seeds; the last sixth of the seeds is not learned from: on it the
confidence is fitted, and the figures that are printed are taken.
"""

# ruff: noqa: PLR2004, T201 -- a script prints what it found; its numbers stand where they are explained

import argparse
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.isotonic import IsotonicRegression

from samplemind_worker.dsp import tempo, tempo_model
from samplemind_worker.dsp.features import onset_strength
from training import material

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

TARGET = Path(__file__).parent.parent / "samplemind_worker/dsp/models/tempo.npz"
_BLOCK = 500
_RELATIVES = np.array([1 / 3, 1 / 2, 2 / 3, 3 / 4, 1, 4 / 3, 3 / 2, 2, 3])
# What most sample packs hold.
_USUAL = (
    "house", "techno", "trance", "hardcore", "rock", "pop", "funk", "boom bap", "lofi", "trap", "drill", "dubstep",
    "drum and bass", "jungle", "breakbeat", "garage", "electro", "synthwave", "downtempo", "reggaeton",
)  # fmt: skip
# As many packs as the other usual styles have, but fewer styles are that fast.
_FAST = ("hardcore", "drum and bass", "jungle")
_HELD_OUT = 6
_FALSE = 0.04  # share of beatless clips that may be given a tempo; what is no loop by its kind loses it again
_COLUMNS = ("seed", "bpm", "half", "beats", "seconds")


@dataclass(frozen=True, slots=True)
class Table:
    """Candidates of many clips."""

    rows: F32
    bpm: F64
    """Of each candidate."""
    clip: npt.NDArray[np.int64]
    """Of each candidate: line of ``clips``."""
    clips: F64
    """Seed, tempo (0 for none), whether half of it is right too, beats a bar, seconds."""
    names: list[str]


def _block(first: int, path: Path) -> None:
    """Make a block of clips and keep their onset strength: all that is learned from."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    clips: list[tuple[float, ...]] = []
    names: list[str] = []
    for seed in range(first, first + _BLOCK):
        clip = material.make(seed)
        peak = float(np.abs(clip.y).max())
        if peak < 1e-4:  # silent: nothing was drawn
            continue
        arrays[f"onset_{len(clips)}"] = onset_strength(clip.y, scale=1.0 / peak)[0].astype(np.float16)
        clips.append((seed, clip.bpm or 0.0, clip.half, clip.beats, len(clip.y) / material.SR))
        names.append(clip.name)
    np.savez(path, clips=np.array(clips, dtype=np.float64), names=np.array(names), **arrays)


def _variants(onset: F32, clip: F64, name: str) -> list[tuple[F32, F64]]:
    """Give the clip, the same at other tempi, and half of a loop or a loop twice; more of what libraries are full of.

    The onset strength stands for the sound: to stretch it by a few percent costs nothing and changes little else.
    """
    rng = np.random.default_rng((7, int(clip[0])))
    variants = [(onset, clip)]
    usual = any(name.startswith(f"{style} ") for style in _USUAL)
    fast = any(name.startswith(f"{style} ") for style in _FAST)
    for factor in np.exp(rng.normal(0.0, 0.06, 4 if fast else 2 if usual else int(rng.random() < 0.3))).tolist():
        n = onset.shape[1]
        places = np.linspace(0, n - 1, round(n * factor))
        stretched = np.stack([np.interp(places, np.arange(n), row) for row in onset]).astype(np.float32)
        variants.append((stretched, clip * (1.0, 1.0 / factor, 1.0, 1.0, factor)))
    seconds, bars = clip[4], clip[4] * clip[1] / 60.0 / clip[3]
    if usual and name.endswith(" exact") and seconds < 24.0:  # twice that is longer than any loop
        if bars > 1.5 and rng.random() < 0.6:  # two bars or more
            half = round(0.5 * seconds * tempo_model.RATE) + 1
            variants.append((np.ascontiguousarray(onset[:, :half]), clip * (1.0, 1.0, 1.0, 1.0, 0.5)))
        elif seconds < 0.5 * tempo_model.LONGEST_LOOP:
            twice = np.concatenate((onset[:, : round(seconds * tempo_model.RATE)], onset), axis=1)
            variants.append((twice, clip * (1.0, 1.0, 1.0, 1.0, 2.0)))
    return variants


def table(count: int, cache: Path) -> Table:
    """Make the material, or read what is cached of it, and measure its candidates."""
    rows: list[F32] = []
    bpms: list[F64] = []
    owners: list[npt.NDArray[np.int64]] = []
    clips: list[F64] = []
    names: list[str] = []
    for first in range(0, count, _BLOCK):
        path = cache / f"tempo_{first}.npz"
        if not path.exists():
            _block(first, path)
            print("made", first + _BLOCK, flush=True)
        with np.load(path) as data:
            for k, (clip, name) in enumerate(zip(data["clips"], data["names"].tolist(), strict=True)):
                # Slow material is rarer in libraries than an even draw of styles makes it.
                if 0.0 < clip[1] < 80.0 and clip[0] % 5 < 2:  # BPM; two of five
                    continue
                for onset, label in _variants(data[f"onset_{k}"].astype(np.float32), clip, name):
                    samples = round(label[4] * material.SR)
                    pulse = tempo_model.prepare(onset, samples=samples, duration=float(label[4]))
                    if pulse is not None:
                        periods = tempo.candidates(pulse)
                        rows.append(tempo_model.describe(pulse, periods, tempo.comb(pulse, periods)))
                        bpms.append(60.0 * tempo_model.RATE / periods)
                        owners.append(np.full(len(periods), len(clips)))
                    clips.append(label)
                    names.append(name)
    return Table(np.concatenate(rows), np.concatenate(bpms), np.concatenate(owners), np.array(clips), names)


def _flat(model: Any, name: str) -> dict[str, npt.NDArray[Any]]:
    """Write boosted trees as arrays."""
    roots: list[int] = []
    feature: list[F64] = []
    threshold: list[F64] = []
    children: list[F64] = []
    value: list[F64] = []
    size = 0
    for (predictor,) in model._predictors:  # noqa: SLF001 -- scikit-learn offers no other way
        nodes = predictor.nodes
        leaf = nodes["is_leaf"].astype(bool)
        roots.append(size)
        feature.append(np.where(leaf, -1, nodes["feature_idx"]))
        threshold.append(np.where(leaf, 0.0, nodes["num_threshold"]))
        children.append(np.stack([nodes["left"], nodes["right"]], axis=1) * ~leaf[:, None] + size)
        value.append(np.where(leaf, nodes["value"], 0.0))
        size += len(nodes)
    return {
        f"{name}_roots": np.array(roots, dtype=np.int32),
        f"{name}_feature": np.concatenate(feature).astype(np.int16),
        f"{name}_threshold": np.concatenate(threshold).astype(np.float32),
        f"{name}_children": np.concatenate(children).astype(np.int32),
        f"{name}_value": np.concatenate(value).astype(np.float32),
        f"{name}_base": np.array(float(np.ravel(model._baseline_prediction)[0])),  # noqa: SLF001
    }


def _learn(rows: F32, right: npt.NDArray[Any], *, trees: int, leaves: int) -> Any:
    model = HistGradientBoostingClassifier(
        max_iter=trees,
        max_leaf_nodes=leaves,
        learning_rate=0.08,
        min_samples_leaf=40,
        l2_regularization=1.0,
        max_features=0.3,
        early_stopping=False,
        random_state=1,
    )
    return model.fit(rows, right)


@dataclass(frozen=True, slots=True)
class Choice:
    """The best candidate of each clip that has any."""

    clip: npt.NDArray[np.int64]
    bpm: F64
    score: F64


def choose(found: Table, chances: F64) -> Choice:
    """Choose as `tempo.estimate_tempo` does."""
    starts = np.flatnonzero(np.diff(found.clip, prepend=-1))
    picked: list[tuple[int, float, float]] = []
    for first, end in zip(starts, [*starts[1:], len(found.clip)], strict=True):
        best = first + int(chances[first:end].argmax())
        near = np.abs(found.bpm[best] / found.bpm[first:end] - 1.0) < 0.04
        picked.append((found.clip[first], found.bpm[best], 1.0 - np.prod(1.0 - chances[first:end][near])))
    clips, bpms, scores = zip(*picked, strict=True)
    return Choice(np.array(clips), np.array(bpms), np.array(scores))


def learn(found: Table) -> dict[str, npt.NDArray[Any]]:
    """Learn everything and print what it gives on clips not learned from."""
    truth = found.clips[found.clip, 1]
    apart = np.abs(found.bpm / np.maximum(truth, 1.0) - 1.0)
    held_clip = np.arange(len(found.clips)) >= len(found.clips) * (_HELD_OUT - 1) // _HELD_OUT
    held = held_clip[found.clip]
    right = apart < 0.005  # what a loop needs to sit on a grid
    # The right level a little off is half right. Drawn by lot, for weights make scikit-learn's binning take minutes.
    close = (apart >= 0.005) & (apart < 0.02)
    taught = right | (close & (np.random.default_rng(0).random(len(right)) < 0.5))
    # What lies at no simple ratio to the tempo is easily told: a quarter of it will do.
    ratio = found.bpm[:, None] / np.maximum(truth, 1.0)[:, None] / _RELATIVES
    related = (np.abs(ratio - 1.0) < 0.03).any(axis=1)
    own = ~held & (related | (np.random.default_rng(1).random(len(right)) < 0.25))
    model = _learn(found.rows[own], taught[own], trees=300, leaves=31)
    chances = np.zeros(len(held))
    chances[held] = model.predict_proba(found.rows[held])[:, 1]
    chosen = choose(found, chances)
    mask = held_clip[chosen.clip]
    best = Choice(chosen.clip[mask], chosen.bpm[mask], chosen.score[mask])
    beatless = np.zeros(len(found.clips))
    true = found.clips[best.clip, 1]
    beatless[best.clip[true == 0]] = best.score[true == 0]
    # Hits at odd times are far rarer in libraries than here: the limit is set by the rest.
    plain = held_clip & (found.clips[:, 1] == 0) & np.array([name != "scattered" for name in found.names])
    least = float(np.quantile(beatless[plain], 1.0 - _FALSE))
    good = np.abs(best.bpm / np.maximum(true, 1.0) - 1.0) < 0.04
    good |= (found.clips[best.clip, 2] > 0) & (np.abs(2.0 * best.bpm / np.maximum(true, 1.0) - 1.0) < 0.04)
    _report(found, held_clip, best, least)
    given = best.score >= least
    curve = IsotonicRegression(out_of_bounds="clip", y_min=0.02, y_max=0.99).fit(best.score[given], good[given])
    places = np.linspace(least, 1.0, 33)
    meter = ~np.array(["six eight" in name for name in found.names])[found.clip]
    usable = np.flatnonzero((apart < 0.02) & ~held & meter)
    three = _learn(found.rows[usable], found.clips[found.clip[usable], 3] == 3, trees=80, leaves=7)
    rest = np.flatnonzero((apart < 0.005) & held & meter)
    p, is_three = three.predict_proba(found.rows[rest])[:, 1], found.clips[found.clip[rest], 3] == 3
    print("3/4 found", np.mean(p[is_three] > 0.75), "of those given", np.mean(is_three[p > 0.75]))
    print("4/4 found", np.mean(p[~is_three] < 0.1), "of those given", np.mean(~is_three[p < 0.1]))
    return {
        **_flat(model, "right"),
        **_flat(three, "three"),
        "scores": places.astype(np.float32),
        "chances": curve.predict(places).astype(np.float32),
        "least": np.array(least),
    }


def _report(found: Table, held: npt.NDArray[np.bool_], best: Choice, least: float) -> None:
    bpm = np.zeros(len(found.clips))
    bpm[best.clip] = np.where(best.score >= least, best.bpm, 0.0)
    truth = found.clips[:, 1]
    print("least score", round(least, 3))
    groups = {
        "loops": np.array(["track" not in n for n in found.names]),
        "tracks": np.array(["track" in n for n in found.names]),
    }
    for word in (
        "drums",
        "top",
        "single",
        "melodic",
        "bass",
        "mix",
        "exact",
        "near",
        "padded",
        "tail",
        "late",
        "anywhere",
    ):
        groups[word] = np.array([word in n.split()[-2:] for n in found.names])
    for name, group in groups.items():
        k = np.flatnonzero(held & (truth > 0) & group)
        e = [np.abs(bpm[k] / truth[k] - 1.0) < tolerance for tolerance in (0.04, 0.01, 0.005)]
        any_level = np.any([np.abs(bpm[k] / truth[k] / f - 1.0) < 0.04 for f in (1, 2, 3, 1 / 2, 1 / 3)], axis=0)
        values = [100 * np.mean(x) for x in (e[0], any_level, e[1], e[2], bpm[k] == 0)]
        shares = zip(("acc1", "acc2", "t1", "t05", "none"), values, strict=True)
        print(f"{name:9} {len(k):5}", *(f"{word} {share:5.1f}" for word, share in shares))
    for kind in ("hit", "held", "pad", "riser", "noise", "scattered"):
        k = held & np.array([name == kind for name in found.names])
        print("false", kind, round(100 * np.mean(bpm[k] > 0), 1), "of", k.sum())


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=6000)
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    arrays = learn(table(arguments.clips, arguments.cache))
    TARGET.parent.mkdir(exist_ok=True)
    np.savez_compressed(TARGET, **arrays)
    print(TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
