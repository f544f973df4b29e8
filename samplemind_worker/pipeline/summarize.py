"""Step 4: writes a summary of each analysed sample. Reads the record only, so it runs on any host."""

import threading
from weakref import WeakKeyDictionary

from samplemind_worker.documents.batch import BatchJob, Step
from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.documents.samples import Sample
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import OverTheRateError
from samplemind_worker.pipeline.workspace import Run, Workspace, claimed, hand_on, job_of
from samplemind_worker.store import ai_jobs, batches, results
from samplemind_worker.summaries.describe import Summarizer

_VERSION = VERSIONS["summarize"]

_summarizers: WeakKeyDictionary[Workspace, Summarizer] = WeakKeyDictionary()
_making = threading.Lock()


def run(workspace: Workspace, task: Run) -> bool:
    """Summarize a parcel, and return whether any item goes on. Reads and writes Analysis.

    Raises
    ------
    OverTheRateError
        If the providers accept no more requests now; the task is retried.
    """
    with claimed(workspace, task, Step.SUMMARIZE) as items:
        if not items:
            return False
        job = job_of(items[0].batch_id)
        recorded = results.load(sorted({item.file_id for item in items if item.file_id is not None}))
        samples = [Sample(audio, analysis) for audio, analysis in recorded.values() if _is_asked_for(job, analysis)]
        if samples and job.ai_scope == "deferred":
            coming = ai_jobs.contents_under_way()
            samples = [sample for sample in samples if sample.audio.file_id not in coming]
        if samples:
            waited = max(item.waited for item in items)
            written = _summarizer(workspace).describe(job, samples, waited=waited, tries=len(task.previous))
            results.update_analyses(
                {content: text.fields(batch_id=job.id, version=_VERSION) for content, text in written.texts.items()}
            )
            if written.hint is not None:
                batches.note_hint(job.id, written.hint)
            if written.again:
                raise OverTheRateError("the providers let no more requests through now")
        return hand_on(workspace, task, Step.SUMMARIZE, items[0].batch_id, {Step.STORE: [item.id for item in items]})


def _summarizer(workspace: Workspace) -> Summarizer:
    with _making:
        if workspace not in _summarizers:
            _summarizers[workspace] = Summarizer(workspace.settings, workspace.cache, workspace.limiter)
        return _summarizers[workspace]


def close(workspace: Workspace) -> None:
    """Close the connections to providers that steps of this workspace have opened."""
    if workspace in _summarizers:
        _summarizers.pop(workspace).close()


def _is_asked_for(job: BatchJob, analysis: AnalysisFacts) -> bool:
    match job.ai_scope:
        case "new":
            return analysis.versions.get("summarize") != _VERSION
        case "deferred":
            return (analysis.ai_state == "deferred" or analysis.ai_wanted) and analysis.ai_batch != job.id
        case "all":
            return analysis.ai_batch != job.id
