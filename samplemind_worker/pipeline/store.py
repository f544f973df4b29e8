"""Step 5: the vectors of a parcel go to Chroma, its items end, and the batch closes with the last of them."""

from collections.abc import Mapping, Sequence

from samplemind_worker.documents.batch import Step
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import InternalError, PermanentError, attempt
from samplemind_worker.pipeline.workspace import Run, Workspace, claimed
from samplemind_worker.store import batches, ledger, results

_VERSION = VERSIONS["store"]


def run(workspace: Workspace, task: Run) -> bool:
    """Store a parcel. Reads Analysis; writes vectors, step versions and item states; nothing goes on from here."""
    with claimed(workspace, task, Step.STORE) as items:
        if not items:
            return False
        recorded = results.load(sorted({item.file_id for item in items if item.file_id is not None}))
        missing = {
            content: analysis.vector
            for content, (_, analysis) in recorded.items()
            if analysis.versions.get("store") != _VERSION
        }
        refused = _upsert(workspace, {key: vector for key, vector in missing.items() if vector is not None})
        results.update_analyses({key: {"versions.store": _VERSION} for key in missing if key not in refused})
        lost = InternalError("its analysis is no longer in the record; `samplemind retry` makes it anew")
        errors = {
            item.id: refused.get(item.file_id or "", lost)
            for item in items
            if item.file_id not in recorded or item.file_id in refused
        }
        ledger.fail(task.parcel_id, token=task.token, errors=errors)
        ledger.complete(task.parcel_id, token=task.token, ids=[item.id for item in items if item.id not in errors])
        batches.settle(items[0].batch_id)
    return False


def _upsert(workspace: Workspace, vectors: Mapping[str, Sequence[float]]) -> dict[str, PermanentError]:
    """Store vectors, and return those that are refused with the reason: one by one where not all of them are taken."""
    if not isinstance(attempt(lambda: workspace.vectors.upsert(vectors)), PermanentError):
        return {}
    results_of = {key: attempt(lambda key=key: workspace.vectors.upsert({key: vectors[key]})) for key in vectors}
    return {key: result for key, result in results_of.items() if isinstance(result, PermanentError)}
