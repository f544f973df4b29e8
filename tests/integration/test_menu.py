"""The menu on a real terminal: each choice prints the command that it runs."""

import sys
from pathlib import Path
from typing import Any

import pytest

from samplemind_worker.pipeline.workspace import Workspace
from tests.chain import analyse
from tests.factories import write_audio
from tests.terminal import Terminal
from training import signals

pytestmark = pytest.mark.services

DOWN, ENTER, ESCAPE, CTRL_C, TAB = "\x1b[B", "\r", "\x1b", "\x03", "\t"


@pytest.mark.parametrize(("columns", "lines"), [(80, 24), (200, 60)])
def test_choices_run_commands_and_escape_goes_back(
    workspace: Workspace, cli: Any, tmp_path: Path, columns: int, lines: int
):
    del cli  # it sets the environment
    write_audio(tmp_path / "kit" / "kick.wav", signals.kick(seed=1))
    analyse(workspace, tmp_path / "kit")
    menu = Terminal([sys.executable, "-m", "samplemind_cli"], columns=columns, lines=lines)
    try:
        menu.wait_for("What next?", "Analyse a folder", "Leave")
        menu.press(ENTER)
        menu.wait_for("Which folder?")
        menu.press(ESCAPE)
        menu.wait_until(lambda text: text.count("What next?") == 2, "menu again")
        menu.press(DOWN * 2 + ENTER)
        menu.wait_for("Which words?")
        menu.press("kick -loop" + ENTER)
        menu.wait_for("$ samplemind search kick -loop", "kick.wav")
        menu.wait_until(lambda text: text.rstrip().endswith("Leave"), "menu again")
        menu.press(DOWN + ENTER)
        menu.wait_for("Which batch?", "completed 1")
        menu.press(CTRL_C)
        menu.wait_until(lambda text: text.rstrip().endswith("Leave"), "menu again")
        menu.press(CTRL_C)
        assert menu.wait_for_end() == 0
    finally:
        menu.close()


@pytest.mark.parametrize(
    ("entry", "answers", "command"),
    [
        ("See what the library holds", [], "library"),
        ("Take in sample packs", [("Which inbox", "nowhere" + ENTER)], "ingest nowhere --wait"),
        ("Summaries and", [("What about summaries?", DOWN * 2 + ENTER)], "status last"),
        (
            "Summaries and",
            [("What about summaries?", ENTER), ("How many US dollars", ENTER)],
            "summarize --missing --budget 1 --wait",
        ),
        (
            "Make a drum kit",
            [("sounds like?", "dusty" + ENTER), ("For which sampler?", DOWN + ENTER), ("Which new folder?", ENTER)],
            "kit --from dusty --to decent-sampler -o my-kit",
        ),
        (
            "Export the results",
            [("As which format?", DOWN + ENTER), ("Into which file?", ENTER)],
            "export --all --format json -o library.json",
        ),
        ("Check this machine", [], "doctor"),
    ],
)
def test_an_entry_prints_and_runs_its_command(
    cli: Any,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    *,
    entry: str,
    answers: list[tuple[str, str]],
    command: str,
):
    del cli
    monkeypatch.chdir(tmp_path)
    menu = Terminal([sys.executable, "-m", "samplemind_cli"])
    try:
        choose(menu, entry)
        for question, answer in answers:
            menu.wait_for(question)
            menu.press(answer)
        menu.wait_for(f"$ samplemind {command}")
        menu.wait_until(lambda text: text.rstrip().endswith("Leave"), "menu again")
    finally:
        menu.close()


def choose(menu: Terminal, entry: str) -> None:
    """Go to an entry of the menu with the arrow keys, and choose it."""
    lines = menu.wait_for("What next?", "Leave").splitlines()
    first = next(number for number, line in enumerate(lines) if "What next?" in line) + 1
    chosen = next(number for number, line in enumerate(lines) if entry in line)
    menu.press(DOWN * (chosen - first) + ENTER)


def test_the_demonstration_says_why_it_cannot_begin(cli: Any, tmp_path: Path):
    del cli
    (tmp_path / "samplemind-demo").write_text("a file of somebody")
    menu = Terminal([sys.executable, "-m", "samplemind_cli"], environment={"HOME": str(tmp_path)})
    try:
        choose(menu, "Try it on sounds")
        screen = menu.wait_for("$ samplemind demo", "is no folder", "(exit code 2)")
        assert f"{tmp_path}/samplemind-demoisnofolder" in "".join(screen.split())
    finally:
        menu.close()


def test_a_path_is_completed(cli: Any, tmp_path: Path):
    del cli
    (tmp_path / "only folder").mkdir()
    menu = Terminal([sys.executable, "-m", "samplemind_cli"])
    try:
        menu.wait_for("What next?")
        menu.press(ENTER)
        menu.wait_for("Which folder?")
        menu.press("only")
        menu.wait_for("only folder")  # it is offered
        menu.press(TAB)
        menu.wait_for("(tab completes) only folder")
        menu.press(ENTER)  # it closes what is offered
        menu.press(ENTER)
        menu.wait_for("$ samplemind submit 'only folder", "no audio files in", "(exit code 2)")
        menu.press(ESCAPE)
        assert menu.wait_for_end() == 0
    finally:
        menu.close()


def test_a_dumb_terminal_gets_the_help():
    plain = Terminal([sys.executable, "-m", "samplemind_cli"], environment={"TERM": "dumb"})
    try:
        assert plain.wait_for_end() == 0
        assert b"  duplicates" in plain.raw
    finally:
        plain.close()
