"""Asks the private services whether they answer.

The requests are written by hand, a dozen bytes each: importing the clients takes 0.3 s, and they start threads, which a
supervisor that forks must not have.
"""

import socket
import struct
from pathlib import Path

_TIMEOUT = 1.0


def _ask(path: Path, question: bytes, length: int) -> bytes:
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_TIMEOUT)
        connection.connect(str(path))
        connection.sendall(question)
        return connection.recv(length, socket.MSG_WAITALL)


def valkey_answers(path: Path) -> bool:
    """Send PING; False while it loads its data."""
    try:
        return _ask(path, b"PING\r\n", 7) == b"+PONG\r\n"
    except OSError:
        return False


def mongod_answers(path: Path) -> bool:
    """Send a ping command; any reply will do, since mongod listens only when its data is open."""
    # OP_MSG (https://www.mongodb.com/docs/manual/reference/mongodb-wire-protocol/#op_msg) around the BSON of
    # {ping: 1, $db: "admin"}.
    fields = b"\x10ping\x00" + struct.pack("<i", 1) + b"\x02$db\x00" + struct.pack("<i", 6) + b"admin\x00"
    document = struct.pack("<i", len(fields) + 5) + fields + b"\x00"
    body = struct.pack("<iB", 0, 0) + document
    header = struct.pack("<iiii", 16 + len(body), 1, 0, 2013)
    try:
        return len(_ask(path, header + body, 16)) == 16  # noqa: PLR2004 -- the length of a reply's header
    except OSError:
        return False


def web_answers(port: int) -> bool:
    """Ask the web server at loopback whether it lives."""
    try:
        with socket.create_connection(("127.0.0.1", port), _TIMEOUT) as connection:
            connection.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
            return connection.recv(12, socket.MSG_WAITALL) == b"HTTP/1.1 200"
    except OSError:
        return False


def chroma_answers(path: Path) -> bool:
    """Ask for the heartbeat."""
    try:
        return _ask(path, b"GET /api/v2/heartbeat HTTP/1.0\r\n\r\n", 12) == b"HTTP/1.1 200"
    except OSError:
        return False
