"""What the page lists itself is what the engine knows."""

import re
from pathlib import Path

from samplemind_worker.documents.facts import INSTRUMENTS

FILTERS = Path(__file__).parents[2] / "samplemind_web" / "page" / "src" / "rooms" / "library" / "filters.ts"


def test_the_page_filters_by_every_instrument():
    [listed] = re.findall(r"const INSTRUMENTS = \[(.*?)\]", FILTERS.read_text(), re.DOTALL)

    assert sorted(re.findall(r'"(\w+)"', listed)) == sorted(INSTRUMENTS)
