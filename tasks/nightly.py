"""Maintenance tasks: the nightly run of the inbox, and the deletion of old contents and items."""

from celery import current_app, shared_task

from config import task_names as names
from samplemind_worker.packs import nightly as nightly_step
from samplemind_worker.upkeep import tidy as tidy_step
from tasks.context import fill_window, workspace


@shared_task(name=names.INGEST, ignore_result=True)
def ingest() -> None:
    """Ingest the inbox if a nightly run is due, then request deferred summaries. Never retried: beat sends it again.

    Reads and empties the inbox; writes the library, packs, batches and the report.
    """
    here = workspace()
    here.connect()
    if nightly_step.run_if_due(here.settings) is not None:
        fill_window()
        # Only the ai worker knows whether a model can be asked.
        current_app.send_task(names.FILL_IN)


@shared_task(name=names.TIDY, ignore_result=True)
def tidy() -> None:
    """Delete contents that have had no place for long, and items of old batches. Never retried: beat sends it again.

    Reads places and batches; deletes places, contents, analyses, vectors and items, for a minute at most.
    """
    here = workspace()
    here.connect()
    tidy_step.run(here.vectors, here.settings)
