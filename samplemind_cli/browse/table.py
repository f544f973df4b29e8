"""The table of sounds: it draws the rows on the screen alone, so that a list may be of any length."""

from dataclasses import dataclass
from typing import ClassVar, Final

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.events import Click, Resize
from textual.geometry import Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.timer import Timer

from samplemind_cli import output, tables
from samplemind_cli.browse import drawing
from samplemind_cli.browse.listing import PAGE, Listing, Sound
from samplemind_worker.text import clean

_LOOKS_AFTER: Final = 0.03  # s of rest after which what is on the screen is loaded
_GAP: Final = "  "
_DIM, _PLAIN = Style(dim=True), Style()
_CURSOR: Final = Style(reverse=True)
_CURSOR_ELSEWHERE: Final = Style(bold=True, underline=True)
_DOUBLE: Final = 2


@dataclass(frozen=True, slots=True)
class _Column:
    name: str
    width: int
    from_screen: int = 0
    """The least width of the table in which it is shown."""
    right: bool = False


_NOTE: Final = {"sounds": _Column("alike", 5), "fits": _Column("what to do", 36)}
"""The column for what a list says about a sound, by the beginning of its title."""
_WAVE: Final = _Column("sound", 14, 60)
_INSTRUMENT: Final = _Column("instrument", 10, 72)
_COLUMNS: Final = (
    _WAVE,
    _Column("tempo", 6, right=True),
    _Column("key", 8),
    _INSTRUMENT,
    _Column("kind", 8, 100),
    _Column("length", 7, 110, right=True),
    _Column("LUFS", 6, 118, right=True),
    _Column("folder", 30, 150),
)
_SPACIOUS: Final = 100  # cells that what is to be done needs beside the other columns
_LEAST_NAME: Final = 16
_MARK: Final = 2


