"""Step 3: estimates tempo, key, kind, pitch and instrument, and saves the Analysis, the chain's checkpoint."""

from samplemind_worker.documents.batch import Step
from samplemind_worker.errors import PermanentError, attempt
from samplemind_worker.pipeline.engine import judge
from samplemind_worker.pipeline.features import measured_of, split
from samplemind_worker.pipeline.workspace import Run, Workspace, claimed, hand_on, job_of
from samplemind_worker.store import ledger, results


def run(workspace: Workspace, task: Run) -> bool:
    """Judge a parcel, and return whether any item goes on. Reads scratch or files; writes AudioFile and Analysis."""
    with claimed(workspace, task, Step.TEMPO_KEY) as items:
        if not items:
            # Items that were analysed before went from decode straight to summarize, and may still wait there.
            return ledger.queued_after(task.parcel_id, Step.TEMPO_KEY)
        measured = measured_of(workspace, task.parcel_id, items)
        judged = {
            content: result
            if isinstance(result, PermanentError)
            else attempt(lambda result=result: judge(result, stated_evidence=workspace.settings.stated_evidence))
            for content, result in measured.items()
        }
        job = job_of(items[0].batch_id)
        results.save_analyses(
            [pair for pair in judged.values() if not isinstance(pair, PermanentError)],
            since=job.created_at,
            user_id=job.user_id,
        )
        workspace.scratch.drop([f"{task.parcel_id}.signal", f"{task.parcel_id}.features"])
        going_on, failed = split(items, judged)
        ledger.fail(task.parcel_id, token=task.token, errors=failed)
        return hand_on(workspace, task, Step.TEMPO_KEY, items[0].batch_id, {Step.SUMMARIZE: going_on})
