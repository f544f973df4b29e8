"""Has summaries written that are to come, or those of a batch anew: as a batch whose items begin at ``summarize``.

The files themselves are not looked at: what is recorded of them is all that a summary follows from.
"""

from collections.abc import Iterator, Sequence
from typing import Any, Final

from config.ai import PRIVATE, SAMPLES_PER_REQUEST, AiTask, load_table
from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, State, Step, new_item
from samplemind_worker.errors import SetupError, UsageError
from samplemind_worker.store import ai_jobs, batches, places, results

_CHUNK: Final = 1000


def record(
    settings: Settings,
    *,
    batch_id: str | None = None,
    missing: bool = False,
    task: AiTask | None = None,
    writer: str | None = None,
    budget: int | None = None,
) -> BatchJob | None:
    """Record such a batch, of the whole library or of what is in one batch; None if there is nothing to write.

    ``missing``: only what is deferred, and not to come from a batch API already. ``budget`` is in millionths of a USD.

    Raises
    ------
    UsageError
        If neither a batch nor ``missing`` is given, or there is no such batch or writer, or the task is not for it.
    """
    if batch_id is None and not missing:
        raise UsageError("name a batch, or ask for --missing: what is to come in the whole library")
    require_writer(settings, writer, task=task)
    source = None if batch_id is None else batches.find(batch_id)
    chunks = _deferred() if source is None else _of_batch(source.id, missing=missing)
    job: BatchJob | None = None
    total = 0
    try:
        for chunk in chunks:
            if job is None:
                job = batches.create(
                    name="summaries" if source is None else f"summaries of {source.name}"[:200],
                    paths=[],
                    priority="bulk" if source is None else "interactive",
                    files_per_chain=SAMPLES_PER_REQUEST,
                    ai=True,
                    force=False,
                    ai_budget=budget,
                    ai_task=task,
                    ai_writer=writer,
                    ai_scope="deferred" if missing else "all",
                )
            batches.add_items([_item(job.id, place) for place in chunk])
            total += len(chunk)
    except BaseException:
        if job is not None:
            batches.abandon(job.id)
        raise
    if job is None:
        return None
    batches.close_recording(job.id, total_files=total)
    batches.settle(job.id)
    return batches.find(job.id)


def require_writer(settings: Settings, name: str | None, *, task: AiTask | None = None) -> None:
    """Look whether there is such a provider or writer in the table, and on the route of what is private.

    Raises
    ------
    UsageError
        If there is none, or it may not be asked.
    SetupError
        If the table cannot be read.
    """
    try:
        table = load_table(settings.ai_table, tuple(sorted(settings.ai_models.items())))
    except ValueError as error:
        raise SetupError(str(error)) from error
    if name is None:
        return
    names = list(dict.fromkeys(word for each in table.writers.values() for word in (each.name, each.provider)))
    if name not in names:
        raise UsageError(f"no provider {name!r}; there are: {', '.join(names)}")
    if (
        task is not None
        and task in PRIVATE
        and all(name not in (each.name, each.provider) for each in table.route(task))
    ):
        raise UsageError(f"for {task} {name} is not asked: it is not on that route of the table")


_Place = dict[str, Any]


def _deferred() -> Iterator[Sequence[_Place]]:
    """Yield a place of each content whose summary is to come and that lies anywhere still."""
    after = ""
    coming = ai_jobs.contents_under_way()
    while contents := results.deferred(after=after, limit=_CHUNK):
        after = contents[-1]
        found = places.of([content for content in contents if content not in coming])
        if found:
            yield [found[content][0].values() for content in contents if content in found]


def _of_batch(batch_id: str, *, missing: bool) -> Iterator[Sequence[_Place]]:
    """Yield a place of each content that a batch has analysed, or knew."""
    seen: set[str] = set()
    chunk: list[_Place] = []
    for state in (State.COMPLETED, State.SKIPPED):
        for item in batches.iterate(batch_id, state=state):
            if item.file_id is None or item.file_id in seen:
                continue
            seen.add(item.file_id)
            chunk.append(item.model_dump())
            if len(chunk) == _CHUNK:
                yield from _wanted(chunk, missing=missing)
                chunk = []
    yield from _wanted(chunk, missing=missing)


def _wanted(chunk: Sequence[_Place], *, missing: bool) -> Iterator[Sequence[_Place]]:
    ids = [place["file_id"] for place in chunk]
    there = results.deferred_among(ids) - ai_jobs.contents_under_way() if missing else set(results.progress_of(ids))
    if found := [place for place in chunk if place["file_id"] in there]:
        yield found


def _item(batch_id: str, place: _Place) -> dict[str, Any]:
    made = new_item(
        batch_id,
        root=place["root"],
        path=place["path"],
        raw_path=place.get("raw_path"),
        size=place["size"],
        mtime_ns=place["mtime_ns"],
        ctime_ns=place["ctime_ns"],
        file_id=place["file_id"],
    )
    return made | {"step": Step.SUMMARIZE.value}
