"""Reads an untrusted zip archive: everything is checked before unpacking, and again during it.

The directory at the archive's end is checked before `zipfile` lists it, because that list takes a kilobyte per entry.
An archive whose directory can be read in two ways is refused, so that `zipfile` reads what was checked. Only stored
and deflated entries are unpacked: other decoders may allocate gigabytes.
"""

import re
import stat
import struct
import unicodedata
import zipfile
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import PurePosixPath
from typing import Final

from samplemind_worker.errors import PackRefusedError
from samplemind_worker.submission.walk import AUDIO_SUFFIXES
from samplemind_worker.text import plural

BLOCK: Final = 1 << 20
"""Bytes per block that is read, unpacked and written."""

_END, _END_SIZE = b"PK\x05\x06", 22
_LOCATOR, _LOCATOR_SIZE = b"PK\x06\x07", 20
_END64, _END64_SIZE = b"PK\x06\x06", 56
_ENTRY, _ENTRY_SIZE = b"PK\x01\x02", 46
_LONGEST_COMMENT: Final = 65_535
_BYTES_AN_ENTRY: Final = 320  # of the directory, on average; real packs have about 150
_LONGEST_EXTRA: Final = 1024  # `zipfile` takes them apart in quadratic time
_LONGEST_PATH: Final = 1024  # bytes

_UTF8: Final = 0x800
_ENCRYPTED: Final = 0x1 | 0x40 | 0x2000  # by password; strongly; directory too
_UNIX: Final = 3
_REPARSE_POINT: Final = 0x400  # the links of Windows

_SMALL: Final = 1 << 20  # bytes; the ratio of a smaller archive is not limited
_DEVICES: Final = frozenset(
    {"con", "prn", "aux", "nul", *(f"{name}{number}" for name in ("com", "lpt") for number in range(1, 10))}
)
_CONTROL: Final = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff]")
_CORRUPT: Final = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OverflowError,
    RuntimeError,
    ValueError,
)


@dataclass(frozen=True, slots=True)
class Limits:
    """The limits of one pack."""

    entries: int
    bytes: int
    ratio: int
    depth: int
    name_bytes: int


@dataclass(frozen=True, slots=True)
class Entry:
    """An audio file in an archive."""

    info: zipfile.ZipInfo

    @property
    def parts(self) -> tuple[str, ...]:
        """Its path below the pack's folder; split on each use, because the parts of all names may fill megabytes."""
        return _split(_path(self.info))


class Archive:
    """An archive whose directory obeys the rules."""

    def __init__(self, archive: zipfile.ZipFile, limits: Limits, *, size: int) -> None:
        self.entries: list[Entry] = []
        self.left_out: Counter[str] = Counter()
        """Numbers of files that are not unpacked, by reason."""
        self._archive = archive
        self._sort(limits)
        total = sum(info.file_size for info in archive.infolist())
        if total > limits.bytes:
            raise PackRefusedError(f"{total:,} bytes unpacked; SAMPLEMIND_PACK_MAX_BYTES allows {limits.bytes:,}")
        if total > _SMALL and total > limits.ratio * size:
            raise PackRefusedError(
                f"unpacked it is {total // size:,} times as large; SAMPLEMIND_PACK_MAX_RATIO allows {limits.ratio:,}"
            )
        if not self.entries:
            others = self.left_out.total()
            raise PackRefusedError("no audio files in it" + (f" ({plural(others, 'other')})" if others else ""))

    def _sort(self, limits: Limits) -> None:
        files: set[int] = set()
        folders: set[int] = set()
        for info in self._archive.infolist():
            if info.flag_bits & _ENCRYPTED:
                raise PackRefusedError(f"{_shown(info)} is encrypted")
            is_folder = _is_folder(info)
            parts = _parts(info, limits)
            if is_folder and not parts:
                continue
            *above, key = _keys(parts)
            folders.update(above)
            if is_folder:
                folders.add(key)
                continue
            if key in files:
                raise PackRefusedError(f"{_shown(info)} is in it twice (capital letters and accents do not count)")
            files.add(key)
            if any(part.startswith(".") for part in parts) or parts[0] == "__MACOSX":
                self.left_out["hidden"] += 1
            elif PurePosixPath(parts[-1]).suffix.lower() not in AUDIO_SUFFIXES:
                self.left_out["not_audio_type"] += 1
            elif info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
                raise PackRefusedError(f"{_shown(info)} is packed in an unsupported way ({info.compress_type})")
            else:
                self.entries.append(Entry(info))
        if files & folders:
            raise PackRefusedError("a name in it is both a file and a folder")

    @property
    def audio_bytes(self) -> int:
        """Total size of the audio files according to the directory."""
        return sum(entry.info.file_size for entry in self.entries)

    def read(self, entry: Entry) -> Iterator[bytes]:
        """Yield an entry's bytes in blocks.

        Raises
        ------
        PackRefusedError
            If their number or checksum differs from that in the directory.
        """
        left = entry.info.file_size
        try:
            with self._archive.open(entry.info) as file:
                while block := file.read(BLOCK):
                    left -= len(block)
                    yield block
        except _CORRUPT as error:
            raise PackRefusedError(f"{_shown(entry.info)} cannot be unpacked: {error}") from error
        if left:
            raise PackRefusedError(f"{_shown(entry.info)} has not the size that the archive's directory says")


