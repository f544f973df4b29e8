"""The material of the network that tells drums apart, and what learning writes."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from samplemind_worker.dsp.instrument import DRUMS
from samplemind_worker.dsp.network import Network, load_arrays
from training import kits, oneshots, signals, sources
from training.oneshots import Sound

SR = oneshots.SR


def _sounds() -> Iterator[Sound]:
    truth = {"midi": None, "font": "opendrums", "program": sources.PROGRAM}
    yield signals.snare(sr=SR, seed=1), truth | {"name": "snare"}
    yield signals.note(60.0, 1.0, sr=SR, voice="bass"), truth | {"name": "bass"}
    yield signals.DRUMS["kick"](sr=SR, seed=1), truth | {"name": "kick", "program": 128, "font": "fluid"}


def test_drums_are_measured_as_they_are_and_treated_and_nothing_else_is(tmp_path: Path):
    oneshots.store(tmp_path, "some", _sounds())
    hits = kits.measure(tmp_path)
    assert {DRUMS[k] for k in hits.right.tolist()} == {"snare", "kick"}
    assert (hits.right[hits.recorded] == DRUMS.index("snare")).all()
    # As it is, in two variants and through a sampler: what is recorded is rare.
    assert hits.recorded.sum() >= 4 > (~hits.recorded).sum() >= 2
    assert hits.rows.shape == (len(hits.right), 180)
    np.testing.assert_array_equal(kits.measure(tmp_path).rows, hits.rows)


def test_learning_replaces_the_network_for_drums_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    rng = np.random.default_rng(0)
    right = rng.integers(0, len(DRUMS), 600)
    rows = rng.normal(size=(600, 180)).astype(np.float32)
    rows[np.arange(600), right] += 4.0
    fonts = np.array(["opendrums", "muldjord", "synth"])[rng.integers(0, 3, 600)]
    before = load_arrays("instrument")
    monkeypatch.setattr(kits, "_MODEL", tmp_path / "instrument.npz")
    kits.fit(kits.Hits(rows, right, fonts, np.ones(600, bool), np.full(600, sources.PROGRAM)))
    with np.load(tmp_path / "instrument.npz") as written:
        for name, array in before.items():
            if not name.startswith("drums_"):
                np.testing.assert_array_equal(written[name], array)
    learned = Network(**_drums(tmp_path / "instrument.npz"))
    assert (learned.logits(rows.astype(np.float64)).argmax(axis=1) == right).mean() > 0.9


def _drums(path: Path) -> dict[str, npt.NDArray[np.float64]]:
    with np.load(path) as arrays:
        return {
            name.removeprefix("drums_"): arrays[name].astype(np.float64)
            for name in arrays.files
            if name.startswith("drums_")
        }
