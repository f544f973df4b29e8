"""A terminal for tests: runs a command on a pseudo-terminal, presses keys, and reads the screen with pyte."""

import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import termios
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pyte

_PATIENCE = 60.0  # s; a screen that never comes fails the test


class Terminal:
    """A command on a terminal of some columns and lines."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        columns: int = 80,
        lines: int = 24,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        patience: float = _PATIENCE,
    ) -> None:
        self._patience = patience
        self._screen = pyte.Screen(columns, lines)
        self._stream = pyte.ByteStream(self._screen)
        self.raw = b""
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        given = {
            **os.environ,
            "TERM": "xterm-256color",
            "LANG": "C.UTF-8",
            "PROMPT_TOOLKIT_NO_CPR": "1",
            **(environment or {}),
        }
        for name in ("SSH_CONNECTION", "COLUMNS", "LINES"):  # these would count for more than the terminal's own size
            given.pop(name, None)
        self.process = subprocess.Popen(
            command,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
            env=given,
            cwd=folder,
            close_fds=True,
        )
        os.close(theirs)

    def close(self) -> None:
        """End the command if it runs still."""
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._ours)

    def resize(self, *, columns: int, lines: int) -> None:
        """Give the terminal another size, and tell the command, which this terminal does not control, by the signal."""
        self._screen.resize(lines, columns)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        os.killpg(self.process.pid, signal.SIGWINCH)
        self._read(0.0)

    def hang_up(self) -> int:
        """Take the terminal away without a signal, and return the exit code of the command."""
        os.close(self._ours)
        self._ours = os.open(os.devnull, os.O_RDONLY)
        return self.process.wait(self._patience)

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self._screen.display]

    @property
    def text(self) -> str:
        return "\n".join(self.lines)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def _read(self, seconds: float) -> bool:
        """Take in what has come; False at the end."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return True
        try:
            data = os.read(self._ours, 1 << 16)
        except OSError:
            return False
        self.raw += data
        self._stream.feed(data)
        return bool(data)

    def wait_for(self, *texts: str) -> str:
        """Read until all texts are on the screen, and return the screen."""
        return self.wait_until(lambda screen: all(text in screen for text in texts), str(texts))

    def wait_until(self, holds: Callable[[str], bool], what: str) -> str:
        deadline = time.monotonic() + self._patience
        goes_on = True
        while not holds(self.text):
            assert goes_on, f"ended without {what} on the screen:\n{self.text}"
            assert time.monotonic() < deadline, f"no {what} on the screen:\n{self.text}"
            goes_on = self._read(0.1)
        return self.text

    def wait_for_end(self) -> int:
        """Read until the command has ended, and return its exit code."""
        deadline = time.monotonic() + self._patience
        while self._read(0.1) and time.monotonic() < deadline:
            pass
        return self.process.wait(timeout=self._patience)
