"""Rebuilds what commands read from the record: the library entries and the vectors in Chroma."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Final

from config.settings import Settings, get_settings
from samplemind_cli.index import answers, open_vectors, url_of
from samplemind_cli.output import note
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import IndexDamagedError, ServiceUnavailableError
from samplemind_worker.finding import entry
from samplemind_worker.local_services.chroma_data import start_anew
from samplemind_worker.store import entries, vector_index
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep import migrations, recipe
from samplemind_worker.upkeep import reindex as reindex_step

_RESTART_SECONDS: Final = 60.0  # that a private Chroma may take to be started again after several failures
_LOOK_SECONDS: Final = 0.1

Progress = Callable[[str, int, int], None]
"""Is called with what is rebuilt, the number that is done, and their total."""


@dataclass(frozen=True, slots=True)
class Rebuilt:
    """What was rebuilt."""

    entries: int
    vectors: int
    converted: int
    """Vectors of an older recipe that were made anew."""
    outdated: int
    """Contents whose vector can only be made anew by analysing them again."""


def rebuild_all(settings: Settings, on_progress: Progress) -> Rebuilt:
    """Rebuild the library entries, then the index of vectors; vectors of an older recipe are made anew before.

    Documents of an older form are brought to the present one first.

    Raises
    ------
    ServiceUnavailableError
        If Chroma or the record does not answer; the entries need no Chroma.
    """
    migrations.run(on_progress=lambda name, seen, total: on_progress(f"documents of {name}", seen, total))
    done = _rebuild_entries(on_progress)
    made: list[int] = []

    def _convert(vectors: Vectors) -> None:
        say = partial(on_progress, "vectors made anew")
        made.append(recipe.convert(vectors, on_progress=say).vectors)

    count = rebuild(settings, partial(on_progress, "vectors"), before=_convert)
    return Rebuilt(done, count, sum(made), vector_index.with_older_vector(VERSIONS["store"]))


def _rebuild_entries(on_progress: Progress) -> int:
    total, done = entries.progress().contents, 0

    def _say(count: int) -> None:
        nonlocal done
        done += count
        on_progress("entries", done, max(done, total))

    entry.refresh_marked()
    entry.build(anew=True, on_progress=_say)
    return entries.progress().entries


def rebuild(
    settings: Settings, on_progress: Callable[[int, int], None], *, before: Callable[[Vectors], None] = lambda _: None
) -> int:
    """Rebuild the index, or follow somebody else's rebuild to its end; return how many vectors it has.

    ``before`` gets the vectors first.

    What a private Chroma cannot use is set aside, and it starts empty.

    Raises
    ------
    ServiceUnavailableError
        If Chroma or the record does not answer.
    """
    try:
        with open_vectors(settings) as vectors:
            before(vectors)
            return _rebuild(vectors, on_progress)
    except ServiceUnavailableError as error:
        is_ours = isinstance(error, IndexDamagedError) or not answers(url_of(settings))
        aside = start_anew(get_settings()) if is_ours else None
        if aside is None:
            raise
        note(f"{error}; its data is set aside as {aside}, and it starts empty")
    with open_vectors(settings, seconds=_RESTART_SECONDS) as vectors:
        before(vectors)
        return _rebuild(vectors, on_progress)


def _rebuild(vectors: Vectors, on_progress: Callable[[int, int], None]) -> int:
    before = vector_index.state(vectors.version)
    while True:
        done = reindex_step.rebuild(vectors, on_progress=on_progress)
        if done is not None:
            return done.vectors
        row = vector_index.state(vectors.version)
        if row is not None and row.built_at != (before and before.built_at):
            return vectors.count()
        if row is not None and row.building is not None:
            on_progress(row.copied, max(row.copied, row.total))
        time.sleep(_LOOK_SECONDS)
