"""Records a batch that writes missing summaries, or those of a batch again; its items begin at ``summarize``.

The files themselves are not read: a summary follows from the record alone.
"""

from collections.abc import Callable, Collection, Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from config.ai import PRIVATE, SAMPLES_PER_REQUEST, AiTask, Writer, load_table, ways_to_set_up
from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, State, Step, new_item, task_of
from samplemind_worker.errors import SetupError, UsageError
from samplemind_worker.store import ai_jobs, batches, places, results
from samplemind_worker.store.cache import Board
from samplemind_worker.text import suggestion

_CHUNK: Final = 1000


def record(
    settings: Settings,
    *,
    batch_id: str | None = None,
    ids: Sequence[str] = (),
    missing: bool = False,
    task: AiTask | None = None,
    writer: str | None = None,
    budget: int | None = None,
    providers: Collection[str] = (),
    user_id: str = "local",
    admits: Callable[[str], bool] = bool,
    since: datetime | None = None,
    until: datetime | None = None,
) -> BatchJob | None:
    """Record the batch, for the whole library, the contents of one batch, or some; None if there is nothing to write.

    With ``missing`` only summaries are written that a model should have written and that no batch API is writing.
    ``budget`` is in millionths of a USD. ``providers`` are those that the workers have set up. Contents of which
    ``admits`` accepts no place are left out; of the whole library also those that were not analysed for the first time
    since then, and before ``until``.

    Raises
    ------
    UsageError
        If neither a batch, contents nor ``missing`` is given, or a batch and contents, if the batch or writer does not
        exist, or if the writer is not set up or not allowed for the task.
    """
    if batch_id is not None and ids:
        raise UsageError("name a batch or files, not both")
    if batch_id is None and not ids and not missing:
        raise UsageError("name a batch, or ask for --missing: what is to come in the whole library")
    source = None if batch_id is None else batches.find(batch_id)
    if source is not None and source.thinned_at is not None:
        raise UsageError(f"batch {source.id} ended so long ago that its files are not listed; ask for --missing")
    whole_library = batch_id is None and not ids
    asked = task or task_of("bulk" if whole_library else "interactive")
    require_writer(settings, writer, task=asked, providers=providers)
    if source is not None:
        chunks = _of_batch(source.id, missing=missing, admits=admits)
    else:
        chunks = _of_contents(ids, missing=missing, admits=admits) if ids else _unwritten(admits, since, until)
    job: BatchJob | None = None
    total = 0
    try:
        for chunk in chunks:
            if job is None:
                job = batches.create(
                    name="summaries" if source is None else f"summaries of {source.name}"[:200],
                    paths=[],
                    priority="bulk" if whole_library else "interactive",
                    files_per_chain=SAMPLES_PER_REQUEST,
                    ai=True,
                    force=False,
                    ai_budget=budget,
                    ai_task=task,
                    ai_writer=writer,
                    ai_scope="deferred" if missing else "all",
                    user_id=user_id,
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
    batches.close_if_done(job.id)
    return batches.find(job.id)


def require_writer(settings: Settings, name: str | None, *, task: AiTask, providers: Collection[str] = ()) -> None:
    """Check that the writer or provider of this name can be asked; without a name, that one on the route can.

    Raises
    ------
    UsageError
        If the name is unknown, if it may not be asked for a private task, or if it is not set up.
    SetupError
        If the table cannot be read.
    """
    try:
        table = load_table(settings.ai_table, tuple(sorted(settings.ai_models.items())))
    except ValueError as error:
        raise SetupError(str(error)) from error
    route = table.route(task)
    if name is None:
        able = [writer for writer in route if writer.provider != "local" and _is_set_up(settings, writer, providers)]
        if not able:
            ways = ways_to_set_up(route)
            raise UsageError(
                f"no provider is set up that writes about {task}: set {ways}"
                if ways
                else f"nobody but local is on the route of {task} in the table; name one with --provider"
            )
        return
    named = [writer for writer in table.writers.values() if name in (writer.name, writer.provider)]
    if not named:
        names = dict.fromkeys(word for each in table.writers.values() for word in (each.name, each.provider))
        raise UsageError(f"no provider {name!r}; there are: {', '.join(names)}{suggestion(name, names)}")
    if task in PRIVATE and not any(writer in route for writer in named):
        raise UsageError(f"for {task} {name} is not asked: it is not on that route of the table")
    if not any(_is_set_up(settings, writer, providers) for writer in named):
        raise UsageError(f"{name} is not set up: set {ways_to_set_up(named)}")


def announced_providers(settings: Settings) -> set[str]:
    """Return the providers that the workers have set up; who asks may run without their keys.

    Raises
    ------
    ServiceUnavailableError
        If Redis does not answer.
    """
    if settings.redis_url is None:
        return set()
    board = Board(settings.redis_url.get_secret_value(), settings.database)
    try:
        return {provider for sign in board.workers() for provider in sign.providers}
    finally:
        board.close()


def _is_set_up(settings: Settings, writer: Writer, providers: Collection[str]) -> bool:
    return settings.can_ask(writer.provider) or writer.provider in providers


_Place = dict[str, Any]


def _unwritten(
    admits: Callable[[str], bool], since: datetime | None, until: datetime | None
) -> Iterator[Sequence[_Place]]:
    """Yield one place of each content that has files and lacks its summary."""
    after = ""
    coming = ai_jobs.contents_under_way()
    while contents := results.unwritten(after=after, limit=_CHUNK):
        after = contents[-1]
        added = results.added_between(contents, since, until) - coming
        if found := _places_of([content for content in contents if content in added], admits):
            yield found


def _places_of(contents: Sequence[str], admits: Callable[[str], bool]) -> list[_Place]:
    """Return one admitted place of each content that has any, in their order."""
    found = places.of(contents)
    lie = (next((place for place in found.get(each, ()) if admits(place.shown)), None) for each in contents)
    return [place.values() for place in lie if place is not None]


def _of_batch(batch_id: str, *, missing: bool, admits: Callable[[str], bool]) -> Iterator[Sequence[_Place]]:
    """Yield one place of each content that a batch analysed or skipped as known."""
    seen: set[str] = set()
    chunk: list[_Place] = []
    for state in (State.COMPLETED, State.SKIPPED):
        for item in batches.iterate(batch_id, state=state):
            if item.file_id is None or item.file_id in seen or not admits(f"{item.root.rstrip('/')}/{item.path}"):
                continue
            seen.add(item.file_id)
            chunk.append(item.model_dump())
            if len(chunk) == _CHUNK:
                yield from _wanted(chunk, missing=missing)
                chunk = []
    yield from _wanted(chunk, missing=missing)


def _of_contents(ids: Sequence[str], *, missing: bool, admits: Callable[[str], bool]) -> Iterator[Sequence[_Place]]:
    """Yield one place of each of these contents that lies somewhere."""
    distinct = list(dict.fromkeys(ids))
    for start in range(0, len(distinct), _CHUNK):
        yield from _wanted(_places_of(distinct[start : start + _CHUNK], admits), missing=missing)


def _wanted(chunk: Sequence[_Place], *, missing: bool) -> Iterator[Sequence[_Place]]:
    ids = [place["file_id"] for place in chunk]
    there = results.unwritten_of(ids) - ai_jobs.contents_under_way() if missing else set(results.progress_of(ids))
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
