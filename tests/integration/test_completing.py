"""What the shells are offered, by the program that their scripts call."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from samplemind_cli import completing
from samplemind_worker.finding import marks
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo
from tests.chain import analyse
from tests.factories import write_audio
from training import signals

pytestmark = pytest.mark.services


def offered(shell: str, *words: str) -> list[str]:
    """What is offered for the last of some words."""
    line = " ".join(["samplemind", *words])
    asked = {
        "bash": {"COMP_WORDS": line, "COMP_CWORD": str(len(words))},
        "zsh": {"_TYPER_COMPLETE_ARGS": line},
        "fish": {"_TYPER_COMPLETE_ARGS": line, "_TYPER_COMPLETE_FISH_ACTION": "get-args"},
    }[shell]
    environment = {**os.environ, "_SAMPLEMIND_COMPLETE": f"complete_{shell}", **asked}
    command = [sys.executable, "-c", "import sys; from samplemind_cli.app import main; main()"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.stderr == ""
    return done.stdout.split()


def test_batches_and_tags_of_the_library(workspace: Workspace, cli: Any, tmp_path: Path):
    del cli  # it sets the environment
    write_audio(tmp_path / "kit" / "kick.wav", signals.kick(seed=1))
    batch = analyse(workspace, tmp_path / "kit")["batch_id"]
    marks.change(ids(), user_id="local", add_tags=["Dusty"])

    for shell in ("bash", "zsh", "fish"):
        assert any(batch in each for each in offered(shell, "status", batch[:8]))
    assert offered("bash", "search", "--tag", "du") == ["dusty"]


@mongo.synchronous
async def ids() -> list[str]:
    return [row["_id"] async for row in mongo.collection("library_entries").find({}, {"_id": 1})]


def test_without_a_record_only_what_needs_none_is_offered(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    monkeypatch.setenv("SAMPLEMIND_HOME", str(tmp_path / "home"))

    assert offered("bash", "status", "l") == ["last"]
    assert offered("bash", "search", "--tag", "d") == []
    assert not (tmp_path / "home").exists()


def test_values_of_the_field():
    assert completing.instruments("kick,sn") == ["kick,snare"]
    assert completing.kinds("") == ["one_shot", "loop", "track"]
    assert completing.keys("f#") == ["f#m", "f#"]
    assert completing.keys("8") == ["8A", "8B"]
    assert completing.keys("a m") == ["a minor", "a major"]
