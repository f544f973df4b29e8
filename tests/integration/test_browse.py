"""The terminal browser on a real library: its keys, by textual's pilot, and its screen on a real terminal."""

import asyncio
import os
import re
import signal
import stat
import sys
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from textual.pilot import Pilot

from config.settings import Settings
from samplemind_cli.browse.app import Browser
from samplemind_cli.browse.listing import PAGE, LibraryListing, Listing
from samplemind_cli.browse.table import SoundTable
from samplemind_worker.errors import UsageError
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import places, results
from samplemind_worker.store.places import Place
from tests.chain import analyse
from tests.factories import analysis_facts, audio_facts, content_id, write_audio
from tests.terminal import Terminal
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]


@pytest.fixture
def library(workspace: Workspace, tmp_path: Path) -> Path:
    """Four analysed sounds: two kicks, a snare and a loop."""
    folder = tmp_path / "kit"
    write_audio(folder / "kick one.wav", signals.kick(seed=1))
    write_audio(folder / "kick two.wav", signals.kick(seed=2))
    write_audio(folder / "snare.wav", signals.snare(seed=1))
    write_audio(folder / "beat.wav", signals.drum_loop(120.0, pattern="rock"))
    assert analyse(workspace, folder)["completed"] == 4
    return folder


@pytest.fixture
def terminal(cli: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., Terminal]]:
    """Starts the command on a terminal, with the settings of this test."""
    del cli  # it sets the environment
    monkeypatch.delenv("SSH_CONNECTION", raising=False)
    started: list[Terminal] = []

    def _start(*arguments: str, **options: Any) -> Terminal:
        started.append(Terminal([sys.executable, "-m", "samplemind_cli", *arguments], **options))
        return started[-1]

    yield _start
    for each in started:
        each.close()


def press(settings: Settings, steps: Callable[[Browser, Pilot[None]], Awaitable[None]], **options: Any) -> None:
    """Run the browser without a terminal, and press keys."""

    async def _run() -> None:
        browser = Browser(settings, **options)
        async with browser.run_test(size=(100, 30)) as pilot:
            await steps(browser, pilot)
        browser.audition.stop()

    asyncio.run(_run())


async def until(pilot: Pilot[None], holds: Callable[[], object]) -> None:
    for _ in range(300):
        if holds():
            return
        await pilot.pause(0.05)
    pytest.fail(f"it did not happen in time; the browser says: {said(pilot.app)}")  # pyright: ignore[reportArgumentType]


def names(browser: Browser) -> list[str]:
    """The names of the files that are listed."""
    listing = browser.listing
    if listing is None:
        return []
    rows = [listing.row(at) for at in range(listing.total)]
    return [row.path.rpartition("/")[2] for row in rows if row is not None]


def said(browser: Browser) -> str:
    return str(browser.query_one("#said").render())


@pytest.mark.usefixtures("library")
def test_searches_as_one_types_and_shows_the_details(settings: Settings):
    async def _steps(browser: Browser, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(names(browser)) == 4)
        await pilot.press(*"kick")
        await until(pilot, lambda: sorted(names(browser)) == ["kick one.wav", "kick two.wav"])
        await pilot.press("down", "end")
        last = names(browser)[-1]
        await until(pilot, lambda: last in str(browser.query_one("#facts").render()))
        assert "█" in str(browser.query_one("#waveform").render())
        await pilot.press("slash", *"zzzz")
        await until(pilot, lambda: "no file has 'zzzz'" in said(browser))

    press(settings, _steps)


@pytest.mark.usefixtures("library")
def test_lists_what_is_alike_and_what_fits_and_goes_back(settings: Settings):
    async def _steps(browser: Browser, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: names(browser) == ["kick one.wav", "kick two.wav"])
        await pilot.press("down", "s")
        await until(pilot, lambda: names(browser)[:1] == ["kick two.wav"] and len(names(browser)) == 3)
        assert browser.listing is not None
        assert "sounds like kick one.wav" in browser.listing.title
        await pilot.press("escape")
        await until(pilot, lambda: names(browser) == ["kick one.wav", "kick two.wav"])
        await pilot.press("m")
        await until(pilot, lambda: "neither a tempo nor a key" in said(browser))

    press(settings, _steps, text="kick", order="name")


