"""Takes in the inbox once per night and fills in summaries; a missed run is made up for at the next check."""

from datetime import datetime, time, timedelta

from loguru import logger

from config.settings import Settings
from samplemind_worker.errors import UsageError
from samplemind_worker.packs import ingest, nights
from samplemind_worker.packs.report import Report
from samplemind_worker.store import mongo, packs
from samplemind_worker.summaries import bulk, resummarize


def last_due(nightly: str, now: datetime) -> datetime:
    """Return when a run was due last; ``nightly`` is ``HH:MM`` in this machine's local time."""
    local = now.astimezone()
    at = time.fromisoformat(nightly)
    # The day before comes from the calendar, because a day may have 23 or 25 hours.
    today, yesterday = (datetime.combine(local.date() - timedelta(days=days), at).astimezone() for days in (0, 1))
    return today if today <= local else yesterday


def run_if_due(settings: Settings) -> Report | None:
    """Take in the inbox if a run is due and none is working; write the report below the home folder.

    The database's clock counts, as for the time of the last run. A run at any time of the day counts.
    """
    if settings.nightly is None:
        return None
    last = packs.last_run()
    if last is not None and last >= last_due(settings.nightly, mongo.now()):
        return None
    # Workers connect without creating indexes, and this may be the first batch of all.
    mongo.make_indexes()
    report = ingest.ingest(settings, wait_for_turn=False, say=_log)
    if report is not None:
        path = nights.keep(report, settings)
        logger.info("ingest.done", fields={"report": str(path), **report.as_dict()["packs"]})
    return report


def fill_in(settings: Settings) -> bool:
    """Record a batch that writes missing summaries if a provider is set up; return whether there are any."""
    # With batch APIs, beat sends them all day, at half the price.
    if not settings.can_ask_a_model or bulk.fills_in(settings):
        return False
    try:
        filled = resummarize.record(settings, missing=True)
    except UsageError:  # the providers that are set up are on no route
        return False
    if filled is None:
        return False
    logger.info("summaries.filling_in", fields={"batch": filled.id, "files": filled.total_files})
    return True


def _log(message: str) -> None:
    logger.info("ingest", fields=message)
