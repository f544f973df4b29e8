"""The text of a search: words that must be there, words that must not, and exact phrases.

``dark "vinyl kick" -loop`` asks for what is dark, holds the phrase in a name, folder or tag, and is no loop.
"""

import re
from dataclasses import dataclass
from typing import Final

from samplemind_worker.errors import UsageError
from samplemind_worker.finding import terms, vocabulary

_MOST_CHARACTERS: Final = 500
_MOST_WORDS: Final = 24
_PART: Final = re.compile(r'(-?)(?:"([^"]*)"|([^\s"]+))')
_PLAIN: Final = re.compile(r"[^\W_]+")

_ALSO: Final = {
    "hihat": ("hat",),
    "oneshot": ("shot",),
    "vox": ("vocal", "voice"),
    "percussion": ("perc",),
    "drum": ("kick", "snare", "clap", "rim", "hat", "tom", "crash", "ride", "shaker", "cowbell", "perc"),
    "cymbal": ("crash", "ride"),
    "voice": ("vocal",),
    "speech": ("voice",),
    "saxophone": ("sax",),
}
"""Words under which producers know what an entry has another word for."""


@dataclass(frozen=True, slots=True)
class Word:
    """One word of a query, and the terms of which an entry must have one."""

    text: str
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A text that was read."""

    words: tuple[Word, ...] = ()
    excluded: tuple[Word, ...] = ()
    phrases: tuple[str, ...] = ()
    """Regular expressions for names, folders and tags, without any character that the user wrote as one."""
    excluded_phrases: tuple[str, ...] = ()

    @property
    def is_empty(self) -> bool:
        """Whether every entry passes."""
        return self == Query()


def read(text: str) -> Query:
    """Read the text of a search. Every character but quotes, and a minus before a word, only separates words.

    Raises
    ------
    UsageError
        If it holds no word, or too many.
    """
    if len(text) > _MOST_CHARACTERS:
        raise UsageError(f"the text of a search may have {_MOST_CHARACTERS} characters; this one has {len(text):,}")
    words: dict[str, Word] = {}
    excluded: dict[str, Word] = {}
    phrases: tuple[list[str], list[str]] = ([], [])
    for minus, phrase, word in _PART.findall(text):
        runs = _PLAIN.findall(phrase)
        if len(runs) > 1:
            phrases[bool(minus)].append(r"[\W_]+".join(map(re.escape, runs)))
            if minus:
                continue
        (excluded if minus else words).update({each.text: each for each in _words(phrase or word)})
    if text.strip() and not (words or excluded or phrases[1]):
        raise UsageError("the text of the search holds no word")
    if len(words) + len(excluded) > _MOST_WORDS:
        raise UsageError(f"a search may have {_MOST_WORDS} words; this one has {len(words) + len(excluded)}")
    return Query(tuple(words.values()), tuple(excluded.values()), tuple(phrases[0]), tuple(phrases[1]))


def _words(text: str) -> list[Word]:
    canonical = vocabulary.lookup(text) if text.isascii() else None
    if canonical is not None and len(terms.parts_of(text)) > 1:
        return [Word(text, (canonical,))]  # such as lo-fi
    return [_word(part) for part in terms.parts_of(text)]


def _word(part: str) -> Word:
    meant = vocabulary.lookup(part)
    found = dict.fromkeys([part, *((terms.fold(meant),) if meant else ()), *_ALSO.get(part, ())])
    return Word(part, tuple(found))
