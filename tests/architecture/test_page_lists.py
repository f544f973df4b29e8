"""What the page lists itself is what the engine knows."""

import re
from pathlib import Path

from samplemind_worker.documents.facts import INSTRUMENTS

PAGE = Path(__file__).parents[2] / "samplemind_web" / "page" / "src"
FILTERS = PAGE / "rooms" / "library" / "filters.ts"
COLOURS = PAGE / "parts" / "data.ts"


def test_the_page_filters_by_every_instrument():
    [listed] = re.findall(r"const INSTRUMENTS = \[(.*?)\]", FILTERS.read_text(), re.DOTALL)

    assert sorted(re.findall(r'"(\w+)"', listed)) == sorted(INSTRUMENTS)


def test_every_instrument_has_a_colour():
    families = re.findall(r"instruments: \[(.*?)\]", COLOURS.read_text())

    assert sorted(re.findall(r'"(\w+)"', ",".join(families))) == sorted(INSTRUMENTS)
