"""Where packs are unpacked, each into a folder of a vendor's: below a folder of this machine, or a prefix of a bucket.

A folder appears as a whole, by a rename, and is known again by its inode. Objects appear one by one, each whole; the
record notes when the last one is there, and a run that comes after a killed one writes all of them again.
"""

import hashlib
import os
import tempfile
from collections.abc import Generator, Iterable, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from config.locations import ObjectPath
from samplemind_worker.documents.pack import Pack
from samplemind_worker.errors import PackNotNowError, PackRefusedError, PermanentError, TransientError
from samplemind_worker.packs import staging
from samplemind_worker.store import objects
from samplemind_worker.store.landing import IN_MEMORY


class FolderShelf:
    """Packs below a folder of this machine."""

    def __init__(self, top: Path, budget: staging.Budget) -> None:
        self._top, self._budget = top, budget

    def holds(self, folder: str) -> bool:
        """Return whether anything lies at a path."""
        return os.path.lexists(self._top / folder)

    def has(self, pack: Pack) -> bool:
        """Return whether all of a pack lies in its folder."""
        if pack.folder is None or pack.inode is None:
            return False
        try:
            return (self._top / pack.folder).lstat().st_ino == pack.inode
        except FileNotFoundError:
            return False

    @contextmanager
    def filling(self, pack: Pack, *, run: str, size: int) -> Generator[staging.Staging]:
        """Give a hidden folder beside the target, which is removed if the block fails."""
        beginning = _staging_name(pack)
        with staging.opened(self._top, _vendor(pack), make=True) as parent:
            staging.remove(parent, beginning)
            try:
                with staging.Staging(parent, f"{beginning}{run}", self._budget) as stage:
                    stage.require_room(size)
                    yield stage
            except BaseException:
                staging.remove(parent, beginning)
                raise

    def discard(self, pack: Pack) -> None:
        """Remove what a killed run has written of a pack."""
        if pack.folder is not None:
            with suppress(OSError), staging.opened(self._top, _vendor(pack)) as parent:
                staging.remove(parent, _staging_name(pack))


class BucketShelf:
    """Packs below a prefix of a bucket."""

    def __init__(self, top: ObjectPath, max_bytes: int) -> None:
        self._top, self._max_bytes = top, max_bytes

    def holds(self, folder: str) -> bool:
        """Return whether anything lies below a path; raises PackNotNowError if the bucket does not say so now."""
        with _translated():
            return objects.require(self._top.at(folder))

    def has(self, pack: Pack) -> bool:
        """Return whether all of a pack lies in its folder."""
        return pack.uploaded

    @contextmanager
    def filling(self, pack: Pack, *, run: str, size: int) -> Generator["Uploading"]:  # noqa: ARG002 -- as of a folder
        """Give what uploads the pack's files one by one."""
        yield Uploading(self._top.at(pack.folder or ""), self._max_bytes)

    def discard(self, pack: Pack) -> None:
        """Leave the objects of a killed run: nothing tells them from those of others, and nothing is deleted."""


class Uploading:
    """Writes the files of one pack as objects."""

    inode: Final = None

    def __init__(self, folder: ObjectPath, max_bytes: int) -> None:
        self._folder, self._max_bytes = folder, max_bytes
        self._written = 0

    def write(self, parts: Sequence[str], blocks: Iterable[bytes]) -> tuple[str, int]:
        """Write an object, and return the SHA-256 and the number of its bytes.

        Raises
        ------
        PackRefusedError
            If the pack has more bytes than its budget, or no object can have this name.
        PackNotNowError
            If the bucket does not take it now.
        """
        try:
            place = ObjectPath.parse(str(self._folder.at("/".join(parts))))
        except ValueError as error:
            raise PackRefusedError(f"{'/'.join(parts)!a} can be no object: {error}") from error
        digest, size = hashlib.sha256(), 0
        # All of it first: what is damaged or too large is known at its end, and an upload is repeated from its begin.
        with tempfile.SpooledTemporaryFile(max_size=IN_MEMORY, prefix="samplemind-pack-") as copy:
            for block in blocks:
                self._written += len(block)
                if self._written > self._max_bytes:
                    raise PackRefusedError(f"more than {self._max_bytes:,} bytes (SAMPLEMIND_PACK_MAX_BYTES)")
                digest.update(block)
                size += len(block)
                copy.write(block)
            copy.seek(0)
            with _translated():
                objects.put(place, copy)
        return digest.hexdigest(), size

    def place(self, name: str) -> None:
        """Do nothing: each object is in its place."""


@contextmanager
def _translated() -> Generator[None]:
    try:
        yield
    except (TransientError, PermanentError) as error:
        raise PackNotNowError(str(error)) from error


def _vendor(pack: Pack) -> str:
    return (pack.folder or "").partition("/")[0]


def _staging_name(pack: Pack) -> str:
    return f".{pack.id[:16]}."
