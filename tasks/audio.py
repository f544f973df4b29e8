"""The tasks of the cpu queue."""

from celery import Task, shared_task

from config import task_names as names
from samplemind_worker.pipeline import decode as decode_step
from samplemind_worker.pipeline import features as features_step
from samplemind_worker.pipeline import tempo_key as tempo_key_step
from samplemind_worker.store import parcels
from samplemind_worker.store.scratch import SWEEP_AGE
from tasks.context import fill_window, run_step, workspace
from tasks.retry import POLICY


@shared_task(bind=True, name=names.DECODE, **POLICY)
def decode(self: Task[..., None], parcel_id: str) -> None:
    """Decode a parcel's files into scratch. Items end queued, failed, skipped or completed."""
    if not run_step(self, decode_step.run, parcel_id):
        fill_window()


@shared_task(bind=True, name=names.FEATURES, **POLICY)
def features(self: Task[..., None], parcel_id: str) -> None:
    """Compute features from scratch, or from the files again. Items end queued for tempo_key, or failed."""
    run_step(self, features_step.run, parcel_id)


@shared_task(bind=True, name=names.TEMPO_KEY, **POLICY)
def tempo_key(self: Task[..., None], parcel_id: str) -> None:
    """Estimate tempo and key, and save the analyses. Items end queued for summarize, or failed."""
    run_step(self, tempo_key_step.run, parcel_id)
    fill_window()


@shared_task(name=names.SWEEP)
def sweep() -> None:
    """Remove the files from this host's scratch memory that no parcel in flight needs. Never retried."""
    here = workspace()
    here.connect()
    here.scratch.sweep(parcels.live_parcels, age=SWEEP_AGE)
