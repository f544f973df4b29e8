"""Reads a pack (an archive, a folder or one file): its identity, and its audio files in blocks.

A pack that changes between two readings is left for the next run.
"""

import hashlib
import os
import stat
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import PurePosixPath
from typing import Final, Protocol

from samplemind_worker.errors import PackNotNowError, PackRefusedError
from samplemind_worker.packs import archive, staging
from samplemind_worker.packs.archive import BLOCK, Archive, Limits
from samplemind_worker.packs.inbox import Found, Inbox
from samplemind_worker.submission.walk import AUDIO_SUFFIXES
from samplemind_worker.text import plural

_READ: Final = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

Contents = Iterator[tuple[Sequence[str], Iterator[bytes]]]
"""(components, blocks) of each audio file; the blocks of one are read before the next."""


class Source(Protocol):
    """An open pack."""

    digest: str
    """Its identity: a digest of its content."""

    def plan(self) -> tuple[int, Counter[str]]:
        """Check the whole pack; return the size of its audio, and the number of files left out by reason.

        Raises
        ------
        PackRefusedError
            If it breaks a rule.
        """
        ...

    def contents(self) -> Contents:
        """Yield the audio files."""
        ...


@contextmanager
def opened(inbox: Inbox, pack: Found, limits: Limits) -> Generator[Source]:
    """Open a pack and compute its identity.

    Raises
    ------
    PackNotNowError
        If it cannot be read.
    """
    above = () if pack.vendor is None else (pack.vendor,)
    with ExitStack() as files:
        with _reading():
            parent = files.enter_context(staging.opened(inbox.folder, *above))
            match pack.kind:
                case "zip":
                    source: Source = _ZipSource(files.enter_context(_open(pack.name, parent)), files, limits)
                case "folder":
                    source = _FolderSource(files.enter_context(_folder(pack.name, parent)), limits)
                case "file":
                    source = _FileSource(parent, pack.name, limits)
        yield source


@contextmanager
def _reading() -> Generator[None]:
    try:
        yield
    except FileNotFoundError as error:
        raise PackNotNowError("it vanished while it was being taken") from error
    except OSError as error:
        name = f": {error.filename!a}" if error.filename else ""
        raise PackNotNowError(f"it cannot be read: {error.strerror}{name}") from error


@contextmanager
def _folder(name: str, parent: int) -> Generator[int]:
    descriptor = staging.open_folder(name, parent)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def _open(name: str, parent: int) -> BufferedReader:
    descriptor = os.open(name, _READ, dir_fd=parent)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise PackNotNowError(f"{name!a} is no regular file any more")
    return os.fdopen(descriptor, "rb")


def _blocks(file: BufferedReader) -> Iterator[bytes]:
    while block := file.read(BLOCK):
        yield block


def _guarded(blocks: Iterator[bytes]) -> Iterator[bytes]:
    with _reading():
        yield from blocks


def _hash(file: BufferedReader) -> str:
    return hashlib.file_digest(file, "sha256").hexdigest()


def _state(file: BufferedReader) -> tuple[int, int, int]:
    status = os.fstat(file.fileno())
    return status.st_size, status.st_mtime_ns, status.st_ctime_ns


class _ZipSource:
    def __init__(self, file: BufferedReader, files: ExitStack, limits: Limits) -> None:
        self._file, self._files, self._limits = file, files, limits
        self._before = _state(file)
        self._archive: Archive | None = None
        self.digest = _hash(file)

    def plan(self) -> tuple[int, Counter[str]]:
        made = self._archive = self._files.enter_context(archive.opened(self._file, self._limits))
        return made.audio_bytes, made.left_out

    def contents(self) -> Contents:
        if self._archive is None:
            raise PackNotNowError("it was not looked at before")
        for entry in self._archive.entries:
            yield entry.parts, _guarded(self._archive.read(entry))
        if _state(self._file) != self._before:
            raise PackNotNowError("it changed while it was being taken")


class _FileSource:
    def __init__(self, parent: int, name: str, limits: Limits) -> None:
        self._parent, self._name, self._limits = parent, name, limits
        with _open(name, parent) as file:
            self._size = os.fstat(file.fileno()).st_size
            self.digest = _hash(file)

    def plan(self) -> tuple[int, Counter[str]]:
        _require_bytes(self._size, self._limits)
        return self._size, Counter()

    def contents(self) -> Contents:
        yield (self._name,), _guarded(_same(self._parent, self._name, self.digest))


