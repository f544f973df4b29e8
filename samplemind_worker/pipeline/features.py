"""Step 2: computes the features of each signal, and puts them into scratch memory for tempo and key."""

from collections.abc import Mapping, Sequence
from typing import Any

from bson import ObjectId

from samplemind_worker import dsp
from samplemind_worker.documents.batch import Step
from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.errors import PermanentError, attempt
from samplemind_worker.pipeline.decode import signals_of
from samplemind_worker.pipeline.engine import Measured, measure
from samplemind_worker.pipeline.workspace import Run, Workspace, claimed, hand_on
from samplemind_worker.store import ledger
from samplemind_worker.store.ledger import Item


def run(workspace: Workspace, task: Run) -> bool:
    """Compute the features of a parcel, and return whether any item goes on. Reads scratch or files; writes scratch."""
    with claimed(workspace, task, Step.FEATURES) as items:
        if not items:
            # Items that were analysed before went from decode straight to summarize, and may still wait there.
            return ledger.queued_after(task.parcel_id, Step.FEATURES)
        measured = measure_all(workspace, task.parcel_id, items)
        _keep(workspace, task.parcel_id, measured)
        going_on, failed = split(items, measured)
        ledger.fail(task.parcel_id, token=task.token, errors=failed)
        return hand_on(workspace, task, Step.FEATURES, items[0].batch_id, {Step.TEMPO_KEY: going_on})


def measure_all(workspace: Workspace, parcel_id: str, items: Sequence[Item]) -> dict[str, Measured | PermanentError]:
    """Return the features or the error of each content of these items."""
    signals = signals_of(workspace, parcel_id, items)
    return {
        content: signal if isinstance(signal, PermanentError) else attempt(lambda signal=signal: measure(signal))
        for content, signal in signals.items()
    }


def measured_of(workspace: Workspace, parcel_id: str, items: Sequence[Item]) -> dict[str, Measured | PermanentError]:
    """Return the features or the error of each content of these items, from scratch memory or computed again."""
    kept = workspace.scratch.get(f"{parcel_id}.features")
    if kept is None or any(item.file_id not in kept[0] for item in items):
        return measure_all(workspace, parcel_id, items)
    metas, arrays = kept
    of_content: dict[str, dict[str, Any]] = {}
    for key, array in arrays.items():
        content, _, name = key.partition("/")
        of_content.setdefault(content, {})[name] = array
    found: dict[str, Measured | PermanentError] = {}
    for content in {item.file_id for item in items if item.file_id is not None}:
        meta = metas[content]
        features = dsp.Features.from_arrays(meta["features"], of_content.get(content, {}))
        facts = AudioFacts.model_validate(meta["facts"])
        # Workers before version 5 of this step kept no beginning.
        found[content] = Measured(facts, features, meta.get("begin", facts.lead_seconds), meta["seconds"])
    return found


def _keep(workspace: Workspace, parcel_id: str, measured: Mapping[str, Measured | PermanentError]) -> None:
    metas: dict[str, Any] = {}
    arrays: dict[str, Any] = {}
    for content, result in measured.items():
        if isinstance(result, Measured):
            meta, own = result.features.to_arrays()
            metas[content] = {
                "facts": result.facts.model_dump(),
                "features": meta,
                "begin": result.begin,
                "seconds": result.seconds,
            }
            arrays.update({f"{content}/{key}": array for key, array in own.items()})
    # With the features kept, the signals are needed no more: make room for the next parcel.
    if metas and workspace.scratch.put(f"{parcel_id}.features", metas, arrays):
        workspace.scratch.drop([f"{parcel_id}.signal"])


def split(
    items: Sequence[Item], outcomes: Mapping[str, object]
) -> tuple[list[ObjectId], dict[ObjectId, PermanentError]]:
    """Return the items whose content succeeded, and the error of each item whose content failed."""
    failed: dict[ObjectId, PermanentError] = {}
    for item in items:
        outcome = outcomes[item.file_id or ""]
        if isinstance(outcome, PermanentError):
            failed[item.id] = outcome
    return [item.id for item in items if item.id not in failed], failed
