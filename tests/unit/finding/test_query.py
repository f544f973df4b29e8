"""Reading the text of a search."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.errors import UsageError
from samplemind_worker.finding import terms
from samplemind_worker.finding.query import read
from samplemind_worker.finding.vocabulary import WORDS


def texts(text: str) -> list[str]:
    return [word.text for word in read(text).words]


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("dark punchy kick", ["dark", "punchy", "kick"]),
        ("Kicks", ["kick"]),
        ("808kick", ["808", "kick"]),
        ("kick kick KICK", ["kick"]),
        ("kick, snare; (hat)", ["kick", "snare", "hat"]),
        ('{"$where": "1"}', ["where", "1"]),
        ("^ki.*k$", ["ki", "k"]),
        ("قَصِير", ["قصير"]),
        ("", []),
    ],
)
def test_reads_words(text: str, wanted: list[str]):
    assert texts(text) == wanted


def test_a_synonym_is_also_looked_for_by_the_word_that_it_stands_for():
    assert read("gloomy").words[0].terms == ("gloomy", "dark")
    assert read("lo-fi").words[0].terms == ("dusty",)
    assert read("hihat").words[0].terms == ("hihat", "hat")


def test_a_minus_excludes():
    query = read('kick -dark -"vinyl crackle" -lo-fi')

    assert [word.text for word in query.words] == ["kick"]
    assert [word.terms for word in query.excluded] == [("dark",), ("dusty",)]
    assert len(query.excluded_phrases) == 1


def test_a_minus_within_a_word_excludes_nothing():
    assert texts("hi-hat") == ["hi", "hat"]


def test_a_phrase_holds_words_together_whatever_separates_them():
    query = read('"vinyl kick" loop')

    assert [word.text for word in query.words] == ["vinyl", "kick", "loop"]
    [pattern] = query.phrases
    assert re.search(pattern, "/a/Vinyl_Kick.wav", re.IGNORECASE)
    assert not re.search(pattern, "/a/Vinyl Dark Kick.wav", re.IGNORECASE)


def test_an_open_quote_is_a_separator():
    assert texts('"dark kick') == ["dark", "kick"]


@pytest.mark.parametrize("text", ["$", "...", "--", '""', "\0", "🥁"])
def test_refuses_a_text_without_a_word(text: str):
    with pytest.raises(UsageError, match="holds no word"):
        read(text)


def test_refuses_a_text_that_is_too_long():
    with pytest.raises(UsageError, match="may have 500 characters; this one has 10,000"):
        read("x" * 10_000)
    with pytest.raises(UsageError, match="may have 24 words; this one has 25"):
        read(" ".join("abcdefghijklmnopqrstuvwxy"))


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused(text: str):
    try:
        query = read(text)
    except UsageError:
        return
    for pattern in (*query.phrases, *query.excluded_phrases):
        re.compile(pattern)
    assert all("=" not in term and "+" not in term for word in query.words for term in word.terms)


def test_the_vocabulary_is_found_as_entries_write_it():
    assert [name for name in WORDS if terms.fold(name) != name] == []
