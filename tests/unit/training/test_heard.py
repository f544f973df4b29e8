"""The material of the networks that name instruments."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from samplemind_worker.dsp.instrument import CLASSES, MEASURES
from training import augment, heard, oneshots, signals, sources
from training.oneshots import Sound

SR = oneshots.SR


def _sounds() -> Iterator[Sound]:
    truth = {"midi": None, "font": "opendrums", "program": sources.PROGRAM}
    yield signals.snare(sr=SR, seed=1), truth | {"name": "snare"}
    yield signals.note(60.0, 1.0, sr=SR, voice="bass"), truth | {"name": None}
    yield signals.DRUMS["kick"](sr=SR, seed=1), truth | {"name": "fx"}
    yield signals.note(40.0, 1.0, sr=SR, voice="bass"), truth | {"name": "bass", "program": 33, "font": "fluid"}


def test_sounds_with_a_class_are_heard_as_they_are_and_treated(tmp_path: Path):
    oneshots.store(tmp_path, "some", _sounds())
    found = heard.measure(tmp_path)
    # What has no class is left out, and a recorded knock of less than a second.
    assert {CLASSES[k] for k in found.right.tolist()} == {"snare", "bass"}
    np.testing.assert_array_equal(found.recorded, found.right == CLASSES.index("snare"))
    # There are few recordings, so each is treated twice.
    assert [(found.variant[found.recorded] == k).sum() for k in (heard.AS_IS, heard.TREATED)] == [1, 2]
    assert [(found.variant[~found.recorded] == k).sum() for k in (heard.AS_IS, heard.TREATED)] == [1, 1]
    assert found.rows.shape == (len(found.right), MEASURES)
    assert found.pictures.shape == (len(found.right), 40, 24)
    np.testing.assert_array_equal(heard.measure(tmp_path).rows, found.rows)


def test_from_afar_a_click_has_a_tail():
    click = np.zeros(SR // 4, np.float32)
    click[100] = 1.0
    y = augment.far(click, np.random.default_rng(3))
    late = y[100 + SR // 20 :]
    assert np.abs(y).max() > 0.9
    assert np.sqrt(np.square(late[: SR // 20]).mean()) > 1e-3
