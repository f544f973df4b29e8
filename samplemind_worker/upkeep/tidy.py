"""Removes what nobody misses any more: contents that lie nowhere, and the items of batches that ended long ago."""

import time
from collections import Counter
from datetime import timedelta

from loguru import logger

from config.settings import Settings
from samplemind_worker.store import places, results, thinning
from samplemind_worker.store.vectors import Vectors

_SECONDS = 60.0  # of one run: the next one goes on


def run(vectors: Vectors, settings: Settings, *, seconds: float = _SECONDS) -> dict[str, int]:
    """Tidy for a while, and return what was removed; may be interrupted, and run any number of times at once."""
    gone, old = timedelta(days=settings.keep_gone_days), timedelta(days=settings.keep_items_days)
    removed: Counter[str] = Counter()
    until = time.monotonic() + seconds
    while time.monotonic() < until and (swept := sweep(vectors, older_than=gone)):
        removed.update(swept)
    while time.monotonic() < until and (thinned := thinning.thin(older_than=old)):
        deleted, was_last = thinned
        removed.update({"items": deleted, "batches": int(was_last)})
    found = {name: count for name, count in removed.items() if count}
    if found:
        thinning.note_removed(found)
        logger.info("tidy.done", fields=found)
    return found


def sweep(vectors: Vectors, *, older_than: timedelta) -> dict[str, int]:
    """Delete some places that are gone for so long, and the contents that lie nowhere else; return how many.

    A worker that reads such a file again records its place before it looks for its analysis. So either it finds none
    and analyses the file anew, or its place is found here and the analysis is put back. The places are deleted last: if
    this run is killed, the next one finds them again.
    """
    expired = places.expired(older_than=older_than)
    contents = {place.file_id for place in expired}
    orphans = contents - places.wanted(sorted(contents), older_than=older_than)
    taken = results.take_out(sorted(orphans))
    back = places.wanted(sorted(orphans), older_than=older_than)
    files, analyses = ([row for row in rows if row["_id"] in back] for rows in taken)
    results.put_back((files, analyses))
    removed = sorted(orphans - back)
    if removed:
        vectors.remove(removed)
        _store_again(vectors, removed)
    counts = {"places": places.drop(expired), "contents": len(removed)}
    return {name: count for name, count in counts.items() if count}


def _store_again(vectors: Vectors, contents: list[str]) -> None:
    """Store the vectors of what was analysed anew, and stored, while its old vector was deleted."""
    stored = {
        content: analysis.vector
        for content, (_, analysis) in results.load(contents).items()
        if analysis.vector is not None and "store" in analysis.versions
    }
    vectors.upsert(stored)
