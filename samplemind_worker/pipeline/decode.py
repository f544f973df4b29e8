"""Step 1: read each file of a parcel once: hash, facts, waveform, and the signal, which is left in scratch memory.

A content that is analysed but has no waveform, from before there were any, is decoded for that alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, ExitStack, nullcontext, suppress
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from io import BufferedReader
from typing import Any

import numpy.typing as npt
from bson import ObjectId

from samplemind_worker.documents.batch import BatchJob, Step
from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS
from samplemind_worker.errors import InternalError, MissingFileError, OutsideRootsError, PermanentError, attempt
from samplemind_worker.finding import entry
from samplemind_worker.pipeline.reader import Source, identify_within, read_signals
from samplemind_worker.pipeline.signals import Signal
from samplemind_worker.pipeline.workspace import Run, Workspace, claimed, hand_on, job_of
from samplemind_worker.store import ledger, library, places, results, waveforms
from samplemind_worker.store.landing import IN_MEMORY
from samplemind_worker.store.ledger import Item
from samplemind_worker.store.places import Place

_OPEN_AT_ONCE = 64  # files: a process may hold about a thousand open
_COPIED_AT_ONCE = 8  # objects of a bucket: most of the time of each is waiting


@dataclass(frozen=True, slots=True)
class _Opened:
    item: Item
    file: BufferedReader
    place: Place


class _Need(StrEnum):
    """Why a file needs no further step: all of its steps are recorded."""

    KNOWN = "known"
    """They were recorded before this batch: the file is skipped."""
    DONE = "done"
    """This batch recorded them, or at least the waveform, for the file or a copy of it: the file is completed."""


_Needs = dict[Step | _Need, list[_Opened]]
_Plan = dict[Step | _Need, list[tuple[ObjectId, Place]]]


def _empty_plan() -> _Plan:
    return {Step.FEATURES: [], Step.SUMMARIZE: [], _Need.KNOWN: [], _Need.DONE: []}


@dataclass(frozen=True, slots=True)
class _Work:
    """The result for a parcel: signals by content, items by their next step, and the items that failed."""

    signals: dict[str, Signal]
    plan: _Plan
    failed: dict[ObjectId, PermanentError]
    displaced: set[str]
    """The contents that lay at these paths before."""


def run(workspace: Workspace, task: Run) -> bool:
    """Decode a parcel, and return whether any item goes on.

    Reads the files; writes places, waveforms, item states and scratch.
    """
    with claimed(workspace, task, Step.DECODE) as items:
        if not items:
            return False
        work = _Work({}, _empty_plan(), {}, set())
        job = job_of(items[0].batch_id)
        for start in range(0, len(items), _OPEN_AT_ONCE):
            _read(workspace, task.parcel_id, items[start : start + _OPEN_AT_ONCE], job, work)
        keep_signals(workspace, task.parcel_id, work.signals)
        return _record(workspace, task, items[0].batch_id, work)


def _read(workspace: Workspace, parcel_id: str, items: Sequence[Item], job: BatchJob, work: _Work) -> None:
    """Open and hash some files, decode those that need it, and add each to the plan or to the failed items.

    Raises
    ------
    RootNotReachedError
        If their root is not there, because then no failure says anything about its file.
    TransientError
        If there is no room for copies of large objects now.
    """
    _require_root(workspace, items, job)
    with _room(workspace, parcel_id, items), ExitStack() as files:
        opened: list[_Opened] = []
        for item, result in zip(items, _open_each(workspace, items, files), strict=True):
            if isinstance(result, PermanentError):
                work.failed[item.id] = result
            else:
                opened.append(result)
        # Save places before looking for analyses: `tidy` deletes an analysis first, and then looks for its places.
        # Save those that cannot be decoded too: the file that lay there before is gone.
        work.displaced.update(places.save(one.place for one in opened))
        needs = _sort(opened, job)
        _plan(needs, _decode_wanted(workspace, needs, work), work)
    if any(item.id in work.failed for item in items):
        _require_root(workspace, items, job)


def _decode_wanted(workspace: Workspace, needs: _Needs, work: _Work) -> dict[str, Signal | PermanentError]:
    """Decode the contents that are new or lack a waveform, save their waveforms, and return signals and errors."""
    lacking = waveforms.lacking(
        one.place.file_id for need, group in needs.items() if need is not Step.FEATURES for one in group
    )
    wanted: dict[str, _Opened] = {}
    for need, group in needs.items():
        for one in group:
            content = one.place.file_id
            if content in lacking or (need is Step.FEATURES and content not in work.signals):
                wanted.setdefault(content, one)
    read = dict(zip(wanted, _decode(workspace, list(wanted.values())), strict=True))
    # Before anything else is recorded of them, so that what has passed this step has a waveform.
    waveforms.save({content: signal.waveform for content, signal in read.items() if isinstance(signal, Signal)})
    return read


def _plan(needs: _Needs, read: Mapping[str, Signal | PermanentError], work: _Work) -> None:
    for need, group in needs.items():
        for one in group:
            content = one.place.file_id
            signal = read.get(content)
            if isinstance(signal, PermanentError):
                work.failed[one.item.id] = signal
                continue
            if need is Step.FEATURES and signal is not None:
                work.signals[content] = signal
            is_drawn = need is _Need.KNOWN and signal is not None
            work.plan[_Need.DONE if is_drawn else need].append((one.item.id, one.place))


def _room(workspace: Workspace, parcel_id: str, items: Sequence[Item]) -> AbstractContextManager[None]:
    """Have room within the budget of scratch for the objects of these items that are copied to a disk."""
    sizes = (item.size for item in items if library.is_object(item.root, workspace.settings.roots))
    size = sum(size for size in sizes if size > IN_MEMORY)
    return workspace.scratch.room(parcel_id, size) if size else nullcontext()


def _require_root(workspace: Workspace, items: Sequence[Item], job: BatchJob) -> None:
    recorded = {one.root: one for one in job.roots}
    for root in {item.root for item in items}:
        with suppress(OutsideRootsError):  # each file fails with it
            workspace.roots.require(root, recorded.get(root))


def _open_each(
    workspace: Workspace, items: Sequence[Item], files: ExitStack, *, again: bool = False
) -> Iterator[_Opened | PermanentError]:
    """Open files, several objects of a bucket at once, and yield each or its error in their order."""
    open_one = _open_again if again else _open
    work = [partial(attempt, partial(open_one, workspace, item, files)) for item in items]
    if not any(library.is_object(item.root, workspace.settings.roots) for item in items):
        yield from (one() for one in work)
        return
    with ThreadPoolExecutor(_COPIED_AT_ONCE, "objects") as pool:
        yield from pool.map(_call, work)


def _call(work: Callable[[], _Opened | PermanentError]) -> _Opened | PermanentError:
    return work()


def _open(workspace: Workspace, item: Item, files: ExitStack) -> _Opened:
    settings = workspace.settings
    opened = library.open_place(item.root, item.path, roots=settings.roots, max_bytes=settings.max_file_bytes)
    files.callback(opened.file.close)
    place = Place(
        root=item.root,
        path=item.path,
        file_id=opened.sha256 or identify_within(opened.file, settings),
        size=opened.size,
        mtime_ns=opened.mtime_ns,
        ctime_ns=opened.ctime_ns,
        settled=opened.settled,
    )
    return _Opened(item, opened.file, place)


def _decode(workspace: Workspace, opened: Sequence[_Opened]) -> Iterator[Signal | PermanentError]:
    sources = [Source(one.file, library.place_of(one.item.root, one.item.path), one.place.file_id) for one in opened]
    return read_signals(sources, workspace.settings)


def _sort(opened: Sequence[_Opened], job: BatchJob) -> _Needs:
    """Group files by the step that they need. With ``force``, steps recorded before the batch do not count."""
    recorded = results.progress_of([one.place.file_id for one in opened])
    needs: _Needs = {}
    for one in opened:
        record = recorded.get(one.place.file_id)
        before = record is not None and record["analyzed_at"] < job.created_at
        versions: Mapping[str, int] = {} if record is None or (before and job.force) else record["versions"]
        current = {step for step, version in VERSIONS.items() if versions.get(step) == version}
        if not current.issuperset(CPU_STEPS):
            need: Step | _Need = Step.FEATURES
        elif not current.issuperset(VERSIONS):
            need = Step.SUMMARIZE
        else:
            need = _Need.KNOWN if before else _Need.DONE
        needs.setdefault(need, []).append(one)
    return needs


def _record(workspace: Workspace, task: Run, batch_id: str, work: _Work) -> bool:
    ids: dict[Step | _Need, list[ObjectId]] = {need: [item for item, _ in group] for need, group in work.plan.items()}
    ending = _contents(work, _Need)
    ledger.identify(task.parcel_id, token=task.token, file_ids=ending)
    ledger.fail(task.parcel_id, token=task.token, errors=work.failed)
    # Those of the other contents are made by `store`.
    entry.refresh(sorted({*ending.values(), *work.displaced}))
    ledger.skip(task.parcel_id, token=task.token, ids=ids[_Need.KNOWN], reason="known")
    ledger.complete(task.parcel_id, token=task.token, ids=ids[_Need.DONE])
    to: dict[Step, Sequence[ObjectId]] = {step: ids[step] for step in (Step.FEATURES, Step.SUMMARIZE)}
    return hand_on(workspace, task, Step.DECODE, batch_id, to, file_ids=_contents(work, to))


def _contents(work: _Work, needs: Iterable[Step | _Need]) -> dict[ObjectId, str]:
    """Return the content of each item that has one of these needs."""
    return {item: place.file_id for need in needs for item, place in work.plan[need]}


def keep_signals(workspace: Workspace, parcel_id: str, signals: Mapping[str, Signal]) -> None:
    """Put decoded signals into scratch memory, if there is room."""
    if not signals:
        return
    meta = {
        key: {"facts": signal.facts.model_dump(), "sr": signal.sr, "seconds": signal.seconds}
        for key, signal in signals.items()
    }
    workspace.scratch.put(f"{parcel_id}.signal", meta, {key: signal.y for key, signal in signals.items()})


def signals_of(workspace: Workspace, parcel_id: str, items: Sequence[Item]) -> dict[str, Signal | PermanentError]:
    """Return the signal or the error of each content of these items, from scratch memory or decoded again.

    A file that has changed since it was hashed gives a MissingFileError, because the submitted content is gone.
    """
    found: dict[str, Signal | PermanentError] = {}
    kept: tuple[dict[str, Any], dict[str, npt.NDArray[Any]]] = workspace.scratch.get(f"{parcel_id}.signal") or ({}, {})
    lost: dict[str, Item] = {}
    for item in items:
        content = item.file_id
        if content is None:
            raise InternalError("an item passed decode without a content")
        if content in kept[0]:
            meta = kept[0][content]
            facts = AudioFacts.model_validate(meta["facts"])
            found[content] = Signal(facts, kept[1][content], meta["sr"], meta["seconds"])
        else:
            lost.setdefault(content, item)
    again = list(lost.values())
    for start in range(0, len(again), _OPEN_AT_ONCE):
        found |= _decode_again(workspace, parcel_id, again[start : start + _OPEN_AT_ONCE])
    return found


def _decode_again(workspace: Workspace, parcel_id: str, items: Sequence[Item]) -> dict[str, Signal | PermanentError]:
    found: dict[str, Signal | PermanentError] = {}
    with _room(workspace, parcel_id, items), ExitStack() as files:
        opened: list[_Opened] = []
        for item, result in zip(items, _open_each(workspace, items, files, again=True), strict=True):
            if isinstance(result, PermanentError):
                found[str(item.file_id)] = result
            else:
                opened.append(result)
        for one, signal in zip(opened, _decode(workspace, opened), strict=True):
            found[one.place.file_id] = signal
    if any(isinstance(result, PermanentError) for result in found.values()):
        _require_root(workspace, items, job_of(items[0].batch_id))
    return found


def _open_again(workspace: Workspace, item: Item, files: ExitStack) -> _Opened:
    one = _open(workspace, item, files)
    if one.place.file_id != item.file_id:
        raise MissingFileError("the file changed while it was being analysed; submit it again")
    return one
