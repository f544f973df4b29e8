"""Deletes contents that have had no place for long, items of batches that ended long ago, and old audit entries."""

import time
from collections import Counter
from datetime import timedelta

from loguru import logger

from config.settings import Settings
from samplemind_worker.finding import entry, sample_collections
from samplemind_worker.store import audit, displaced, marks, places, results, thinning
from samplemind_worker.store.vectors import Vectors

_SECONDS = 60.0  # s per run; the next run continues


def run(vectors: Vectors, settings: Settings, *, seconds: float = _SECONDS) -> dict[str, int]:
    """Tidy for some seconds, and return what was removed. It may be interrupted, and may run concurrently."""
    gone, old = timedelta(days=settings.keep_gone_days), timedelta(days=settings.keep_items_days)
    removed: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until and (swept := sweep(vectors, older_than=gone)):
        removed.update(swept)
    while time.monotonic() < until and (thinned := thinning.thin(older_than=old)):
        deleted, was_last = thinned
        removed.update({"items": deleted, "batches": int(was_last)})
    sample_collections.finish_deleting(seconds=max(0.0, until - time.monotonic()))
    kept = timedelta(days=settings.keep_audit_days)
    while time.monotonic() < until and (dropped := audit.remove(older_than=kept)):
        removed["audit"] += dropped
    found = {name: count for name, count in removed.items() if count}
    if found:
        thinning.note_removed(found)
        logger.info("tidy.done", fields=found)
    return found


def sweep(vectors: Vectors, *, older_than: timedelta) -> dict[str, int]:
    """Delete some places that have been gone for so long, and contents that have had no place since; return the counts.

    A worker that reads such a file again records its place before it looks for its analysis. Either it finds no
    analysis and makes a new one, or its place is found here and the analysis is put back. Places and notes are deleted
    last, so that the next run finds them again if this one is killed.
    """
    expired = places.expired(older_than=older_than)
    replaced = displaced.expired(older_than=older_than)
    contents = {place.file_id for place in expired} | replaced.keys()
    orphans = contents - places.wanted(sorted(contents), older_than=older_than)
    taken = results.take_out(sorted(orphans))
    back = places.wanted(sorted(orphans), older_than=older_than)
    results.put_back({name: [row for row in rows if row["_id"] in back] for name, rows in taken.items()})
    entry.refresh(sorted(orphans))
    removed = sorted(orphans - back)
    if removed:
        marks.drop(removed)
        vectors.remove(removed)
        _store_again(vectors, removed)
    displaced.drop(replaced)
    counts = {"places": places.drop(expired), "contents": len(removed)}
    return {name: count for name, count in counts.items() if count}


def _store_again(vectors: Vectors, contents: list[str]) -> None:
    """Store again the vectors of contents that were analysed and stored anew while their old vectors were deleted."""
    stored = {
        content: analysis.vector
        for content, (_, analysis) in results.load(contents).items()
        if analysis.vector is not None and "store" in analysis.versions
    }
    vectors.upsert(stored)
