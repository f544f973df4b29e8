"""Messages between a worker and its decoder: a length, JSON, and open files."""

import os
import socket
import struct
import time
from collections.abc import Sequence
from typing import Any, Final

import orjson

MAX_FILES: Final = 64
"""Open files in one message; the kernel takes 253."""

MAX_ANSWER: Final = 1 << 20
"""The most bytes of JSON that are accepted from a decoder."""

ACK: Final = b"."
"""Says that the samples of one answer were copied."""

END: Final = b"."
"""Tells a keeper to end its decoder."""

PROTECTIONS: Final = (
    "core files", "open files", "file size", "cpu time", "memory", "no new privileges", "system calls", "network"
)  # fmt: skip
"""The protections of a decoder on a platform that has all of them; a decoder first reports which hold."""

_LENGTH: Final = struct.Struct("<I")
_MAX_DEPTH: Final = 20
_INTEGERS: Final = range(-(2**63), 2**63)


class BrokenMessageError(Exception):
    """The bytes are no message, or the message is not acceptable."""


def send(channel: socket.socket, message: object, files: Sequence[int] = ()) -> None:
    """Send one message.

    Raises
    ------
    TypeError
        If it cannot be written as JSON.
    OSError
        If the other side is gone.
    """
    body = orjson.dumps(message)
    data = _LENGTH.pack(len(body)) + body
    # The files travel with the first byte.
    sent = socket.send_fds(channel, [data], files) if files else 0
    if sent < len(data):
        channel.sendall(data[sent:])


def receive(
    channel: socket.socket, *, limit: int, files: int = 0, deadline: float | None = None
) -> tuple[Any, list[int]]:
    """Wait for one message, and return it with its open files.

    Raises
    ------
    EOFError
        If the other side is gone.
    TimeoutError
        If it is not complete at the deadline, a time of the monotonic clock.
    BrokenMessageError
        If it is longer than ``limit``, or no JSON.
    """
    descriptors: list[int] = []
    _set_timeout(channel, deadline)
    if files:
        head, descriptors, _, _ = socket.recv_fds(channel, _LENGTH.size, files)
    else:
        head = channel.recv(_LENGTH.size)
    try:
        if not head:
            raise EOFError
        head += _exactly(channel, _LENGTH.size - len(head), deadline)
        (length,) = _LENGTH.unpack(head)
        if length > limit:
            raise BrokenMessageError(f"{length} bytes; at most {limit} are taken")
        try:
            return orjson.loads(_exactly(channel, length, deadline)), descriptors
        except orjson.JSONDecodeError as error:
            raise BrokenMessageError("no JSON") from error
    except BaseException:
        for descriptor in descriptors:
            os.close(descriptor)
        raise


def _exactly(channel: socket.socket, size: int, deadline: float | None) -> bytes:
    parts: list[bytes] = []
    while size:
        _set_timeout(channel, deadline)
        part = channel.recv(size)
        if not part:
            raise EOFError
        parts.append(part)
        size -= len(part)
    return b"".join(parts)


def _set_timeout(channel: socket.socket, deadline: float | None) -> None:
    if deadline is not None:
        left = deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError
        channel.settimeout(left)


def check(value: object, depth: int = 0) -> None:
    """Check that a value of a decoder's JSON can be stored: whole numbers of 64 bits, no NUL in a key, not too deep.

    Raises
    ------
    BrokenMessageError
        If not.
    """
    match value:
        case dict():
            if any("\0" in key for key in value):
                raise BrokenMessageError("a key with a NUL")
            inner = list(value.values())
        case list():
            inner = value
        case bool():
            return
        case int():
            if value not in _INTEGERS:
                raise BrokenMessageError("a number of more than 64 bits")
            return
        case _:
            return
    if depth >= _MAX_DEPTH:
        raise BrokenMessageError("too deep")
    for one in inner:
        check(one, depth + 1)
