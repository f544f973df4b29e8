"""Step 4: a written summary of each analysed sample; starts from the record, on any host."""

from config.ai import AiTask
from samplemind_worker.documents.batch import Step
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.providers.base import Sample, Summary
from samplemind_worker.providers.local import LocalProvider
from samplemind_worker.steps.workspace import Run, Workspace, claimed, hand_on
from samplemind_worker.store import results

_VERSION = VERSIONS["summarize"]


def run(workspace: Workspace, task: Run) -> bool:
    """Summarize a parcel. Reads and writes Analysis; True if any item goes on."""
    with claimed(workspace, task, Step.SUMMARIZE) as items:
        if not items:
            return False
        recorded = results.load(sorted({item.file_id for item in items if item.file_id is not None}))
        samples = [
            Sample(audio, analysis)
            for audio, analysis in recorded.values()
            if analysis.versions.get("summarize") != _VERSION
        ]
        if samples:
            summaries = LocalProvider().describe(AiTask.AUDIO_ANALYSIS, samples).summaries
            results.update_analyses(
                {
                    sample.audio.file_id: _fields(summary)
                    for sample, summary in zip(samples, summaries, strict=True)
                    if summary is not None
                }
            )
        return hand_on(workspace, task, Step.SUMMARIZE, items[0].batch_id, {Step.STORE: [item.id for item in items]})


def _fields(summary: Summary) -> dict[str, object]:
    return {
        "ai_provider": summary.provider,
        "ai_model": summary.model,
        "ai_summary": summary.summary,
        "production_tips": list(summary.production_tips),
        "creative_ideas": list(summary.creative_ideas),
        "fl_studio_recommendations": list(summary.fl_studio_recommendations),
        "ai_tags": list(summary.tags),
        "versions.summarize": _VERSION,
    }
