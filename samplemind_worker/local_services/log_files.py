"""Reads the logs of the private workers: those of all processes in the order of time, searched for a batch or a file.

Lines are read one at a time, so that memory holds no more than the ids that are looked for, however long the logs are.
"""

import heapq
import json
import os
import re
import time
from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final

from samplemind_worker.local_services.home import Home

NAMES: Final = ("worker-cpu", "worker-io", "worker-ai", "beat", "web")
"""The processes whose logs are read."""

_LONGEST: Final = 2**20
"""Bytes of a line; what is longer is cut."""
_LOOK_SECONDS: Final = 0.3  # s between two looks for new lines
_TEXT_TIME: Final = re.compile(rb"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}Z")
_JSON_TIME: Final = re.compile(rb'"timestamp": (\d+\.\d+)')
_PARCEL: Final = re.compile(rb'[0-9a-f]{8}-[0-9a-f-]{27} ([0-9a-f]{24}) |"parcel": "([0-9a-f]{24})"')
_ITEM: Final = re.compile(rb"""['"]item['"]: ['"]([0-9a-f]{24})['"]""")


@dataclass
class Wanted:
    """What is looked for: lines that hold one of the texts, and all lines of their parcels."""

    texts: tuple[bytes, ...] = ()
    """Empty if every line is wanted."""
    items: frozenset[bytes] | None = None
    """The items that are meant; lines that are about another item of the same parcel are left out. None: all are."""
    parcels: set[bytes] = field(default_factory=set[bytes])
    """Parcels that were found."""

    def learn(self, line: bytes) -> bool:
        """Remember the parcel of a line that holds one of the texts; return whether it does."""
        if not any(text in line for text in self.texts):
            return False
        parcel = _parcel_of(line)
        if parcel is not None:
            self.parcels.add(parcel)
        return True

    def takes(self, line: bytes) -> bool:
        """Return whether a line is wanted."""
        if not self.texts:
            return True
        if self.learn(line):
            return True
        if _parcel_of(line) not in self.parcels:
            return False
        about = _ITEM.search(line)
        return about is None or self.items is None or about[1] in self.items


def _parcel_of(line: bytes) -> bytes | None:
    found = _PARCEL.search(line)
    return None if found is None else found[1] or found[2]


def of_batch(batch_id: str) -> Wanted:
    """Look for a batch, by its id or a beginning of it."""
    return Wanted((batch_id.encode(),))


def of_file(items: Iterable[str], places: Iterable[tuple[str, str]]) -> Wanted:
    """Look for a file, by the ids of its items, and by the root and the path with which its failures are logged."""
    ids = frozenset(item.encode() for item in items)
    failed = [
        text.encode("utf-8", "surrogateescape")
        for root, path in places
        for text in (f"'root': {root!r}, 'path': {path!r}", f'"root": {json.dumps(root)}, "path": {json.dumps(path)}')
    ]
    return Wanted((*ids, *failed), ids)


def existing(home: Home) -> list[Path]:
    """Return the log files that there are, the older ones of each process first."""
    paths = [path for name in NAMES for path in (home.log(name).with_name(f"{name}.log.1"), home.log(name))]
    return [path for path in paths if path.is_file()]


def search(
    home: Home, wanted: Wanted, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[bytes]:
    """Yield the wanted lines of all logs in the order of time; only those from ``since`` on, and before ``until``."""
    begin = float("-inf") if since is None else since.timestamp()
    end = float("inf") if until is None else until.timestamp()
    paths = existing(home)
    if wanted.texts:
        # A parcel's first line may be in another file than the line that says what it carries.
        for path in paths:
            for line in _lines(path):
                wanted.learn(line)
    lines = heapq.merge(*map(_timed, paths))
    yield from (line for at, line in lines if begin <= at < end and wanted.takes(line))


def follow(home: Home, wanted: Wanted) -> Generator[bytes]:
    """Yield the wanted lines that are written from now on, without an end; a log that begins anew is read on."""
    tails = {name: _Tail(home.log(name)) for name in NAMES}
    try:
        while True:
            found = [line for tail in tails.values() for line in tail.read()]
            for line in sorted(found, key=lambda line: _time_of(line) or 0.0):
                if wanted.takes(line):
                    yield line
            if not found:
                time.sleep(_LOOK_SECONDS)
    finally:
        for tail in tails.values():
            tail.close()


class _Tail:
    """The end of a log."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: BinaryIO | None = None
        self._rest = b""
        if path.is_file():
            self._file = path.open("rb")
            self._file.seek(0, os.SEEK_END)

    def read(self) -> Iterator[bytes]:
        """Yield the whole lines that were added since the last time."""
        if self._file is not None:
            yield from self._new(self._file)
        if self._is_another():
            self.close()
            self._rest = b""
            self._file = self._path.open("rb")
            yield from self._new(self._file)

    def close(self) -> None:
        """Read no more."""
        if self._file is not None:
            self._file.close()

    def _new(self, file: BinaryIO) -> Iterator[bytes]:
        while part := file.readline(_LONGEST):
            self._rest += part
            if not part.endswith(b"\n") and len(self._rest) < _LONGEST:
                return  # the rest of it is still to be written
            yield self._rest.rstrip(b"\n")
            self._rest = b""

    def _is_another(self) -> bool:
        """Return whether the log was moved away, and another one has begun."""
        try:
            there = self._path.stat()
        except OSError:
            return False
        if self._file is None:
            return True
        own = os.fstat(self._file.fileno())
        return (own.st_dev, own.st_ino) != (there.st_dev, there.st_ino) or there.st_size < self._file.tell()


def _timed(path: Path) -> Iterator[tuple[float, bytes]]:
    last = 0.0
    for line in _lines(path):
        last = max(last, _time_of(line) or 0.0)  # a line without a time belongs to the one before it
        yield last, line


def _lines(path: Path) -> Iterator[bytes]:
    try:
        with path.open("rb") as file:
            while line := file.readline(_LONGEST):
                yield line.rstrip(b"\n")
    except FileNotFoundError:  # it was moved a moment ago
        return


def _time_of(line: bytes) -> float | None:
    if line.startswith(b"{"):
        found = _JSON_TIME.search(line)
        return None if found is None else float(found[1])
    if _TEXT_TIME.match(line) is None:
        return None
    return datetime.strptime(line[:23].decode("ascii"), "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC).timestamp()
