"""The terminal browser: its screen, its keys, and what they do.

Whatever waits for the record runs in a thread (`AskingApp.ask`), so the screen never waits.
"""

import asyncio
import os
import signal
import threading
from collections.abc import Callable, Mapping
from typing import Any, ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import ContentSwitcher, Footer, Input, Static

from config.settings import Settings, get_settings
from samplemind_cli import filters as filter_options
from samplemind_cli.browse.audition import Audition, find_players, over_ssh
from samplemind_cli.browse.batch_table import SHOWN, BatchTable
from samplemind_cli.browse.details import Details
from samplemind_cli.browse.filter_form import FilterForm
from samplemind_cli.browse.keys import BINDINGS, HelpScreen
from samplemind_cli.browse.listing import AlikeListing, FitListing, LibraryListing, Listing
from samplemind_cli.browse.sound_app import HEARD, SoundApp
from samplemind_cli.browse.table import SoundTable
from samplemind_worker.errors import SampleMindError
from samplemind_worker.local_services import session
from samplemind_worker.store import waveforms
from samplemind_worker.store.entry_search import ORDERS, Order
from samplemind_worker.text import clean

_TYPED: Final = 0.15  # s of rest after which what was typed is searched for
_BATCHES: Final = 1.0  # s between two looks at the batches
_LATEST: Final = 60.0  # s after which an answer about the batches is waited for no longer
_TERMINAL: Final = 1.0  # s between two looks whether there is a terminal
_SIGNAL: Final = 128  # and the number of a signal are the exit code of a command that it has ended
_OF_SOUNDS: Final = frozenset(
    ("search", "filters", "play", "copy", "alike", "fits", "favourite", "details", "order", "reveal", "reload")
)
_MOST_WAVEFORMS: Final = 5000  # 2 KB each


