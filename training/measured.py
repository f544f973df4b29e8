"""Measured material: features of clips with their truths, stored between making and fitting."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from samplemind_worker import dsp


@dataclass(frozen=True)
class Measured:
    """What a model sees of a clip, and the truth about it."""

    features: dsp.Features
    truth: dict[str, Any]


def save(path: Path, clips: list[Measured]) -> None:
    """Store clips in one file."""
    arrays: dict[str, Any] = {}
    metas: list[dict[str, Any]] = []
    for k, clip in enumerate(clips):
        meta, own = clip.features.to_arrays()
        metas.append({"features": meta, "truth": clip.truth})
        arrays |= {f"{k}/{name}": array.astype(np.float16) if name == "onset" else array for name, array in own.items()}
    np.savez(path, metas=np.array(json.dumps(metas)), **arrays)


def load(path: Path) -> list[Measured]:
    """Read what `save` stored."""
    out: list[Measured] = []
    with np.load(path) as file:
        names = [name.partition("/")[2] for name in file.files if name.startswith("0/")]
        for k, meta in enumerate(json.loads(str(file["metas"]))):
            arrays = {name: file[f"{k}/{name}"] for name in names}
            out.append(Measured(dsp.Features.from_arrays(meta["features"], arrays), meta["truth"]))
    return out
