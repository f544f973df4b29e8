"""Takes in the inbox once per night and fills in summaries; a missed night is made up for at the next check."""

from datetime import datetime, time, timedelta

from loguru import logger

from config.settings import Settings
from samplemind_worker.errors import UsageError
from samplemind_worker.packs import ingest
from samplemind_worker.packs.report import Report
from samplemind_worker.store import mongo, packs, thinning
from samplemind_worker.summaries import bulk, resummarize


def last_due(nightly: str, now: datetime) -> datetime:
    """Return when a run was due last, at ``HH:MM`` of this machine's local time."""
    local = now.astimezone()
    at = time.fromisoformat(nightly)
    # The day before is counted back on the calendar: a day need not have 24 hours.
    today, yesterday = (datetime.combine(local.date() - timedelta(days=days), at).astimezone() for days in (0, 1))
    return today if today <= local else yesterday


def run_if_due(settings: Settings) -> Report | None:
    """Take in the inbox if that is due and no other run does it; the report is written below the home folder.

    The clock is the database's, as is that of the last run. A run at any time of the day counts.
    """
    if settings.nightly is None:
        return None
    last = packs.last_run()
    if last is not None and last >= last_due(settings.nightly, mongo.now()):
        return None
    # Workers connect without making any, and this may be the first batch of all.
    mongo.make_indexes()
    report = ingest.ingest(settings, wait_for_turn=False, say=_log)
    if report is not None:
        report.removed = thinning.take_removed()
        path = report.write(settings.home / "reports")
        logger.info("ingest.done", fields={"report": str(path), **report.as_dict()["packs"]})
    return report


def fill_in(settings: Settings) -> bool:
    """Have missing summaries written if a provider is set up; return True if there are any."""
    # With batch APIs beat has it done all the time, at half the price.
    if not settings.can_ask_a_model or bulk.fills_in(settings):
        return False
    try:
        filled = resummarize.record(settings, missing=True)
    except UsageError:  # who is set up is on no route
        return False
    if filled is None:
        return False
    logger.info("summaries.filling_in", fields={"batch": filled.id, "files": filled.total_files})
    return True


def _log(message: str) -> None:
    logger.info("ingest", fields=message)
