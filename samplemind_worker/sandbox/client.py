"""The worker's side of the sandbox: it starts decoders, sends them open files, and checks their answers."""

import atexit
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from samplemind_worker import interrupts
from samplemind_worker.errors import (
    PERMANENT_ERRORS,
    PermanentError,
    StepTimeoutError,
    TransientError,
    WorkerCrashedError,
)
from samplemind_worker.isolation import NEUTRAL_FOLDER, absolute_folders
from samplemind_worker.sandbox import messages

_FILES_A_DECODER: Final = 512  # then a new decoder replaces it, so that leaks and manipulated state do not last
_START_SECONDS: Final = 60.0
_STARTS: Final = 2  # of a server or decoder that does not become ready, before it is an error
_TRIES: Final = 2  # of a file whose decoder may have ended for another reason
_MAX_WORDS: Final = 1000  # characters of an error
_SAMPLE_BYTES: Final = 4
_WALL: Final = 4.0  # times the limit of CPU time, because the machine may be loaded
# -P: the working folder may hold untrusted Python files.
_SERVER: Final = (sys.executable, "-P", "-m", "samplemind_worker.sandbox")
_KEPT: Final = ("PATH", "HOME", "XDG_CACHE_HOME", "TMPDIR", "LANG", "TZ", "LD_LIBRARY_PATH", "PYTHONPATH", "PYTHONHOME")
_ONE_THREAD: Final = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS", "VECLIB_MAXIMUM_THREADS"), "1"
)


@dataclass(frozen=True, slots=True)
class Bounds:
    """The limits for one file."""

    memory: int
    """Bytes of memory that a decoder may allocate."""
    seconds: float
    """Limit of CPU time; the limit of elapsed time is four times as long."""
    samples: int
    """The most samples in one answer."""
    written: int = 0
    """The most bytes of a file that the decoder writes (`Wanted.output`)."""

    @property
    def room(self) -> int:
        """Bytes of the shared memory: three of the longest answers, so that the decoder can work ahead."""
        return 3 * self.samples * _SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class Wanted:
    """An open file, and the request for its reader.

    A reader that is given an ``output``, an open file, finds its number as ``output`` in the request, and may write
    there. What it has written is trusted no more than an answer.
    """

    file: int
    request: dict[str, Any]
    output: int | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """A decoder's answer for one file, of which only the size was checked. ``samples`` are float32."""

    facts: dict[str, Any]
    samples: bytearray


class _GoneError(Exception):
    """The decoder has ended, or must be ended."""

    def __init__(self, error: PermanentError | None = None, *, sure: bool = False) -> None:
        """``error`` is the file's failure, if it is known; the file is tried again unless the failure is ``sure``."""
        super().__init__(error)
        self.error, self.sure = error, sure


