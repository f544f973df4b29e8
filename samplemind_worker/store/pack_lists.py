"""Lists of packs and of the runs that took them, in pages, newest first."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from samplemind_worker.documents.pack import Pack, PackState, RunReport
from samplemind_worker.store import mongo

_MOST_OUTCOMES: Final = 10_000  # of a report; a document ends at 16 MB


@mongo.synchronous
async def page(*, state: PackState | None, before: tuple[datetime, str] | None, limit: int) -> list[Pack]:
    """Return packs in a state, or all, that were begun before a time; of the same time, those with greater ids."""
    query: dict[str, Any] = {} if state is None else {"state": state.value}
    if before is not None:
        began, digest = before
        query["$or"] = [{"started_at": {"$lt": began}}, {"started_at": began, "_id": {"$gt": digest}}]
    return await Pack.find(query).sort("-started_at", "+_id").limit(limit).to_list()


@mongo.synchronous
async def keep_report(report: Mapping[str, Any]) -> None:
    """Record the report of a run, instead of an earlier one of it."""
    outcomes = report["outcomes"]
    kept = {**report, "outcomes": outcomes[:_MOST_OUTCOMES], "outcomes_left_out": len(outcomes[_MOST_OUTCOMES:])}
    await RunReport.get_pymongo_collection().replace_one({"_id": report["run"]}, {"report": kept}, upsert=True)


@mongo.synchronous
async def reports(*, before: str | None, limit: int) -> list[dict[str, Any]]:
    """Return the reports of runs, without the outcomes of single packs."""
    query = {} if before is None else {"_id": {"$lt": before}}
    rows = RunReport.get_pymongo_collection().find(query, {"report.outcomes": 0}, sort=[("_id", -1)]).limit(limit)
    return [row["report"] async for row in rows]


@mongo.synchronous
async def report_of(run: str) -> dict[str, Any] | None:
    """Return the report of a run."""
    row = await RunReport.get_pymongo_collection().find_one({"_id": run})
    return None if row is None else row["report"]
