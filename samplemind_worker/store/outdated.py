"""Queries for what a new version would do again: analyses by the versions of their steps, and what they took.

They are counted and read by the index of versions, so that a library of a million files is looked at in a second.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from samplemind_worker.documents.analysis import BY_STEPS
from samplemind_worker.documents.batch import BatchJob
from samplemind_worker.documents.states import BatchStatus, State, Step
from samplemind_worker.documents.versions import CPU_STEPS, PLANNED, WAVEFORM_VERSION
from samplemind_worker.store import mongo

_PAGE: Final = 500
_LOOK_BACK: Final = 20  # ended batches among which some that tell the pace are searched
_MEASURED: Final = 3  # batches whose pace is taken
_LEAST: Final = 20  # files that a batch must have analysed for its pace to count
_SAMPLE: Final = 2000  # files of a batch whose seconds are added up

Versions = Mapping[str, int | None]
"""The version of each step of `PLANNED`; None where the step was never done."""


@dataclass(frozen=True, slots=True)
class Group:
    """All analyses whose steps are of the same versions."""

    versions: Versions
    files: int


@mongo.synchronous
async def groups() -> list[Group]:
    """Count the analyses by the versions of their steps, from the keys of an index."""
    fields = {step: f"$versions.{step}" for step in PLANNED}
    cursor = await mongo.collection("analyses").aggregate(
        [{"$group": {"_id": fields, "files": {"$sum": 1}}}], hint=BY_STEPS
    )
    rows = await cursor.to_list()
    return [Group({step: row["_id"].get(step) for step in PLANNED}, row["files"]) for row in rows]


@mongo.synchronous
async def contents_of(versions: Versions, *, after: str = "", limit: int = _PAGE) -> list[str]:
    """Return the next contents of a group, in the order of their ids."""
    query: dict[str, Any] = {f"versions.{step}": versions[step] for step in PLANNED}
    cursor = mongo.collection("analyses").find(query | {"_id": {"$gt": after}}, {"_id": 1}, sort=[("_id", 1)])
    return [row["_id"] for row in await cursor.hint(BY_STEPS).limit(limit).to_list()]


@mongo.synchronous
async def versions_of(contents: Sequence[str]) -> dict[str, Versions]:
    """Return the versions of the steps of those of these contents that are analysed."""
    cursor = mongo.collection("analyses").find({"_id": {"$in": list(contents)}}, {"versions": 1})
    return {row["_id"]: {step: row["versions"].get(step) for step in PLANNED} async for row in cursor}


@dataclass(frozen=True, slots=True)
class Sampled:
    """What some contents took when they were analysed, and how they lie now."""

    contents: int
    lying: int
    """How many of them lie somewhere."""
    seconds: float
    """Seconds of the CPU's steps, of those that lie somewhere."""
    decoding: float
    """Those of decoding alone."""
    by_models: int
    """How many of those have a summary that a model has written."""


@mongo.synchronous
async def sample(contents: Sequence[str]) -> Sampled:
    """Look at some contents."""
    query = {"_id": {"$in": list(contents)}}
    gone: Any = {"file_id": {"$in": list(contents)}, "gone_at": None}
    lying = set(await mongo.collection("file_locations").distinct("file_id", gone)) if contents else set[str]()
    seconds, decoding, by_models = 0.0, 0.0, 0
    async for row in mongo.collection("analyses").find(query, {"seconds": 1, "ai_state": 1}):
        if row["_id"] in lying:
            taken = row.get("seconds", {})
            seconds += sum(taken.get(step, 0.0) for step in CPU_STEPS)
            decoding += taken.get(Step.DECODE, 0.0)
            by_models += row.get("ai_state") == "written"
    return Sampled(len(contents), len(lying), seconds, decoding, by_models)


@dataclass(frozen=True, slots=True)
class Pace:
    """How fast the last batches went."""

    batches: int
    files: int
    elapsed: float
    """Seconds by the clock that the batches took together."""
    seconds: float
    """Seconds of the CPU's steps that their files took together."""


@mongo.synchronous
async def pace() -> Pace:
    """Return how fast the last batches went that analysed at least some files."""
    jobs = await BatchJob.find({"status": BatchStatus.COMPLETED.value}).sort("-_id").limit(_LOOK_BACK).to_list()
    found = Pace(0, 0, 0.0, 0.0)
    for job in jobs:
        if found.batches == _MEASURED:
            break
        one = await _pace_of(job)
        if one is not None:
            found = Pace(
                found.batches + 1, found.files + one.files, found.elapsed + one.elapsed, found.seconds + one.seconds
            )
    return found


async def _pace_of(job: BatchJob) -> Pace | None:
    """Return how fast a batch went; None if it was retried or thinned, or tells too little."""
    if job.ai_scope != "new" or job.ended_before or job.thinned is not None:
        return None
    if job.started_at is None or job.finished_at is None or job.results is None:
        return None
    completed = job.results["counts"]["completed"]
    elapsed = job.seconds_at_work(job.finished_at)
    if completed < _LEAST or elapsed <= 0.0:
        return None
    items = mongo.collection("batch_items")
    query = {"batch_id": job.id, "state": State.COMPLETED.value}
    rows = await items.find(query, {"file_id": 1}).limit(_SAMPLE).to_list()
    contents = list({row["file_id"] for row in rows})
    analysed = {"_id": {"$in": contents}, "analyzed_at": {"$gte": job.created_at}}
    taken = [
        sum(row["seconds"].get(step, 0.0) for step in CPU_STEPS)
        async for row in mongo.collection("analyses").find(analysed, {"seconds": 1})
    ]
    if len(taken) < _LEAST:
        return None
    return Pace(1, completed, elapsed, sum(taken) * completed / len(rows))


@mongo.synchronous
async def without_waveform() -> int:
    """Return how many analysed contents have no waveform of the current version."""
    analysed = await mongo.about_how_many("analyses")
    waveforms = mongo.collection("waveforms")
    older = await waveforms.count_documents({"_id": {"$gt": ""}, "version": {"$ne": WAVEFORM_VERSION}})
    return max(0, analysed - (await mongo.about_how_many("waveforms") - older))
