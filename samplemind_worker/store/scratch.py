"""Decoded signals in shared memory between two steps: one file per parcel and step, within a byte budget.

It is a cache: a step that does not find its signals decodes them again. What a worker of another release has left is
not read: it may lack what is recorded now. A file is a JSON header and raw arrays. It is written under another name and
renamed, so a reader sees a whole file or none.

The budget holds for copies of large objects, too, which lie on the disk of the temporary folder without a name: each is
counted by an empty file of its length.
"""

import os
import secrets
import stat
import struct
import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS
from samplemind_worker.errors import TransientError
from samplemind_worker.metrics import counting
from samplemind_worker.metrics.definitions import SCRATCH_READS

_LENGTH = struct.Struct("<Q")
_ALIGN = 64
_BUFFER = 1 << 18
_PARTIAL = ".partial"
_COPIES = ".copies-"
_VERSIONS = {step: VERSIONS[step] for step in CPU_STEPS}

SWEEP_AGE = 30.0
"""s; a younger file may belong to a parcel that moves between two steps."""

Arrays = dict[str, npt.NDArray[Any]]


class Scratch:
    """The scratch folder of this machine, shared by its cpu workers."""

    def __init__(self, folder: Path, *, budget: int) -> None:
        self.folder = folder
        self.budget = budget

    def put(self, name: str, meta: dict[str, Any], arrays: Arrays) -> bool:
        """Store arrays under a name; return False if the budget or the memory has no room."""
        table: list[tuple[str, str, list[int], int]] = []
        offset = 0
        for key, array in arrays.items():
            table.append((key, array.dtype.str, list(array.shape), offset))
            offset += -(-array.nbytes // _ALIGN) * _ALIGN
        header = orjson.dumps({"versions": _VERSIONS, "meta": meta, "arrays": table}, option=orjson.OPT_SERIALIZE_NUMPY)
        start = -(-(_LENGTH.size + len(header)) // _ALIGN) * _ALIGN
        if self.used() + start + offset > self.budget:
            return False
        partial = self._path(name).with_suffix(_PARTIAL)
        try:
            self._prepare()
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
            with os.fdopen(descriptor, "wb", buffering=_BUFFER) as file:
                file.write(_LENGTH.pack(len(header)) + header)
                written = _LENGTH.size + len(header)
                for (_, _, _, at), array in zip(table, arrays.values(), strict=True):
                    # Padding is written, not passed over, so that the buffer takes many small arrays.
                    file.write(bytes(start + at - written))
                    file.write(np.ascontiguousarray(array).data)
                    written = start + at + array.nbytes
                file.write(bytes(start + offset - written))
            partial.replace(self._path(name))
        except OSError:
            with suppress(OSError):
                partial.unlink()
            return False
        return True

    @contextmanager
    def room(self, parcel: str, size: int) -> Generator[None]:
        """Count so many bytes of a parcel's copies as used while the block runs.

        A parcel that needs more than the whole budget gets room while no other has any. Where the folder cannot be
        used, nothing is counted.

        Raises
        ------
        TransientError
            If the budget has no room now.
        """
        held = self._path(f"{parcel}{_COPIES}{secrets.token_hex(4)}")
        try:
            self._prepare()
            with held.open("xb") as file:
                file.truncate(size)
        except OSError:
            yield
            return
        try:
            # After it was counted, so that of two at once at least one sees the other.
            others = any(_COPIES in path.name and path != held for path, _ in self._files())
            if self.used() > self.budget and (others or size <= self.budget):
                raise TransientError(f"SAMPLEMIND_SCRATCH_BYTES has no room for copies of {size} bytes now")
            yield
        finally:
            with suppress(OSError):
                held.unlink()

    def get(self, name: str) -> tuple[dict[str, Any], Arrays] | None:
        """Return what is stored under a name, or None. The arrays are views of one buffer."""
        found = self._read(name)
        counting.add(SCRATCH_READS, result="miss" if found is None else "hit")
        return found

    def _read(self, name: str) -> tuple[dict[str, Any], Arrays] | None:
        try:
            self._check_owner()
            buffer = bytearray(self._path(name).read_bytes())  # writable: the kernels take no read-only arrays
        except (OSError, MemoryError):
            return None
        (length,) = _LENGTH.unpack_from(buffer)
        header = orjson.loads(buffer[_LENGTH.size : _LENGTH.size + length])
        if header.get("versions") != _VERSIONS:
            return None
        start = -(-(_LENGTH.size + length) // _ALIGN) * _ALIGN
        arrays: Arrays = {}
        for key, dtype, shape, at in header["arrays"]:
            arrays[key] = np.ndarray(shape, dtype, buffer, start + at)
        return header["meta"], arrays

    def drop(self, names: Iterable[str]) -> None:
        """Delete what is stored under these names."""
        for name in names:
            with suppress(OSError):  # it is gone, or the folder was never ours to use
                self._path(name).unlink()

    def used(self) -> int:
        """Return how many bytes are stored."""
        return sum(status.st_size for _, status in self._files())

    def older_than(self, age: float) -> bool:
        """Return whether any file is older than so many seconds."""
        return next(self._old(age), None) is not None

    def sweep(self, live: Callable[[Sequence[str]], set[str]], *, age: float) -> int:
        """Delete the files of dead workers: older than ``age`` seconds, of parcels that ``live`` does not return."""
        files: dict[str, list[Path]] = {}
        for path in self._old(age):
            files.setdefault(path.name.partition(".")[0], []).append(path)
        alive = live(list(files)) if files else set[str]()
        dead = [path for parcel, paths in files.items() if parcel not in alive for path in paths]
        for path in dead:
            path.unlink(missing_ok=True)
        return len(dead)

    def _old(self, age: float) -> Iterator[Path]:
        oldest = time.time() - age
        return (path for path, status in self._files() if status.st_mtime < oldest)

    def _files(self) -> Iterator[tuple[Path, os.stat_result]]:
        try:
            entries = list(self.folder.iterdir())
        except OSError:  # not made yet, or not ours to use
            return
        for path in entries:
            try:
                yield path, path.stat()
            except OSError:  # another process has just dropped it
                continue

    def _prepare(self) -> None:
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._check_owner()

    def _check_owner(self) -> None:
        """Raise PermissionError if another user made the folder, as shared memory is open to all users."""
        status = self.folder.lstat()
        if not stat.S_ISDIR(status.st_mode) or status.st_uid != os.getuid():
            raise PermissionError(f"{self.folder} is not a folder of this user")

    def _path(self, name: str) -> Path:
        return self.folder / name
