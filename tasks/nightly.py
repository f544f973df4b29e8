"""Tasks that keep house: the inbox at night, and what nobody misses any more."""

from celery import current_app, shared_task

from config import task_names as names
from samplemind_worker.packs import nightly as nightly_step
from samplemind_worker.upkeep import tidy as tidy_step
from tasks.context import fill_window, workspace


@shared_task(name=names.INGEST, ignore_result=True)
def ingest() -> None:
    """Take in the inbox if the night's run is due, then have summaries filled in. Beat asks again soon: never retried.

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
    """Delete contents that lie nowhere for long, and the items of old batches. Beat sends it again: never retried.

    Reads places and batches; deletes places, contents, analyses, vectors and items, a minute's worth at a time.
    """
    here = workspace()
    here.connect()
    tidy_step.run(here.vectors, here.settings)
