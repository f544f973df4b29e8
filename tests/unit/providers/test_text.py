import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.providers import text


@pytest.mark.parametrize(
    "plain",
    [
        "A kick at -3 dB, tuned to F#1: cut 4 kHz by 2 dB.",
        "It is 4 < 5 and 6 > 5.",
        "Use 7/8 or [4/4] time; A&R; 50 % wet; über, naïve, ½.",
        "Send 1. and 2. to a bus.",
    ],
)
def test_plain_text_stays_as_it_is(plain: str):
    assert text.sentence(plain, 200) == plain


@pytest.mark.parametrize(
    ("written", "cleaned"),
    [
        ("\x1b[31mred\x1b[0m", "red"),
        ("\x1b]0;title\x07text", "text"),
        ("\x1b]8;;http://evil.example\x1b\\click\x1b]8;;\x1b\\", "click"),
        ("\x9b31mred", "31mred"),
        ("a\x00b\x08c\x7fd", "abcd"),
        ("one\ntwo\r\n\tthree", "one two three"),
        ("left\u202eright\u200b\ufeff", "leftright"),
        ("<b>bold</b> <img src=x onerror=alert(1)>", "bold"),
        ("<<b>script>alert(1)<</b>/script>", "alert(1)"),
        ("<!-- hidden -->shown", "shown"),
        ("[bold red]x[/bold red] [/]", "x"),
        ("**loud** and `code` __here__", "loud and code here"),
        ("# Title", "Title"),
        ("- item", "item"),
        ("> quote", "quote"),
        ("[text](http://evil.example)", "text"),
        ("![image](http://evil.example/a.png) after", "image after"),
        ("see https://evil.example/x?y=z now", "see now"),
        ("javascript:alert(1)", ""),
        ("data:text/html;base64,xyz", ""),
        ("   ", ""),
    ],
)
def test_what_could_do_harm_is_left_out(written: str, cleaned: str):
    assert text.sentence(written, 200) == cleaned


def test_a_long_text_ends_with_a_sentence_or_a_word():
    assert text.sentence("One is here. Two is there. Three is nowhere.", 30) == "One is here. Two is there."
    assert text.sentence("word " * 20, 22) == "word word word word\u2026"
    assert text.sentence("x" * 50, 10) == "x" * 9 + "\u2026"


def test_tags_are_words_once_each():
    given_tags = ["Sub Bass", "sub-bass", "<i>dark</i>", "", "c#-minor", "x" * 40, "\x1b[2J", "120 BPM"]

    assert text.tags(given_tags, 10) == ("sub-bass", "dark", "c#-minor", "120-bpm")
    assert text.tags(given_tags, 2) == ("sub-bass", "dark")


@given(st.text(alphabet=st.sampled_from("\x1b[]<>/!-abm;(){}*`_#\n .:0\x07\\h\u202e"), max_size=120))
def test_cleaned_text_is_clean_and_stays_so(written: str):
    cleaned = text.sentence(written, 60)

    assert text.sentence(cleaned, 60) == cleaned
    assert len(cleaned) <= 60
    assert {unicodedata.category(letter) for letter in cleaned} & {"Cc", "Cf", "Cs", "Co", "Cn"} == set()


@pytest.mark.parametrize("unit", ["<", "<!--", "\x1b]", "[", "![", "[a](", "**", "http://"])
def test_a_megabyte_of_marks_is_not_worked_through(unit: str):
    """Without its bound this would take minutes."""
    assert len(text.sentence(unit * (2**20 // len(unit)), 400)) <= 400
