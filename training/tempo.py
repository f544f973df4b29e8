"""Learn the tempo model: ``python -m training.tempo --cache DIR`` writes ``samplemind_worker/dsp/models/tempo.npz``.

The material is made by `training.material` and `training.studio` from seeds; the last sixth of the seeds of each is
not learned from: on it the confidence is fitted, and the figures that are printed are taken.
"""

# ruff: noqa: PLR2004, T201 -- a script prints what it found; its numbers stand where they are explained

import argparse
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from sklearn.ensemble import HistGradientBoostingClassifier

from samplemind_worker.dsp import tempo, tempo_model
from samplemind_worker.dsp.features import onset_strength
from training import bank, confidence, grooves, material, studio
from training.material import Clip

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

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
_FALSE = 0.03  # share of beatless clips that may be given a tempo; what is no loop by its kind loses it again
_UNRELATED = 0.15
_PARTS = ("drums", "top", "single", "melodic", "bass", "mix", "exact", "near", "padded", "tail", "late", "anywhere")


@dataclass(frozen=True, slots=True)
class Table:
    """Candidates of many clips."""

    rows: F32
    """What `tempo_model.describe` gives."""
    bpm: F64
    """Of each candidate."""
    clip: I64
    """Of each candidate: line of ``clips``."""
    clips: F64
    """Seed, tempo (0 for none), whether half of it is right too, beats a bar, seconds."""
    held: Bools
    """Of each clip: not learned from."""
    names: list[str]

    @property
    def starts(self) -> I64:
        """First candidate of each clip that has any, then the end."""
        return np.append(np.flatnonzero(np.diff(self.clip, prepend=-1)), len(self.clip))


def _block(make: Callable[[int], Clip], first: int, path: Path) -> None:
    """Make a block of clips and keep their onset strength: all that is learned from."""
    arrays: dict[str, npt.NDArray[Any]] = {}
    clips: list[tuple[float, ...]] = []
    names: list[str] = []
    for seed in range(first, first + _BLOCK):
        clip = make(seed)
        peak = float(np.abs(clip.y).max())
        if peak < 1e-4:  # silent: nothing was drawn
            continue
        arrays[f"onset_{len(clips)}"] = onset_strength(clip.y, scale=1.0 / peak)[0].astype(np.float16)
        clips.append((seed, clip.bpm or 0.0, clip.half, clip.beats, len(clip.y) / material.SR))
        names.append(clip.name)
    np.savez(path, clips=np.array(clips, dtype=np.float64), names=np.array(names), **arrays)


def _factor(rng: np.random.Generator, bpm: float) -> float:
    """Draw how much longer a clip is made; where it comes near a whole tempo, mostly so that it is one."""
    factor = float(np.exp(rng.normal(0.0, 0.06)))
    if bpm > 0.0 and rng.random() < 0.6:
        every = 5.0 if rng.random() < 0.35 else 1.0
        factor = bpm / max(every, every * round(bpm / factor / every))
    return factor


def _stretched(onset: F32, factor: float) -> F32:
    n = onset.shape[1]
    places = np.linspace(0, n - 1, round(n * factor))
    return np.stack([np.interp(places, np.arange(n), row) for row in onset]).astype(np.float32)


def _variants(onset: F32, clip: F64, name: str, *, source: str) -> list[tuple[F32, F64]]:
    """Give the clip, the same at other tempi, and half of a loop or a loop twice; more of what libraries are full of.

    The onset strength stands for the sound: to stretch it by a few percent costs nothing and changes little else.
    """
    rng = np.random.default_rng((7, int(clip[0])))
    if name.endswith(" near") and clip[1] > 0:
        # It is meant to be repeated: the tempo is that at which it does so.
        clip = clip.copy()
        clip[1] = 60.0 * round(clip[1] * clip[4] / 60.0) / clip[4]
    if not clip[1] and rng.random() < 0.6:
        # What has no tempo is as often as long as whole bars of one: otherwise a round length would prove a loop.
        bar = 240.0 / rng.integers(60, 181)
        factor = float(np.clip(bar * max(1, round(clip[4] / bar)) / clip[4], 0.6, 1.6))
        onset, clip = _stretched(onset, factor), clip * (1.0, 1.0, 1.0, 1.0, factor)
    variants = [(onset, clip)]
    usual = any(name.startswith(f"{style} ") for style in _USUAL)
    fast = any(name.startswith(f"{style} ") for style in _FAST)
    count = 4 if fast else 2 if usual else int(rng.random() < 0.3)
    if source != "tempo":  # of that there is enough, and a project's tempo says something
        fast = source != "still" and any(style in name for style in _FAST)
        count = 3 * fast + int(source == "studio" and rng.random() < 0.35)
    for _ in range(count):
        factor = _factor(rng, float(clip[1]))
        variants.append((_stretched(onset, factor), clip * (1.0, 1.0 / factor, 1.0, 1.0, factor)))
    seconds, bars = clip[4], clip[4] * clip[1] / 60.0 / clip[3]
    if usual and name.endswith(" exact") and seconds < 24.0:  # twice that is longer than any loop
        if bars > 1.5 and rng.random() < 0.6:  # two bars or more
            half = round(0.5 * seconds * tempo_model.RATE) + 1
            variants.append((np.ascontiguousarray(onset[:, :half]), clip * (1.0, 1.0, 1.0, 1.0, 0.5)))
        elif seconds < 0.5 * tempo_model.LONGEST_LOOP:
            twice = np.concatenate((onset[:, : round(seconds * tempo_model.RATE)], onset), axis=1)
            variants.append((twice, clip * (1.0, 1.0, 1.0, 1.0, 2.0)))
    return variants


