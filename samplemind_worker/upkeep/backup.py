"""Backs up the record into a folder, and puts it back: with nothing stopped, whole or not at all, checked by hashes.

A backup holds what cannot be made again. Collections are read one after the other while work goes on, each before those
that it relies on: a batch before its items, an item before the analysis that it calls done. What is written meanwhile
may thus be in the backup too early, but nothing that the backup calls done is missing from it, and what was done since
is done again. The layout is that of ``mongodump --gzip``, so that ``mongorestore`` reads it, too::

    FOLDER/
    ├── samplemind-backup.json     what it is, and the hash of each file
    └── record/NAME.bson.gz        the documents of one collection, in the order of their ids
"""

import fcntl
import gzip
import hashlib
import os
import shutil
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from datetime import datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any, BinaryIO, Final, cast

from bson import CodecOptions, decode_file_iter
from bson.errors import InvalidBSON
from bson.raw_bson import RawBSONDocument
from pydantic import BaseModel, ValidationError

from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import SetupError, UsageError
from samplemind_worker.store import mongo, raw_record
from samplemind_worker.text import plural

FORMAT: Final = 1
"""The format of backups; a release reads its own and all earlier ones."""

SAVED: Final = (
    "schemas", "packs", "run_reports", "batch_jobs", "batch_items", "purses", "ai_jobs", "ai_calls", "sample_marks",
    "sample_collections", "file_locations", "displaced_contents", "mount_points", "api_tokens", "audit", "users",
    "analyses", "audio_files", "waveforms",
)  # fmt: skip
"""What a backup holds, each collection before those that it relies on."""

MADE_AGAIN: Final = (
    "turns", "vector_indexes", "library_entries", "stale_entries", "entry_indexes", "sound_maps", "sound_map_parts",
    "token_families", "signing_keys",
)  # fmt: skip
"""What is left out: it follows from the rest, or, as logins do, must not come back to life."""

_MANIFEST: Final = "samplemind-backup.json"
_BLOCK: Final = 1 << 20
_QUICKLY: Final = 1  # level of compression: half the size for a tenth of the time of the best
_SPARE: Final = 64 << 20  # bytes that must be free, beside what is written

Progress = Callable[[int, int], None]
"""Is called with the number of documents that are done, and their total."""


class SavedFile(BaseModel):
    """One file of a backup."""

    documents: int
    bytes: int
    sha256: str


class Manifest(BaseModel):
    """What a backup is."""

    format: int
    release: str
    """The release of SampleMind that wrote it."""
    made_at: datetime
    versions: dict[str, int]
    """The versions of the steps of that release."""
    collections: dict[str, SavedFile]

    @property
    def digest(self) -> str:
        """Names the backup by its contents."""
        return hashlib.sha256(self.model_dump_json().encode()).hexdigest()

    @property
    def documents(self) -> int:
        """All documents."""
        return sum(each.documents for each in self.collections.values())

    @property
    def bytes(self) -> int:
        """The bytes of all files, compressed."""
        return sum(each.bytes for each in self.collections.values())


def save(folder: Path, *, on_progress: Progress) -> Manifest:
    """Write a backup into a new folder, and return what it is; an interrupted one leaves nothing at that place.

    Raises
    ------
    UsageError
        If there is anything at that place, or another backup is being written there.
    SetupError
        If it cannot be written.
    ServiceUnavailableError
        If the record does not answer.
    """
    folder = Path(os.path.abspath(folder))  # noqa: PTH100 -- links stay as they are
    if folder.is_symlink() or (folder.exists() and not (folder.is_dir() and not any(folder.iterdir()))):
        raise UsageError(f"there is something at {folder}, and nothing is overwritten: name a new folder")
    if not folder.parent.is_dir():
        raise UsageError(f"there is no folder {folder.parent} to write the backup into")
    try:
        with _draft_of(folder) as draft:
            manifest = _write(draft, on_progress)
            (draft / _MANIFEST).write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
            for path in (draft / _MANIFEST, draft / "record", draft):
                _sync(path)
            draft.rename(folder)
        _sync(folder.parent)
    except OSError as error:
        raise SetupError(f"the backup cannot be written to {folder}: {error.strerror or error}") from error
    return manifest


@contextmanager
def _draft_of(folder: Path) -> Generator[Path]:
    """Give a hidden folder beside the target, which is removed unless it was renamed.

    Its lock, which the kernel releases when this process dies, tells whether one that is there is still written to.
    """
    draft = folder.with_name(f".{folder.name[:200]}.part")
    parent = os.open(folder.parent, os.O_RDONLY | os.O_DIRECTORY)
    lock = -1
    try:
        fcntl.flock(parent, fcntl.LOCK_EX)
        if draft.is_dir():
            lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise UsageError(f"another backup is being written to {folder}") from None
            shutil.rmtree(draft)
            os.close(lock)
        draft.mkdir(mode=0o700)
        (draft / "record").mkdir(mode=0o700)
        lock = os.open(draft, os.O_RDONLY | os.O_DIRECTORY)
        fcntl.flock(lock, fcntl.LOCK_EX)
        fcntl.flock(parent, fcntl.LOCK_UN)
        try:
            yield draft
        finally:
            shutil.rmtree(draft, ignore_errors=True)
    finally:
        for descriptor in (parent, lock):
            if descriptor >= 0:
                os.close(descriptor)


