"""The terms by which entries are found: words of texts, and values such as ``kind=loop``.

A word is folded (case, accents, a plural s), so that it is found however it is written. A value is a field, ``=`` and
the value; numbers fall into steps, so that a range is a few terms. No word contains ``=`` or ``+``.
"""

import hashlib
import math
import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Sequence
from functools import lru_cache
from typing import Final

STRONG: Final = "+"
"""Ends a word that the name of a file, its instrument or its sound clearly has; those are found first."""

_RUN: Final = re.compile(r"[^\W_]+")
_PART: Final = re.compile(r"\d+|[^\W\d_]+")
_CAMEL: Final = re.compile(r"(?<=[a-z])(?=[A-Z])")
_LONGEST: Final = 40  # characters of a word; what is longer is no word
_SHORTEST_PLURAL: Final = 4
_NO_PLURAL: Final = ("ss", "us", "is")

Range = tuple[float | None, float | None]
"""A closed range; None is an open end."""

MOST_STEPS: Final = 150
"""Steps up to which a range is written as terms: MongoDB merges at most 200 sorted ranges of an index."""


def _plain(text: str) -> str:
    """Return a text without accents."""
    return "".join(letter for letter in unicodedata.normalize("NFKD", text) if not unicodedata.combining(letter))


def fold(word: str) -> str:
    """Return a word without case and plural."""
    plain = word.casefold()
    if len(plain) >= _SHORTEST_PLURAL and plain.isascii() and plain.endswith("s") and not plain.endswith(_NO_PLURAL):
        return plain[:-1]
    return plain


def fold_name(name: str) -> str:
    """Return a name of a folder or a tag without case, and without needless space."""
    return " ".join(unicodedata.normalize("NFC", name).casefold().split())


@lru_cache(maxsize=4096)
def words_of(text: str) -> tuple[str, ...]:
    """Return the folded words of a text in their order, without repetition.

    ``DarkKick808`` holds ``darkkick808`` as well as ``dark``, ``kick`` and ``808``.
    """
    found: dict[str, None] = {}
    for run in _RUN.findall(text if text.isascii() else _plain(text)):
        found |= _folded(run)
    found.pop("", None)
    return tuple(found)


@lru_cache(maxsize=16_384)
def _folded(run: str) -> dict[str, None]:
    """Return the folded words of a run of letters and digits."""
    return {fold(part): None for part in _split(run) if len(part) <= _LONGEST}


def parts_of(text: str) -> list[str]:
    """Return the folded words of a text that is searched for: of ``808kick`` only ``808`` and ``kick``."""
    found: dict[str, None] = {}
    for run in _RUN.findall(text if text.isascii() else _plain(text)):
        whole, *parts = _split(run)
        found |= {fold(part): None for part in parts or [whole] if len(part) <= _LONGEST}
    return list(found)


def _split(run: str) -> Iterator[str]:
    yield run
    parts = [piece for part in _PART.findall(run) for piece in _CAMEL.split(part)]
    if len(parts) > 1:
        yield from parts


def digest(path: str) -> str:
    """Return the short name of a path in a term, as paths are longer than an index should hold."""
    return hashlib.blake2b(path.encode(errors="surrogateescape"), digest_size=8).hexdigest()


def folders_above(path: str) -> list[str]:
    """Return the folders above a path, the topmost first."""
    parts = path.split("/")
    return ["/".join(parts[:count]) or "/" for count in range(1, len(parts))]


def value(field: str, content: object) -> str:
    """Return the term of a field's value."""
    return f"{field}={content}"


def seen_values(roots: Collection[str]) -> tuple[str, ...]:
    """Return the terms of which an entry has one if it lies in one of some roots; no entry has that of no root."""
    return tuple(value("in", digest(root.rstrip("/"))) for root in sorted(roots)) or (value("in", ""),)


def key_value(tonic: int, mode: str | None) -> str:
    """Return the term of a key."""
    return value("key", f"{tonic}{mode or ''}")


STEPPED: Final = {"tempo": 0.0, "pitch": 0.0, "loudness": 0.0, "duration": 4.0, "brightness": 4.0}
"""Fields whose ranges are written as terms: steps per octave, or 0 for steps of 1."""


def _step(field: str, number: float) -> int:
    per_octave = STEPPED[field]
    if not per_octave:
        return math.floor(number)
    return math.floor(per_octave * math.log2(max(number, 2.0**-10)))


def number_value(field: str, number: float) -> str:
    """Return the term of the step in which a number lies."""
    return value(f"{field}~", _step(field, number))


BOUNDS: Final = {
    "tempo": (0.0, 1000.0),
    "pitch": (0.0, 127.0),
    "loudness": (-120.0, 20.0),
    "duration": (0.0, 1e6),
    "brightness": (20.0, 24_000.0),
}


def range_values(field: str, ranges: Sequence[Range]) -> list[str] | None:
    """Return the terms of all steps that some ranges touch; None if there are too many to be looked up."""
    lowest, highest = BOUNDS[field]
    steps: set[int] = set()
    for low, high in ranges:
        first = _step(field, max(lowest, lowest if low is None else low))
        last = _step(field, min(highest, highest if high is None else high))
        if last - first > MOST_STEPS:
            return None
        steps.update(range(first, last + 1))
    return None if len(steps) > MOST_STEPS else [value(f"{field}~", step) for step in sorted(steps)]


def strong(words: Iterable[str]) -> list[str]:
    """Return the terms of words that are clearly there: each word, and its strong form."""
    return [term for word in words for term in (word, word + STRONG)]