def _measured(onset: F32, seconds: float) -> tuple[F32, F64] | None:
    pulse = tempo_model.prepare(onset, samples=round(seconds * material.SR), duration=seconds)
    if pulse is None:
        return None
    periods = tempo.candidates(pulse)
    rows = tempo_model.describe(pulse, periods, tempo.comb(pulse, periods))
    return rows, 60.0 * tempo_model.RATE / periods


def table(counts: dict[str, int], cache: Path, makers: dict[str, Callable[[int], Clip]]) -> Table:
    """Make the material, or read what is cached of it, and measure its candidates."""
    rows: list[F32] = []
    bpms: list[F64] = []
    owners: list[I64] = []
    clips: list[F64] = []
    held: list[bool] = []
    names: list[str] = []
    for source, first in [(s, k) for s, count in counts.items() for k in range(0, count, _BLOCK)]:
        path = cache / f"{source}_{first}.npz"
        if not path.exists():
            _block(makers[source], first, path)
            print("made", source, first + _BLOCK, flush=True)
        with np.load(path) as data:
            for k, (clip, name) in enumerate(zip(data["clips"], data["names"].tolist(), strict=True)):
                # Slow material is rarer in libraries than an even draw of styles makes it.
                if source == "tempo" and 0.0 < clip[1] < 80.0 and clip[0] % 5 < 2:  # BPM; two of five
                    continue
                onset = data[f"onset_{k}"].astype(np.float32)
                for strength, label in _variants(onset, clip, name, source=source):
                    measured = _measured(strength, float(label[4]))
                    if measured is not None:
                        rows.append(measured[0])
                        bpms.append(measured[1])
                        owners.append(np.full(len(measured[1]), len(clips)))
                    clips.append(label)
                    held.append(clip[0] >= counts[source] * (_HELD_OUT - 1) // _HELD_OUT)
                    names.append(name)
    return Table(
        np.concatenate(rows), np.concatenate(bpms), np.concatenate(owners), np.array(clips), np.array(held), names
    )


def _flat(model: Any) -> dict[str, npt.NDArray[Any]]:
    """Write boosted trees as arrays; children count from the first node of all."""
    roots: list[int] = []
    parts: list[Any] = []
    size = 0
    for (predictor,) in model._predictors:  # noqa: SLF001 -- scikit-learn offers no other way
        roots.append(size)
        parts.append(predictor.nodes)
        size += len(predictor.nodes)
    nodes = np.concatenate(parts)
    leaf = nodes["is_leaf"].astype(bool)
    first = np.repeat(roots, [len(part) for part in parts])
    children = np.stack([nodes["left"], nodes["right"]], axis=1) + first[:, None]
    return {
        "roots": np.array(roots, dtype=np.int32),
        "feature": np.where(leaf, -1, nodes["feature_idx"]).astype(np.int16),
        "threshold": np.where(leaf, 0.0, nodes["num_threshold"]).astype(np.float32),
        "children": np.where(leaf[:, None], 0, children).astype(np.int32),
        "value": np.where(leaf, nodes["value"], 0.0).astype(np.float32),
        "base": np.array(float(np.ravel(model._baseline_prediction)[0])),  # noqa: SLF001
    }


def _joined(models: list[dict[str, npt.NDArray[Any]]], name: str) -> dict[str, npt.NDArray[Any]]:
    """Join the trees of several models into one whose odds are the mean of theirs."""
    starts = np.cumsum([0] + [len(m["feature"]) for m in models[:-1]])
    inner = [m["feature"][:, None] >= 0 for m in models]
    moved = {
        "roots": [m["roots"] + s for m, s in zip(models, starts, strict=True)],
        "children": [m["children"] + s * i for m, s, i in zip(models, starts, inner, strict=True)],
        "value": [m["value"] / len(models) for m in models],
    }
    joined = {key: np.concatenate(moved.get(key, [m[key] for m in models])) for key in list(models[0])[:-1]}
    joined["base"] = np.array(np.mean([m["base"] for m in models]))
    return {f"{name}_{key}": value.astype(models[0][key].dtype) for key, value in joined.items()}


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

    clip: I64
    bpm: F64
    score: F64


def choose(found: Table, chances: F64) -> Choice:
    """Choose as `tempo.estimate_tempo` does."""
    picked: list[tuple[int, float, float]] = []
    starts = found.starts.tolist()
    for first, end in pairwise(starts):
        best = first + int(chances[first:end].argmax())
        near = np.abs(found.bpm[best] / found.bpm[first:end] - 1.0) < 0.04
        picked.append((found.clip[first], found.bpm[best], 1.0 - np.prod(1.0 - chances[first:end][near])))
    clips, bpms, scores = zip(*picked, strict=True)
    return Choice(np.array(clips), np.array(bpms), np.array(scores))


def _taught(found: Table) -> tuple[F64, Bools]:
    """Give each candidate's distance to the truth, and whether it is taught as right."""
    truth = found.clips[found.clip, 1]
    apart = np.abs(found.bpm / np.maximum(truth, 1.0) - 1.0)
    # What a loop needs to sit on a grid is right. The right level a little off is half right: drawn by lot, for
    # weights make scikit-learn's binning take minutes.
    close = (apart >= 0.005) & (apart < 0.02)
    return apart, (apart < 0.005) | (close & (np.random.default_rng(0).random(len(apart)) < 0.5))


def _used(found: Table) -> Bools:
    """Tell what is learned from: of what is at no simple ratio to the tempo, and so is easily told, a part will do."""
    ratio = found.bpm[:, None] / np.maximum(found.clips[found.clip, 1], 1.0)[:, None] / _RELATIVES
    related = (np.abs(ratio - 1.0) < 0.03).any(axis=1)
    return ~found.held[found.clip] & (related | (np.random.default_rng(1).random(len(related)) < _UNRELATED))


def learn_right(found: Table, taught: Bools, *, trees: int) -> tuple[list[Any], F64]:
    """Learn on each half of the clips; give both models, and the mean odds of what was held out."""
    half = (found.clips[:, 0] // 10 % 2 == 0)[found.clip]
    held, used = found.held[found.clip], _used(found)
    models = [_learn(found.rows[used & part], taught[used & part], trees=trees, leaves=31) for part in (half, ~half)]
    odds = np.zeros(len(held))
    for model in models:
        odds[held] += model.decision_function(found.rows[held]) / len(models)
    return models, odds


def right_level(found: Table, best: Choice) -> Bools:
    """Tell where the choice is right, or half of the tempo where that is right too."""
    true = np.maximum(found.clips[best.clip, 1], 1.0)
    good = np.abs(best.bpm / true - 1.0) < 0.04
    return good | ((found.clips[best.clip, 2] > 0) & (np.abs(2.0 * best.bpm / true - 1.0) < 0.04))


def learn(found: Table) -> dict[str, npt.NDArray[Any]]:
    """Learn everything and print what it gives on clips not learned from."""
    apart, taught = _taught(found)
    held = found.held[found.clip]
    right, odds = learn_right(found, taught, trees=300)
    meter = ~np.array(["six eight" in name for name in found.names])[found.clip]
    usable = np.flatnonzero((apart < 0.02) & ~held & meter)
    three = _learn(found.rows[usable], found.clips[found.clip[usable], 3] == 3, trees=80, leaves=7)
    rest = np.flatnonzero((apart < 0.005) & held & meter)
    p, is_three = three.predict_proba(found.rows[rest])[:, 1], found.clips[found.clip[rest], 3] == 3
    print("3/4 found", np.mean(p[is_three] > 0.75), "of those given", np.mean(is_three[p > 0.75]))
    print("4/4 found", np.mean(p[~is_three] < 0.1), "of those given", np.mean(~is_three[p < 0.1]))
    return {
        **_joined([_flat(model) for model in right], "right"),
        **_joined([_flat(three)], "three"),
        **_limits(found, odds),
    }


def learn_other(found: Table) -> dict[str, npt.NDArray[Any]]:
    """Learn the trees that are asked about doubtful levels; print what they give alone on clips not learned from."""
    _, taught = _taught(found)
    held, used = found.held[found.clip], _used(found)
    model = _learn(found.rows[used], taught[used], trees=300, leaves=31)
    odds = np.zeros(len(held))
    odds[held] = model.decision_function(found.rows[held])
    _limits(found, odds)
    return _joined([_flat(model)], "other")


def _limits(found: Table, odds: F64) -> dict[str, npt.NDArray[Any]]:
    """Set the limit below which there is no tempo, and fit the confidence, on clips not learned from; print figures."""
    held = found.held[found.clip]
    chances = np.where(held, 1.0 / (1.0 + np.exp(-odds)), 0.0)
    chosen = choose(found, chances)
    mask = found.held[chosen.clip]
    best = Choice(chosen.clip[mask], chosen.bpm[mask], chosen.score[mask])
    true = found.clips[best.clip, 1]
    beatless = np.zeros(len(found.clips))
    beatless[best.clip[true == 0]] = best.score[true == 0]
    # Hits at odd times are far rarer in libraries than here: the limit is set by the rest.
    plain = found.held & (found.clips[:, 1] == 0) & np.array([name != "scattered" for name in found.names])
    least = float(np.quantile(beatless[plain], 1.0 - _FALSE))
    report(found, best, least)
    given = best.score >= least
    good = right_level(found, best)
    confidence.report("tempo", confidence.crossed(best.score[given], good[given]), good[given])
    return {**confidence.curve(best.score[given], good[given]), "least": np.array(least)}


def report(found: Table, best: Choice, least: float) -> None:
    """Print the figures of the clips that were not learned from."""
    bpm = np.zeros(len(found.clips))
    bpm[best.clip] = np.where(best.score >= least, best.bpm, 0.0)
    truth = found.clips[:, 1]
    print("least score", round(least, 3))
    words = [name.split() for name in found.names]
    groups = {
        "all": np.ones(len(words), np.bool_),
        "loops": np.array(["track" not in w for w in words]),
        "tracks": np.array(["track" in w for w in words]),
        "drummer": np.array(["drummer" in w for w in words]),
        "band": np.array(["band" in w for w in words]),
        **{part: np.array([part in w[-2:] for w in words]) for part in _PARTS},
        **{f"{a}-{b}": (truth >= a) & (truth < b) for a, b in pairwise((40, 85, 115, 145, 165, 240))},
    }
    for name, group in groups.items():
        k = np.flatnonzero(found.held & (truth > 0) & group)
        if len(k) == 0:
            continue
        e = [np.abs(bpm[k] / truth[k] - 1.0) < tolerance for tolerance in (0.04, 0.01, 0.005)]
        any_level = np.any([np.abs(bpm[k] / truth[k] / f - 1.0) < 0.04 for f in (1, 2, 3, 1 / 2, 1 / 3)], axis=0)
        values = [100 * np.mean(x) for x in (e[0], any_level, e[1], e[2], bpm[k] == 0)]
        shares = zip(("acc1", "acc2", "t1", "t05", "none"), values, strict=True)
        print(f"{name:9} {len(k):5}", *(f"{word} {share:5.1f}" for word, share in shares))
    for kind in ("hit", "held", "pad", "riser", "noise", "scattered"):
        k = found.held & np.array([name == kind for name in found.names])
        print("false", kind, round(100 * np.mean(bpm[k] > 0), 1), "of", k.sum())


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--clips", type=int, default=6000, help="of synthesized sounds")
    parser.add_argument("--studio", type=int, default=14000, help="of sampled sounds too")
    parser.add_argument("--project", type=int, default=5000, help="cut from projects of a sequencer")
    parser.add_argument("--still", type=int, default=2000, help="without a tempo")
    arguments = parser.parse_args()
    arguments.cache.mkdir(parents=True, exist_ok=True)
    here = studio.Studio(bank.load(arguments.cache), grooves.load(arguments.cache))
    makers: dict[str, Callable[[int], Clip]] = {
        "tempo": material.make,
        "studio": lambda seed: studio.make(seed, here),
        "project": lambda seed: studio.project(seed, here),
        "still": lambda seed: studio.still(seed, here),
    }
    counts = {
        "tempo": arguments.clips,
        "studio": arguments.studio,
        "project": arguments.project,
        "still": arguments.still,
    }
    arrays = learn(table(counts, arguments.cache, makers))
    TARGET.parent.mkdir(exist_ok=True)
    np.savez_compressed(TARGET, **arrays)
    print(TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
