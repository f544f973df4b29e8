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
from typing import TYPE_CHECKING, Any, Final

from samplemind_worker.finding import filters, terms, vocabulary
from samplemind_worker.finding.computing import computed
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.postings import Kept, common, preferred
from samplemind_worker.finding.query import Query, Word
from samplemind_worker.store import entry_search, mongo
from samplemind_worker.store.entry_search import Order, Position, Row

if TYPE_CHECKING:
    from samplemind_worker.finding.postings import Keys

CANDIDATES: Final = 200
"""Entries that are ranked, if no more are asked for."""
MOST_COUNTED: Final = 5000
"""Entries up to which a condition is counted; what is more frequent than that is "more than 5,000"."""
_PATIENCE: Final = 25
"""Milliseconds after which conditions that many entries meet are taken for ones that few meet together."""
_FEW: Final = 10_000
"""Index keys that are compared first, and entries that may be read for the candidates."""
_MUCH_MORE: Final = 8
"""Reading an entry takes so many times as long as reading an index key."""
_MOMENTS: Final = 500
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
class Rank:
    """After which entry a page of a ranked list begins."""

    score: float
    moment: int
    file_id: str


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
    next: Position | Rank | None = None
    """Where the list goes on; None at its end."""

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


@mongo.synchronous
async def search(
    query: Query,
    chosen: Filter,
    *,
    order: Order | None = None,
    limit: int = 20,
    after: Position | Rank | None = None,
    ranked: int = CANDIDATES,
    counted: int = CANDIDATES,
    kept: Kept | None = None,
) -> Found:
    """Return the best entries that have all words and pass the filter; by ``order`` instead of by rank, if given.

    A page begins ``after`` what an earlier one named as its `next`. A list by rank ends after ``ranked`` entries, or
    after the first ``limit`` if these are more. In any other order, the first page counts up to ``counted`` entries
    where several conditions must be met. A server gives the index keys that it has ``kept``.

    Raises
    ------
    ServiceUnavailableError
        If the record does not answer.
    """
    known, rest = _conditions(query, chosen)
    groups = [each.terms for each in known]
    keys = await kept.of(groups) if kept is not None and groups else None
    counts = await entry_search.count.aio(groups, most=MOST_COUNTED) if keys is None else [len(each) for each in keys]
    parts = tuple(Part(each.label, min(count, MOST_COUNTED)) for each, count in zip(known, counts, strict=True))
    if 0 in counts:
        return Found((), 0, is_exact=True, parts=parts)
    order = order or (None if query.words else "added")
    plan = _Plan(known, counts, rest, query, keys=None if kept is None or keys is None else (kept, common(keys)))
    if order is None:
        most = max(ranked, limit)
        rows = await plan.read(order=None, most=most)
        hits = await computed(_ranked, rows, query.words, chosen, after)
        following = _rank_of(hits[limit - 1]) if len(hits) > limit else None
    else:
        most = max(counted, limit + 1) if after is None and (known or rest) else limit + 1
        rows = await plan.read(order=order, most=most, after=after if isinstance(after, Position) else None)
        hits = [_hit(row, query.words, chosen) for row in rows[:limit]]
        following = Position.of(rows[limit - 1], order) if len(rows) > limit else None
    total, is_exact = (len(rows), len(rows) < most) if after is None or order is None else (0, False)
    if not is_exact and (counted_by_keys := await plan.total()) is not None:
        total, is_exact = counted_by_keys
    return Found(tuple(hits[:limit]), max(total, len(hits)), is_exact, parts, following)


@mongo.synchronous
async def pages(query: Query, chosen: Filter, *, order: Order, size: int) -> tuple[int, tuple[Position, ...]]:
    """Return how many entries have all words and pass the filter, and after which of them each further page begins."""
    known, rest = _conditions(query, chosen)
    counts = await entry_search.count.aio([each.terms for each in known], most=MOST_COUNTED)
    if 0 in counts:
        return 0, ()
    terms, test = _Plan(known, counts, rest, query).listed(order)
    total, begins, after = 0, list[Position](), None
    while True:
        after, passed = await entry_search.place_behind.aio(terms, test, order=order, skip=size, after=after)
        total += passed
        if after is None:
            return total, tuple(begins if passed else begins[:-1])
        begins.append(after)


