"""Learns the timbre of the vectors for likeness.

`python -m training.embedding FOLDER [RECORDINGS]` reads the sounds of `training.oneshots` in FOLDER and those of
`training.recordings` (RECORDINGS is their folder), writes `samplemind_worker/dsp/models/embedding.npz`, and reports the
precision of neighbours from other kits on kits that were held out. What it measures is kept in
`FOLDER/statistics.npz`, half an hour's work on one core.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import json
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.embedding import HEARD, LAYOUT
from samplemind_worker.dsp.instrument import CLASSES, DRUMS
from samplemind_worker.dsp.network import Network
from training import augment, metric, network, oneshots, recordings

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_MODEL = Path(dsp.__file__).parent / "models" / "embedding.npz"
_VARIANTS = 2
_HITS, _NOTES, _DRAWN = 8, 40, 100  # of a class: of a kit, of a soundfont, synthesized
_RECORDED = "recorded"
_OPTIONS: dict[str, Any] = {"outputs": 32, "hidden": 128, "epochs": 12, "sharpness": 6.0}
_LIMIT = 4.0  # deviations
_GENERIC = 48  # principal components


@dataclass(frozen=True)
class Material:
    """Rows of statistics and what they are of."""

    rows: F32
    names: npt.NDArray[np.int64]
    """Index into `CLASSES`."""
    kits: npt.NDArray[np.str_]
    """Source of the sound; soundfonts that share recordings count as one."""
    original: npt.NDArray[np.bool_]
    """False for the variants of a sound."""

    def only(self, used: npt.NDArray[np.bool_]) -> "Material":
        """Give a part of it."""
        return Material(self.rows[used], self.names[used], self.kits[used], self.original[used])


def _stored(folder: Path) -> Iterator[oneshots.Sound]:
    """Read a part of the stored sounds: a few of each class and kit."""
    for path in sorted(folder.glob("*.json")):
        samples = np.load(path.with_suffix(".npy"), mmap_mode="r")
        truths: list[dict[str, Any]] = json.loads(path.read_text())
        taken: Counter[tuple[str, int, str]] = Counter()
        for k in np.random.default_rng(1).permutation(len(truths)).tolist():
            truth = truths[k]
            if truth["name"] is None:
                continue
            kit = truth["program"] if truth["program"] >= 128 else -1
            key = (truth["font"], kit, truth["name"])
            if taken[key] < (_HITS if kit >= 0 else _DRAWN if truth["font"] == "synth" else _NOTES):
                taken[key] += 1
                yield samples[truth["first"] : truth["first"] + truth["count"]].astype(np.float32) / 32767.0, truth


def _kit(truth: dict[str, Any]) -> str:
    if truth["program"] == recordings.PROGRAM:
        return f"{_RECORDED} {truth['font']}"
    return next((f"fold {k}" for k, fold in enumerate(oneshots.FOLDS) if truth["font"] in fold), truth["font"])


def measure(folder: Path) -> Material:
    """Measure each sound as it is and in two variants, or read what was measured."""
    path = folder / "statistics.npz"
    if not path.exists():
        rng = np.random.default_rng(8)
        rows: list[npt.NDArray[np.float16]] = []
        about: list[tuple[int, str, bool]] = []
        for y, truth in _stored(folder):
            for k in range(1 + _VARIANTS):
                features = dsp.compute_features(augment.vary(y, rng)[0] if k else y, sr=dsp.SR)
                # As a short sound: a hit has neither tempo nor key.
                row = dsp.statistics(features, dsp.estimate(features, duration=0.5))
                if row is not None:
                    rows.append(row)
                    about.append((CLASSES.index(truth["name"]), _kit(truth), k == 0))
        names, kits, original = zip(*about, strict=True)
        np.savez(path, rows=np.stack(rows), names=names, kits=kits, original=original)
    with np.load(path) as file:
        return Material(file["rows"].astype(np.float32), file["names"], file["kits"], file["original"])


@dataclass(frozen=True)
class Recipe:
    """What is learned: how measures are standardized, the network, and the principal components."""

    centre: F32
    scale: F32
    net: Network
    generic: F32

    def vectors(self, rows: F32, share: float) -> F64:
        """Give what the network says beside ``share`` of the principal components."""
        z = standardized(rows, self.centre, self.scale).astype(np.float64)
        return np.concatenate([_unit(self.net.logits(z)), share * _unit(z @ self.generic)], axis=1)


def standardized(rows: F32, centre: F32, scale: F32) -> F32:
    """Scale the measures that are heard; none counts more than four deviations."""
    return np.clip((rows[:, HEARD] - centre) * scale, -_LIMIT, _LIMIT)


def _unit(rows: F64) -> F64:
    return rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-9)


def learn(material: Material) -> Recipe:
    """Learn from all rows."""
    heard, names = material.rows[:, HEARD], material.names
    centre, scale = heard.mean(axis=0), np.float32(1.0) / (heard.std(axis=0) + np.float32(1e-2))
    z = standardized(material.rows, centre, scale)
    counts = np.bincount(names, minlength=len(CLASSES)).clip(1)
    # Rare classes count for more, but not as much as common ones.
    weight = counts[names].astype(np.float32) ** np.float32(-0.5)
    net = metric.fit(z, names, weight=weight / weight.mean(), **_OPTIONS)
    components = np.linalg.eigh(z.T.astype(np.float64) @ z)[1][:, ::-1][:, :_GENERIC]
    return Recipe(centre, scale, net, components.astype(np.float32))


def precision(tested: Material, vectors: F64) -> tuple[float, float]:
    """Give precision at 1 and at 10 by cosine, of neighbours from other kits, in percent."""
    unit = _unit(vectors).astype(np.float32)
    cosines = unit @ unit.T
    cosines[tested.kits[:, None] == tested.kits] = -2.0
    near = np.argpartition(-cosines, 10, axis=1)[:, :10]
    near = np.take_along_axis(near, np.argsort(-np.take_along_axis(cosines, near, axis=1), axis=1), axis=1)
    hits = tested.names[near] == tested.names[:, None]
    return 100.0 * float(hits[:, 0].mean()), 100.0 * float(hits.mean())


def report(material: Material) -> None:
    """Report on recorded kits and one fold of soundfonts, none of which was learned from."""
    recorded = np.char.startswith(material.kits, _RECORDED)
    for k in range(len(oneshots.FOLDS)):
        out = recorded | (material.kits == f"fold {k}")
        tested = material.only(out & material.original & (material.names < len(DRUMS)))
        recipe = learn(material.only(~out))
        cepstrum = tested.rows[:, LAYOUT["mfcc"].start : LAYOUT["mfcc_spread"].stop].astype(np.float64)
        z = standardized(tested.rows, recipe.centre, recipe.scale).astype(np.float64)
        given = {"20 MFCC": (cepstrum - cepstrum.mean(axis=0)) / cepstrum.std(axis=0), "all, standardized": z}
        given |= {f"learned, {share} of the components": recipe.vectors(tested.rows, share) for share in (0.0, 0.5)}
        sys.stdout.write(f"without fold {k} and the recorded kits: {len(tested.rows)} drums\n")
        for title, vectors in given.items():
            one, ten = precision(tested, vectors)
            sys.stdout.write(f"  {title:32} p@1 {one:5.1f} %  p@10 {ten:5.1f} %\n")
        sys.stdout.flush()


def main(folder: Path, recorded: Path | None) -> None:
    """Measure, learn from everything, write the model, and report on what is learned from parts."""
    if not (folder / f"{_RECORDED}.json").exists():
        oneshots.store(folder, _RECORDED, recordings.sounds(np.random.default_rng(7), recorded))
    material = measure(folder)
    recipe = learn(material)
    arrays = {
        name: array for name, array in network.to_arrays(recipe.net).items() if name not in {"net_first", "net_shift"}
    }
    arrays |= {"centre": recipe.centre, "scale": recipe.scale, "generic": recipe.generic}
    np.savez_compressed(_MODEL, **{name: array.astype(np.float16) for name, array in arrays.items()})  # type: ignore[arg-type]
    report(material)


if __name__ == "__main__":
    main(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
