"""Says what the current versions of the steps would do again, how long that takes and what its summaries cost."""

import math
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal

from config.settings import Settings
from samplemind_worker.documents.batch import Step
from samplemind_worker.documents.versions import CPU_STEPS, PLANNED, RECIPE_WITH_STATISTICS, VERSIONS
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import search
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.query import Query
from samplemind_worker.store import entries, outdated, recipes, waveforms
from samplemind_worker.store.cache import Board
from samplemind_worker.store.outdated import Pace, Versions
from samplemind_worker.upkeep import migrations

_PAGE: Final = 500
_SAMPLE: Final = 500  # contents of a group that stand for all of it
_KEYS: Final = 5000  # contents that are asked for at once where index keys tell all
_NAMES: Final = {"key": "tempo_key", "tempo": "tempo_key", "summary": "summarize"}

WAVEFORM: Final = "waveform"
"""What `decode` makes beside its step: a content that lacks it alone is decoded, and not analysed again."""

REDONE: Final = (*PLANNED, WAVEFORM)
"""What is done again on request."""

First = Literal[Step.DECODE, Step.SUMMARIZE]
"""The step that a content begins at: the steps of the CPU are done together, and a summary needs no file."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which contents are to be done again."""

    step: str | None = None
    """One of `REDONE`: only contents whose result of this step is of another version. None: of any of them."""
    query: Query = field(default_factory=Query)
    chosen: Filter = field(default_factory=Filter)
    force: bool = False
    """Whether contents of the current versions are taken, too."""

    @property
    def is_everywhere(self) -> bool:
        """Whether the whole library is looked at."""
        return self.query.is_empty and self.chosen.is_empty

    @property
    def draws(self) -> bool:
        """Whether contents are taken that lack nothing but a waveform of the current version."""
        return self.step in (None, WAVEFORM)

    def first_step(self, versions: Versions) -> First | None:
        """Return the step at which a content with results of these versions begins; None if these ask for none."""
        if self.step == WAVEFORM:
            return Step.DECODE if self.force else None
        asked: Collection[str] = PLANNED if self.step is None else (self.step,)
        old = [step for step in asked if self.force or versions[step] != VERSIONS[step]]
        if any(step in CPU_STEPS for step in old):
            return Step.DECODE
        return Step.SUMMARIZE if old else None


def step_named(name: str) -> str:
    """Return the step of a name: ``key`` and ``tempo`` mean ``tempo_key``, ``summary`` means ``summarize``.

    Raises
    ------
    UsageError
        If no step that is done again on request has this name.
    """
    step = _NAMES.get(name, name)
    if step == Step.STORE:
        raise UsageError("the vectors of a new recipe are made by the workers, or at once by `samplemind reindex`")
    if step not in REDONE:
        raise UsageError(f"no step {name!r}; there are {', '.join(REDONE)} (key and tempo mean tempo_key)")
    return step


def chosen_contents(wanted: Wanted) -> Iterator[tuple[First, list[str]]]:
    """Yield the contents that are to be done again, page by page, with the step that they begin at."""
    for first, page in _pages(wanted):
        lacking = _lacking(wanted, first, page)
        if lacking:
            yield Step.DECODE, lacking
        if first is not None:
            yield first, sorted(set(page).difference(lacking))


def _pages(wanted: Wanted) -> Iterator[tuple[First | None, list[str]]]:
    """Yield contents, page by page, with the step that their versions ask for."""
    if wanted.is_everywhere:
        for group in outdated.groups():
            if (first := wanted.first_step(group.versions)) is not None or wanted.draws:
                for page in _pages_of(group.versions, _PAGE if first else _KEYS):
                    yield first, page
        return
    entries.progress().require()
    after = None
    while True:
        found = search.search(wanted.query, wanted.chosen, order="added", limit=_PAGE, after=after)
        by_step: dict[First | None, list[str]] = {}
        for content, versions in outdated.versions_of([hit.entry["_id"] for hit in found.hits]).items():
            by_step.setdefault(wanted.first_step(versions), []).append(content)
        yield from by_step.items()
        if found.next is None:
            return
        after = found.next


def _lacking(wanted: Wanted, first: First | None, page: Sequence[str]) -> list[str]:
    """Return which contents, whose versions ask for no decoding, are decoded because they lack a waveform."""
    return sorted(waveforms.lacking(page)) if wanted.draws and first is not Step.DECODE else []


def _pages_of(versions: Versions, limit: int) -> Iterator[list[str]]:
    after = ""
    while page := outdated.contents_of(versions, after=after, limit=limit):
        yield page
        after = page[-1]