def test_favourites_filters_and_the_path(library: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    copied: list[str] = []

    def _copied(_: Browser, text: str) -> None:
        copied.append(text)

    monkeypatch.setattr(Browser, "copy_to_clipboard", _copied)

    async def _steps(browser: Browser, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(names(browser)) == 4)
        await pilot.press("down", "home", "asterisk")  # by name, the beat is the first
        await until(pilot, lambda: "favourite" in said(browser))
        await pilot.press("enter")
        await until(pilot, lambda: copied == [str(library / "beat.wav")])
        await pilot.press("f")
        browser.screen.query_one("#bpm").value = "fast"  # pyright: ignore[reportAttributeAccessIssue]
        await pilot.press("enter")
        await until(pilot, lambda: "--bpm 'fast' is no number" in str(browser.screen.query_one("#refusal").render()))
        browser.screen.query_one("#bpm").value = "120"  # pyright: ignore[reportAttributeAccessIssue]
        browser.screen.query_one("#favourite").value = True  # pyright: ignore[reportAttributeAccessIssue]
        await pilot.press("enter")
        await until(pilot, lambda: names(browser) == ["beat.wav"])
        assert "--bpm 120 --favourite" in str(browser.query_one("#state").render())

    press(settings, _steps, order="name")


def fake_player(folder: Path, *, name: str = "aplay", body: str = "exec /bin/sleep 60") -> Path:
    """A program of the name of a player, which notes what it is asked to play."""
    log = folder / "played"
    program = folder / "bin" / name
    program.parent.mkdir(exist_ok=True)
    program.write_text(f'#!/bin/sh\nfor last; do :; done\necho "$$ $last" >> "{log}"\n{body}\n')
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return log


def lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return True


def test_moving_plays_one_sound_at_a_time(
    library: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    log = fake_player(tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))

    def played() -> list[list[str]]:
        return [line.split(" ", 1) for line in log.read_text().splitlines()] if log.exists() else []

    async def _steps(browser: Browser, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(names(browser)) == 4 and not browser.audition.trouble)
        await pilot.press("down", "space")
        await until(pilot, lambda: len(played()) == 1)
        await pilot.press("down")
        await until(pilot, lambda: len(played()) == 2)
        assert [path for _, path in played()] == [str(library / "beat.wav"), str(library / "kick one.wav")]
        assert [lives(int(process)) for process, _ in played()] == [False, True]
        await pilot.press("space")
        await until(pilot, lambda: not lives(int(played()[1][0])))

    press(settings, _steps, order="name")


@pytest.mark.usefixtures("library")
def test_says_why_nothing_is_heard(settings: Settings, monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("PATH", str(tmp_path))

    async def _without_player(browser: Browser, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(names(browser)) == 4)
        await pilot.press("down", "space")
        await until(pilot, lambda: "no player found" in said(browser))

    async def _over_ssh(browser: Browser, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(names(browser)) == 4)
        await pilot.press("down", "space")
        await until(pilot, lambda: "no sound over ssh" in said(browser))

    async def _failing(browser: Browser, pilot: Pilot[None]) -> None:
        await until(pilot, lambda: len(names(browser)) == 4 and not browser.audition.trouble)
        await pilot.press("down", "space")
        await until(pilot, lambda: "aplay: no device" in said(browser))

    press(settings, _without_player)
    monkeypatch.setenv("SSH_CONNECTION", "192.0.2.1 50000 192.0.2.2 22")
    press(settings, _over_ssh)
    monkeypatch.delenv("SSH_CONNECTION")
    fake_player(tmp_path, body="echo no device >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    press(settings, _failing)


@pytest.mark.usefixtures("workspace")
def test_every_row_of_a_long_list_is_reached(settings: Settings):
    total = 4 * PAGE + 7
    ids = [content_id(number) for number in range(total)]
    places.save(Place("/library", f"{at:05}.wav".encode(), key, 1, 1, 1, settled=True) for at, key in enumerate(ids))
    results.save_analyses([(audio_facts(key), analysis_facts(key)) for key in ids])
    entry.refresh(ids)

    async def _steps(browser: Browser, pilot: Pilot[None]) -> None:
        table = browser.query_one(SoundTable)
        await until(pilot, lambda: browser.listing is not None and browser.listing.total == total)
        await pilot.press("down", "end")
        await until(pilot, lambda: table.sound is not None and table.sound.path.endswith(f"{total - 1:05}.wav"))
        await pilot.press("home", *["pagedown"] * 20)
        at = table.cursor
        await until(pilot, lambda: table.sound is not None and table.sound.path.endswith(f"{at:05}.wav"))

    press(settings, _steps, order="name")
    whole: Listing = LibraryListing("", filters(), "name", settings)
    whole.open()
    whole.complete()
    for page in range(1, 5):
        whole.load(page)
    rows = [whole.row(at) for at in range(total)]
    assert [row.path for row in rows if row is not None] == [f"/library/{at:05}.wav" for at in range(total)]


def filters(**given: Any) -> dict[str, Any]:
    from samplemind_cli import filters as options  # noqa: PLC0415 -- slow import

    return {name: given.get(name, False if name in options.FLAGS else None) for name, _, _ in options.fields()}


def test_a_list_refuses_what_cannot_be_read(settings: Settings):
    with pytest.raises(UsageError, match="--key 'H' is no key"):
        LibraryListing("", filters(key="H"), None, settings)


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 60)])
def test_the_screen_of_a_terminal(terminal: Callable[..., Terminal], columns: int, lines: int):
    screen = terminal("browse", "--sort", "name", columns=columns, lines=lines)
    text = screen.wait_for("4 sounds", "kick one.wav", "drum loop", "candidates: 120.00")
    assert text.splitlines()[0].startswith("Library · 4 sounds · by name")
    screen.wait_until(lambda text: ("LUFS" in text.splitlines()[2]) == (columns > 100), "the columns of this width")
    screen.press("\t")
    screen.wait_for("Batches", "completed")
    screen.press("\x03")
    assert screen.wait_for_end() == 0
    # The screen of before is there again, and the cursor.
    assert b"\x1b[?1049l" in screen.raw
    assert b"\x1b[?25h" in screen.raw


