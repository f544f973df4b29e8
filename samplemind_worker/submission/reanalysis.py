"""Records a batch in the background that does steps of known contents again."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from config.settings import Settings
from samplemind_worker.documents.batch import BatchJob, RecordedRoot, Step, new_item
from samplemind_worker.documents.spend import from_usd
from samplemind_worker.errors import OutsideRootsError, UsageError
from samplemind_worker.store import batches, library, places, turns
from samplemind_worker.store.places import Place
from samplemind_worker.store.roots import recorded
from samplemind_worker.submission.options import SubmitOptions
from samplemind_worker.submission.plan import First, Wanted, chosen_contents

_TURN: Final = "reanalyze"
_LEASE: Final = 60.0  # s
_UNSEEN: Final = -1  # no folder has this number


@dataclass
class Recorded:
    """What was recorded."""

    job: BatchJob | None = None
    files: int = 0
    gone: int = 0
    """Contents that lie nowhere, and were left out."""
    roots: dict[str, RecordedRoot] = field(default_factory=dict[str, RecordedRoot])


def record(settings: Settings, wanted: Wanted, options: SubmitOptions) -> Recorded:
    """Record a batch of what is to be done again; without a batch if there is nothing.

    Each content is taken once, at one of its places that were asked for. Another process dispatches the batch.

    Raises
    ------
    UsageError
        If a batch of this name is open, or another process records one now, because the same would be done twice.
    ServiceUnavailableError
        If the record does not answer, or if the entries of a search are not complete.
    """
    run = secrets.token_hex(6)
    if not turns.take(_TURN, run, lease=_LEASE):
        raise UsageError("another process records what is to be done again; call this once more when it has ended")
    with turns.kept(_TURN, run, lease=_LEASE):
        return _record(settings, wanted, options)


def _record(settings: Settings, wanted: Wanted, options: SubmitOptions) -> Recorded:
    name = options.name or "done again"
    for job in batches.open_batches():
        if job.background and job.name == name:
            raise UsageError(f"batch {job.id} does that already: `samplemind status {job.id}`")
    done = Recorded()
    try:
        for first, contents in chosen_contents(wanted):
            lie = places.of(contents)
            done.gone += len(contents) - len(lie)
            if not lie:
                continue
            if done.job is None:
                done.job = _create(settings, wanted, options, name)
            taken = [_one_of(found, wanted) for found in lie.values()]
            batches.add_items([_item(done.job.id, place, first) for place in taken])
            for place in taken:
                _note_root(done.roots, place.root, settings)
            done.files += len(lie)
    except BaseException:
        if done.job is not None:
            batches.abandon(done.job.id)
        raise
    if done.job is not None:
        batches.close_recording(done.job.id, total_files=done.files, roots=list(done.roots.values()))
        done.job = batches.find(done.job.id)
    return done


def _create(settings: Settings, wanted: Wanted, options: SubmitOptions, name: str) -> BatchJob:
    only_texts = wanted.step == Step.SUMMARIZE
    return batches.create(
        name=name[:200],
        paths=[],
        priority="bulk",
        files_per_chain=options.files_per_chain or settings.files_per_chain,
        ai=options.ai,
        ai_budget=None if options.budget_usd is None else from_usd(options.budget_usd),
        ai_scope="all" if only_texts and wanted.force else "new",
        force=wanted.force,
        user_id=options.user_id,
        background=True,
    )


def _one_of(found: Sequence[Place], wanted: Wanted) -> Place:
    """Return the first place of a content that was asked for; one that came since may lie elsewhere alone."""
    return next((place for place in found if wanted.chosen.admits(place.shown)), found[0])


def _item(batch_id: str, place: Place, first: First) -> dict[str, Any]:
    values = place.values()
    fields = ("root", "path", "raw_path", "size", "mtime_ns", "ctime_ns", "file_id")
    return new_item(batch_id, **{name: values[name] for name in fields}) | {"step": first.value}


def _note_root(roots: dict[str, RecordedRoot], root: str, settings: Settings) -> None:
    """Note a root of the batch, as it is seen here; this machine need not have it."""
    if root in roots:
        return
    try:
        roots[root] = recorded(root, library.folder_of(root, settings.roots))
    except (OSError, OutsideRootsError):
        roots[root] = RecordedRoot(root=root, device=_UNSEEN, inode=_UNSEEN)
