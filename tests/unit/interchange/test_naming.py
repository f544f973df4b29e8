import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.interchange.naming import MOST_BYTES, Names, folded, plain_name, safe_name, shorten

TEXTS = st.one_of(st.text(), st.text(alphabet="aA.é/\\:*? \x00\u202e\U0001f941"))


@given(TEXTS, st.sampled_from(["", ".wav", ".flac"]))
def test_a_safe_name_is_one_that_every_file_system_takes(text: str, ending: str):
    name = safe_name(text, ending=ending)

    assert 0 < len(name.encode()) <= MOST_BYTES
    assert not re.search(r'[<>:"/\\|?*\x00-\x1f]', name)
    assert name.endswith(ending)
    assert not name.startswith(".")
    assert not name.endswith((".", " "))
    assert safe_name(name.removesuffix(ending), ending=ending) == name


@given(TEXTS)
def test_a_plain_name_has_no_letter_that_a_format_misreads(text: str):
    assert re.fullmatch(r"[A-Za-z0-9_.-]{1,81}", plain_name(text))


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("Kick 01", "Kick 01"),
        ("../../etc/passwd", "_.._etc_passwd"),
        ("AC/DC", "AC_DC"),
        ("قصير", "قصير"),
        ("con", "_con"),
        ("LPT1.wav", "_LPT1.wav"),
        ("...", "unnamed"),
        ("a\u202eb", "a_b"),
    ],
)
def test_a_safe_name_keeps_what_it_can(text: str, name: str):
    assert safe_name(text) == name


def test_a_safe_name_can_be_made(tmp_path: Path):
    path = tmp_path / safe_name("\U0001f941" * 200, ending=".wav")
    path.touch()

    assert [each.name for each in tmp_path.iterdir()] == [path.name]


@given(st.lists(st.sampled_from(["Kick", "kick", "KICK", "Café", "Cafe\u0301", "k" * 300, "k" * 301]), max_size=12))
def test_no_two_names_are_equal_without_case(stems: list[str]):
    names = Names()
    given_out = [names.free("folder", stem, ".wav") for stem in stems]

    assert len({folded(each) for each in given_out}) == len(stems)
    assert all(len(each.rpartition("/")[2].encode()) <= MOST_BYTES for each in given_out)


def test_a_name_that_is_taken_gets_a_number():
    names = Names()
    names.take("a/kick.WAV")

    assert names.free("a", "Kick", ".wav") == "a/Kick (2).wav"
    assert names.free("b", "Kick", ".wav") == "b/Kick.wav"


def test_a_text_is_cut_between_two_characters():
    assert shorten("ééé", 5) == "éé"
