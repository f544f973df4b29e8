"""The menu that ``samplemind`` opens on a terminal: it asks for what a command needs, prints the command, and runs it.

Escape and Ctrl-C go back one step, and leave the menu at its top.
"""

import shlex
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any, Final

import questionary
from prompt_toolkit.key_binding import KeyBindings, KeyPressEvent, merge_key_bindings
from prompt_toolkit.keys import Keys
from prompt_toolkit.styles import Style
from rich.console import Console

from samplemind_cli import output
from samplemind_cli.tables import batch_summary
from samplemind_worker.errors import SampleMindError
from samplemind_worker.text import clean

Run = Callable[[list[str]], int]
Words = list[str]

_STYLE: Final = Style([("qmark", ""), ("question", "bold"), ("pointer", "bold"), ("highlighted", "reverse")])
_FORMATS: Final = ("csv", "json", "parquet")
_KITS: Final = ("sfz", "decent-sampler", "hydrogen", "mpc", "folder")
_BATCHES: Final = 12
_BUDGET: Final = "1"


class _BackError(Exception):
    """Escape or Ctrl-C was pressed."""


def open_menu(run: Run) -> None:
    """Show the menu until the user leaves it."""
    console = Console(highlight=False, emoji=False, markup=False)
    console.print("SampleMind: choose, and see the command that does it. Escape goes back.", style="bold")
    while True:
        try:
            make = _choose("What next?", [*_ENTRIES.items(), ("Leave", None)])
        except _BackError:
            return
        if make is None:
            return
        try:
            words = make()
        except _BackError:
            continue
        except SampleMindError as error:
            output.note(f"samplemind: error: {error}")
            continue
        if not words:
            continue
        console.print(f"$ samplemind {clean(shlex.join(words))}", style="bold", soft_wrap=True)
        code = run(words)
        if code:
            console.print(f"(exit code {code})", style="dim")


def _ask(question: Any) -> Any:
    """Ask, and return the answer; escape and Ctrl-C go back."""
    keys = KeyBindings()

    @keys.add(Keys.Escape, eager=True)
    def _escape(event: KeyPressEvent) -> None:  # pyright: ignore[reportUnusedFunction] -- the binding calls it
        event.app.exit(exception=KeyboardInterrupt())

    application = question.application
    application.key_bindings = merge_key_bindings([application.key_bindings or KeyBindings(), keys])
    application.ttimeoutlen = 0.05  # s in which an arrow key is told from escape
    try:
        return question.unsafe_ask()
    except (KeyboardInterrupt, EOFError):
        raise _BackError from None


def _choose(title: str, choices: Iterable[tuple[str, Any]]) -> Any:
    made = [questionary.Choice(clean(name), value=(value,)) for name, value in choices]
    return _ask(questionary.select(title, made, style=_STYLE, qmark="", instruction=" "))[0]


def _text(title: str, default: str = "") -> str:
    return _ask(questionary.text(title, default=default, style=_STYLE, qmark="")).strip()


def _path(title: str, *, folders: bool = True) -> str:
    """Ask for a path, which tab completes; what is written as ``~`` is the home folder."""
    text = _ask(questionary.path(title, only_directories=folders, style=_STYLE, qmark="")).strip()
    if not text:
        raise _BackError
    return str(Path(text).expanduser())


def _analyse() -> Words:
    return ["submit", _path("Which folder? (tab completes)"), "--wait"]


def _follow() -> Words:
    from samplemind_cli import client, record  # noqa: PLC0415 -- slow import

    with record.open_record():
        reports = list(client.recent_reports(_BATCHES))
    if not reports:
        output.note("no batch yet: analyse a folder first")
        return []
    chosen = _choose("Which batch?", [(batch_summary(each), each["batch_id"]) for each in reports])
    return ["status", chosen, "--watch"]


def _find() -> Words:
    words = _text("Which words? (such as: dark kick -loop)")
    return ["search", *shlex.split(words.replace("'", " "))] if words else []


def _take_in() -> Words:
    return ["ingest", _path("Which inbox of packs? (tab completes)"), "--wait"]


def _summaries() -> Words:
    return _choose(
        "What about summaries?",
        [
            ("Have the missing ones written", _missing),
            ("See what a folder would cost", lambda: ["submit", _path("Which folder?"), "--dry-run"]),
            ("See what the last batch has cost", lambda: ["status", "last"]),
        ],
    )()


def _missing() -> Words:
    budget = _text("How many US dollars may it cost?", _BUDGET)
    return ["summarize", "--missing", "--budget", budget, "--wait"]


def _kit() -> Words:
    sound = _text("What are its sounds like? (such as: dusty punchy; empty: anything)")
    kind = _choose("For which sampler?", [(each, each) for each in _KITS])
    target = _text("Which new folder?", "my-kit")
    return ["kit", *(["--from", sound] if sound else []), "--to", kind, "-o", str(Path(target).expanduser())]


def _export() -> Words:
    kind = _choose("As which format?", [(each, each) for each in _FORMATS])
    target = _text("Into which file?", f"library.{kind}")
    return ["export", "--all", "--format", kind, "-o", str(Path(target).expanduser())]


_ENTRIES: Final[dict[str, Callable[[], Words]]] = {
    "Analyse a folder": _analyse,
    "Follow a batch": _follow,
    "Find a sound": _find,
    "Browse and listen": lambda: ["browse"],
    "See what the library holds": lambda: ["library"],
    "Take in sample packs": _take_in,
    "Summaries and what they cost": _summaries,
    "Make a drum kit": _kit,
    "Export the results": _export,
    "Try it on sounds that are made for it": lambda: ["demo"],
    "Check this machine": lambda: ["doctor"],
    "Open the page in a browser": lambda: ["web"],
}
