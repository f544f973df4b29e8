"""The keys of the browser, on a screen of their own."""

from typing import ClassVar, Final

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

BINDINGS: Final[list[BindingType]] = [
    Binding("slash", "search", "Search"),
    Binding("f", "filters", "Filters"),
    Binding("space", "play", "Play"),
    Binding("enter", "copy", "Copy"),
    Binding("s", "alike", "Similar"),
    Binding("m", "fits", "Match"),
    Binding("question_mark", "help", "Keys", key_display="?"),
    Binding("tab", "switch", "Batches", priority=True),
    Binding("asterisk", "favourite", "Favourite", show=False),
    Binding("d", "details", "Details", show=False),
    Binding("r", "order", "Order", show=False),
    Binding("o", "reveal", "Reveal", show=False),
    Binding("p", "toggle_following", "Play while moving", show=False),
    Binding("escape", "leave", "Back", show=False),
    Binding("f5", "reload", "Reload", show=False),
    Binding("q", "quit", "Quit", show=False),
    Binding("ctrl+c", "quit", show=False, priority=True),
]
"""The keys of the browser itself; the table, the form and the batches have more."""

KEYS: Final = (
    ("typing", 'searches; -word excludes, "quotes" hold a phrase'),
    ("/", "goes to the search; down or enter goes to the table"),
    ("arrows, j, k", "move, and play what they come to"),
    ("pages, home, end", "move by screens, and to both ends"),
    ("space", "plays the sound, or ends it"),
    ("p", "makes moving silent, or play again"),
    ("enter", "copies the path to the clipboard"),
    ("o", "shows the file in the file manager"),
    ("*", "makes the sound a favourite, or none"),
    ("s", "lists what sounds alike"),
    ("m", "lists what fits its tempo and key"),
    ("f", "sets filters: tempo, key, instrument, tag and more"),
    ("r", "reorders: match, added, name, tempo, length, loudness"),
    ("d", "shows the details alone"),
    ("tab", "goes to the batches, and back"),
    ("F5", "looks for what is new"),
    ("escape", "goes back"),
    ("q, Ctrl-C", "quits"),
)
"""All keys, and what each does."""
_WIDTH: Final = 20


class HelpScreen(ModalScreen[None]):
    """Shows the keys until a key is pressed."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,q,question_mark,enter,space", "dismiss", "Back")]
    DEFAULT_CSS = """
    HelpScreen { align: center middle; }
    HelpScreen VerticalScroll { width: 78; height: auto; max-height: 100%; border: round ansi_default; padding: 0 1; }
    """

    def compose(self) -> ComposeResult:
        """Lay out one line per key."""
        with VerticalScroll():
            yield Static("\n".join(f"{keys:{_WIDTH}}{text}" for keys, text in KEYS), markup=False)
