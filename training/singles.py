"""Measures the sounds of `training.oneshots` and `training.sources` for the models of pitch."""

import pickle
import zlib
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from samplemind_worker import dsp
from training import augment, oneshots, sources

Single = tuple[dsp.Features, dict[str, Any]]
_RENDERED_TWICE = 0.3
"""Share of the rendered sounds that are measured in two variants, as all recordings are."""
_PROCESSES = 3


def is_recorded(truth: dict[str, Any]) -> bool:
    """Tell recordings from what was rendered or synthesized."""
    return bool(truth["program"] == sources.PROGRAM)


def measure(folder: Path) -> list[Single]:
    """Measure each sound as it is, and in one variant or two.

    What was measured lies beside the sounds, and is read the next time.
    """
    with ProcessPoolExecutor(_PROCESSES) as pool:
        parts = pool.map(_measure_file, sorted(folder.glob("*.json")))
        return [single for path in parts for single in pickle.loads(path.read_bytes())]  # noqa: S301 -- our own


def _measure_file(path: Path) -> Path:
    target = path.with_suffix(".measured")
    if target.exists():
        return target
    rng = np.random.default_rng(zlib.crc32(path.stem.encode()))
    out: list[Single] = []
    for y, truth in oneshots.read_file(path):
        out.append((_features(y), truth))
        for _ in range(1 + (is_recorded(truth) or rng.random() < _RENDERED_TWICE)):
            varied, shift = augment.vary(y, rng)
            if np.abs(varied).max() > 1e-3:  # noqa: PLR2004 -- silence
                midi = truth["midi"]
                moved = truth if midi is None or midi < 0.0 else truth | {"midi": midi + shift}
                out.append((_features(varied), moved))
    target.write_bytes(pickle.dumps(out))
    return target


def _features(y: oneshots.F32) -> dsp.Features:
    """Measure a sound, and leave out what the model does not read."""
    features = dsp.compute_features(y, sr=dsp.SR)
    return replace(features, outline=[], summary={}, notes=features.notes[:0])