class Sandbox:
    """A process's connection to its decoder. Forked processes share the server; each has a decoder of its own."""

    def __init__(self, reader: str) -> None:
        """``reader`` names the module of the server: `read` (`server.Read`), `warm_up`, and perhaps `serve`."""
        self._reader = reader
        self._reading = False
        self._lobby: socket.socket | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._decoder: _Decoder | None = None
        self._owner = self._user = os.getpid()

    @property
    def lobby(self) -> socket.socket:
        """The socket to the server, for another process to `adopt`."""
        self.start()
        assert self._lobby is not None  # noqa: S101 -- started
        return self._lobby

    def adopt(self, lobby: socket.socket) -> None:
        """Use the server of another process from now on."""
        self._lobby, self._owner = lobby, 0

    def start(self) -> None:
        """Start the server if there is none, without waiting until it is ready. Call it from the main thread.

        On Linux the kernel ends the server with the thread that started it.
        """
        ended = self._server is not None and self._owner == os.getpid() and self._server.poll() is not None
        if self._lobby is not None and not ended:
            return
        self.close()
        ours, theirs = socket.socketpair()
        with theirs, interrupts.ignored_by_children():
            self._server = subprocess.Popen(  # noqa: S603 -- our own command line
                [*_SERVER, self._reader, str(os.getpid()), str(theirs.fileno())],
                env=_clean_environment(),
                cwd=NEUTRAL_FOLDER,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
            )
        self._lobby, self._owner = ours, os.getpid()

    def read(self, wanted: Sequence[Wanted], bounds: Bounds) -> Generator[Answer | PermanentError]:
        """Yield each file's content or failure, in their order. The decoder works ahead of the caller.

        Raises
        ------
        TransientError
            If no decoder can be started on this machine now.
        """
        if self._reading:
            raise RuntimeError("the decoder is asked for something else already")
        self._reading = True
        try:
            yield from self._answers(wanted, bounds)
        finally:
            self._reading = False

    def _answers(self, wanted: Sequence[Wanted], bounds: Bounds) -> Generator[Answer | PermanentError]:
        done = tries = 0
        while done < len(wanted):
            decoder = self._ready(bounds)
            most = messages.MAX_FILES // 2 if any(one.output is not None for one in wanted) else messages.MAX_FILES
            some = wanted[done : done + min(most, decoder.files_left)]
            expected = len(some)
            try:
                decoder.ask(some)
                while expected:
                    answer = decoder.answer()
                    expected -= 1
                    done, tries = done + 1, 0
                    yield answer
            except _GoneError as gone:
                error, sure = _verdict(gone, self._end_decoder(), bounds.seconds)
                tries += 1
                if sure or tries >= _TRIES:
                    done, tries = done + 1, 0
                    yield error
            finally:
                # A caller that stops early leaves answers in the channel.
                if expected or not decoder.files_left:
                    self._end_decoder()

    def protections(self, bounds: Bounds) -> list[str]:
        """Return which protections hold on this machine."""
        return self._ready(bounds).holds

    def finish(self, seconds: float) -> None:
        """Let the server end by itself, once no other process uses it, and wait for that as long."""
        self._end_decoder()
        if self._lobby is not None:
            self._lobby.close()
            self._lobby = None
        if self._server is not None:
            with suppress(subprocess.TimeoutExpired):
                self._server.wait(seconds)

    def close(self) -> None:
        """End the decoder, and the server if this process started it."""
        self._end_decoder()
        own = self._owner == os.getpid()
        if self._lobby is not None:
            if own:
                with suppress(OSError):  # forked processes have it open, too
                    self._lobby.shutdown(socket.SHUT_RDWR)
            self._lobby.close()
            self._lobby = None
        if self._server is not None and own:
            self._server.kill()  # it holds no state, and may still be loading
            self._server.wait()
        self._server = None

    def _ready(self, bounds: Bounds) -> "_Decoder":
        if self._user != os.getpid():
            # This process was forked: the decoder belongs to its parent.
            if self._decoder is not None:
                self._decoder.forget()
            self._decoder, self._user = None, os.getpid()
        if self._decoder is not None and self._decoder.bounds != bounds:
            self._end_decoder()
        for _ in range(_STARTS):
            if self._decoder is not None:
                break
            self.start()
            try:
                self._decoder = _Decoder(self._connect(), bounds)
            except (OSError, EOFError, messages.BrokenMessageError):
                self.close()
        if self._decoder is None:
            raise TransientError("the decoder does not start; `samplemind doctor` may say why")
        return self._decoder

    def _connect(self) -> socket.socket:
        assert self._lobby is not None  # noqa: S101 -- started
        ours, theirs = socket.socketpair()
        with theirs:
            try:
                socket.send_fds(self._lobby, [b"."], [theirs.fileno()])
            except OSError:
                ours.close()
                raise
        return ours

    def _end_decoder(self) -> int | None:
        decoder, self._decoder = self._decoder, None
        return None if decoder is None else decoder.end()


@cache
def shared(reader: str) -> Sandbox:
    """Return this process's sandbox with a reader; it ends with the process."""
    made = Sandbox(reader)
    atexit.register(made.close)
    return made


