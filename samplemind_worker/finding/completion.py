"""Completes the beginning of a word, as it is typed: by the words, tags and packs of the library, keys, instruments."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from samplemind_worker.documents.facts import INSTRUMENTS
from samplemind_worker.finding import filters, terms
from samplemind_worker.pitches import PITCH_CLASSES
from samplemind_worker.store import entry_search, mongo

MOST_COUNTED: Final = 5000

Kind = Literal["word", "key", "instrument", "tag", "pack"]
_KEYS: Final = tuple(f"{tonic} {mode}" for tonic in PITCH_CLASSES for mode in ("minor", "major"))
_LOOKED_AT: Final = 20
"""Entries of a word that are looked at for whoever sees some roots alone."""
_SPARE: Final = 3  # times as many terms are looked at, as some words are also strong ones


@dataclass(frozen=True, slots=True)
class Completion:
    """What completes a word."""

    kind: Kind
    text: str
    value: str
    count: int | None


@mongo.synchronous
async def complete(beginning: str, *, limit: int, roots: Collection[str] | None = None) -> list[Completion]:
    """Return up to ``limit`` completions of each kind, of words those first that most entries have.

    Words, tags and packs of entries that lie outside of ``roots``, if given, are not told.
    """
    found: list[Completion] = []
    words = [each for each in await _terms(_last(terms.parts_of(beginning)), limit) if "=" not in each]
    found += sorted(await _counted("word", words, "", roots), key=lambda each: (-(each.count or 0), each.text))
    plain = terms.fold_name(beginning)
    fields: tuple[tuple[Kind, str], ...] = (("tag", "tag"), ("pack", "folder"))
    for kind, field in fields:
        prefix = terms.value(field, plain)
        names = await _terms(prefix, limit) if plain else []
        found += await _counted(kind, names, f"{field}=", roots)
    compact = plain.replace(" ", "").replace("-", "_")
    found += [Completion("instrument", each.replace("_", " "), each, None) for each in _starting(INSTRUMENTS, compact)]
    found += [Completion("key", each, each, None) for each in _starting(_KEYS, plain)]
    kinds: dict[str, int] = {}
    kept: list[Completion] = []
    for each in found:
        kinds[each.kind] = kinds.get(each.kind, 0) + 1
        if kinds[each.kind] <= limit:
            kept.append(each)
    return kept


def _last(words: Sequence[str]) -> str:
    return words[-1] if words else ""


def _starting(names: Sequence[str], beginning: str) -> Iterator[str]:
    return (each for each in names if beginning and each.casefold().startswith(beginning))


async def _terms(beginning: str, limit: int) -> list[str]:
    """Return terms that begin like this, without the strong form of words."""
    if not beginning:
        return []
    found = await entry_search.next_terms.aio(beginning, limit=_SPARE * limit)
    return [each for each in found if not each.endswith(terms.STRONG)][: 2 * limit]


async def _counted(kind: Kind, found: Sequence[str], prefix: str, roots: Collection[str] | None) -> list[Completion]:
    if roots is None:
        counts = await entry_search.count.aio([[each] for each in found], most=MOST_COUNTED)
    else:
        test = filters.passing([terms.seen_values(roots)], (), ())
        rows = [await entry_search.by_terms.aio([each], test, limit=_LOOKED_AT) or () for each in found]
        counts = [
            sum(not _tells_of_others(term.removeprefix(prefix), kind, row["paths"], roots) for row in those)
            for term, those in zip(found, rows, strict=True)
        ]
    return [
        Completion(kind, term.removeprefix(prefix), term.removeprefix(prefix), count if roots is None else None)
        for term, count in zip(found, counts, strict=True)
        if count
    ]


def _tells_of_others(name: str, kind: Kind, paths: Sequence[str], roots: Collection[str]) -> bool:
    """Return whether an entry has a name only because its content also lies somewhere outside of some roots."""
    beginnings = tuple(f"{each.rstrip('/')}/" for each in roots)
    if kind == "tag" or all(path.startswith(beginnings) for path in paths):
        return False
    within, outside = set[str](), set[str]()
    for path in paths:
        names = map(terms.fold_name, path.split("/")) if kind == "pack" else terms.words_of(path)
        (within if path.startswith(beginnings) else outside).update(names)
    return name in outside - within
