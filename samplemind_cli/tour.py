"""The walk of ``demo``: runs commands on the demonstration library, each as a user would type it.

The library has a record of its own: every command is a process whose environment names that home and nothing of the
user's own settings, so that no sound of it appears in the user's library, and no model is asked.
"""

import os
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samplemind_cli import output

LIBRARY: Final = "sounds"
"""The folder of the sounds, below that of the demonstration."""
RECORD: Final = "record"
"""The home of its private services."""

_WIDEST = 80
_PATIENCE = 5.0  # s in which a command that was interrupted ends
_LEAVES = frozenset({"q", "quit", "exit"})


@dataclass(frozen=True, slots=True)
class Stop:
    """One command of the walk: what it is about, its words, and what to see in its output."""

    title: str
    words: Sequence[str]
    see: str


FIRST: Final = Stop(
    "Analyse a folder",
    ("submit", LIBRARY, "--no-ai", "--wait"),
    "Kind, tempo, key and instrument were heard in the sound; the names of these files tell none of it. What they "
    f"really are is in {LIBRARY}/manifest.csv: compare.",
)
STOPS: Final = (
    Stop(
        "Find sounds by how they sound",
        ("search", "short", "bright", "hat"),
        "None of these words is in a name: they were measured, and the last column says how well each one fits. "
        "Filters go with them, such as --bpm 90..110 or --key Am --compatible.",
    ),
    Stop(
        "Find what fits a loop",
        ("match", f"{LIBRARY}/melodic_loops/phrase_11.wav", "--kind", "loop", "--limit", "5"),
        "What goes with the key and the tempo of that loop, the least change first. The second column says what to "
        "do to each file.",
    ),
    Stop(
        "Find what sounds alike",
        ("similar", f"{LIBRARY}/drums/hit_05.wav", "--limit", "5"),
        "The most alike first. Any file of your disk can be asked about, also one that is not in the library.",
    ),
    Stop(
        "Find the same sound twice",
        ("duplicates", "--near"),
        "Copies are found although they were renamed, encoded again or made softer. Nothing is ever deleted.",
    ),
    Stop(
        "Make a drum kit",
        ("kit", "--like", f"{LIBRARY}/drums/hit_05.wav", "--dry-run"),
        "Sounds that go with that snare, one per role, evened in level. Without --dry-run they are written into a "
        "folder that samplers open.",
    ),
)


def environment(folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    """Return an environment in which commands use the record of the demonstration alone, with the default settings."""
    from config.settings import Settings, variable  # noqa: PLC0415 -- slow import

    names = {variable(name) for name in Settings.model_fields}
    kept = {
        name: value
        for name, value in given.items()
        if not name.upper().startswith("SAMPLEMIND_") and name.upper() not in names
    }
    return kept | {
        "SAMPLEMIND_HOME": str(folder / RECORD),
        "SAMPLEMIND_ENV_FILE": os.devnull,
        # Where the user's own file for settings is looked for; a file cannot be a folder.
        "XDG_CONFIG_HOME": os.devnull,
    }


def walk(folder: Path, stops: Sequence[Stop], *, environment: Mapping[str, str], pauses: bool) -> int:
    """Run the commands one after another, and return the first exit code that is not 0.

    With ``pauses`` each one but the first waits for enter; q ends the walk, with 0.
    """
    for number, stop in enumerate(stops):
        if number and pauses and not _goes_on():
            return 0
        output.write(("\n" if number else "") + f"{number + 1} of {len(stops)}: {stop.title}\n")
        output.write(f"$ samplemind {shlex.join(stop.words)}\n")
        output.flush()
        code = run(stop.words, folder, environment)
        if code:
            return code
        output.write("\n" + textwrap.fill(stop.see, width=min(output.screen_width() or _WIDEST, _WIDEST) - 1) + "\n")
        output.flush()
    return 0


def run(words: Sequence[str], folder: Path, environment: Mapping[str, str]) -> int:
    """Run one command in a folder, and return its exit code; if this process is told to end, it ends first."""
    command = [sys.executable, "-P", "-m", "samplemind_cli", *words]
    with subprocess.Popen(command, cwd=folder, env=dict(environment)) as process:  # noqa: S603 -- our own command line
        try:
            code = process.wait()
        except KeyboardInterrupt:
            # The terminal sent it to both. A command that was still being loaded may have missed it.
            with suppress(subprocess.TimeoutExpired):
                process.wait(_PATIENCE)
            process.terminate()
            raise
        except SystemExit:
            process.terminate()
            raise
    return code if code >= 0 else 128 - code


def _goes_on() -> bool:
    """Wait for enter; False at q, or at the end of the input."""
    sys.stderr.write("\nEnter goes on, q ends: ")
    sys.stderr.flush()
    try:
        return input().strip().lower() not in _LEAVES
    except EOFError:
        sys.stderr.write("\n")
        return False
