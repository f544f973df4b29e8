"""Reading filters from text."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import bson
import pytest

from samplemind_worker.errors import UsageError
from samplemind_worker.finding.filter_text import (
    read,
    read_chord,
    read_key,
    read_pitch,
    read_range,
    read_spans,
    read_times,
)
from samplemind_worker.finding.filters import Filter, compatible_keys, conditions


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("120..128", (120.0, 128.0)),
        ("..90", (None, 90.0)),
        ("90..", (90.0, None)),
        ("-14..-8.5", (-14.0, -8.5)),
        (" 100 .. 110 ", (100.0, 110.0)),
    ],
)
def test_reads_a_range(text: str, wanted: tuple[float | None, float | None]):
    assert read_range(text, "--bpm") == wanted


@pytest.mark.parametrize("text", ["", "..", "fast", "120...128", "1e3", "120 128", "nan", "$gt", "9" * 10_000])
def test_refuses_what_is_no_range(text: str):
    with pytest.raises(UsageError, match=r"--bpm .* is no number and no range"):
        read_range(text, "--bpm")


def test_refuses_a_reversed_range():
    with pytest.raises(UsageError, match=r"--bpm '128\.\.120' is reversed"):
        read_range("128..120", "--bpm")


def test_a_single_tempo_means_what_is_shown_as_it():
    assert read(bpm="120").tempo == ((119.5, 120.5),)


def test_half_and_double_tempo():
    assert read(bpm="120..128", half_double=True).tempo == ((120.0, 128.0), (60.0, 64.0), (240.0, 256.0))


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Am", (9, "minor")),
        ("A minor", (9, "minor")),
        ("a min", (9, "minor")),
        ("am", (9, "minor")),
        ("8A", (9, "minor")),
        ("08b", (0, "major")),
        ("F#", (6, None)),
        ("f#m", (6, "minor")),
        ("Bb major", (10, "major")),
        ("bbm", (10, "minor")),
        ("B", (11, None)),
        ("E♭", (3, None)),
        ("C sharp minor", (1, "minor")),
        ("CM", (0, "major")),
    ],
)
def test_reads_a_key(text: str, wanted: tuple[int, str | None]):
    assert read_key(text) == (wanted,)


@pytest.mark.parametrize("text", ["", "H", "13A", "0A", "A dorian", "Am7", "{$ne: null}", "A" * 10_000, "מינור"])
def test_refuses_what_is_no_key(text: str):
    with pytest.raises(UsageError, match="is no key"):
        read_key(text)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("C", "C"), ("Am", "Am"), ("am", "Am"), ("A min", None), ("Amin7", "Am7"), ("Bbmaj7", "A#maj7"),
        ("bbm7", "A#m7"), ("F#7", "F#7"), ("Gsus4", "Gsus4"), ("Edim", "Edim"), ("Caug", "Caug"), ("D5", "D5"),
        (" C/E ", "C/E"), ("Dmaj/Gb", "D/F#"), ("C/C", "C"), ("Axx", None), ("H", None), ("", None),
        ("C/", None), ("C9", None), ("\udcff", None),
    ],
)  # fmt: skip
def test_reads_a_chord(text: str, name: str | None):
    if name is None:
        with pytest.raises(UsageError, match="no chord: write it as C, Am, F#7"):
            read_chord(text)
    else:
        assert read_chord(text) == name


def test_compatible_keys_are_the_relative_one_and_the_neighbours_on_the_wheel():
    assert set(compatible_keys(((9, "minor"),))) == {(9, "minor"), (0, "major"), (4, "minor"), (2, "minor")}


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("C4", ((60.0, 60.0),)),
        ("C3..B3", ((48.0, 59.0),)),
        ("48..59", ((48.0, 59.0),)),
        ("..Eb2", ((None, 39.0),)),
        ("F#2..", ((42.0, None),)),
        ("c-1", ((0.0, 0.0),)),
    ],
)
def test_reads_a_pitch(text: str, wanted: object):
    assert read_pitch(text) == wanted


def test_a_pitch_class_is_meant_in_all_octaves():
    assert read_pitch("A")[:2] == ((9.0, 9.0), (21.0, 21.0))


@pytest.mark.parametrize("text", ["", "..", "H3", "C99", "128", "B3..C3", "C3..x", "٣"])
def test_refuses_what_is_no_pitch(text: str):
    with pytest.raises(UsageError, match="--pitch"):
        read_pitch(text)


def test_since_takes_the_beginning_of_a_day_and_until_its_end():
    week = datetime.now(UTC) - timedelta(days=7)

    begin, end = read_times("7d", None)
    assert begin is not None
    assert week <= begin <= datetime.now(UTC) - timedelta(days=7)
    assert end is None
    assert read_times("2026-01-30", "2026-01-31") == (
        datetime(2026, 1, 30).astimezone(),
        datetime(2026, 2, 1).astimezone(),
    )


def test_refuses_an_end_before_the_beginning():
    with pytest.raises(UsageError, match="--until '3 days' is before --since 'today'"):
        read(since="today", until="3 days")


@pytest.mark.parametrize("text", ["", "d", "2026-13-01", "999999w", "7x", "-7d", "yesterweek", "25:00", "9" * 1000])
def test_refuses_what_is_no_time(text: str):
    with pytest.raises(UsageError, match=r"^--until '.*' is no time such as 3 days, .* or 2026-01-31 14:30$"):
        read(until=text)


def test_a_length_has_units():
    assert read_spans("500ms..1.5 min", "--duration") == (0.5, 90.0)
    assert read_spans("..2s", "--duration") == (None, 2.0)
    assert read_spans("3:20..", "--duration") == (200.0, None)
    assert read(duration="2").duration == read(duration="2 s").duration == ((1.95, 2.05),)


@pytest.mark.parametrize("text", ["", "..", "-1..2", "2 parsecs", "1s..x", "1...2", "s", "٣s"])
def test_refuses_what_is_no_length(text: str):
    with pytest.raises(UsageError, match=r"--duration .* is no time such as 2, 500ms, .* no range such as 0\.\.2"):
        read(duration=text)


def test_refuses_a_reversed_length():
    with pytest.raises(UsageError, match="is reversed"):
        read(duration="2s..500ms")


def test_a_list_of_values_means_any_of_them():
    assert read(kind="loop, one-shot", instrument="kick").kinds == ("loop", "one_shot")


def test_refuses_an_unknown_kind_and_names_the_known_ones():
    with pytest.raises(UsageError, match="--kind 'drone' is none of one_shot, loop, track"):
        read(kind="drone")


def test_suggests_what_a_mistyped_value_may_mean():
    with pytest.raises(UsageError, match=r"did you mean snare\?$"):
        read(instrument="kick,snar")


@pytest.mark.parametrize(("values", "named"), [({"half_double": True}, "--bpm"), ({"compatible": True}, "--key")])
def test_options_that_mean_nothing_alone(values: dict[str, bool], named: str):
    with pytest.raises(UsageError, match=f"needs {named}"):
        read(**values)  # pyright: ignore[reportArgumentType]


def test_a_path_is_meant_in_full_and_below_its_root():
    assert read(path="/srv/kits/808/").paths == ("/srv/kits/808",)
    assert read(path="/srv/kits/808", roots={"kits": Path("/srv/kits")}).paths == ("/srv/kits/808", "kits/808")
    assert read(path="/srv/kits", roots={"kits": Path("/srv/kits")}).paths == ("/srv/kits", "kits")


def test_no_filter_asks_for_nothing():
    assert read() == Filter()
    assert read().is_empty
    assert conditions(Filter()) == []


@pytest.mark.parametrize("option", ["pack", "tag"])
def test_a_name_is_read_as_the_record_writes_it(option: str):
    [condition] = conditions(read(**{option: "caf\udcff"}))  # pyright: ignore[reportArgumentType]
    assert condition.terms is not None
    assert bson.encode({"terms": list(condition.terms)})
    assert ["caf\\xff" in term for term in condition.terms] == [True]
    with pytest.raises(UsageError, match=f"--{option}"):
        read(**{option: "\ud800"})  # pyright: ignore[reportArgumentType]