@dataclass(slots=True)
class _Files:
    """The contents of a folder."""

    audio: list[tuple[tuple[str, ...], str]] = field(default_factory=list[tuple[tuple[str, ...], str]])
    """Components and SHA-256 of each audio file, sorted."""
    left_out: Counter[str] = field(default_factory=Counter[str])
    bytes: int = 0
    entries: int = 0


class _FolderSource:
    """A folder. If it breaks a rule, `plan` raises the error, and the identity covers only what was read."""

    def __init__(self, folder: int, limits: Limits) -> None:
        self._folder, self._limits = folder, limits
        self._files = _Files()
        self._broken: PackRefusedError | None = None
        try:
            self._read(folder, ())
        except PackRefusedError as error:
            self._broken = error
        self._files.audio.sort(key=lambda pair: [os.fsencode(part) for part in pair[0]])
        digest = hashlib.sha256(b"folder\0" if self._broken is None else b"broken folder\0")
        for parts, content in self._files.audio:
            digest.update(os.fsencode("/".join(parts)) + b"\0" + content.encode() + b"\n")
        self.digest = digest.hexdigest()

    def _read(self, folder: int, above: tuple[str, ...]) -> None:
        if len(above) > self._limits.depth:
            raise PackRefusedError(f"too deep: SAMPLEMIND_PACK_MAX_DEPTH allows {self._limits.depth} folders")
        with os.scandir(folder) as scan:
            entries = sorted((os.fsencode(entry.name), entry) for entry in scan)
        for raw, entry in entries:
            self._files.entries += 1
            if self._files.entries > self._limits.entries:
                raise PackRefusedError(f"more than {self._limits.entries:,} entries (SAMPLEMIND_PACK_MAX_ENTRIES)")
            if len(raw) > self._limits.name_bytes:
                raise PackRefusedError(f"too long a name: {entry.name[:80]!a} (SAMPLEMIND_PACK_MAX_NAME_BYTES)")
            mode = entry.stat(follow_symlinks=False).st_mode
            reason = _why_left_out(entry.name, mode)
            if reason is not None:
                self._files.left_out[reason] += 1
            elif stat.S_ISDIR(mode):
                with _folder(entry.name, folder) as below:
                    self._read(below, (*above, entry.name))
            else:
                with _open(entry.name, folder) as file:
                    self._files.bytes += os.fstat(file.fileno()).st_size
                    _require_bytes(self._files.bytes, self._limits)
                    self._files.audio.append(((*above, entry.name), _hash(file)))

    def plan(self) -> tuple[int, Counter[str]]:
        if self._broken is not None:
            raise self._broken
        if not self._files.audio:
            others = self._files.left_out.total()
            raise PackRefusedError("no audio files in it" + (f" ({plural(others, 'other')})" if others else ""))
        return self._files.bytes, self._files.left_out

    def contents(self) -> Contents:
        for parts, content in self._files.audio:
            with ExitStack() as folders:
                parent = self._folder
                with _reading():
                    for part in parts[:-1]:
                        parent = folders.enter_context(_folder(part, parent))
                yield parts, _guarded(_same(parent, parts[-1], content))


def _why_left_out(name: str, mode: int) -> str | None:
    if name.startswith("."):
        return "hidden"
    if stat.S_ISLNK(mode):
        return "link"
    if stat.S_ISDIR(mode):
        return None
    if not stat.S_ISREG(mode):
        return "special"
    return None if PurePosixPath(name).suffix.lower() in AUDIO_SUFFIXES else "not_audio_type"


def _require_bytes(size: int, limits: Limits) -> None:
    if size > limits.bytes:
        raise PackRefusedError(f"more than {limits.bytes:,} bytes (SAMPLEMIND_PACK_MAX_BYTES)")


def _same(parent: int, name: str, content: str) -> Iterator[bytes]:
    """Yield a file's blocks, and fail at the end if they are not what was read before."""
    digest = hashlib.sha256()
    with _open(name, parent) as file:
        for block in _blocks(file):
            digest.update(block)
            yield block
    if digest.hexdigest() != content:
        raise PackNotNowError("it changed while it was being taken")
