"""Texts that people read."""

import pytest

from samplemind_worker.text import plural


@pytest.mark.parametrize(
    ("count", "nouns", "said"),
    [
        (0, ("file",), "0 files"),
        (1, ("file",), "1 file"),
        (2400, ("file",), "2,400 files"),
        (1, ("summary", "summaries"), "1 summary"),
        (2, ("summary", "summaries"), "2 summaries"),
    ],
)
def test_a_count_has_the_noun_that_fits(count: int, nouns: tuple[str, ...], said: str):
    assert plural(count, *nouns) == said
