"""Plays files through the machine's own player: one at a time, in a process that ends when the next one begins."""

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

_WAV: Final = frozenset({".wav", ".wave"})
_SNDFILE: Final = _WAV | {".flac", ".ogg", ".oga", ".aif", ".aiff", ".au"}
_CHECK_SECONDS: Final = 10.0
_LONGEST_ERROR: Final = 200
_NO_DEVICE: Final = "audio open failed"


@dataclass(frozen=True, slots=True)
class Player:
    """A program that plays a file, whose path follows its arguments."""

    name: str
    arguments: tuple[str, ...]
    suffixes: frozenset[str] | None = None
    """The kinds of file that it plays; None: all that matter here."""

    def takes(self, path: Path) -> bool:
        """Return whether it plays this kind of file."""
        return self.suffixes is None or path.suffix.lower() in self.suffixes


_PROGRAMS: Final = (
    Player("ffplay", ("-nodisp", "-autoexit", "-hide_banner", "-loglevel", "error", "-i")),
    Player("afplay", ()),
    Player("pw-play", (), _SNDFILE),
    Player("paplay", (), _SNDFILE),
    Player("aplay", ("-q",), _WAV),
)
"""Those that read most kinds of files come first."""


def over_ssh(environment: Mapping[str, str] = os.environ) -> bool:
    """Return whether this terminal belongs to another machine."""
    return any(environment.get(name) for name in ("SSH_CONNECTION", "SSH_CLIENT", "SSH_TTY"))


def find_players() -> list[Player]:
    """Return the players of this machine, the best first; takes up to a second where sounddevice is installed."""
    found = [_with_sounddevice()] if _has_sounddevice() else []
    for each in _PROGRAMS:
        program = shutil.which(each.name)
        if program is not None:
            found.append(Player(each.name, (program, *each.arguments), each.suffixes))
    return found


def _with_sounddevice() -> Player:
    return Player("sounddevice", (sys.executable, "-m", "samplemind_cli.browse.sounding"), _SNDFILE | {".mp3"})


def _has_sounddevice() -> bool:
    """Return whether sounddevice is installed, finds PortAudio, and has a device to play through."""
    if find_spec("sounddevice") is None:
        return False
    check = [sys.executable, "-c", "import sounddevice; sounddevice.check_output_settings()"]
    try:
        done = subprocess.run(check, check=False, capture_output=True, timeout=_CHECK_SECONDS)  # noqa: S603 -- our own interpreter
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


class Audition:
    """Plays one file at a time. Its methods do not wait for the sound."""

    def __init__(self, players: list[Player], *, remote: bool = False) -> None:
        self._players, self._remote = players, remote
        self._process: subprocess.Popen[bytes] | None = None
        self._name = ""

    @property
    def trouble(self) -> str:
        """Why nothing can be played here; empty if something can."""
        if self._remote:
            return "no sound over ssh: it would play on the other machine; `samplemind web` plays in your browser"
        if not self._players:
            return "no player found: install ffmpeg (ffplay), or the extra `audition`"
        return ""

    def play(self, path: Path) -> str:
        """Begin to play a file, and end the one before; return why it cannot be played, or nothing."""
        self.stop()
        if self.trouble:
            return self.trouble
        player = next((each for each in self._players if each.takes(path)), None)
        if player is None:
            return f"{self._players[0].name} plays no {path.suffix or 'file without a suffix'}; install ffmpeg (ffplay)"
        # An absolute path: it can be taken neither for an option nor for a protocol.
        command = [*player.arguments, os.path.abspath(path)]  # noqa: PTH100 -- links are kept
        try:
            self._process = subprocess.Popen(  # noqa: S603 -- a program of the list above
                command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE
            )
        except OSError as error:
            return f"{player.name} cannot be started: {error.strerror}"
        self._name = player.name
        return ""

    @property
    def is_playing(self) -> bool:
        """Whether a sound is being played."""
        return self._process is not None

    def ended(self) -> str | None:
        """Return None while a sound is played; afterwards, once, an empty text or why it failed."""
        process = self._process
        if process is None or process.poll() is None:
            return None
        self._process = None
        _, written = process.communicate()
        said = written.decode(errors="replace").strip()
        if _NO_DEVICE in said:  # ffplay exits with 0 all the same
            return f"{self._name} finds no device to play through"
        if process.returncode == 0:
            return ""
        lines = said.splitlines() or [f"exit code {process.returncode}"]
        return f"{self._name}: {lines[-1][:_LONGEST_ERROR]}"

    def stop(self) -> None:
        """End what is being played."""
        process, self._process = self._process, None
        if process is None:
            return
        process.kill()  # it has nothing to save, and the next sound is to begin at once
        process.communicate()
