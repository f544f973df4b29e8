"""Keeps the reports of runs, below the home folder and in the record, and brings their counts up to date."""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from config.settings import Settings
from samplemind_worker.packs.report import Report
from samplemind_worker.store import batch_lists, mongo, pack_lists, thinning


def keep(report: Report, settings: Settings) -> Path:
    """Write a report below the home folder, as JSON and as text, and record it; return the path of the JSON.

    It then says what tidying has removed since the last report, whoever began the run: beat, cron or a user.

    Raises
    ------
    ServiceUnavailableError
        If the record does not answer; the files are written.
    """
    path = report.write(settings.home / "reports")
    if not report.removed and (removed := thinning.take_removed()):
        report.removed = removed
        report.write(settings.home / "reports")
    pack_lists.keep_report(report.as_dict())
    return path


@mongo.synchronous
async def current(report: Mapping[str, Any]) -> dict[str, Any]:
    """Return a recorded report with the present counts of analysed, failed and pending files, and what they cost."""
    taken = [each["batch_id"] for each in report["outcomes"] if each["status"] == "taken" and each["batch_id"]]
    jobs = [job for job in await asyncio.gather(*map(batch_lists.get.aio, taken)) if job is not None]
    states = await batch_lists.reports.aio(jobs)
    failed = sum(state["failed"] for state in states)
    pending = sum(state["pending"] + state["running"] for state in states)
    return {
        **report,
        "failed": failed,
        "pending": pending,
        "analyzed": report["files"] - failed - pending,
        "summary_spend_usd": round(sum(state["ai"]["usd"] for state in states), 4),
    }
