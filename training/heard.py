"""Measures sounds for the networks that name instruments: as they are, and as packs and files may hold them.

What was measured lies beside the sounds (``<source>.heard.npz``) and is read the next time; delete it after a change of
`dsp.instrument.describe` or `draw`.
"""

import zlib
from collections.abc import Iterator
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import CLASSES, DRUMS, describe, draw
from training import augment, oneshots, singles

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

_LONGEST = 6 * dsp.SR
_SHORTEST_SAMPLES, _SOFTEST_PEAK = 200, 1e-3
_SHORTEST_EFFECT_SECONDS = 1.0
_SHARES = {"recorded": (2, 0.8, 0.8, 0.6), "rendered": (1, 0.2, 0.3, 0.2)}
"""How often a sound is treated, and the shares of the sounds that are also put far away, played by an old sampler
(drums alone), and coded. There are few recordings, so each is heard more often."""
_WITH_A_ROOM = ("voice", "ambience")
_LATE, _LATEST_SECONDS = 0.5, 0.01
"""The share of variants that begin later, as encoders and careless cutting leave silence before a sound."""
AS_IS, TREATED, FAR, SAMPLED, CODED = range(5)
"""What ``Material.variant`` says: as it is, treated, far away, by an old sampler, coded."""


@dataclass(frozen=True)
class Material:
    """What the networks read of each sound, its class, and where it is from."""

    pictures: npt.NDArray[np.float16]
    rows: F32
    right: npt.NDArray[np.int64]
    fonts: npt.NDArray[np.str_]
    recorded: npt.NDArray[np.bool_]
    programs: npt.NDArray[np.int64]
    variant: npt.NDArray[np.int64]

    def part(self, chosen: npt.NDArray[np.bool_]) -> "Material":
        """Return some of the sounds."""
        return Material(*(getattr(self, each.name)[chosen] for each in fields(Material)))


def _variants(y: F32, truth: dict[str, Any], rng: Rng) -> Iterator[tuple[int, F32]]:
    treated, far, sampled, coded = _SHARES["recorded" if singles.is_recorded(truth) else "rendered"]
    yield AS_IS, y
    for _ in range(treated):
        yield TREATED, augment.vary(y, rng)[0]
    # Recordings of rooms and of speech have a distance of their own.
    if rng.random() < (_SHARES["rendered"][1] if truth["name"] in _WITH_A_ROOM else far):
        yield FAR, augment.far(augment.vary(y, rng)[0] if rng.random() < 0.5 else y, rng)  # noqa: PLR2004 -- half of them
    if truth["name"] in DRUMS and rng.random() < sampled:
        yield SAMPLED, augment.sampled(y, rng)
    if rng.random() < coded:
        yield CODED, augment.coded(augment.vary(y, rng)[0] if rng.random() < 0.3 else y, rng)  # noqa: PLR2004 -- a share


def _begun_later(variants: Iterator[tuple[int, F32]], rng: Rng) -> Iterator[tuple[int, F32]]:
    """Put silence before half of the variants; a sound as it is stays so."""
    for variant, y in variants:
        late = variant != AS_IS and rng.random() < _LATE
        silence = round(float(rng.uniform(0.0, _LATEST_SECONDS)) * dsp.SR) if late else 0
        yield variant, np.concatenate([np.zeros(silence, np.float32), y])


def _is_impact(samples: int, truth: dict[str, Any]) -> bool:
    """Tell recorded steps and knocks: they sound as drums do, and taught that rims and shakers are effects."""
    short = samples < _SHORTEST_EFFECT_SECONDS * dsp.SR
    return short and bool(truth["name"] == "fx") and singles.is_recorded(truth)


def measure_file(path: Path) -> Path:
    """Measure the sounds of one file of `oneshots.store` that have a class."""
    target = path.with_suffix(".heard.npz")
    if target.exists():
        return target
    rng = np.random.default_rng([zlib.crc32(path.stem.encode()), 7])
    columns: dict[str, list[Any]] = {each.name: [] for each in fields(Material)}
    for y, truth in oneshots.read_file(path):
        if truth["name"] is None:
            continue
        for variant, varied in _begun_later(_variants(y[:_LONGEST], truth, rng), rng):
            if len(varied) < _SHORTEST_SAMPLES:
                continue
            features = dsp.compute_features(np.ascontiguousarray(varied[:_LONGEST]), sr=dsp.SR)
            if features.peak <= _SOFTEST_PEAK or _is_impact(features.samples, truth):
                continue
            found = (
                draw(features).astype(np.float16),
                describe(features),
                CLASSES.index(truth["name"]),
                truth["font"],
                singles.is_recorded(truth),
                truth["program"],
                variant,
            )
            for values, value in zip(columns.values(), found, strict=True):
                values.append(value)
    np.savez(target, **{name: np.array(values) for name, values in columns.items()})  # type: ignore[arg-type]
    return target


def measure(folder: Path) -> Material:
    """Measure the sounds of all files of a folder."""
    parts = [np.load(measure_file(path)) for path in sorted(folder.glob("*.json"))]
    parts = [part for part in parts if len(part["right"])]
    return Material(*(np.concatenate([part[each.name] for part in parts]) for each in fields(Material)))
