"""The tasks of the io and control queues: storing, dispatching, taking back, keeping the vectors complete."""

from celery import Task, shared_task

from config import task_names as names
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.finding import entry
from samplemind_worker.pipeline import store as store_step
from samplemind_worker.store import parcels
from samplemind_worker.submission import dispatch as dispatch_step
from samplemind_worker.upkeep import migrations
from samplemind_worker.upkeep import reindex as reindex_step
from samplemind_worker.upkeep import sound_map as map_step
from tasks.context import publish_parcel, run_step, workspace
from tasks.retry import POLICY

_MIGRATION_SECONDS = 10.0  # s that one task migrates documents
_ENTRY_SECONDS = 10.0  # s that one task makes entries


@shared_task(bind=True, name=names.STORE, **POLICY)
def store(self: Task[..., None], parcel_id: str) -> None:
    """Store a parcel's vectors. Items end completed, or failed; the batch ends with its last item."""
    run_step(self, store_step.run, parcel_id)


@shared_task(name=names.DISPATCH, ignore_result=True)
def dispatch() -> None:
    """Take back lost items, fill the window, close finished batches. Never retried: beat sends it again soon."""
    here = workspace()
    if not here.board.take_turn(here.settings.dispatch_seconds / 2):
        return
    keep_expired = here.expiry_hold.is_due()
    try:
        here.connect()
        dispatch_step.dispatch(here.settings, here.board, publish_parcel, keep_expired=keep_expired)
    except ServiceUnavailableError:
        here.expiry_hold.renew()
        raise


@shared_task(name=names.TAKE_BACK, **POLICY)
def take_back(parcel_id: str, task_id: str, code: str) -> None:
    """Take back the items of a task whose process died. Items end pending, or failed with ``code``."""
    here = workspace()
    here.connect()
    parcels.take_back_parcel(parcel_id, task_id=task_id, max_starts=here.settings.max_starts, code=code)
    dispatch_step.refill(here.settings, here.board, publish_parcel)


@shared_task(name=names.REINDEX, ignore_result=True)
def reindex() -> None:
    """Bring documents to their present form, make library entries, and compare the vectors in Chroma with the record.

    It does each for a while, and the next one continues. Never retried: beat sends it again soon. Reads the record;
    writes the older documents, LibraryEntry, vectors and VectorIndex.
    """
    here = workspace()
    here.connect()
    migrations.tend(here.board.workers(), seconds=_MIGRATION_SECONDS)
    entry.refresh_marked(seconds=_ENTRY_SECONDS)
    entry.build(seconds=_ENTRY_SECONDS)
    reindex_step.tend(here.vectors)


@shared_task(name=names.SOUND_MAP, ignore_result=True)
def sound_map() -> None:
    """Make the map of all sounds if the library has changed and has rested since. Never retried: beat sends it again.

    Reads LibraryEntry; writes SoundMap and its parts.
    """
    workspace().connect()
    map_step.tend()
