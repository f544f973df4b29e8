"""Records what lies below some paths as a batch. The command line runs it, so it loads no engine."""

import os
from collections.abc import Callable, Iterator, Sequence
from itertools import groupby, islice
from operator import itemgetter
from typing import Final

from config.locations import Location, ObjectPath
from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, new_item
from samplemind_worker.documents.spend import from_usd
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.finding import entry
from samplemind_worker.store import batches, library, places
from samplemind_worker.store.roots import recorded
from samplemind_worker.submission.listing import Listing
from samplemind_worker.submission.options import DEFAULTS, SubmitOptions
from samplemind_worker.submission.walk import Found
from samplemind_worker.upkeep.places import Ended, end_gone

_CHUNK: Final = 2000


def submit(
    listing: Listing,
    options: SubmitOptions = DEFAULTS,
    *,
    settings: Settings,
    on_progress: Callable[[int], None] | None = None,
    on_created: Callable[[str], None] | None = None,
    on_ended: Callable[[Ended], None] | None = None,
) -> BatchJob:
    """Record a batch of all that is listed, in one walk; `dispatch` queues it.

    A file whose size and times are unchanged since it was analysed is recorded as skipped. Recorded places of files
    that are gone or have changed are ended. ``on_progress`` is called with the number of items after each chunk,
    ``on_created`` with the batch's id before its first item is recorded, ``on_ended`` with the places that were ended.
    A batch that is cancelled meanwhile ends with what is recorded by then.

    Raises
    ------
    UsageError
        If a path lies under no root, or there is no audio at all; nothing is recorded then.
    BucketNotReachedError, TransientError
        If a bucket cannot be listed; the batch is given up then.
    """
    tops = listing.tops
    roots = {top: _root_of(top, settings) for top in tops}
    listing.require_audio()
    # A record without analyses is complete from here on; in one from before there were entries, this begins them.
    entry.build(seconds=0.0)
    job = batches.create(
        name=library.shown(options.name or ", ".join(path.name or str(path) for path in tops))[:200],
        paths=[library.shown(path) for path in tops],
        priority=options.priority,
        files_per_chain=options.files_per_chain or settings.files_per_chain,
        ai=options.ai,
        ai_budget=None if options.budget_usd is None else from_usd(options.budget_usd),
        force=options.force,
        roots=[recorded(root, base) for root, base in dict(roots.values()).items()],
        user_id=options.user_id,
    )
    total = 0
    try:
        if on_created is not None:
            on_created(job.id)
        for top, chunk in _chunks(listing):
            _record(job.id, roots[top], chunk, force=options.force)
            total += len(chunk)
            if on_progress is not None:
                on_progress(total)
            if batches.is_cancelled(job.id):
                break
        else:
            ended = end_gone(tops, settings)
            if on_ended is not None:
                on_ended(ended)
    except BaseException:
        batches.abandon(job.id)
        raise
    batches.close_recording(job.id, total_files=total)
    batches.close_if_done(job.id)
    return batches.find(job.id)


def _chunks(listing: Listing) -> Iterator[tuple[Location, list[Found]]]:
    """Yield up to `_CHUNK` entries at a time, after the top that they lie at or below."""
    for top, entries in groupby(listing, key=itemgetter(0)):
        while chunk := [found for _, found in islice(entries, _CHUNK)]:
            yield top, chunk


def _root_of(top: Location, settings: Settings) -> tuple[str, Location]:
    """Return the root of a top, and where the root lies."""
    if settings.roots:
        root, _ = library.locate(top, settings.roots)
        return root, library.absolute(settings.roots[root])
    base = library.root_of(top if isinstance(top, ObjectPath) or top.is_dir() else top.parent)
    return str(base), base


def _record(batch_id: str, root: tuple[str, Location], chunk: Sequence[Found], *, force: bool) -> None:
    name, base = root
    if isinstance(base, ObjectPath):
        relative = [found.path[len(base.prefix.encode()) :] for found in chunk]
    else:
        folder = os.fsencode(base)
        relative = [os.path.relpath(found.path, folder) for found in chunk]
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
