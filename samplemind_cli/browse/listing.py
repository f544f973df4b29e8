"""The lists that the browser shows, page by page: of the library, of what sounds alike, and of what fits.

A list is opened, and its pages are loaded, in a thread, as each waits for the record. All else answers at once.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol

from config.settings import Settings
from samplemind_cli import filters as filter_options
from samplemind_cli.commands.search import nothing_found
from samplemind_worker.documents.favourites import favourites_of
from samplemind_worker.finding import query, search
from samplemind_worker.finding.filters import Filter
from samplemind_worker.store import entries, entry_search
from samplemind_worker.store.entry_search import Order, Position, Row

PAGE: Final = 250
"""Rows of a page."""
MOST_RANKED: Final = 400
"""Rows of a list that is ordered by how well they match."""
MOST_ALIKE: Final = 200
"""Rows of a list of what sounds alike, or fits."""
_MOST_PAGES: Final = 40
"""Pages that are kept: 10,000 rows, a few MB."""
_FAVOURITES: Final = favourites_of(filter_options.OWNER)


@dataclass(slots=True)
class Sound:
    """One row of a list."""

    entry: Row
    path: str
    note: str = ""
    """What the list says about it: how much it is alike, or what makes it fit."""
    is_favourite: bool = field(init=False)

    def __post_init__(self) -> None:
        self.is_favourite = _FAVOURITES in self.entry.get("collections", ())

    @property
    def file_id(self) -> str:
        """The id of its content."""
        return self.entry["_id"]


class Listing(Protocol):
    """A list of sounds."""

    title: str
    """What the list is of."""
    said: str
    """What there is to say about it, such as why it is empty."""

    @property
    def total(self) -> int:
        """How many rows the list has, as far as that is known."""
        ...

    @property
    def counted(self) -> str:
        """The number of sounds that were found, in words."""
        ...

    def open(self) -> None:
        """Load the first page."""
        ...

    def complete(self) -> None:
        """Find out where all pages begin."""
        ...

    def row(self, at: int) -> Sound | None:
        """Return a row; None while it is not loaded."""
        ...

    def load(self, page: int) -> None:
        """Load a page."""
        ...


class LibraryListing:
    """The sounds of the library that have some words and pass some filters."""

    def __init__(self, text: str, filters: Mapping[str, Any], order: Order | None, settings: Settings) -> None:
        """Read what is asked for.

        Raises
        ------
        UsageError
            If the text or a filter cannot be read.
        """
        self._asked = query.read(text)
        filter_options.check(dict(filters))
        self._filters, self._settings = dict(filters), settings
        self._order: Order | None = order or (None if self._asked.words else "added")
        self._chosen = Filter()
        self._pages: OrderedDict[int, list[Sound]] = OrderedDict()
        self._begins: tuple[Position, ...] | None = None
        self._total, self._counted, self._lock = 0, "", threading.Lock()
        self.title, self.said = "", ""

    @property
    def total(self) -> int:
        """How many rows the list has; until it is complete, those of the first page."""
        return self._total

    @property
    def counted(self) -> str:
        """The number of sounds that were found, in words."""
        return self._counted

    def open(self) -> None:
        """Load the first page, and say how many sounds there are."""
        self._chosen = filter_options.chosen(self._filters, self._settings)
        state = entries.progress()
        limit = MOST_RANKED if self._order is None else PAGE
        found = (
            search.search(self._asked, self._chosen, order=self._order, limit=limit, ranked=MOST_RANKED)
            if state.entries
            else None
        )
        rows = [] if found is None else [Sound(hit.entry, hit.path) for hit in found.hits]
        self._pages = OrderedDict(
            (at, rows[start : start + PAGE]) for at, start in enumerate(range(0, len(rows), PAGE))
        )
        self._counted = "0" if found is None else f"{found.total:,}" if found.is_exact else f"{found.total:,}+"
        self._total = len(rows)
        if found is None or found.next is None or self._order is None:
            self._begins = ()
        elif found.is_exact:
            self._total = found.total
        if not rows:
            self.said = nothing_found(found, self._asked, self._chosen) if state.is_complete else ""
        self.said = state.trouble or self.said

    def complete(self) -> None:
        """Find out where all pages begin; of a hundred thousand sounds this takes a fraction of a second."""
        if self._begins is not None or self._order is None:
            return
        total, self._begins = search.pages(self._asked, self._chosen, order=self._order, size=PAGE)
        self._total, self._counted = total, f"{total:,}"

    def row(self, at: int) -> Sound | None:
        """Return a row; None while it is not loaded."""
        page = self._pages.get(at // PAGE)
        return None if page is None or at % PAGE >= len(page) else page[at % PAGE]

    def load(self, page: int) -> None:
        """Load a page, and forget the one that was asked for longest ago."""
        if page in self._pages or self._begins is None or not 0 < page <= len(self._begins):
            return
        after = self._begins[page - 1]
        found = search.search(self._asked, self._chosen, order=self._order, limit=PAGE, after=after, counted=0)
        with self._lock:
            self._pages[page] = [Sound(hit.entry, hit.path) for hit in found.hits]
            while len(self._pages) > _MOST_PAGES:
                self._pages.popitem(last=False)


class _Whole:
    """A list that is loaded as a whole."""

    def __init__(self, title: str, settings: Settings) -> None:
        self.title, self.said, self._settings = title, "", settings
        self._rows: list[Sound] = []

    @property
    def total(self) -> int:
        """How many rows the list has."""
        return len(self._rows)

    @property
    def counted(self) -> str:
        """The number of sounds that were found, in words."""
        return f"{len(self._rows):,}"

    def complete(self) -> None:
        """Do nothing: such a list is complete once it is open."""

    def row(self, at: int) -> Sound | None:
        """Return a row."""
        return self._rows[at] if 0 <= at < len(self._rows) else None

    def load(self, page: int) -> None:
        """Do nothing: there is no further page."""

    def _take(self, notes: Mapping[str, str]) -> None:
        """Show these contents, in their order, each with what there is to say about it."""
        found = entry_search.of(list(notes))
        self._rows = [Sound(row, next(iter(row["paths"]), ""), notes[key]) for key in notes if (row := found.get(key))]


class AlikeListing(_Whole):
    """What sounds like a sound, most alike first."""

    def __init__(self, sound: Sound, settings: Settings) -> None:
        super().__init__(f"sounds like {_name(sound)}", settings)
        self._sound = sound

    def open(self) -> None:
        """Ask Chroma, as `samplemind similar` does."""
        from samplemind_cli import index, library  # noqa: PLC0415 -- slow import
        from samplemind_worker.finding import recipes, similar  # noqa: PLC0415 -- slow import

        file_id = self._sound.file_id
        sound = recipes.Sound(file_id, *library.sound_of(file_id, self._settings))
        with index.open_vectors(self._settings) as current:
            choice = recipes.choose(current, sound)
            health = index.require(choice.vectors)
            asked = similar.asked(choice, sound)
            hits = similar.nearest(choice.vectors, asked, Filter(), limit=MOST_ALIKE) if health.expected else []
        self._take({hit.file_id: f"{hit.similarity:.2f}" for hit in hits})
        self.said = choice.said or health.message or ("" if hits else "no other sound to compare with")


class FitListing(_Whole):
    """What fits the tempo and the key of a sound, the least change first."""

    def __init__(self, sound: Sound, settings: Settings) -> None:
        super().__init__(f"fits {_name(sound)}", settings)
        self._sound = sound

    def open(self) -> None:
        """Look up what fits, as `samplemind match` does."""
        from samplemind_cli import library  # noqa: PLC0415 -- slow import
        from samplemind_worker.documents.report import analyzed  # noqa: PLC0415 -- slow import
        from samplemind_worker.finding import fitting, match  # noqa: PLC0415 -- slow import

        audio, analysis = library.sound_of(self._sound.file_id, self._settings)
        tempo, keys = match.answers_of(analyzed(self._sound.path, audio, analysis))
        if tempo is None and not keys:
            self.said = f"{_name(self._sound)} has neither a tempo nor a key that others could fit"
            return
        wanted = fitting.Wanted(tempo=tempo, keys=keys, shift=2, stretch=0.08)
        found = match.find(wanted, Filter(), limit=MOST_ALIKE, leave_out=(self._sound.file_id,))
        self._take({each.file_id: fitting.recipe(each.fit) for each in found})
        target = fitting.described(wanted)
        self.title += f": {target}"
        self.said = "" if found else f"nothing in the library fits {target}"


def _name(sound: Sound) -> str:
    return sound.path.rpartition("/")[2]
