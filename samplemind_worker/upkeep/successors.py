"""Lets the record follow files whose bytes have changed while their sound has not: nothing is analysed again.

It can be killed at any moment and called again. The command line runs it, so it loads no engine.
"""

import os
import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Final

from config.settings import Settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import InternalError, ServiceUnavailableError, UsageError
from samplemind_worker.finding import entry
from samplemind_worker.store import displaced, library, marks, places, results, successors
from samplemind_worker.store.places import Place
from samplemind_worker.store.successors import Heir
from samplemind_worker.store.vectors import Vectors

_RACY_SECONDS: Final = 2.0
"""A file that changed less than this before may change again without its times showing it."""


def follow(held: Mapping[Path, str], settings: Settings, vectors: Vectors | None) -> int:
    """Record what files hold now (their SHA-256), where the record knows another content there; return how many.

    Without ``vectors``, or while Chroma does not answer, the new contents have no vector until they are submitted.
    """
    changed: list[tuple[Place, Place]] = []
    for path, file_id in held.items():
        with suppress(UsageError, OSError):  # it lies in no root, or is gone by now
            place = places.at(*library.locate(path, settings.roots))
            if place is not None and place.file_id != file_id:
                changed.append((place, _now(place, path, file_id)))
    if not changed:
        return 0
    new = successors.hand_on([Heir(now.file_id, now.size, of=before.file_id) for before, now in changed])
    if vectors is not None:
        with suppress(ServiceUnavailableError, InternalError):
            _store_vectors(sorted(new), vectors)
    places.save([now for _, now in changed])
    heirs = {before.file_id: now.file_id for before, now in changed}
    left = successors.without_place(sorted(heirs))
    successors.rename_in_batches({old: heirs[old] for old in sorted(left)})
    entry.refresh(sorted({*heirs.values(), *heirs}))
    _remove(sorted(left), vectors)
    return len(changed)


def _now(place: Place, path: Path, file_id: str) -> Place:
    status = os.stat(path)  # noqa: PTH116 -- the name may not be UTF-8
    return replace(
        place,
        file_id=file_id,
        size=status.st_size,
        mtime_ns=status.st_mtime_ns,
        ctime_ns=status.st_ctime_ns,
        settled=time.time() - max(status.st_mtime, status.st_ctime) > _RACY_SECONDS,
        gone_at=None,
    )


def _store_vectors(contents: list[str], vectors: Vectors) -> None:
    recorded = results.vectors_of(contents)
    current = {key: found for key, found in recorded.items() if found.version in {None, vectors.version}}
    vectors.upsert({key: found.vector for key, found in current.items() if found.vector is not None})
    results.mark_stored(sorted(current), version=VERSIONS["store"])


def _remove(contents: list[str], vectors: Vectors | None) -> None:
    """Delete what is recorded of contents that lie nowhere any more: their heirs have it."""
    if not contents:
        return
    results.take_out(contents)
    marks.drop(contents)
    displaced.forget(contents)
    entry.refresh(contents)
    if vectors is not None:
        with suppress(ServiceUnavailableError):
            vectors.remove(contents)
