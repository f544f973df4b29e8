"""How hostile inputs are tried: the command, what it said, what memory it took and what it touched."""

import ctypes
import os
import re
import subprocess
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

import psutil

from config.settings import Settings
from samplemind_worker.local_services.home import Home
from tests.acceptance.conftest import SAMPLEMIND, Command, Done

MIB = 2**20
DECODE_BYTES, ARCHIVE_BYTES = 512 * MIB, 256 * MIB

_PR_CAPBSET_DROP = 24
_CAPABILITIES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: root reads what nobody may
# Control characters but the end of a line, and whatever else moves a cursor or turns text around.
_STEERING = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_LOOK_SECONDS = 0.03


def obey_permissions() -> None:
    """In a child that is about to become another program: be bound by the modes of files, also as root."""
    if os.geteuid() == 0:
        libc = ctypes.CDLL(None)
        for capability in _CAPABILITIES:
            libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0)


def is_clean(text: str) -> bool:
    """Whether a text can be shown on any terminal, and has no line that a stranger made."""
    return not _STEERING.search(text)


@dataclass(frozen=True)
class Measured(Done):
    """A command that ended, and the most memory that any process of its tree had."""

    peak_bytes: int


class HostileCommand(Command):
    """The command, bound by permissions, whose every output is kept and whose memory is measured."""

    def __init__(self, home: Path, **environment: str) -> None:
        super().__init__(home, **environment)
        self.said: list[tuple[str, str]] = []

    def start(self, *arguments: str | Path | bytes) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [os.fsencode(SAMPLEMIND), *(os.fsencode(argument) for argument in arguments)],
            env=self.environment,
            cwd=self.home.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            encoding="utf-8",  # strictly: what is said is text
            preexec_fn=obey_permissions,  # noqa: PLW1509 -- two system calls, of a library that is loaded
        )

    def __call__(self, *arguments: str | Path | bytes, timeout: float = 240) -> Measured:
        process = self.start(*arguments)
        with peak_of([process.pid]) as peak:
            try:
                out, err = process.communicate(timeout=timeout)
            except subprocess.TimeoutExpired:
                process.kill()
                out, err = process.communicate()
                raise AssertionError(f"samplemind {arguments} did not end: {out}\n{err}") from None
        shown = " ".join(os.fsdecode(argument) for argument in arguments)
        self.said += [(shown, out), (shown, err)]
        return Measured(process.returncode, out, err, max(peak))

    @property
    def supervisor(self) -> int:
        """The process that the services and workers are children of."""
        pid = Home(self.home).holder()
        assert pid is not None, "the services do not run"
        return pid

    def settings(self) -> Settings:
        """The settings that lead to the services of this command."""
        return Settings(home=self.home, _env_file=None)


def start(command: HostileCommand) -> None:
    """Start the services and workers; on a busy machine they may come up after the command lost patience."""
    for _ in range(3):
        if command("up", "--detach").code == 0:
            return
    raise AssertionError(command.said[-1])


@contextmanager
def peak_of(pids: Sequence[int], *, named: str = "") -> Iterator[list[int]]:
    """Watch the trees below some processes; the list has the peaks of all that were seen, in bytes.

    The kernel keeps the peak of a program from its start, so that a look at any time later is enough. Without
    ``named`` all processes count, otherwise those that have the word on their command line.
    """
    peaks: dict[tuple[int, float], int] = {}
    found: list[int] = [0]
    ended = threading.Event()

    def _watch() -> None:
        while not ended.wait(_LOOK_SECONDS):
            for pid in pids:
                _look(pid, named, peaks)

    thread = threading.Thread(target=_watch, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        for pid in pids:
            _look(pid, named, peaks)
        ended.set()
        thread.join()
        found += peaks.values()


def _look(pid: int, named: str, peaks: dict[tuple[int, float], int]) -> None:
    with suppress(psutil.Error):
        top = psutil.Process(pid)
        for process in [top, *top.children(recursive=True)]:
            with suppress(psutil.Error, OSError):
                if named and named not in " ".join(process.cmdline()):
                    continue
                status = Path(f"/proc/{process.pid}/status").read_text()
                [kilobytes] = re.findall(r"^VmHWM:\s+(\d+) kB$", status, re.MULTILINE) or ["0"]
                key = (process.pid, process.create_time())
                peaks[key] = max(peaks.get(key, 0), int(kilobytes) * 1024)


def listing(folder: Path, *, without: Sequence[Path] = ()) -> dict[str, tuple[int, ...]]:
    """Everything below a folder, with what changes when it is written to."""
    found: dict[str, tuple[int, ...]] = {}
    for parent, folders, files in os.walk(folder):
        folders[:] = [name for name in folders if Path(parent, name) not in without]
        for name in [*folders, *files]:
            status = os.lstat(os.path.join(parent, name))  # noqa: PTH118 -- names need not be UTF-8
            times = () if name in folders else (status.st_mtime_ns,)
            found[os.path.join(parent, name)] = (status.st_mode, status.st_size, status.st_ino, *times)  # noqa: PTH118 -- names need not be UTF-8
    return found