def _rank_of(hit: Hit) -> Rank:
    return Rank(hit.score, hit.entry.get("moment", 0), hit.entry["_id"])


def _ranked(rows: Sequence[Row], words: Sequence[Word], chosen: Filter, after: Position | Rank | None) -> list[Hit]:
    """Return the hits behind a rank, best first; of equal scores the newest is first."""

    def place(rank: Rank) -> tuple[float, int, str]:
        return -rank.score, -rank.moment, rank.file_id

    hits = sorted((_hit(row, words, chosen) for row in rows), key=lambda hit: place(_rank_of(hit)))
    if isinstance(after, Rank):
        hits = [hit for hit in hits if place(_rank_of(hit)) > place(after)]
    return hits


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
        self,
        known: Sequence[_Condition],
        counts: Sequence[int],
        rest: Sequence[dict[str, Any]],
        query: Query,
        *,
        keys: "tuple[Kept, Keys] | None" = None,
    ) -> None:
        self._known = known
        self._counts = counts
        self._rest = [*rest, *(each.query for each in known if each.query is not None)]
        self._excluded = [term for word in query.excluded for term in word.terms]
        # The rarest condition first.
        self._turns = sorted(range(len(known)), key=counts.__getitem__)
        self._keys = keys
        self._is_by_terms = not (self._rest or query.excluded)

    async def read(self, *, order: Order | None, most: int, after: Position | None = None) -> list[Row]:
        """Return up to ``most`` entries; without an order, those come first that clearly have the driving word."""
        if self._keys is not None and (order is None or (order == "added" and len(self._known) > 1)):
            return await self._read_at(*self._keys, order, most, after)
        is_crowded = not self._turns or self._counts[self._turns[0]] >= MOST_COUNTED
        if not self._turns or (order not in {None, "added"} and is_crowded):
            return await entry_search.in_order.aio(self._test(None), order=order or "added", limit=most, after=after)
        if order is not None and order != "added":
            driver = self._turns[0]
            return await entry_search.sorted_among.aio(
                self._known[driver].terms, self._test(driver), order=order, limit=most, after=after
            )
        if not is_crowded or len(self._turns) == 1:
            return await self._drive(self._turns[0], order, most, after) or []
        return await self._read_crowded(order, most, after)

    async def total(self) -> tuple[int, bool] | None:
        """Return how many entries there are, and whether exactly so many; None where that takes reading them."""
        if not self._known:
            return None if self._rest or not self._is_by_terms else (await entry_search.total.aio(), True)
        if self._keys is not None and self._is_by_terms:
            return len(self._keys[1]), True
        tests = sum(each.query is not None for each in self._known)
        if len(self._known) > 1 or self._excluded or len(self._rest) > tests:
            return None
        if self._known[0].label in filters.RANGES.values():
            return None
        return min(self._counts[0], MOST_COUNTED), self._counts[0] < MOST_COUNTED

    async def _read_at(
        self, kept: Kept, keys: "Keys", order: Order | None, most: int, after: Position | None
    ) -> list[Row]:
        """Return up to ``most`` of the entries whose keys meet all conditions, and that pass the tests."""
        if order is None and len(keys) > most:
            rarest = self._known[self._turns[0]]
            strong = await kept.of([rarest.strong or rarest.terms])
            keys = keys if strong is None else preferred(keys, strong[0])
        moments = keys.tolist() if after is None else keys[keys <= int(after.value or 0)].tolist()
        rows: list[Row] = []
        size = max(most, _MOMENTS)
        for start in range(0, len(moments), size):
            page = moments[start : start + size]
            rows += await entry_search.of_moments.aio(page, self._test(None), limit=most, after=after)
            if len(rows) >= most:
                break
        return rows[:most]

    def listed(self, order: Order) -> tuple[tuple[str, ...], dict[str, Any]]:
        """Return the terms and the test of a list that is read to its end: none where the order itself drives."""
        is_crowded = not self._turns or self._counts[self._turns[0]] >= MOST_COUNTED
        driver = None if not self._turns or (order != "added" and is_crowded) else self._turns[0]
        return () if driver is None else self._known[driver].terms, self._test(driver)

    def _test(self, driver: int | None) -> dict[str, Any]:
        """Return the test of all conditions but the driver."""
        groups = [each.terms for at, each in enumerate(self._known) if at != driver and each.query is None]
        return filters.passing(groups, self._excluded, self._rest)

    async def _drive(
        self, driver: int, order: Order | None, most: int, after: Position | None, *, patience: int | None = None
    ) -> list[Row] | None:
        """Return entries of one condition that pass the others; None if that takes longer than ``patience``, in ms."""
        chosen, test = self._known[driver], self._test(driver)
        rows: dict[str, Row] = {}
        for wanted in (chosen.strong if order is None else None, chosen.terms):
            if wanted is None or len(rows) >= most:
                continue
            found = await entry_search.by_terms.aio(wanted, test, limit=most, after=after, patience=patience)
            if found is None:
                return None
            rows |= {row["_id"]: row for row in found}
        return list(rows.values())[:most]

    async def _read_crowded(self, order: Order | None, most: int, after: Position | None) -> list[Row]:
        """Read where very many entries meet each condition: mostly many meet all of them, and sometimes few or none."""
        shares = await entry_search.shares.aio([each.terms for each in self._known], counted=MOST_COUNTED)
        first, second = sorted(range(len(shares)), key=shares.__getitem__)[:2]
        if most / shares[second] < _FEW:
            rows = await self._drive(first, order, most, after, patience=_PATIENCE)
            if rows is not None:
                return rows
        if shares[second] > _MUCH_MORE * shares[first]:
            return await self._drive(first, order, most, after) or []
        return await self._compare_keys(first, second, most, after)

    async def _compare_keys(self, first: int, second: int, most: int, after: Position | None) -> list[Row]:
        terms, test = self._known[first].terms, self._test(first)
        rows: list[Row] = []
        # An entry of the very moment of the position may be behind it.
        keys, before = _FEW, None if after is None else int(after.value or 0) + 1
        while True:
            moments, before = await entry_search.shared_moments.aio(
                terms, self._known[second].terms, before=before, keys=keys
            )
            for start in range(0, len(moments), _MOMENTS):
                page = moments[start : start + _MOMENTS]
                found = await entry_search.at_moments.aio(terms, page, test, limit=most + len(page))
                rows += [row for row in found if after is None or _is_behind(row, after)]
                if len(rows) >= most:
                    return rows[:most]
            if before is None:
                return rows
            keys *= 4