class _Decoder:
    """The worker's connection to one decoder."""

    def __init__(self, control: socket.socket, bounds: Bounds) -> None:
        """Wait until it is ready; raises OSError, EOFError or BrokenMessageError if it does not become so."""
        self.bounds = bounds
        self.files_left = _FILES_A_DECODER
        self._control = control
        self._memory = _shared_memory()
        self._channel, theirs = socket.socketpair()
        try:
            with theirs:
                order = {
                    "memory": bounds.memory,
                    "seconds": bounds.seconds,
                    "room": bounds.room,
                    "file_bytes": max(bounds.room, bounds.written),
                }
                messages.send(control, order, [theirs.fileno(), self._memory])
            deadline = time.monotonic() + _START_SECONDS
            self.holds: list[str] = messages.receive(self._channel, limit=messages.MAX_ANSWER, deadline=deadline)[0]
        except BaseException:
            self.forget()
            raise

    def ask(self, wanted: Sequence[Wanted]) -> None:
        """Send all open files at once, so that the decoder need not wait between them."""
        self.files_left -= len(wanted)
        self._channel.settimeout(_WALL * self.bounds.seconds)
        try:
            requests = [{**one.request, "writes": one.output is not None} for one in wanted]
            files = [number for one in wanted for number in (one.file, one.output) if number is not None]
            messages.send(self._channel, requests, files)
        except OSError as error:
            raise _GoneError from error

    def answer(self) -> Answer | PermanentError:
        """Wait for the next answer.

        Raises
        ------
        _GoneError
            If there is none, or it is malformed.
        """
        try:
            deadline = time.monotonic() + _WALL * self.bounds.seconds
            answer, _ = messages.receive(self._channel, limit=messages.MAX_ANSWER, deadline=deadline)
            messages.check(answer)
            return self._understood(answer)
        except TimeoutError as error:
            message = f"decoding took more than {_WALL * self.bounds.seconds:g} s"
            raise _GoneError(StepTimeoutError(message)) from error
        except (EOFError, OSError) as error:
            raise _GoneError from error
        except (messages.BrokenMessageError, AttributeError, KeyError, TypeError, ValueError) as error:
            raise _GoneError(WorkerCrashedError("the decoder answered nonsense"), sure=True) from error

    def _understood(self, answer: Any) -> Answer | PermanentError:
        if (error := answer.get("error")) is not None:
            return PERMANENT_ERRORS[error["code"]](str(error["message"])[:_MAX_WORDS])
        facts, at, count = dict(answer["facts"]), answer["at"], answer["count"]
        if not (0 < count <= self.bounds.samples and 0 <= at <= self.bounds.room):
            raise ValueError("of the wrong size")
        samples = bytearray(count * _SAMPLE_BYTES)
        view, done = memoryview(samples), 0
        while done < len(samples):
            got = os.preadv(self._memory, [view[done:]], at + done)
            if not got:
                raise ValueError("the samples are not there")
            done += got
        with suppress(OSError):  # it may have died of a later file
            self._channel.sendall(messages.ACK)
        return Answer(facts, samples)

    def end(self) -> int | None:
        """End the decoder; return its exit code, negative for a signal, or None if it is not known."""
        try:
            self._control.sendall(messages.END)
            deadline = time.monotonic() + _START_SECONDS
            status, _ = messages.receive(self._control, limit=messages.MAX_ANSWER, deadline=deadline)
        except (OSError, EOFError, messages.BrokenMessageError):
            status = None
        finally:
            self.forget()
        return status

    def forget(self) -> None:
        """Close this end of the sockets; the keeper ends the decoder when its socket is closed."""
        self._control.close()
        self._channel.close()
        os.close(self._memory)


def _verdict(gone: _GoneError, status: int | None, seconds: float) -> tuple[PermanentError, bool]:
    """Return a file's failure, and whether the file is certainly its cause."""
    if gone.error is not None:
        return gone.error, gone.sure
    if status in (None, 0, -signal.SIGKILL, -signal.SIGTERM):
        # It was ended from outside, perhaps by the kernel for lack of memory.
        return WorkerCrashedError("the decoder was killed with this file in its hands"), False
    if status == -signal.SIGXCPU:
        return StepTimeoutError(f"decoding took more than {seconds:g} s of CPU time"), True
    name = signal.Signals(-status).name if status < 0 else f"exit code {status}"
    return WorkerCrashedError(f"the decoder died with this file in its hands ({name})"), True


def _shared_memory() -> int:
    if sys.platform == "linux":
        return os.memfd_create("samplemind-signals", os.MFD_CLOEXEC)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _clean_environment() -> dict[str, str]:
    """Return only the variables that Python and numba need: no addresses, no passwords, no keys."""
    kept = {name: os.environ[name] for name in _KEPT if name in os.environ}
    kept |= {name: value for name, value in os.environ.items() if name.startswith(("LC_", "NUMBA_"))}
    if "PYTHONPATH" in kept:
        # The server has another working folder.
        kept["PYTHONPATH"] = absolute_folders(kept["PYTHONPATH"])
    return kept | _ONE_THREAD
