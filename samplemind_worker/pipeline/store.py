"""Step 5: stores the vectors of a parcel in Chroma, ends its items, and closes the batch after the last item."""

from collections.abc import Mapping, Sequence

from samplemind_worker.documents.batch import Step
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import InternalError, PermanentError, attempt
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.workspace import Run, Workspace, claimed
from samplemind_worker.store import batches, ledger, results

_VERSION = VERSIONS["store"]


def run(workspace: Workspace, task: Run) -> bool:
    """Store a parcel, and return False, as this is the last step.

    Reads Analysis; writes vectors, step versions, library entries and item states.
    """
    with claimed(workspace, task, Step.STORE) as items:
        if not items:
            return False
        recorded = results.vectors_of(sorted({item.file_id for item in items if item.file_id is not None}))
        missing = {
            content: found.vector
            for content, found in recorded.items()
            # A vector of an older recipe is made anew by `upkeep.recipe`.
            if found.stored != _VERSION and found.version in {None, _VERSION}
        }
        refused = _upsert(workspace, {key: vector for key, vector in missing.items() if vector is not None})
        results.mark_stored([key for key in missing if key not in refused], version=_VERSION)
        lost = InternalError("its analysis is no longer in the record; `samplemind retry` makes it anew")
        # Before the items end: whoever waits for the batch then finds its files.
        entry.refresh(list(recorded))
        errors = {
            item.id: refused.get(item.file_id or "", lost)
            for item in items
            if item.file_id not in recorded or item.file_id in refused
        }
        ledger.fail(task.parcel_id, token=task.token, errors=errors)
        ledger.complete(task.parcel_id, token=task.token, ids=[item.id for item in items if item.id not in errors])
        batches.close_if_done(items[0].batch_id)
    return False


def _upsert(workspace: Workspace, vectors: Mapping[str, Sequence[float]]) -> dict[str, PermanentError]:
    """Store vectors, one by one if Chroma refuses the whole request, and return the error of each refused one."""
    if not isinstance(attempt(lambda: workspace.vectors.upsert(vectors)), PermanentError):
        return {}
    results_of = {key: attempt(lambda key=key: workspace.vectors.upsert({key: vectors[key]})) for key in vectors}
    return {key: result for key, result in results_of.items() if isinstance(result, PermanentError)}
