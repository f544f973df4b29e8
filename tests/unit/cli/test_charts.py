"""Small charts for a terminal."""

import io
import sys

import pytest

from samplemind_cli import charts


def test_bars_are_as_long_as_the_counts():
    assert list(charts.bars({"loop": 1000, "one-shot": 500, "track": 1}, width=40)) == [
        "loop      1,000  " + "█" * 23,
        "one-shot    500  " + "█" * 11 + "▌",
        "track         1  ▏",
    ]


def test_bars_stand_in_where_the_terminal_has_no_blocks(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(io.BytesIO(), encoding="ascii"))

    assert list(charts.bars({"loop": 4, "track": 1}, width=18)) == ["loop   4  ########", "track  1  ##"]
    assert [charts.column(count, 9) for count in (0, 1, 9)] == [" ", "1", "9"]


def test_no_line_of_bars_is_wider_than_the_screen():
    lines = list(charts.bars({"a very long name of a sample pack that goes on": 12_345, "b": 0}, width=40))

    assert [len(line) <= 40 for line in lines] == [True, True]
    assert lines[0].endswith("12,345  ████")
    assert "…" in lines[0]


def test_nothing_is_drawn_of_nothing():
    assert list(charts.bars({}, width=40)) == []
    assert list(charts.bars({"loop": 0}, width=40)) == ["loop  0"]


def test_column_shows_what_is_there_at_all():
    assert [charts.column(count, 1000) for count in (0, 1, 500, 1000)] == [" ", "▁", "▄", "█"]
