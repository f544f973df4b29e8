"""Records what lies below some paths as a batch. The CLI runs it: it loads no engine."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Final

from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, Priority, new_item
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.store import batches, library, places
from samplemind_worker.store.roots import recorded
from samplemind_worker.submission.walk import Found, require_audio, walk
from samplemind_worker.upkeep.places import Ended, end_gone

_CHUNK: Final = 2000


def submit(
    paths: Sequence[Path],
    *,
    settings: Settings,
    name: str | None = None,
    priority: Priority = "interactive",
    files_per_chain: int | None = None,
    ai: bool = True,
    ai_budget: int | None = None,
    force: bool = False,
    on_progress: Callable[[int], None] | None = None,
    on_created: Callable[[str], None] | None = None,
    on_ended: Callable[[Ended], None] | None = None,
) -> BatchJob:
    """Record a batch of all that lies at or below these paths; `dispatch` queues it.

    A file that is unchanged since it was analysed, by its size and times, is recorded as skipped. Recorded places of
    files that are gone or have changed are ended. ``on_created`` hears the batch's id before its first item is
    recorded, ``on_ended`` how many places were ended.

    Raises
    ------
    UsageError
        If a path does not exist or lies under no root, or there is no audio at all; nothing is recorded then.
    """
    tops = _tops(paths)
    for path in tops:
        library.locate(path, settings.roots)
    require_audio(tops)
    job = batches.create(
        name=_text(name or ", ".join(path.name or str(path) for path in tops))[:200],
        paths=[_text(str(path)) for path in tops],
        priority=priority,
        files_per_chain=files_per_chain or settings.files_per_chain,
        ai=ai,
        ai_budget=ai_budget,
        force=force,
        roots=[recorded(root, folder) for root, folder in dict(_root_of(path, settings) for path in tops).items()],
    )
    total = 0
    try:
        if on_created is not None:
            on_created(job.id)
        for root, chunk in _chunks(tops, settings):
            _record(job.id, root, chunk, force=force)
            total += len(chunk)
            if on_progress is not None:
                on_progress(total)
        ended = end_gone(tops, settings)
        if on_ended is not None:
            on_ended(ended)
    except BaseException:
        batches.abandon(job.id)
        raise
    batches.close_recording(job.id, total_files=total)
    batches.settle(job.id)
    return batches.find(job.id)


def _tops(paths: Sequence[Path]) -> list[Path]:
    """Return the absolute paths, without those that lie below another: a file is recorded once."""
    absolute = dict.fromkeys(Path(os.path.abspath(path)) for path in paths)  # noqa: PTH100 -- links stay as they are
    return [path for path in absolute if not any(path != top and path.is_relative_to(top) for top in absolute)]


def _text(path: str) -> str:
    return library.printable(os.fsencode(path))[0]


def _chunks(tops: Sequence[Path], settings: Settings) -> Iterator[tuple[tuple[str, bytes], list[Found]]]:
    """Yield (root, absolute folder of the root) with up to `_CHUNK` files below it."""
    for path in tops:
        root, folder = _root_of(path, settings)
        files = walk(path)
        while chunk := list(islice(files, _CHUNK)):
            yield (root, os.fsencode(folder)), chunk


def _root_of(path: Path, settings: Settings) -> tuple[str, Path]:
    """Return the root of an absolute path, and its folder."""
    if settings.roots:
        root, _ = library.locate(path, settings.roots)
        return root, Path(os.path.abspath(settings.roots[root]))  # noqa: PTH100 -- as above
    folder = library.root_above(path if path.is_dir() else path.parent)
    return str(folder), folder


def _record(batch_id: str, root: tuple[str, bytes], chunk: Sequence[Found], *, force: bool) -> None:
    name, base = root
    relative = [os.path.relpath(found.path, base) for found in chunk]
    keys = [
        (library.location_id(name, path), found.size, found.mtime_ns, found.ctime_ns)
        for path, found in zip(relative, chunk, strict=True)
    ]
    known = {} if force else places.unchanged(keys, versions=VERSIONS)
    items = []
    for key, path, found in zip(keys, relative, chunk, strict=True):
        text, raw_path = library.printable(path)
        content = known.get(key[0]) if found.skip_reason is None else None
        items.append(
            new_item(
                batch_id,
                root=name,
                path=text,
                raw_path=raw_path,
                size=found.size,
                mtime_ns=found.mtime_ns,
                ctime_ns=found.ctime_ns,
                skip_reason="known" if content is not None else found.skip_reason,
                file_id=content,
            )
        )
    batches.add_items(items)
