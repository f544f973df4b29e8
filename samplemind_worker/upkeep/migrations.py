"""Brings documents of older releases to their present form: while work goes on, page by page, counted.

The workers begin once no worker of an older release gives a sign of life, so that no document of an older form is
written behind them. A release therefore reads the older form, too; the next one need not. A process that is killed
loses the place of one page at most. One process at a time has the turn.

To change the form of a collection, add a `Migration` to `MIGRATIONS` and raise the collection's number in
`documents.versions.SCHEMAS`. It only adds: a field is dropped by the release after the one that stops reading it.
"""

import time
import uuid
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from loguru import logger

from config.task_names import WIRE
from samplemind_worker.documents.states import LOCAL
from samplemind_worker.store import schemas, turns
from samplemind_worker.store.cache import WorkerSign
from samplemind_worker.store.schemas import Form

_PAGE: Final = 1000
_TURN: Final = "migrations"
_LEASE: Final = 60.0  # s without a page after which a run counts as killed


@dataclass(frozen=True, slots=True)
class Migration:
    """One change of the form of a collection's documents."""

    collection: str
    version: int
    """The version that all documents have afterwards."""
    older: Mapping[str, Any]
    """Matches documents of the older form, and no others."""
    change: Sequence[dict[str, Any]]
    """The pipeline that brings one of those to the new form."""


def _owned(collection: str) -> Migration:
    """Give what was recorded before there were users to whoever works without any."""
    return Migration(collection, 2, {"user_id": {"$exists": False}}, [{"$set": {"user_id": LOCAL}}])


MIGRATIONS: Final = (_owned("audio_files"), _owned("analyses"), _owned("batch_jobs"))
"""All changes of forms, those of one collection in the order of their versions."""


@dataclass(frozen=True, slots=True)
class Pending:
    """A migration that is not done."""

    migration: Migration
    form: Form


def pending(migrations: Sequence[Migration] = MIGRATIONS) -> list[Pending]:
    """Return the migrations that are not done, and how far they are; where there are no documents, all are done."""
    forms = schemas.forms()
    empty = schemas.are_empty(sorted({each.collection for each in migrations}))
    found: list[Pending] = []
    for each in migrations:
        form = forms.get(each.collection, Form())
        if form.version < each.version and each.collection not in empty:
            found.append(Pending(each, form if form.migrating == each.version else Form(form.version)))
    return found


def tend(workers: Collection[WorkerSign], *, seconds: float) -> None:
    """Migrate for a while if there is anything to migrate and no worker of an older release works. Workers call it."""
    left = pending()
    if not left or any(sign.wire < WIRE for sign in workers):
        return
    if run(seconds=seconds):
        logger.info("migrations.done", fields={"collections": [one.migration.collection for one in left]})


def run(
    *,
    seconds: float | None = None,
    on_progress: Callable[[str, int, int], None] | None = None,
    migrations: Sequence[Migration] = MIGRATIONS,
) -> bool:
    """Migrate, and return whether all is done; False also if another process is at it.

    It may be interrupted, and goes on after the last page. It stops after ``seconds``; ``on_progress`` gets the name of
    a collection, the documents of it that were looked at, and their total.

    Raises
    ------
    ServiceUnavailableError
        If the record does not answer; what was changed is kept.
    """
    until = None if seconds is None else time.monotonic() + seconds
    holder = uuid.uuid4().hex
    if not pending(migrations):
        return True
    if not turns.take(_TURN, holder, lease=_LEASE):
        return False
    with turns.kept(_TURN, holder, lease=_LEASE):
        for one in pending(migrations):
            if not _migrate(one.migration, holder, until, on_progress):
                return False
    return True


def _migrate(
    migration: Migration, holder: str, until: float | None, on_progress: Callable[[str, int, int], None] | None
) -> bool:
    form = schemas.begin(migration.collection, migration.version)
    after, seen = form.after, form.seen
    while True:
        turns.require(_TURN, holder)
        after = schemas.change_page(
            migration.collection,
            migration.version,
            after=after,
            older=migration.older,
            change=migration.change,
            limit=_PAGE,
        )
        if after is None:
            schemas.finish(migration.collection, migration.version)
            return True
        seen += _PAGE
        if on_progress is not None:
            on_progress(migration.collection, min(seen, form.total), form.total)
        if until is not None and time.monotonic() > until:
            return False
