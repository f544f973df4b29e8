"""The terms by which entries are found."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.finding import terms


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("Dark_Kick-01", ["dark", "kick", "01"]),
        ("DarkKick808", ["darkkick808", "dark", "kick", "808"]),
        ("Hi Hats", ["hi", "hat"]),
        ("brass bass bus", ["brass", "bass", "bus"]),
        ("Café Décor", ["cafe", "decor"]),
        ("STRASSE straße", ["strasse"]),
        ("ŽLUŤ ДЁГЖ", ["zlut", "дегж"]),
        ("بَيْت", ["بيت"]),
        ("ドラム", ["トラム"]),
        ("$where: {'a': /x.*/}", ["where", "a", "x"]),
        ("+-*/=", []),
        ("x" * 41, []),
    ],
)
def test_words_of_a_text(text: str, wanted: list[str]):
    assert list(terms.words_of(text)) == wanted


@given(st.text())
def test_a_word_is_never_taken_for_a_value(text: str):
    assert not [word for word in terms.words_of(text) if "=" in word or terms.STRONG in word or not word]


@given(st.text())
def test_a_word_of_a_text_finds_that_text(text: str):
    for word in terms.words_of(text):
        assert word in terms.words_of(word)


@pytest.mark.parametrize("field", sorted(terms.STEPPED))
@given(st.floats(min_value=-200.0, max_value=30_000.0), st.floats(min_value=0.0, max_value=20.0))
def test_a_number_is_found_by_each_range_that_holds_it(field: str, number: float, margin: float):
    wanted = terms.range_values(field, [(number - margin, number + margin)])

    lowest, highest = terms.BOUNDS[field]
    if lowest <= number <= highest:
        assert wanted is not None
        assert terms.number_value(field, number) in wanted


def test_a_range_of_too_many_steps_is_not_looked_up():
    assert terms.range_values("tempo", [(None, None)]) is None


def test_folders_above_a_path():
    assert terms.folders_above("/a/b/c.wav") == ["/", "/a", "/a/b"]
    assert terms.folders_above("kits/a/c.wav") == ["kits", "kits/a"]