@pytest.mark.usefixtures("library")
def test_keys_that_come_together_act_one_after_the_other(terminal: Callable[..., Terminal]):
    screen = terminal("browse", "--sort", "name")
    screen.wait_for("4 sounds", "candidates: 120.00")
    screen.press("\x1b[B/kik\x7fck\r?")  # to the table, to the search, a word with a mistake, to the table, all keys
    screen.wait_for("copies the path to the clipboard")
    screen.press("qf")
    assert "▐ ▌ Half and double" in screen.wait_for("Filters:", "Half and double")
    screen.press("\x1b[B ")  # checks the next one
    screen.wait_for("▐X▌ Half and double")
    screen.press("\x1b")
    screen.wait_until(lambda text: "Filters:" not in text, "no form")
    screen.press("/snare")  # what was searched for is selected, and replaced
    text = screen.wait_for("Library · 1 sound ·", "snare.wav")
    assert text.splitlines()[1].strip() == "snare"
    screen.press("\x1b[Bm")
    screen.wait_for("neither a tempo nor a key")
    screen.press("q")
    assert screen.wait_for_end() == 0


@pytest.mark.usefixtures("library")
def test_colours_are_the_terminals_own_or_none(terminal: Callable[..., Terminal]):
    for environment, has_colour in (({"TERM": "xterm"}, True), ({"NO_COLOR": "1"}, False)):
        screen = terminal("browse", "--sort", "name", environment=environment)
        screen.wait_for("4 sounds", "candidates: 120.00")
        assert b"\x1b[38;2;" not in screen.raw
        assert b"\x1b[48;2;" not in screen.raw
        assert bool(re.search(rb"\x1b\[(?:\d+;)*3[1-6][;m]", screen.raw)) == has_colour
        screen.press("\x03")
        assert screen.wait_for_end() == 0


@pytest.mark.usefixtures("library")
def test_a_killed_browser_leaves_the_terminal_as_it_was(terminal: Callable[..., Terminal]):
    screen = terminal("browse")
    screen.wait_for("4 sounds")
    os.kill(screen.process.pid, signal.SIGTERM)
    assert screen.wait_for_end() == 143
    assert b"\x1b[?1049l" in screen.raw


@pytest.mark.usefixtures("library")
def test_a_browser_ends_with_its_terminal(terminal: Callable[..., Terminal]):
    screen = terminal("browse")
    screen.wait_for("4 sounds")
    assert screen.hang_up() in {129, -signal.SIGHUP}


def test_needs_a_terminal(cli: Any):
    code, out, err = cli("browse")
    assert (code, out) == (2, "")
    assert err == "samplemind: error: `browse` needs a terminal with a screen; `samplemind search` prints a list\n"


def test_needs_a_terminal_with_a_screen(terminal: Callable[..., Terminal]):
    plain = terminal("browse", environment={"TERM": "dumb"})
    assert plain.wait_for_end() == 2
    assert b"`browse` needs a terminal with a screen" in plain.raw
    assert b"\x1b" not in plain.raw


@pytest.mark.usefixtures("library")
def test_a_storm_of_resizes_ends_with_the_screen_of_the_last_size(terminal: Callable[..., Terminal]):
    screen = terminal("browse", "--sort", "name")
    screen.wait_for("4 sounds", "candidates: 120.00")
    for number in range(300):
        screen.resize(columns=20 + number * 37 % 181, lines=5 + number * 23 % 56)
        if number % 30 == 0:
            screen.press("\x1b[B")
    screen.resize(columns=20, lines=5)
    screen.wait_until(lambda text: text.splitlines()[0].startswith("Library · 4 sound"), "the heading")
    screen.resize(columns=100, lines=30)
    screen.wait_for("Library · 4 sounds · by name", "beat.wav", "snare.wav", "? Keys")
    screen.press("\x03")
    assert screen.wait_for_end() == 0