class SoundTable(ScrollView, can_focus=True):
    """A list of sounds with a cursor."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "Up", show=False),
        Binding("down,j", "move(1)", "Down", show=False),
        Binding("pageup", "turn(-1)", "Page up", show=False),
        Binding("pagedown", "turn(1)", "Page down", show=False),
        Binding("home,g", "leap(0)", "First", show=False),
        Binding("end,G", "leap(1)", "Last", show=False),
    ]

    cursor: reactive[int] = reactive(0)

    class Moved(Message):
        """The cursor is on another sound."""

        def __init__(self, *, by_hand: bool) -> None:
            super().__init__()
            self.by_hand = by_hand

    class Fitted(Message):
        """The columns have changed."""

    class Played(Message):
        """The sound at the cursor was clicked twice."""

    class Shown(Message):
        """Rows are on the screen that are not loaded, or have no waveform yet."""

        def __init__(self, pages: list[int], waveforms: list[str]) -> None:
            super().__init__()
            self.pages, self.waveforms = pages, waveforms

    def __init__(self, waveforms: dict[str, bytes | None]) -> None:
        super().__init__(id="table")
        self._waveforms = waveforms
        self._listing: Listing | None = None
        self._looking: Timer | None = None
        self.playing: str | None = None
        """The content that is heard now."""

    @property
    def sound(self) -> Sound | None:
        """The sound at the cursor."""
        return None if self._listing is None else self._listing.row(self.cursor)

    def show(self, listing: Listing, *, cursor: int = 0) -> None:
        """Show another list."""
        self._listing = listing
        self.grow()
        self.cursor = min(cursor, max(listing.total - 1, 0))
        self._follow()
        self.refresh()
        self.post_message(self.Moved(by_hand=False))

    def grow(self) -> None:
        """Take in that the list has another number of rows, or other rows are loaded."""
        total = 0 if self._listing is None else self._listing.total
        self.virtual_size = Size(self.size.width, total)
        self.post_message(self.Fitted())
        self._look_soon()
        self.refresh()

    def headings(self) -> Text:
        """Return the line of headings that fits the rows."""
        text = Text(" " * _MARK, no_wrap=True, style="bold")
        for column in self._columns():
            text.append(_fitted(column.name, column.width, right=column.right)).append(_GAP)
        return text

    def action_move(self, by: int) -> None:
        """Move the cursor by some rows."""
        self._go_to(self.cursor + by)

    def action_turn(self, by: int) -> None:
        """Move the cursor by some pages of the screen."""
        self._go_to(self.cursor + by * max(self.size.height - 1, 1))

    def action_leap(self, where: int) -> None:
        """Move the cursor to the first or to the last row."""
        self._go_to(0 if where == 0 else self.virtual_size.height - 1)

    def _go_to(self, row: int) -> None:
        row = max(min(row, self.virtual_size.height - 1), 0)
        if row != self.cursor:
            self.cursor = row
            self._follow()
            self.post_message(self.Moved(by_hand=True))

    def _follow(self) -> None:
        """Scroll until the cursor is on the screen."""
        top, height = self.scroll_offset.y, max(self.size.height, 1)
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False, force=True)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False, force=True)
        self._look_soon()

    def on_click(self, event: Click) -> None:
        """Take the row that is clicked; the second click plays it."""
        self._go_to(int(self.scroll_offset.y) + event.y)
        if event.chain == _DOUBLE:
            self.post_message(self.Played())

    def on_resize(self, _: Resize) -> None:
        """Fit the columns to the new width."""
        self.grow()
        self._follow()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Load what has come onto the screen."""
        super().watch_scroll_y(old_value, new_value)
        self._look_soon()

    def _look_soon(self) -> None:
        if self._looking is not None:
            self._looking.stop()
        self._looking = self.set_timer(_LOOKS_AFTER, self._look)

    def _look(self) -> None:
        """Ask for what is on the screen and not loaded."""
        if self._listing is None:
            return
        first = int(self.scroll_offset.y)
        seen = range(first, min(first + self.size.height, self._listing.total))
        rows = [(at, self._listing.row(at)) for at in seen]
        pages = sorted({at // PAGE for at, sound in rows if sound is None})
        lacking = [sound.file_id for _, sound in rows if sound is not None and sound.file_id not in self._waveforms]
        if pages or lacking:
            self.post_message(self.Shown(pages, lacking))

    def render_line(self, y: int) -> Strip:
        """Draw one line of the screen."""
        width, at = self.size.width, int(self.scroll_offset.y) + y
        if self._listing is None or at >= self._listing.total:
            return Strip.blank(width, self.rich_style)
        sound = self._listing.row(at)
        text = Text("  …", style=_DIM, no_wrap=True) if sound is None else self._drawn(sound)
        strip = Strip(text.render(self.app.console)).adjust_cell_length(width)
        if at == self.cursor:
            strip = strip.apply_style(_CURSOR if self.has_focus else _CURSOR_ELSEWHERE)
        return strip.apply_style(self.rich_style)

    def _columns(self) -> list[_Column]:
        width = self.size.width
        columns = [each for each in _COLUMNS if each.from_screen <= width]
        title = "" if self._listing is None else self._listing.title
        note = next((column for start, column in _NOTE.items() if title.startswith(start)), None)
        if note is not None and note.width > _WAVE.width and width < _SPACIOUS:
            # A narrow screen has no room for all of it.
            columns = [each for each in columns if each not in {_WAVE, _INSTRUMENT}]
        before = [] if note is None else [note]
        taken = _MARK + sum(each.width + len(_GAP) for each in (*before, *columns))
        return [*before, _Column("file", max(width - taken - len(_GAP), _LEAST_NAME)), *columns]

    def _drawn(self, sound: Sound) -> Text:
        entry = sound.entry
        folder, _, name = sound.path.rpartition("/")
        values = {
            "alike": sound.note,
            "what to do": sound.note,
            "file": name,
            "tempo": output.fixed(entry["tempo"], 1) or "",
            "key": (tables.key_of_entry(entry) or "").replace("major", "maj").replace("minor", "min"),
            "instrument": (entry["instrument"] or "").replace("_", " "),
            "kind": (entry["kind"] or "").replace("_", "-"),
            "length": output.clock(entry["duration"]) if entry["duration"] >= 60 else f"{entry['duration']:.2f} s",  # noqa: PLR2004 -- a minute
            "LUFS": output.fixed(entry["loudness"]) or "",
            "folder": folder,
        }
        mark = "▶ " if sound.file_id == self.playing else "♥ " if sound.is_favourite else "  "
        text = Text(mark, no_wrap=True)
        for column in self._columns():
            if column is _WAVE:
                wave = drawing.small(self._waveforms.get(sound.file_id) or b"", column.width)
                wave.pad_right(column.width - len(wave))
                text.append_text(wave)
            else:
                is_end = column.name == "folder"
                text.append(_fitted(values[column.name], column.width, right=column.right, keep_end=is_end))
            text.append(_GAP)
        return text


def _fitted(text: str, width: int, *, right: bool = False, keep_end: bool = False) -> Text:
    """Return a text in exactly so many cells, shortened with an ellipsis if need be."""
    shown = Text(clean(text), no_wrap=True)
    if keep_end and shown.cell_len > width:
        shown = Text("…" + clean(text)[-width + 1 :])
    shown.truncate(width, overflow="ellipsis")
    space = width - shown.cell_len
    if right:
        shown.pad_left(space)
    else:
        shown.pad_right(space)
    return shown
