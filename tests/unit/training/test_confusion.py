"""The picture of what was taken for what."""

from xml.etree import ElementTree as ET

import numpy as np

from training.confusion import svg


def test_a_row_shows_what_a_class_was_taken_for():
    right, found = np.array([0, 0, 0, 0, 1]), np.array([0, 0, 0, 1, 1])
    picture = ET.fromstring(svg(("kick", "snare"), right, found))  # noqa: S314 -- our own
    texts = [text.text for text in picture.iter("{http://www.w3.org/2000/svg}text")]
    assert texts == ["kick", "kick", "75", "25", "snare", "snare", "100"]