def _is_behind(row: Row, after: Position) -> bool:
    """Return whether an entry comes after a position in the list of the newest."""
    return (row["moment"], after.file_id) < (after.value, row["_id"])


_Source = tuple[float, str, tuple[str, ...]]
"""What a word counts in a part of an entry, what that part is called, and its words."""


def _hit(row: Row, words: Sequence[Word], chosen: Filter) -> Hit:
    paths: list[str] = row["paths"]
    places = [path for path in paths if chosen.admits(path)] or paths
    path = places[0] if places else ""
    if len(places) > 1 and words:
        path = max(places, key=lambda place: _score(_reasons(row, [place], words)))
    # The words that this place lacks are those of another one.
    reasons = _reasons(row, [path, *(each for each in paths if each != path)], words)
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
    # Whoever has set a tag has heard the sound.
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


@mongo.synchronous
async def suggest(word: str) -> list[str]:
    """Return words that are spelt like one which no entry has: of the vocabulary, and of a sample of the entries."""
    known = {term for term in await entry_search.sample_of_terms.aio() if "=" not in term and terms.STRONG not in term}
    near = get_close_matches(word[:40], sorted(known), n=_SUGGESTIONS, cutoff=_ALIKE)
    return list(dict.fromkeys([*near, *(each for each in vocabulary.suggest(word) if each in known)]))[:_SUGGESTIONS]
