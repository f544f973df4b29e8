"""What is known of contents that are analysed, as the JSON objects of `show --json`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from samplemind_worker.documents.report import analyzed
from samplemind_worker.store import mongo, places, results
from samplemind_worker.store.places import Place

Report = dict[str, Any]


@mongo.synchronous
async def reports_of(
    file_ids: Sequence[str],
    admits: Callable[[str], bool] = bool,
    *,
    living: Mapping[str, Sequence[Place]] | None = None,
) -> dict[str, Report]:
    """Return what is known of contents that are analysed, with the ``living`` places where they lie.

    The path of each is its first place that ``admits`` accepts, or its first place.
    The path of one that lies nowhere any more is where it was seen last; ``gone_at`` says until when.
    """
    living = await places.of.aio(file_ids) if living is None else living
    facts = await results.load.aio(file_ids)
    gone = await places.of.aio([each for each in facts if each not in living], gone=True)
    reports: dict[str, Report] = {}
    for file_id, (audio, analysis) in facts.items():
        paths = [place.shown for place in living.get(file_id, ())]
        last = None if paths else max(gone.get(file_id, ()), key=gone_at, default=None)
        head = next(filter(admits, paths), paths[0]) if paths else audio.filename if last is None else last.shown
        reports[file_id] = analyzed(head, audio, analysis) | {"places": paths}
        if last is not None:
            reports[file_id]["gone_at"] = gone_at(last)
    return reports


def gone_at(place: Place) -> str:
    """Return since when a place is gone; empty if it is not."""
    return "" if place.gone_at is None else place.gone_at.isoformat(timespec="seconds").replace("+00:00", "Z")