@contextmanager
def opened(file: BufferedReader, limits: Limits) -> Generator[Archive]:
    """Open an archive.

    Raises
    ------
    PackRefusedError
        If the file is not a zip archive, or breaks a rule; the message says which.
    """
    size = file.seek(0, 2)
    count = _count_entries(file, size, limits)
    try:
        archive = zipfile.ZipFile(file)
    except _CORRUPT as error:
        raise PackRefusedError(f"its directory cannot be read: {error}") from error
    with archive:
        if len(archive.infolist()) != count:
            raise PackRefusedError("its directory can be read in two ways")
        yield Archive(archive, limits, size=size)


def _count_entries(file: BufferedReader, size: int, limits: Limits) -> int:
    """Count the entries of the directory, without making a list of them."""
    at, end = _find_end(file, size)
    count, length, offset = _end_record(file, at, end)
    if count > limits.entries:
        raise PackRefusedError(f"more than {limits.entries:,} entries (SAMPLEMIND_PACK_MAX_ENTRIES)")
    if length > limits.entries * _BYTES_AN_ENTRY:
        raise PackRefusedError(
            f"its directory is too long for {limits.entries:,} entries (SAMPLEMIND_PACK_MAX_ENTRIES)"
        )
    file.seek(offset)
    directory = memoryview(file.read(length))
    found = position = 0
    while position < len(directory):
        head = directory[position : position + _ENTRY_SIZE]
        if len(head) < _ENTRY_SIZE or bytes(head[:4]) != _ENTRY:
            raise PackRefusedError("its directory is corrupt")
        name, extra, comment = struct.unpack_from("<HHH", head, 28)
        if extra > _LONGEST_EXTRA or name > _LONGEST_PATH:
            raise PackRefusedError("an entry's name or extra field is too long")
        position += _ENTRY_SIZE + name + extra + comment
        found += 1
        if found > limits.entries:
            raise PackRefusedError(f"more than {limits.entries:,} entries (SAMPLEMIND_PACK_MAX_ENTRIES)")
    if position != length or found != count:
        raise PackRefusedError("its directory is corrupt: it has not the length that is said")
    return found


def _find_end(file: BufferedReader, size: int) -> tuple[int, bytes]:
    """Return the place of the end record, and the record; searches where `zipfile` does, in the same order."""
    start = max(size - _LONGEST_COMMENT - _END_SIZE, 0)
    file.seek(start)
    tail = file.read()
    at = len(tail) - _END_SIZE
    if not (at >= 0 and tail[at : at + 4] == _END and tail[-2:] == b"\0\0"):
        at = tail.rfind(_END)
    end = tail[at : at + _END_SIZE]
    if at < 0 or len(end) < _END_SIZE:
        raise PackRefusedError("no zip archive, or its end is missing")
    if at + _END_SIZE + struct.unpack_from("<H", end, 20)[0] != len(tail):
        raise PackRefusedError("something follows the end of the archive")
    return start + at, end


