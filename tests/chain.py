"""The five steps of a chain, run in this process as its messages would run them."""

from collections.abc import Callable
from typing import Any

from config.locations import Location
from samplemind_worker.documents.batch import BatchItem, BatchJob, Step
from samplemind_worker.pipeline import decode, features, store, summarize, tempo_key
from samplemind_worker.pipeline.workspace import Run, Workspace
from samplemind_worker.store import batches
from samplemind_worker.submission import scan
from samplemind_worker.submission.dispatch import dispatch
from samplemind_worker.submission.listing import Listing
from samplemind_worker.submission.options import SubmitOptions

RUNS: dict[Step, Callable[[Workspace, Run], bool]] = {
    Step.DECODE: decode.run,
    Step.FEATURES: features.run,
    Step.TEMPO_KEY: tempo_key.run,
    Step.SUMMARIZE: summarize.run,
    Step.STORE: store.run,
}


def run_chain(workspace: Workspace, parcel: str, first: Step, *, until: Step | None = None) -> list[Step]:
    """Run a parcel's chain as its messages would: it ends where a step hands nothing on; the steps that ran."""
    done: list[Step] = []
    for step in list(Step)[list(Step).index(first) :]:
        done.append(step)
        if not RUNS[step](workspace, Run(parcel, f"{parcel}-{step}.0")) or step == until:
            break
    return done


def publish(workspace: Workspace, **settings: object) -> list[tuple[str, Step]]:
    """Dispatch with the workspace's settings, some of them changed; the parcels that were published."""
    published: list[tuple[str, Step]] = []
    dispatch(
        workspace.settings.model_copy(update=settings),
        workspace.board,
        lambda parcel, step, _: published.append((parcel, step)),
    )
    return published


def work(workspace: Workspace) -> int:
    """Work until the dispatcher finds no more to do; how many chains that took."""
    chains = 0
    while published := publish(workspace):
        for parcel, step in published:
            run_chain(workspace, parcel, step)
            chains += 1
    return chains


def submit(workspace: Workspace, *paths: Location, **options: Any) -> BatchJob:
    heard = {name: options.pop(name) for name in ("on_progress", "on_created", "on_ended") if name in options}
    return scan.submit(Listing(paths), SubmitOptions(**options), settings=workspace.settings, **heard)


def analyse(workspace: Workspace, *paths: Location, **options: Any) -> dict[str, Any]:
    """Submit, work, and report."""
    job = submit(workspace, *paths, **options)
    work(workspace)
    return batches.report(batches.find(job.id))


def items_of(batch_id: str) -> dict[str, BatchItem]:
    return {item.path: item for item in batches.iterate(batch_id)}