class SearchLine(Input):
    """The line in which a search is typed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("down,enter", "app.enter_table", "To the table", show=False)]


class Browser(SoundApp):
    """The library on a screen of text."""

    TITLE = "SampleMind"
    ENABLE_COMMAND_PALETTE = False
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (150, "-wide")]  # noqa: RUF012 -- textual declares it as this
    CSS_PATH = "browse.tcss"
    BINDINGS = BINDINGS

    def __init__(
        self,
        settings: Settings,
        *,
        text: str = "",
        filters: Mapping[str, Any] | None = None,
        order: Order | None = None,
    ) -> None:
        super().__init__(settings)
        self.theme = "ansi-dark"  # the terminal's own colours, whatever these are
        self._text, self._wanted = text, dict(filters or {})
        self._sort: Order | None = order
        self._event_loop: asyncio.AbstractEventLoop | None = None
        self.listing: Listing | None = None
        """The list that is shown."""
        self._before: list[tuple[Listing, int]] = []
        """The lists that escape goes back to, each with its cursor."""
        self.waveforms: dict[str, bytes | None] = {}
        self._typed: Timer | None = None
        self._batches_wait: float | None = None
        self._recovering = threading.Lock()

    def compose(self) -> ComposeResult:
        """Lay out the screen."""
        # An answer may come while the screen is being taken down: it finds these all the same.
        self.table, self.details, self._batches = SoundTable(self.waveforms), Details(), BatchTable(id="batches")
        self._search = SearchLine(self._text, placeholder="type to search", id="search", compact=True)
        self._search.select_on_focus = False  # that is told later, when a letter may have been typed already
        self._switcher, self._sounds = ContentSwitcher(initial="library"), Vertical(id="sounds")
        self._state, self._headings, self._said = (
            Static("", id=name, markup=False) for name in ("state", "headings", "said")
        )
        yield self._state
        with self._switcher:
            with Vertical(id="library"):
                yield self._search
                with Horizontal(id="panes"):
                    with self._sounds:
                        yield self._headings
                        yield self.table
                    yield self.details
            yield self._batches
        yield self._said
        yield Footer(compact=True, show_command_palette=False)

    def on_mount(self) -> None:
        """Open the library, and look for a player."""
        self._event_loop = asyncio.get_running_loop()
        self.action_search()
        self.search()
        if not over_ssh():
            self.ask("players", find_players, self._take_players)
        self.set_interval(HEARD, self.look_at_player)
        self.set_interval(_BATCHES, self._look_at_batches)
        if os.isatty(0):
            self.set_interval(_TERMINAL, self._look_at_terminal)

    def leave(self, number: int) -> None:
        """End for a signal, from its handler: the screen of before comes back, and the code says why it ended."""
        code = _SIGNAL + number
        if self._event_loop is None:
            raise SystemExit(code)
        self._event_loop.call_soon_threadsafe(lambda: self.exit(return_code=code))

    def _look_at_terminal(self) -> None:
        """End at once when the terminal is gone, which is not always signalled: nobody sees how the screen is left."""
        if not os.isatty(0):
            self.audition.stop()
            os._exit(_SIGNAL + signal.SIGHUP)

    def _take_players(self, players: Any) -> None:
        self.audition = Audition(players)

    def _focus(self, widget: Widget) -> None:
        """Give a part of the screen the keys, at once: the next key may have been pressed already."""
        self.screen_stack[0].set_focus(widget)

    def say(self, text: str) -> None:
        """Show one line about what was done, or why it was not."""
        self._said.update(clean(text))

    def recover(self) -> None:
        """Start the private services again if they were killed."""
        with self._recovering:
            session.recover(get_settings(), say=self._say_from_thread)

    def _say_from_thread(self, text: str) -> None:
        self.post_message(self.Answered(lambda: self.say(text)))

    # Lists

    def search(self, *, cursor: int = 0) -> None:
        """Search for what is typed, with the filters that are set."""
        try:
            listing = LibraryListing(self._text, self._given_filters(), self._sort, self.settings)
        except SampleMindError as error:
            self.say(str(error))
            return
        self._open_list(listing, self._before.clear, cursor=cursor)

    def _given_filters(self) -> dict[str, Any]:
        names = [name for name, _, _ in filter_options.fields()]
        return {name: self._wanted.get(name) or (False if name in filter_options.FLAGS else None) for name in names}

    def _open_list(
        self, listing: Listing, on_open: Callable[[], object], *, cursor: int = 0, is_shown: bool = True
    ) -> None:
        def _opened(_: Any) -> None:
            on_open()
            self._show(listing, cursor)
            self.ask("whole", listing.complete, lambda _: self._grow(listing))

        self.ask("list", listing.open, _opened, is_shown=is_shown)

    def _show(self, listing: Listing, cursor: int) -> None:
        self.listing = listing
        self.table.show(listing, cursor=cursor)
        self.say(listing.said)
        self._grow(listing)

    def _grow(self, listing: Listing) -> None:
        if listing is not self.listing:
            return
        self.table.grow()
        set_ones = " ".join(
            f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}")
            for name, value in self._wanted.items()
            if value
        )
        order = self._sort or ("match" if self._text.strip() else "added")
        what = listing.title or " · ".join(filter(None, (f"by {order}", set_ones)))
        self._state.update(clean(f"Library · {listing.counted} sound{'s' * (listing.counted != '1')} · {what}"))

    def on_sound_table_fitted(self, _: SoundTable.Fitted) -> None:
        """Fit the headings to the rows."""
        self._headings.update(self.table.headings())

    def on_sound_table_shown(self, message: SoundTable.Shown) -> None:
        """Load what is on the screen."""
        listing = self.listing
        if listing is None:
            return

        def _load() -> dict[str, bytes]:
            for page in message.pages:
                listing.load(page)
            return waveforms.of(message.waveforms) if message.waveforms else {}

        def _loaded(found: Any) -> None:
            if len(self.waveforms) > _MOST_WAVEFORMS:
                self.waveforms.clear()
            self.waveforms.update(dict.fromkeys(message.waveforms) | found)
            self.table.grow()
            if message.pages:
                self.look_soon()

        self.ask("rows", _load, _loaded)

    # Other lists

    def action_alike(self) -> None:
        """List what sounds like the sound at the cursor."""
        self._go_on_with(AlikeListing)

    def action_fits(self) -> None:
        """List what fits the tempo and the key of the sound at the cursor."""
        self._go_on_with(FitListing)

    def _go_on_with(self, kind: type[AlikeListing | FitListing]) -> None:
        if self.table.sound is None or self.listing is None:
            return
        here = (self.listing, self.table.cursor)
        self.say("looking …")
        self._open_list(kind(self.table.sound, self.settings), lambda: self._before.append(here), is_shown=False)

    def action_leave(self) -> None:
        """Go back: to the table, to the list before, to the library, and to a search for nothing."""
        if self._is_at_batches:
            self.action_switch()
        elif self._search.has_focus:
            self._focus(self.table)
        elif self._before:
            self._show(*self._before.pop())
        elif self.details.has_class("-alone"):
            self.action_details()
        elif self._text:
            self._search.value = ""

    def action_search(self) -> None:
        """Go to the line of the search; what is typed replaces what is there."""
        self._focus(self._search)
        self._search.action_select_all()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Search for what is typed, once the keys rest."""
        if event.input.id != "search" or event.value == self._text:
            return
        self._text = event.value
        if self._typed is not None:
            self._typed.stop()
        self._typed = self.set_timer(_TYPED, self.search)

    def action_enter_table(self) -> None:
        """Go from the search to the table."""
        self._focus(self.table)

    def action_order(self) -> None:
        """List by the next order."""
        orders: list[Order | None] = [None, *ORDERS]
        self._sort = orders[(orders.index(self._sort) + 1) % len(orders)]
        self.search()

    def action_reload(self) -> None:
        """Search again, for what has come meanwhile."""
        self.search(cursor=self.table.cursor)

    def action_filters(self) -> None:
        """Ask for filters."""
        self.push_screen(FilterForm(self._wanted), self._filter)

    def _filter(self, filters: Any) -> None:
        if filters is not None:
            self._wanted = filters
            self._focus(self.table)
            self.search()

    def action_details(self) -> None:
        """Show the details alone, or beside the table again."""
        self._sounds.toggle_class("-hidden")
        self.details.toggle_class("-alone")
        self._focus(self.details if self.details.has_class("-alone") else self.table)

    def action_help(self) -> None:
        """Show all keys."""
        self.push_screen(HelpScreen())

    # Batches

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Return whether an action is possible now: what is about one sound is so in the library alone."""
        del parameters
        return not (action in _OF_SOUNDS and self.is_mounted and self._is_at_batches)

    @property
    def _is_at_batches(self) -> bool:
        return self._switcher.current == "batches"

    def action_switch(self) -> None:
        """Go from the library to the batches, or back."""
        switcher = self._switcher
        switcher.current = "library" if self._is_at_batches else "batches"
        self.refresh_bindings()
        if self._is_at_batches:
            self._state.update("Batches · enter lists the sounds of one · tab goes back")
            self._focus(self._batches)
            self._look_at_batches()
        else:
            self._focus(self.table)
            if self.listing is not None:
                self._grow(self.listing)

    def _look_at_batches(self) -> None:
        now = asyncio.get_running_loop().time()
        # Without an answer another question would only replace the one that is under way.
        if self._is_at_batches and (self._batches_wait is None or now - self._batches_wait > _LATEST):
            self._batches_wait = now
            self.ask("batches", _recent, self._show_batches)

    def _show_batches(self, reports: Any) -> None:
        self._batches_wait = None
        self._batches.show(reports)

    def on_batch_table_chosen(self, message: BatchTable.Chosen) -> None:
        """List the sounds of a batch."""
        self._wanted = {"batch": message.batch_id}
        self._text = self._search.value = ""
        self.action_switch()
        self.search()


def _recent() -> list[dict[str, Any]]:
    from samplemind_cli import client  # noqa: PLC0415 -- slow import

    return list(client.recent_reports(SHOWN))
