"""A reader for the tests of the sandbox: it does what the request says, as a decoder that was taken over might."""

import ctypes
import mmap
import os
import signal
import socket
import struct
import subprocess
import sys
import time
from array import array
from io import BufferedReader
from pathlib import Path
from typing import Any

from samplemind_worker.errors import PermanentError, UnreadableError


def warm_up() -> None:
    """Have all loaded that is needed."""


def _hoard() -> None:
    kept = []
    while True:
        kept.append(bytearray(16 << 20))


def _compute() -> None:
    while True:
        pass


def _sleep() -> None:
    while True:
        time.sleep(0.05)


def _attempts(file: BufferedReader) -> dict[str, str]:
    """What a decoder must not do, and what came of each: ``done``, or the name of the error."""
    libc, machine = ctypes.CDLL(None, use_errno=True), os.uname().machine

    def call(number: int, *arguments: object) -> None:
        if libc.syscall(number, *arguments) < 0:
            raise OSError(ctypes.get_errno(), "refused")

    tries = {
        "open": lambda: os.open("/etc/passwd", os.O_RDONLY),
        "open through proc": lambda: os.open(f"/proc/self/fd/{file.fileno()}", os.O_RDONLY),
        "write": lambda: os.open("/tmp/samplemind-probe", os.O_WRONLY | os.O_CREAT),  # noqa: S108 -- it must not work
        "list": lambda: list(Path("/").iterdir()),
        "unlink": lambda: Path("/tmp/samplemind-probe").unlink(),  # noqa: S108 -- as above
        "internet": lambda: socket.socket(socket.AF_INET),
        "local": socket.socketpair,
        "run": lambda: subprocess.run(["/bin/true"], check=True),
        "exec": lambda: os.execv("/bin/true", ["true"]),  # noqa: S606 -- it must not work
        "fork": os.fork,
        "signal": lambda: os.kill(os.getppid(), signal.SIGTERM),
        "trace": lambda: call({"x86_64": 101, "aarch64": 117}[machine], 16, os.getppid(), 0, 0),
        "code": lambda: mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_EXEC),
        "write to the file": lambda: os.pwrite(file.fileno(), b"x", 0),
        "pass a file on": lambda: call({"x86_64": 46, "aarch64": 211}[machine], _channel(), 0, 0),
    }
    found = {}
    for name, act in tries.items():
        try:
            act()
        except OSError as error:
            found[name] = type(error).__name__
        else:
            found[name] = "done"
    return found


def _channel() -> int:
    return next(number for number in range(3, 100) if _is_socket(number))


def _is_socket(number: int) -> bool:
    try:
        return os.fstat(number).st_mode & 0o170000 == 0o140000
    except OSError:
        return False


def _written(output: int | None, count: int) -> int | str:
    """How many bytes could be written, or the error at the first try."""
    if output is None:
        return "no file"
    done = 0
    try:
        while done < count:
            done += os.pwrite(output, b"x" * min(1000, count - done), done)
    except OSError as error:
        return f"{type(error).__name__} after {done}"
    return done


def _say(data: bytes) -> None:
    os.write(_channel(), data)
    time.sleep(30)


def _frame(body: bytes) -> bytes:
    return struct.pack("<I", len(body)) + body


_ACTS = {
    "segv": lambda: ctypes.string_at(0),
    "abort": os.abort,
    "leave": lambda: os._exit(0),
    "leave in anger": lambda: os._exit(3),
    "hoard": _hoard,
    "compute": _compute,
    "sleep": _sleep,
    "say a word": lambda: _say(b"x"),
    "say no JSON": lambda: _say(_frame(b"[")),
    "say too much": lambda: _say(struct.pack("<I", 1 << 30)),
    "say a list": lambda: _say(_frame(b"[1]")),
    "say no samples": lambda: _say(_frame(b'{"facts": {}, "at": 0, "count": 100}')),
    "say many samples": lambda: _say(_frame(b'{"facts": {}, "at": 0, "count": 1000000000}')),
    "say a place outside": lambda: _say(_frame(b'{"facts": {}, "at": -4, "count": 1}')),
    "say a long number": lambda: _say(_frame(b'{"facts": {"x": 9223372036854775808}, "at": 0, "count": 1}')),
    "say an unknown error": lambda: _say(_frame(b'{"error": {"code": "x", "message": ""}}')),
}


def read(file: BufferedReader, request: dict[str, Any]) -> PermanentError | tuple[dict[str, Any], memoryview]:
    """Do what the request says; give the file's bytes, and samples of its length."""
    match act := request["act"]:
        case "fail":
            return UnreadableError("as told")
        case "raise":
            raise RuntimeError("as told")
        case "attempts":
            facts: dict[str, Any] = _attempts(file)
        case "look":
            facts = {
                "environment": dict(os.environ),
                "pid": os.getpid(),
                "files": [number for number in range(200) if _is_open(number)],
                "modules": sorted(sys.modules),
                "folder": file.tell(),
            }
        case "echo":
            data = file.read()
            return {"bytes": data.decode()}, memoryview(array("f", map(float, data)))
        case "many":
            return {}, memoryview(array("f", bytes(4 * request["count"])))
        case "write":
            facts = {"written": _written(request.get("output"), request["count"])}
        case "set":
            return {"it": {1, 2}}, memoryview(array("f", [1.0]))
        case _:
            _ACTS[act]()
            facts = {}
    return facts, memoryview(array("f", [1.0]))


def _is_open(number: int) -> bool:
    try:
        os.fstat(number)
    except OSError:
        return False
    return True
