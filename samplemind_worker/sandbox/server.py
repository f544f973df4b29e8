"""The server of a sandbox: a clean program that forks keepers, which fork decoders. It ends with its worker.

Its module may offer another service to forked processes that stay unconfined (``serve``): one end of a pipe, and a
socket to the server itself.
"""

import gc
import importlib
import os
import signal
import socket
from collections.abc import Callable, Sequence
from contextlib import suppress
from io import BufferedReader
from typing import Any, Final, Never, cast

from samplemind_worker.errors import InternalError, OutOfMemoryError, PermanentError
from samplemind_worker.sandbox import confine, messages

Read = Callable[[BufferedReader, dict[str, Any]], PermanentError | tuple[dict[str, Any], memoryview]]
"""A reader takes an open file and a request, and returns facts for JSON and samples in float32."""

_MAX_REQUEST: Final = 1 << 24
_BUFFER: Final = 1 << 13  # given, because Python otherwise asks whether the file is a terminal, a forbidden system call
_DEAF_TO: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP)
_SPARE_FILES: Final = 16


def main(arguments: Sequence[str]) -> None:
    """Load the module of the reader, and fork a keeper for each process that asks through the lobby."""
    # Signals that end a worker reach its whole group; the worker still needs decoders to finish its work.
    for number in _DEAF_TO:
        signal.signal(number, signal.SIG_IGN)
    name, parent, lobby = arguments
    confine.die_with_parent(int(parent))
    gc.disable()  # loading leaves nearly nothing to collect
    reader = importlib.import_module(name)
    reader.warm_up()
    # Forked processes share these objects' memory as long as the garbage collector does not write to them.
    gc.collect()
    gc.freeze()
    gc.enable()
    _serve(socket.socket(fileno=int(lobby)), reader)
    # So the CPU time of all forked processes counts as that of the worker's children.
    with suppress(ChildProcessError):
        while True:
            os.wait()


def _serve(lobby: socket.socket, reader: Any) -> None:
    own = os.getpid()
    while True:
        head, descriptors, _, _ = socket.recv_fds(lobby, 1, 2)
        if not head:
            return
        with suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG) != (0, 0):
                pass
        # There are none where this process may open no more files: whoever asked finds the socket closed.
        if descriptors and os.fork() == 0:
            lobby.close()
            confine.die_with_parent(own)
            if len(descriptors) == 1:
                _keep(socket.socket(fileno=descriptors[0]), reader.read)
            reader.serve(*descriptors)
        for one in descriptors:
            os.close(one)


def _keep(control: socket.socket, read: Read) -> Never:
    """Start a decoder and end it on request, and report how it ended: only its parent can do that safely."""
    own, decoder = os.getpid(), 0
    with suppress(EOFError, OSError):
        order, descriptors = messages.receive(control, limit=_MAX_REQUEST, files=2)
        decoder = os.fork()
        if decoder == 0:
            control.close()
            confine.die_with_parent(own)
            _decode(descriptors[0], descriptors[1], order, read)
        for one in descriptors:
            os.close(one)
        control.recv(1)
    if decoder:
        # A decoder that is dead already keeps its exit status.
        os.kill(decoder, signal.SIGKILL)
        _, status = os.waitpid(decoder, 0)
        with suppress(OSError):
            messages.send(control, os.waitstatus_to_exitcode(status))
    os._exit(0)


def _decode(channel_number: int, memory: int, order: dict[str, Any], read: Read) -> Never:
    code = 1
    try:
        channel = socket.socket(fileno=channel_number)
        # Libraries print about untrusted bytes: that must not reach a terminal.
        null = os.open(os.devnull, os.O_RDWR)
        for standard in range(3):
            os.dup2(null, standard)
        most = max(channel_number, memory, null) + messages.MAX_FILES + _SPARE_FILES
        messages.send(channel, confine.confine(memory=order["memory"], file_bytes=order["file_bytes"], files=most))
        _Decoder(channel, memory, order, read).run()
    except (EOFError, OSError):
        code = 0
    finally:
        os._exit(code)


class _Decoder:
    """Answers requests until the worker closes the channel."""

    def __init__(self, channel: socket.socket, memory: int, order: dict[str, Any], read: Read) -> None:
        self._channel, self._memory, self._read = channel, memory, read
        self._room: int = order["room"]
        self._seconds: float = order["seconds"]
        self._next = 0
        """The offset of the next samples in the shared memory."""
        self._unread = 0
        """Answers whose samples may not have been copied yet."""

    def run(self) -> None:
        """Answer request after request, in their order."""
        while True:
            requests, files = messages.receive(self._channel, limit=_MAX_REQUEST, files=messages.MAX_FILES)
            given = iter(files)
            for request in requests:
                file, output = next(given), next(given) if request.pop("writes") else None
                self._answer(request, file, output)
            self._wait_until_read()

    def _answer(self, request: dict[str, Any], descriptor: int, output: int | None) -> None:
        confine.allow_seconds(self._seconds)
        if output is not None:
            request["output"] = output
        try:
            with cast("BufferedReader", os.fdopen(descriptor, "rb", buffering=_BUFFER)) as file:
                # The position is shared with earlier readers of this open file.
                file.seek(0)
                result = self._read(file, request)
            if not isinstance(result, PermanentError):
                result = self._hand_over(*result)
        except MemoryError:
            result = OutOfMemoryError("not enough memory to decode this file")
        finally:
            if output is not None:
                os.close(output)
        if isinstance(result, PermanentError):
            messages.send(self._channel, {"error": {"code": result.code, "message": str(result)[:1000]}})

    def _hand_over(self, facts: dict[str, Any], samples: memoryview) -> PermanentError | None:
        data, count = samples.cast("B"), len(samples)
        if len(data) > self._room:
            return InternalError(f"{count} samples: more than there is room for")
        if self._next + len(data) > self._room:
            self._wait_until_read()
        at, done = self._next, 0
        while done < len(data):
            done += os.pwrite(self._memory, data[done:], at + done)
        self._next += len(data)
        try:
            messages.send(self._channel, {"facts": facts, "at": at, "count": count})
        except TypeError as error:
            return InternalError(f"its facts are no JSON: {error}")
        self._unread += 1
        return None

    def _wait_until_read(self) -> None:
        while self._unread:
            acks = self._channel.recv(self._unread)
            if not acks:
                raise EOFError
            self._unread -= len(acks)
        self._next = 0
