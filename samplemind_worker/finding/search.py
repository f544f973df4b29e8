"""Finds entries by words and filters, ranks them, and says of each why it was found.

MongoDB reads the entries of the rarest condition, newest first, and tests the others on them. It stops at some hundred
candidates, so that a search for what half of the library has is as fast as one for what few files have. Where many
entries meet each condition but few meet all, the index keys of the two rarest are compared instead. Candidates that
clearly have a word (in their name, or by a strong measure) are read before those that have it otherwise.

A word counts 1 if the name of the file, its instrument or a tag that somebody set has it, by its strength if the sound
has it, and less if only a tag of the file, a folder or the summary has it. The score is the mean over the words; of
equal scores the newest is first.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any, Final

from samplemind_worker.finding import filters, terms, vocabulary
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.query import Query, Word
from samplemind_worker.store import entry_search
from samplemind_worker.store.entry_search import Order, Row

_CANDIDATES: Final = 200
"""Entries that are ranked, if no more are asked for."""
MOST_COUNTED: Final = 5000
"""Entries up to which a condition is counted; what is more frequent than that is "more than 5,000"."""
_PATIENCE: Final = 25
"""Milliseconds after which conditions that many entries meet are taken for ones that few meet together."""
_FEW: Final = 10_000
"""Index keys that are compared first, and entries that may be read for the candidates."""
_MUCH_MORE: Final = 8
"""Reading an entry takes so many times as long as reading an index key."""
_TIMES: Final = 500
_SUGGESTIONS: Final = 4
_ALIKE: Final = 0.6

_BY_TAG, _BY_FOLDER, _BY_SUMMARY = 0.7, 0.6, 0.3
_BY_SOUND: Final = (0.5, 0.5)
"""What a descriptor counts: the first number, and the second times its strength."""


@dataclass(frozen=True, slots=True)
class Hit:
    """An entry that was found."""

    entry: Row
    path: str
    """The place that passes the filters and has most of the words; a content may lie in others, too."""
    score: float
    why: tuple[str, ...]
    """What made it a hit, for each word: ``name: kick``, ``dark 0.93``."""


@dataclass(frozen=True, slots=True)
class Part:
    """One condition of a search, and how many entries meet it alone, counted up to `MOST_COUNTED`."""

    label: str
    count: int


@dataclass(frozen=True, slots=True)
class Found:
    """The result of a search."""

    hits: tuple[Hit, ...]
    total: int
    is_exact: bool
    """Whether there are ``total`` such entries; otherwise there are more."""
    parts: tuple[Part, ...]

    @property
    def unmet(self) -> tuple[str, ...]:
        """The words and filters that no entry meets at all."""
        return tuple(part.label for part in self.parts if part.count == 0)


@dataclass(frozen=True, slots=True)
class _Condition:
    label: str
    terms: tuple[str, ...]
    strong: tuple[str, ...] | None = None
    """Terms of the entries that come first."""
    query: dict[str, Any] | None = None


def search(query: Query, chosen: Filter, *, order: Order | None = None, limit: int = 20) -> Found:
    """Return the best entries that have all words and pass the filter; by ``order`` instead of by rank, if given.

    Raises
    ------
    ServiceUnavailableError
        If the record does not answer.
    """
    known, rest = _conditions(query, chosen)
    counts = entry_search.count([each.terms for each in known], most=MOST_COUNTED)
    parts = tuple(Part(each.label, count) for each, count in zip(known, counts, strict=True))
    if 0 in counts:
        return Found((), 0, is_exact=True, parts=parts)
    order = order or (None if query.words else "added")
    most = max(_CANDIDATES, limit)
    rows = _Plan(known, counts, rest, query).read(order=order, most=most)
    hits = [_hit(row, query.words, chosen) for row in rows]
    if order is None:
        hits.sort(key=lambda hit: (-hit.score, -hit.entry["added_at"].timestamp(), hit.entry["paths"]))
    total, is_exact = len(rows), len(rows) < most
    is_plain = len(known) == 1 and not rest and not query.excluded
    if not is_exact and is_plain and known[0].label not in filters.RANGES.values():
        total, is_exact = counts[0], counts[0] < MOST_COUNTED
    return Found(tuple(hits[:limit]), max(total, len(hits)), is_exact, parts)


def _conditions(query: Query, chosen: Filter) -> tuple[list[_Condition], list[dict[str, Any]]]:
    """Return the conditions that can be looked up, and the tests that can only be made."""
    known = [
        _Condition(word.text, word.terms, tuple(term + terms.STRONG for term in word.terms)) for word in query.words
    ]
    rest: list[dict[str, Any]] = []
    for each in filters.conditions(chosen):
        if each.terms is not None:
            known.append(_Condition(each.label, each.terms, query=each.query))
        elif each.query is not None:
            rest.append(each.query)
    rest += [{"$or": _phrase(each)} for each in query.phrases]
    rest += [{"$nor": _phrase(each)} for each in query.excluded_phrases]
    return known, rest


def _phrase(pattern: str) -> list[dict[str, Any]]:
    test = {"$regex": pattern, "$options": "i"}
    return [{"paths": test}, {"tags": test}, {"user_tags": test}]


class _Plan:
    """What a search reads: its conditions, of which one drives, and the tests that the others are."""

    def __init__(
        self, known: Sequence[_Condition], counts: Sequence[int], rest: Sequence[dict[str, Any]], query: Query
    ) -> None:
        self._known = known
        self._counts = counts
        self._rest = [*rest, *(each.query for each in known if each.query is not None)]
        self._excluded = [term for word in query.excluded for term in word.terms]
        # The rarest condition first.
        self._turns = sorted(range(len(known)), key=counts.__getitem__)

    def read(self, *, order: Order | None, most: int) -> list[Row]:
        """Return up to ``most`` entries; without an order, those come first that clearly have the driving word."""
        is_crowded = not self._turns or self._counts[self._turns[0]] >= MOST_COUNTED
        if not self._turns or (order not in {None, "added"} and is_crowded):
            return entry_search.in_order(self._test(None), order=order or "added", limit=most)
        if order is not None and order != "added":
            driver = self._turns[0]
            return entry_search.sorted_among(self._known[driver].terms, self._test(driver), order=order, limit=most)
        if not is_crowded or len(self._turns) == 1:
            return self._drive(self._turns[0], order, most) or []
        return self._read_crowded(order, most)

    def _test(self, driver: int | None) -> dict[str, Any]:
        """Return the test of all conditions but the driver."""
        groups = [each.terms for at, each in enumerate(self._known) if at != driver and each.query is None]
        return filters.passing(groups, self._excluded, self._rest)

    def _drive(self, driver: int, order: Order | None, most: int, *, patience: int | None = None) -> list[Row] | None:
        """Return entries of one condition that pass the others; None if that takes longer than ``patience``, in ms."""
        chosen, test = self._known[driver], self._test(driver)
        rows: dict[str, Row] = {}
        for wanted in (chosen.strong if order is None else None, chosen.terms):
            if wanted is None or len(rows) >= most:
                continue
            found = entry_search.by_terms(wanted, test, limit=most, patience=patience)
            if found is None:
                return None
            rows |= {row["_id"]: row for row in found}
        return list(rows.values())[:most]

    def _read_crowded(self, order: Order | None, most: int) -> list[Row]:
        """Read where very many entries meet each condition: mostly many meet all of them, and sometimes few or none."""
        shares = entry_search.shares([each.terms for each in self._known], counted=MOST_COUNTED)
        first, second = sorted(range(len(shares)), key=shares.__getitem__)[:2]
        if most / shares[second] < _FEW:
            rows = self._drive(first, order, most, patience=_PATIENCE)
            if rows is not None:
                return rows
        if shares[second] > _MUCH_MORE * shares[first]:
            return self._drive(first, order, most) or []
        return self._compare_keys(first, second, most)

    def _compare_keys(self, first: int, second: int, most: int) -> list[Row]:
        terms, test = self._known[first].terms, self._test(first)
        rows: list[Row] = []
        keys, before = _FEW, None
        while True:
            times, before = entry_search.shared_times(terms, self._known[second].terms, before=before, keys=keys)
            for start in range(0, len(times), _TIMES):
                rows += entry_search.at_times(terms, times[start : start + _TIMES], test, limit=most)
                if len(rows) >= most:
                    return rows[:most]
            if before is None:
                return rows
            keys *= 4


_Source = tuple[float, str, tuple[str, ...]]
"""What a word counts in a part of an entry, what that part is called, and its words."""


def _hit(row: Row, words: Sequence[Word], chosen: Filter) -> Hit:
    places = [path for path in row["paths"] if chosen.admits(path)] or row["paths"]
    path = max(places, key=lambda place: _score(_reasons(row, [place], words)), default="")
    # The words that this place lacks are those of another one.
    reasons = _reasons(row, [path, *(each for each in row["paths"] if each != path)], words)
    return Hit(row, path, round(_score(reasons), 3), tuple(dict.fromkeys(text for _, text in reasons)))


def _score(reasons: Sequence[tuple[float, str]]) -> float:
    return sum(weight for weight, _ in reasons) / len(reasons) if reasons else 0.0


def _reasons(row: Row, places: Sequence[str], words: Sequence[Word]) -> list[tuple[float, str]]:
    sources = list(_sources(row, places)) if words else []
    return [_reason(row, sources, word) for word in words]


def _sources(row: Row, places: Sequence[str]) -> Iterator[_Source]:
    """Yield the parts of an entry in which words are looked for, those that count most first."""
    paths = [path.rpartition("/") for path in places]
    for _, _, name in paths:
        yield 1.0, "name", terms.words_of(name.rpartition(".")[0] or name)
    for field in ("instrument", "kind"):
        yield 1.0, field, terms.words_of(row[field] or "")
    # Whoever has set a tag has heard the sound; entries of an older version have none.
    for tag in row.get("user_tags", ()):
        yield 1.0, "tag", terms.words_of(tag)
    for tag in row["tags"]:
        yield _BY_TAG, "tag", terms.words_of(tag)
    for folder, _, _ in paths:
        yield _BY_FOLDER, "folder", terms.words_of(folder)


def _reason(row: Row, sources: Sequence[_Source], word: Word) -> tuple[float, str]:
    """Return what a word counts for an entry, and where the entry has it."""
    best = (_BY_SUMMARY, f"summary: {word.text}")
    for weight, label, words in sources:
        term = next((term for term in word.terms if term in words), None)
        if term is not None:
            best = (weight, f"{label}: {term}")
            break
    descriptors: dict[str, float] = row["descriptors"]
    for term in word.terms:
        strength = descriptors.get(term, 0.0)
        weight = _BY_SOUND[0] + _BY_SOUND[1] * strength
        if strength and weight > best[0]:
            best = (weight, f"{term} {strength:.2f}")
    return best


def suggest(word: str) -> list[str]:
    """Return words that are spelt like one which no entry has: of the vocabulary, and of a sample of the entries."""
    known = {term for term in entry_search.sample_of_terms() if "=" not in term and terms.STRONG not in term}
    near = get_close_matches(word[:40], sorted(known), n=_SUGGESTIONS, cutoff=_ALIKE)
    return list(dict.fromkeys([*near, *(each for each in vocabulary.suggest(word) if each in known)]))[:_SUGGESTIONS]