def _write(draft: Path, on_progress: Progress) -> Manifest:
    total, done = sum(raw_record.sizes(SAVED).values()), 0

    def _say(count: int) -> None:
        nonlocal done
        done += count
        on_progress(done, max(done, total))

    made_at = mongo.now()
    files = {name: _write_one(_file_of(draft, name), name, _say) for name in SAVED}
    release = version("samplemind")
    return Manifest(format=FORMAT, release=release, made_at=made_at, versions=VERSIONS, collections=files)


def _file_of(folder: Path, name: str) -> Path:
    return folder / "record" / f"{name}.bson.gz"


class _Hashed:
    """A file that hashes what is written to it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.digest = hashlib.sha256()
        self.size = 0

    def write(self, data: bytes) -> int:
        """Write bytes, and return their number."""
        self.digest.update(data)
        self.size += len(data)
        return self._file.write(data)

    def flush(self) -> None:
        """Flush the file."""
        self._file.flush()


def _write_one(path: Path, name: str, say: Callable[[int], None]) -> SavedFile:
    with path.open("xb") as file:
        path.chmod(0o600)
        hashed = _Hashed(file)
        target = cast("BinaryIO", hashed)
        with gzip.GzipFile("", "wb", compresslevel=_QUICKLY, fileobj=target, mtime=0) as packed:
            count = raw_record.dump(name, packed.write, say)
        file.flush()
        os.fsync(file.fileno())
    return SavedFile(documents=count, bytes=hashed.size, sha256=hashed.digest.hexdigest())


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def check(folder: Path) -> Manifest:
    """Read a backup through, and return what it is.

    Raises
    ------
    UsageError
        If it is none, is damaged or incomplete, or was written by a later release.
    """
    try:
        manifest = Manifest.model_validate_json((folder / _MANIFEST).read_bytes())
    except FileNotFoundError:
        raise UsageError(f"{folder} is no backup: it has no {_MANIFEST}") from None
    except (ValidationError, OSError) as error:
        raise UsageError(f"{folder / _MANIFEST} cannot be read: {_first_line(error)}") from error
    if manifest.format > FORMAT:
        raise UsageError(f"{folder} was written by SampleMind {manifest.release}: this release does not read it")
    if unknown := manifest.collections.keys() - set(SAVED):
        raise UsageError(f"{folder} names collections that are none of a record: {', '.join(sorted(unknown))}")
    for name, saved in manifest.collections.items():
        _check_one(_file_of(folder, name), saved)
    return manifest


def _check_one(path: Path, saved: SavedFile) -> None:
    try:
        with path.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise UsageError(f"the backup is incomplete: {path}: {error.strerror}") from error
    if digest != saved.sha256:
        raise UsageError(f"the backup is damaged: {path} is not what was written")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]


def require_empty() -> None:
    """Check that the record is empty, or holds nothing but a restore that was interrupted.

    Raises
    ------
    UsageError
        If not: nothing is overwritten.
    """
    if not raw_record.is_interrupted() and (name := raw_record.first_filled(SAVED)) is not None:
        raise UsageError(
            f"the record is not empty (it holds {name}), and nothing is overwritten: restore into a new "
            "SAMPLEMIND_DATABASE, or with private services into a new SAMPLEMIND_HOME"
        )


def restore(folder: Path, *, on_progress: Progress) -> Manifest:
    """Put the record of a backup into an empty database, and return what the backup is.

    Everything is put together beside the record, and then takes its place. A restore that was interrupted begins again,
    or goes on if all was put together.

    Raises
    ------
    UsageError
        If it is no whole backup, or the record is not empty.
    ServiceUnavailableError
        If the record does not answer.
    """
    manifest = check(folder)
    require_empty()
    if raw_record.begin(manifest.digest):
        _put_together(folder, manifest, on_progress)
        raw_record.settle()
        raw_record.note_whole()
    for name in reversed(SAVED):  # batches last: what sees one finds all that belongs to it
        raw_record.take_place(name)
    mongo.make_indexes()
    raw_record.end()
    return manifest


def _put_together(folder: Path, manifest: Manifest, on_progress: Progress) -> None:
    indexes = _indexes()
    done = 0

    def _say(count: int) -> None:
        nonlocal done
        done += count
        on_progress(done, manifest.documents)

    options: Any = CodecOptions(document_class=RawBSONDocument)
    for name in SAVED:
        raw_record.make_aside(name, indexes.get(name, []))
        saved = manifest.collections.get(name)
        if saved is None:
            continue  # an earlier release had no such collection
        try:
            with gzip.open(_file_of(folder, name), "rb") as file:
                count = raw_record.load(name, decode_file_iter(cast("BinaryIO", file), options), _say)
        except (OSError, EOFError, InvalidBSON) as error:
            raise UsageError(f"{_file_of(folder, name)} cannot be read: {_first_line(error)}") from error
        if count != saved.documents:
            raise UsageError(
                f"{_file_of(folder, name)} holds {plural(count, 'document')} instead of {saved.documents:,}"
            )


def _indexes() -> Mapping[str, list[Any]]:
    from samplemind_worker.documents.collections import DOCUMENTS  # noqa: PLC0415 -- slow import

    documents: list[Any] = [*DOCUMENTS]
    return {each.Settings.name: list(getattr(each.Settings, "indexes", [])) for each in documents}
