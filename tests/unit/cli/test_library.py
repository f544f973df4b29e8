"""The library at a glance, as `library` prints it."""

from typing import Any

import pytest

from samplemind_cli.commands.library import lines

REPORT: dict[str, Any] = {
    "files": 1_204,
    "contents": 1_180,
    "seconds": 8_700.0,
    "bytes": 3_100_000_000,
    "copies": {"files": 24, "bytes": 61_000_000},
    "kinds": {"one_shot": 812, "loop": 300, "track": 68},
    "instruments": {f"drum_{number}": 100 - number for number in range(14)},
    "keys": {"1A": 3, "8A": 312, "8B": 20},
    "tempi": [{"from": step, "to": step + 10, "contents": step} for step in range(60, 200, 10)],
    "packs": {f"pack {number:02}": 40 - number for number in range(20)},
    "pack_count": 31,
    "added": {"7": 12, "30": 240},
    "open": 17,
    "failed": {"unreadable": 2, "empty": 1},
}


def test_begins_with_size_news_and_what_is_not_analysed():
    shown = list(lines(REPORT, 80))

    assert shown[:5] == [
        "library      1,204 files, 1,180 of them different, 2 h 25 min, 3.1 GB",
        "copies       24 files, 61.0 MB",
        "added        12 in 7 days, 240 in 30 days",
        "in progress  17 files",
        "failed       unreadable 2, empty 1",
    ]


def test_draws_the_camelot_wheel_and_the_tempi():
    shown = list(lines(REPORT, 80))

    at = next(number for number, line in enumerate(shown) if line.startswith("keys"))
    assert shown[at : at + 4] == [
        "keys         minor  ▁▁▁▁" + " " * 31 + "████",
        "             major  " + " " * 35 + "▁▁▁▁",
        "                    1    2    3    4    5    6    7    8    9    10   11   12",
        "             A minor (8A) 312, C major (8B) 20, G# minor (1A) 3",
    ]
    at = next(number for number, line in enumerate(shown) if line.startswith("tempi"))
    assert shown[at] == "tempi        " + "".join(4 * each for each in "▃▃▄▄▅▅▆▆▆▇▇███")
    assert shown[at + 1] == "             60" + "200 BPM".rjust(54)
    assert shown[at + 2] == "             most from 190 to 200: 190"


def test_sums_up_what_is_left_out():
    shown = [line.split() for line in lines(REPORT, 80)]

    assert ["and", "2", "others:", "175"] in shown
    assert shown[-1] == ["and", "23", "smaller", "ones"]


@pytest.mark.parametrize("width", [40, 60, 80, 100])
def test_fits_the_screen(width: int):
    assert [line for line in lines(REPORT, width) if len(line) > width] == []


def test_of_an_empty_library_there_is_little_to_say():
    empty = {"kinds": {}, "instruments": {}, "keys": {}, "tempi": [], "packs": {}, "failed": {}, "open": 0}
    nothing = {"files": 0, "contents": 0, "seconds": 0, "bytes": 0, "pack_count": 0, "copies": {"files": 0, "bytes": 0}}

    assert list(lines({**REPORT, **empty, **nothing, "added": {"7": 0, "30": 0}}, 80)) == [
        "library      0 files, 0 s, 0 bytes",
        "added        0 in 7 days, 0 in 30 days",
    ]