def _end_record(file: BufferedReader, at: int, end: bytes) -> tuple[int, int, int]:
    """Return the number of entries, and the length and offset of the directory, which must end at the end record."""
    disk, directory_disk, here, count, length, offset = struct.unpack_from("<HHHHLL", end, 4)
    end_of_directory = at
    file.seek(max(at - _LOCATOR_SIZE, 0))
    locator = file.read(_LOCATOR_SIZE)
    if locator[:4] == _LOCATOR and at >= _LOCATOR_SIZE + _END64_SIZE:
        end_of_directory = at - _LOCATOR_SIZE - _END64_SIZE
        _, offset64, disks = struct.unpack_from("<LQL", locator, 4)
        file.seek(end_of_directory)
        record = file.read(_END64_SIZE)
        if record[:4] != _END64 or offset64 != end_of_directory or disks > 1:
            raise PackRefusedError("its directory can be read in two ways")
        disk, directory_disk, here, count, length, offset = struct.unpack_from("<LLQQQQ", record, 16)
    if disk or directory_disk or here != count:
        raise PackRefusedError("it is one part of several")
    if offset + length != end_of_directory:
        raise PackRefusedError("its directory is not where its end says: truncated, or something was put before it")
    return count, length, offset


def _is_folder(info: zipfile.ZipInfo) -> bool:
    """Return whether an entry is a folder; refuse an entry that is neither a folder nor a file."""
    kind = stat.S_IFMT(info.external_attr >> 16)
    is_windows_link = info.create_system != _UNIX and bool(info.external_attr & _REPARSE_POINT)
    if kind == stat.S_IFLNK or is_windows_link:
        raise PackRefusedError(f"{_shown(info)} is a link")
    if kind not in (0, stat.S_IFREG, stat.S_IFDIR):
        raise PackRefusedError(f"{_shown(info)} is a device, or something else that is no file")
    return info.filename.endswith(("/", "\\")) or kind == stat.S_IFDIR


def _parts(info: zipfile.ZipInfo, limits: Limits) -> tuple[str, ...]:
    """Return the components of an entry's name."""
    # `zipfile` cuts a name off at a NUL; only the original name has the rest.
    if _CONTROL.search(info.orig_filename) or _CONTROL.search(info.filename):
        raise PackRefusedError(f"{_shown(info)} has control characters in its name")
    name = _path(info)
    if name.startswith("/") or name[1:2] == ":":
        raise PackRefusedError(f"{_shown(info)} is an absolute path")
    parts = _split(name)
    if ".." in parts:
        raise PackRefusedError(f"{_shown(info)} leads out of the pack")
    if not parts and not name.endswith("/"):
        raise PackRefusedError(f"{_shown(info)} is no name")
    if len(parts) - 1 > limits.depth:
        raise PackRefusedError(f"{_shown(info)} lies too deep; SAMPLEMIND_PACK_MAX_DEPTH allows {limits.depth} folders")
    longest = max((len(part.encode()) for part in parts), default=0)
    if longest > limits.name_bytes or len(name.encode()) > _LONGEST_PATH:
        raise PackRefusedError(f"{_shown(info)} is too long (SAMPLEMIND_PACK_MAX_NAME_BYTES: {limits.name_bytes})")
    if any(part.split(".")[0].rstrip().lower() in _DEVICES for part in parts):
        raise PackRefusedError(f"{_shown(info)} has the name of a device")
    return parts


def _split(path: str) -> tuple[str, ...]:
    return tuple(part for part in path.split("/") if part not in ("", "."))


def _path(info: zipfile.ZipInfo) -> str:
    return _decoded(info).replace("\\", "/")


def _decoded(info: zipfile.ZipInfo) -> str:
    """Return a name as text: many programs write UTF-8 without its flag, which `zipfile` decodes as cp437."""
    if info.flag_bits & _UTF8:
        return info.filename
    try:
        name = info.filename.encode("cp437").decode()
    except UnicodeError:
        return info.filename
    return info.filename if _CONTROL.search(name) else name


def _keys(parts: tuple[str, ...]) -> Iterator[int]:
    """Yield a key for each folder of a name and for the name itself.

    Names that a file system may take for the same have equal keys: hashes of the key above and of one component.
    """
    name = unicodedata.normalize("NFC", unicodedata.normalize("NFC", "/".join(parts)).casefold())
    key = 0
    for part in name.split("/"):
        key = hash((key, part))
        yield key


def _shown(info: zipfile.ZipInfo) -> str:
    name = info.orig_filename
    return ascii(name if len(name) <= 80 else name[:77] + "...")  # noqa: PLR2004 -- a line's worth