@dataclass
class Tally:
    """What is to be done again, added up; of large libraries from samples."""

    analyse: float = 0.0
    """Files that are read and analysed again."""
    summarize: float = 0.0
    """Files of which only the summary is written again."""
    draw: float = 0.0
    """Files that are decoded for their waveform, and not analysed again."""
    gone: float = 0.0
    """Contents of an older version that lie nowhere, and are left out."""
    seconds: float = 0.0
    """Seconds that the CPU's steps that are done again took for these files the last time."""
    texts: float = 0.0
    """Summaries that a model is asked for, where one is set up."""
    is_exact: bool = True

    def add_drawn(self, contents: Sequence[str]) -> None:
        """Add contents that lack a waveform alone; their number is exact, and some of them stand for their seconds."""
        few = contents[:_SAMPLE]
        if not few:
            return
        sampled, weight = outdated.sample(few), len(contents) / len(few)
        self.is_exact = self.is_exact and weight == 1.0
        self.draw += weight * sampled.lying
        self.gone += weight * (sampled.contents - sampled.lying)
        self.seconds += weight * sampled.decoding

    def add(self, first: First, sampled: outdated.Sampled, *, weight: float) -> None:
        """Add contents that stand for ``weight`` times as many."""
        self.is_exact = self.is_exact and weight == 1.0
        self.gone += weight * (sampled.contents - sampled.lying)
        if first is Step.DECODE:
            self.analyse += weight * sampled.lying
            self.seconds += weight * sampled.seconds
            self.texts += weight * sampled.lying
        else:
            self.summarize += weight * sampled.lying
            # The text of a model stays; only what the local describer wrote is written again.
            self.texts += weight * (sampled.lying - sampled.by_models)


@dataclass(frozen=True, slots=True)
class Plan:
    """What the current versions would do again."""

    contents: int
    """All that are analysed."""
    old: dict[str, int]
    """How many contents have a result of another version, by step."""
    tally: Tally
    pace: Pace
    slots: int
    """Files that the announced cpu workers analyse at once; 0 if there are none."""
    vectors: int
    """Vectors of an older recipe, which the workers make anew without reading a file."""
    migrations: list[migrations.Pending]
    """Documents of older forms, which the workers bring to the present one."""
    waveforms: int
    """Contents without a waveform of the current version."""

    @property
    def elapsed(self) -> int | None:
        """About how many seconds it takes: at the pace of the last batches, or of the workers; None if unknown."""
        if not self.tally.seconds:
            return 0
        if self.pace.seconds:
            return math.ceil(self.tally.seconds * self.pace.elapsed / self.pace.seconds)
        return math.ceil(self.tally.seconds / self.slots) if self.slots else None


def make(settings: Settings, wanted: Wanted) -> Plan:
    """Look at the library, and say what is to be done again.

    Raises
    ------
    ServiceUnavailableError
        If the record does not answer, or if the entries of a search are not complete.
    """
    groups = outdated.groups()
    old = {step: sum(one.files for one in groups if one.versions[step] != VERSIONS[step]) for step in PLANNED}
    return Plan(
        sum(one.files for one in groups),
        old,
        _tally_all(groups, wanted) if wanted.is_everywhere else _tally_chosen(wanted),
        outdated.pace(),
        _slots(settings),
        recipes.count_convertible(VERSIONS["store"], first=RECIPE_WITH_STATISTICS),
        migrations.pending(),
        outdated.without_waveform(),
    )


def _tally_all(groups: Collection[outdated.Group], wanted: Wanted) -> Tally:
    tally = Tally()
    for group in groups:
        first = wanted.first_step(group.versions)
        if first is not None:
            # An id is a hash, so that the first ones are as good as any others.
            few = outdated.contents_of(group.versions, limit=_SAMPLE)
            weight = group.files / len(few) if len(few) == _SAMPLE else 1.0
            tally.add(first, outdated.sample(few), weight=weight)
        if wanted.draws and first is not Step.DECODE:
            # All of them: of a library that lacks a few, a sample would find none.
            pages = _pages_of(group.versions, _KEYS)
            tally.add_drawn([content for page in pages for content in _lacking(wanted, first, page)])
    return tally


def _tally_chosen(wanted: Wanted) -> Tally:
    tally = Tally()
    for first, page in _pages(wanted):
        if first is not None:
            tally.add(first, outdated.sample(page), weight=1.0)
        tally.add_drawn(_lacking(wanted, first, page))
    return tally


def _slots(settings: Settings) -> int:
    if settings.redis_url is None:
        return 0
    board = Board(settings.redis_url.get_secret_value(), settings.database)
    try:
        queues = settings.queues
        return sum(sign.slots for sign in board.workers() if queues.of("cpu") in sign.queues)
    finally:
        board.close()
