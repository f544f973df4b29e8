"""Learns which drum a hit is: the network for drums of `dsp/instrument.py`.

`python -m training.kits FOLDER` reads the drums among the sounds of `training.oneshots` and `training.sources`, reports
scores on held-out kits and writes the network for drums into `samplemind_worker/dsp/models/instrument.npz`; what else
is in that file stays. The network that is committed is not this one: docs/analysis.md compares them.
"""

import sys
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.instrument import DRUMS, PITCH, describe
from samplemind_worker.dsp.network import Network, load_arrays, softmax
from samplemind_worker.dsp.pitch import hear
from training import augment, confidence, network, oneshots, singles

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I64 = npt.NDArray[np.int64]

_MODEL = Path(dsp.__file__).parent / "models" / "instrument.npz"
_VARIED = {"recorded": (2, 1.0, 0.5), "rendered": (1, 0.3, 0.08), "synthesized": (0, 0.3, 0.02)}
"""Variants of a hit, and shares of the hits that also go through a sampler, and through a codec."""
_SYNTHESIZED = -2
"""The program of synthesized drums (`training.oneshots`): no two are alike, so half of them are measured as they are,
the others treated."""
_LONGEST = 4 * dsp.SR
_OPTIONS: dict[str, Any] = {"hidden": 96, "epochs": 12, "decay": 1e-3, "noise": 0.6, "seeds": (0, 1)}
_RATTLING = (("opendrums", "hat_closed"), ("opendrums", "rim"))
"""Hits in which the wires of the snare are heard more than what was struck: held out, nine in ten are called snares."""
_MACHINES = (128 + 24, 128 + 25)
"""The kits of General MIDI that are drum machines: electronic, and TR-808."""


@dataclass(frozen=True)
class Hits:
    """Rows of `describe`, and of each its drum and where it is from."""

    rows: F32
    right: I64
    fonts: npt.NDArray[np.str_]
    recorded: npt.NDArray[np.bool_]
    programs: I64


def _variants(y: F32, truth: dict[str, Any], rng: np.random.Generator) -> Iterator[F32]:
    recorded, synthesized = singles.is_recorded(truth), truth["program"] == _SYNTHESIZED
    treated, by_sampler, by_codec = _VARIED["recorded" if recorded else "synthesized" if synthesized else "rendered"]
    yield augment.vary(y, rng)[0] if synthesized and rng.random() < 0.5 else y  # noqa: PLR2004 -- half of them
    for _ in range(treated):
        yield augment.vary(y, rng)[0]
    if rng.random() < by_sampler:
        yield augment.sampled(y, rng)
    if rng.random() < by_codec:
        yield augment.coded(y, rng)


def _measure_file(path: Path) -> Path:
    """Measure the drums of a file; what was measured lies beside it, and is read the next time."""
    target = path.with_suffix(".hits.npz")
    if target.exists():
        return target
    rng = np.random.default_rng([zlib.crc32(path.stem.encode()), 2])
    rows: list[F32] = []
    truths: list[tuple[int, str, bool, int]] = []
    for y, truth in oneshots.read_file(path):
        if truth["name"] not in DRUMS:
            continue
        for variant in _variants(y[:_LONGEST], truth, rng):
            features = dsp.compute_features(variant, sr=dsp.SR)
            if features.peak > 1e-3:  # noqa: PLR2004 -- silence
                rows.append(describe(features, hear(features, PITCH)))
                truths.append((DRUMS.index(truth["name"]), truth["font"], singles.is_recorded(truth), truth["program"]))
    right, fonts, recordings, programs = zip(*truths, strict=True) if truths else ((), (), (), ())
    np.savez(
        target,
        rows=np.array(rows, np.float32) if rows else np.zeros((0, 180), np.float32),
        right=np.array(right, np.int64),
        fonts=np.array(fonts, np.str_),
        recorded=np.array(recordings, bool),
        programs=np.array(programs, np.int64),
    )
    return target


def measure(folder: Path) -> Hits:
    """Measure the drums of all files."""
    parts = [np.load(_measure_file(path)) for path in sorted(folder.glob("*.json"))]
    return Hits(*(np.concatenate([part[name] for part in parts]) for name in Hits.__dataclass_fields__))


def learn(hits: Hits, used: npt.NDArray[np.bool_]) -> Network:
    """Learn from some of the hits."""
    for font, name in _RATTLING:
        used = used & ~((hits.fonts == font) & (hits.right == DRUMS.index(name)))
    right = hits.right[used]
    # All drums count alike; kits of which there are few hits count for more, but not as much as the others.
    weight: F64 = 1.0 / np.bincount(right, minlength=len(DRUMS))[right]
    _, kit, hits_of_kit = np.unique(hits.fonts[used], return_inverse=True, return_counts=True)
    weight *= hits_of_kit[kit].astype(np.float64) ** -0.3
    return network.fit(hits.rows[used][:, None], right, outputs=len(DRUMS), weight=weight, **_OPTIONS)


def score(title: str, found: I64, right: I64) -> None:
    """Print how many are right, and of each drum."""
    kinds = sorted(set(right.tolist()))
    recalls = {DRUMS[k]: 100.0 * (found[right == k] == k).mean() for k in kinds}
    each = ", ".join(f"{name} {recall:.0f}" for name, recall in recalls.items())
    mean = np.mean(list(recalls.values()))
    sys.stdout.write(
        f"{title}: {len(right)} hits, {100 * (found == right).mean():.1f} % right, mean {mean:.1f}; {each}\n"
    )


def fit(hits: Hits) -> None:
    """Learn, report on held-out kits, write the network."""
    logits, tested = np.zeros((len(hits.rows), len(DRUMS))), np.zeros(len(hits.rows), bool)
    for fold in oneshots.FOLDS:
        out = np.isin(hits.fonts, fold)
        tested |= out
        logits[out] = learn(hits, ~out).logits(hits.rows[out].astype(np.float64))
    recordings = tested & hits.recorded
    divisor = network.temperature(logits[recordings], hits.right[recordings])
    odds = softmax(logits / divisor)
    for font in sorted(set(hits.fonts[tested].tolist())):
        own = tested & (hits.fonts == font)
        score(f"held out {font}", odds[own].argmax(axis=1), hits.right[own])
    machines = tested & np.isin(hits.programs, _MACHINES)
    for title, own in (("recorded", recordings), ("machines", machines), ("rendered", tested & ~hits.recorded)):
        if own.any():
            score(f"all that is {title}", odds[own].argmax(axis=1), hits.right[own])
    found, right = odds[recordings].argmax(axis=1), hits.right[recordings]
    confidence.report("drum", odds[recordings].max(axis=1), found == right)
    everything = learn(hits, np.ones(len(hits.rows), bool))
    others = {name: array for name, array in load_arrays("instrument").items() if not name.startswith("drums_")}
    arrays = others | network.to_arrays(everything, "drums", divisor=divisor)
    np.savez_compressed(_MODEL, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(measure(Path(sys.argv[1])))
