"""The tasks of the ai queue."""

from celery import Task, shared_task

from config import task_names as names
from samplemind_worker.packs import nightly as nightly_step
from samplemind_worker.pipeline import summarize as summarize_step
from samplemind_worker.summaries import bulk as bulk_step
from tasks.context import fill_window, run_step, workspace
from tasks.retry import POLICY


@shared_task(bind=True, name=names.SUMMARIZE, **POLICY)
def summarize(self: Task[..., None], parcel_id: str) -> None:
    """Write the summaries of a parcel's analyses into the record. Items end queued for store."""
    run_step(self, summarize_step.run, parcel_id)


@shared_task(name=names.BULK, ignore_result=True)
def bulk() -> None:
    """Collect the replies of batch APIs, and submit deferred summaries to them. Never retried: beat sends it again.

    Reads and writes Analysis, jobs and the ledger.
    """
    here = workspace()
    here.connect()
    bulk_step.run(here.settings)


@shared_task(name=names.FILL_IN, ignore_result=True)
def fill_in() -> None:
    """Record a batch of the deferred summaries, after a nightly run. Never retried: the next run sends it again."""
    here = workspace()
    here.connect()
    if nightly_step.fill_in(here.settings):
        fill_window()
