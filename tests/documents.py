"""Runs the commands of a document as its readers do: block by block, in a shell on a terminal of 80 columns.

A block of commands is fenced as ``sh``. A block that is fenced as ``text`` and follows at once is what the reader then
sees. A line ``...`` in it stands for any lines, and ``...`` within a line for any characters; numbers with a point and
percentages may differ a little. A comment ``# exit code 1``
says how a block ends if not with 0, and ``# q ends it`` or ``# Ctrl-C ends it`` which key the reader presses once
the shown text is on the screen. A paragraph before a block that ends with ``*Not run by the tests: REASON.*`` keeps it
from being run.
"""

import contextlib
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import textwrap
import time
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import pyte

_PATIENCE = 240.0  # s; a block that does not end fails the test
_AGAIN = 10.0  # s until a key that has not ended the command is pressed once more
_LINES = 400  # of what one block prints
_KEYS = {"q": "q", "Ctrl-C": "\x03"}
_FENCED = re.compile(r"^(?P<indent> *)```(?P<language>\w+)\n(?P<body>.*?)^(?P=indent)```$", re.DOTALL | re.MULTILINE)
_PLAIN = re.compile(r"^```\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_MEASURED = re.compile(r"\d+\.\d+|\d+(?= %)")
_KEYBOARD = re.compile(rb"\x1b\[[<=>?][\d;]*u")  # questions about the keyboard, of which pyte prints the u
_NOT_RUN = re.compile(r"\*Not run by the tests: (?P<reason>[^*]+)\.\*$")


@dataclass(frozen=True)
class Block:
    """Commands of a document, and what it says of them."""

    place: str
    commands: str
    shown: str | None = None
    """What the reader sees then; None if the document does not show it."""
    not_run: str | None = None
    """The reason that the document gives for commands that the tests do not run."""

    @property
    def exit_code(self) -> int:
        found = re.search(r"# exit code (\d+)", self.commands)
        return int(found[1]) if found else 0

    @property
    def key(self) -> str | None:
        found = re.search(r"# (q|Ctrl-C) ends it", self.commands)
        return _KEYS[found[1]] if found else None

    def is_seen(self, screen: str) -> bool:
        """Whether the screen shows what the document does; measured numbers may differ a little, as processors do."""
        if self.shown is None:
            return True
        pattern, numbers = _pattern(self.shown)
        found = re.fullmatch(pattern, screen)
        return found is not None and all(
            abs(float(seen) - float(shown)) <= (max(0.05, 0.02 * float(shown)) if "." in shown else 3.0)
            for seen, shown in zip(found.groups(), numbers, strict=True)
        )


def _pattern(shown: str) -> tuple[str, list[str]]:
    """Return what a screen must match, with a group for each measured number, and these numbers."""
    lines: list[str] = []
    for line in shown.strip("\n").splitlines():
        if line.strip() == "...":
            lines.append(r"(?:.*\n)*?")
        else:
            parts = (_MEASURED.split(part) for part in line.rstrip().split("..."))
            lines.append(r"[^\n]*".join(r"(\d+(?:\.\d+)?)".join(map(re.escape, part)) for part in parts) + r"\n")
    return "".join(lines), _MEASURED.findall(shown)


def blocks(document: Path) -> list[Block]:
    """Return the blocks of commands of a document, in order."""
    text = document.read_text()
    fenced = list(_FENCED.finditer(text))
    made: list[Block] = []
    for number, found in enumerate(fenced):
        if found["language"] != "sh":
            continue
        after = fenced[number + 1] if number + 1 < len(fenced) else None
        follows = after and after["language"] == "text" and not text[found.end() : after.start()].strip()
        paragraph = " ".join(text[: found.start()].rstrip().rpartition("\n\n")[2].split())
        reason = _NOT_RUN.search(paragraph)
        line = text.count("\n", 0, found.start()) + 1
        made.append(
            Block(
                f"{document.name}:{line}",
                textwrap.dedent(found["body"]),
                textwrap.dedent(after["body"]) if after and follows else None,
                reason and reason["reason"],
            )
        )
    return made


def command_lines(document: Path) -> list[str]:
    """Return the command lines of a document's plain blocks that begin with the command, or with a prompt and it."""
    lines = (line for body in _PLAIN.findall(document.read_text()) for line in body.splitlines())
    commands = (line.removeprefix("$ ").partition(" # ")[0].strip() for line in lines)
    return [command for command in commands if command.startswith("samplemind ")]


class Shell:
    """A bash on a terminal that runs one block after the other, and ends at the first command that fails."""

    def __init__(
        self,
        folder: Path,
        environment: Mapping[str, str],
        *,
        columns: int = 80,
        names: Mapping[str, str] | None = None,
    ) -> None:
        """Start it in a folder; ``names`` has what this machine has in place of what the documents name."""
        self._folder = folder
        self._names = dict(names or {})
        self._columns = columns
        self._count = 0
        self._screen = pyte.Screen(columns, _LINES)
        self._stream = pyte.ByteStream(self._screen)
        self._ours, theirs = pty.openpty()
        blocks_read, self._blocks = os.pipe()
        self._ends, ends_write = os.pipe()
        # Opening the terminal makes it the one that Ctrl-C is for.
        script = (
            f"exec 0<>{os.ttyname(theirs)} 1>&0 2>&0; trap : INT; set -eu\n"
            f'while read -r -u {blocks_read} block; do . "$block"; echo end >&{ends_write}; done'
        )
        self._process = subprocess.Popen(
            ["bash", "--norc", "-c", script],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**environment, "TERM": "xterm-256color", "LANG": "C.UTF-8"},
            pass_fds=(blocks_read, ends_write),
            start_new_session=True,
        )
        for descriptor in (theirs, blocks_read, ends_write):
            os.close(descriptor)

    def run(self, block: Block) -> str:
        """Run a block, and return what is then on the screen; raises AssertionError if it fails or does not end."""
        self._clear(24 if block.key else _LINES)
        self._begin(block)
        next_key, deadline = 0.0, time.monotonic() + _PATIENCE
        while not (ended := self._has_ended()):
            assert time.monotonic() < deadline, f"{block.place} does not end:\n{block.commands}\n{self.text}"
            self._read(0.1)
            if block.key and time.monotonic() > next_key and block.is_seen(self.text):
                os.write(self._ours, block.key.encode())
                next_key = time.monotonic() + _AGAIN
        while self._read(0.0):
            pass
        assert ended == "end", f"{block.place} fails:\n{block.commands}\n{self.text}"
        return self.text

    def _begin(self, block: Block) -> None:
        self._count += 1
        file = self._folder / f".block-{self._count}"
        commands = block.commands
        for shown, own in self._names.items():
            commands = commands.replace(shown, own)
        if block.exit_code:
            commands = f"code=0\n{{\n{commands}\n}} || code=$?\n[ $code = {block.exit_code} ]\n"
        elif block.key == _KEYS["Ctrl-C"]:
            commands = f"{{\n{commands}\n}} || [ $? = 130 ]\n"
        file.write_text(commands)
        os.write(self._blocks, f"{file}\n".encode())

    def _has_ended(self) -> str | None:
        """Say `end` if the block has ended, `failed` if the shell has, None before."""
        if select.select([self._ends], [], [], 0.0)[0]:
            return os.read(self._ends, 100).decode().strip() or "failed"
        return "failed" if self._process.poll() is not None else None

    def _read(self, seconds: float) -> bool:
        """Take in what is printed; whether there was anything."""
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        try:
            data = os.read(self._ours, 1 << 16)
        except OSError:  # the shell has ended
            return False
        self._stream.feed(_KEYBOARD.sub(b"", data))
        return bool(data)

    def _clear(self, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, self._columns, 0, 0))
        self._screen.resize(lines, self._columns)
        self._screen.reset()

    @property
    def text(self) -> str:
        """What is on the screen."""
        lines = [line.rstrip() for line in self._screen.display]
        text = "\n".join(lines).strip("\n") + "\n"
        for shown, own in self._names.items():
            text = text.replace(own, shown)
        return text

    def close(self) -> None:
        """End the shell, and what it has in the background."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        for descriptor in (self._ours, self._blocks, self._ends):
            os.close(descriptor)
