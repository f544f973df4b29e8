"""Completion in the shells themselves: once it is installed, the tab key asks for it."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.terminal import Terminal

TAB, AWAY = "\t", "\x15"
PROMPT = "READY> "
_AS_LOGIN = "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0); os.execv(sys.argv[1], sys.argv[1:])"
"""Makes the terminal the one that the shell controls its jobs with, as a login does."""


@pytest.fixture
def environment(tmp_path: Path) -> dict[str, str]:
    """An empty home, with this program on the path."""
    for name in (".bashrc", ".zshrc"):
        (tmp_path / name).write_text(f"PS1='{PROMPT}'\n")
    fish = tmp_path / ".config" / "fish"
    fish.mkdir(parents=True)
    (fish / "config.fish").write_text(f"set fish_greeting\nfunction fish_prompt; echo -n '{PROMPT}'; end\n")
    return {
        "HOME": str(tmp_path),
        "ZDOTDIR": str(tmp_path),
        "XDG_CONFIG_HOME": str(tmp_path / ".config"),
        "XDG_DATA_HOME": str(tmp_path / ".local" / "share"),
        "SAMPLEMIND_HOME": str(tmp_path / "home"),
        "PATH": f"{Path(sys.executable).parent}:/usr/bin:/bin",
    }


@pytest.fixture(params=["bash", "zsh", "fish"])
def shell(environment: dict[str, str], request: pytest.FixtureRequest) -> Iterator[Terminal]:
    """A shell on a terminal, for which completion was installed."""
    program = shutil.which(str(request.param))
    if program is None:
        pytest.skip(f"{request.param} is not installed")
    # The second command keeps the shell from becoming the first one, which asks its parent what it is.
    installed = subprocess.run(
        [program, "-c", "samplemind --install-completion; true"],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    assert installed.stdout.startswith(f"{request.param} completion installed in {environment['HOME']}/")
    terminal = Terminal([sys.executable, "-c", _AS_LOGIN, program, "-i"], environment=environment)
    yield terminal
    terminal.close()


def test_the_tab_key_completes_commands_options_and_values(shell: Terminal):
    shell.wait_for(PROMPT.strip())
    shell.press(f"samplemind {TAB}")  # zsh loads the script with the first one, and completes from the second one on
    shell.press(AWAY)
    for typed, whole in (
        ("reanal", "reanalyze"),
        ("submit --dry", "submit --dry-run"),
        ("search --instrument cowb", "search --instrument cowbell"),
        ("status la", "status last"),
    ):
        shell.press(f"samplemind {typed}{TAB}")
        shell.wait_for(f"{PROMPT}samplemind {whole}")
        shell.press(AWAY)
        shell.wait_until(lambda text: text.rstrip().endswith(PROMPT.strip()), "an empty line")
