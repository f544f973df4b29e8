"""Step 5: the vectors of a parcel go to Chroma, its items end, and the batch closes with the last of them."""

from samplemind_worker.documents.batch import Step
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import InternalError
from samplemind_worker.steps.workspace import Run, Workspace, claimed
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
        workspace.vectors.upsert({content: vector for content, vector in missing.items() if vector is not None})
        results.update_analyses({content: {"versions.store": _VERSION} for content in missing})
        lost = InternalError("its analysis is no longer in the record; `samplemind retry` makes it anew")
        ledger.fail(
            task.parcel_id,
            token=task.token,
            errors={item.id: lost for item in items if item.file_id not in recorded},
        )
        done = [item.id for item in items if item.file_id in recorded]
        ledger.complete(task.parcel_id, token=task.token, ids=done)
        batches.settle(items[0].batch_id)
    return False
