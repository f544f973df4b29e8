"""Makes the vectors of a new recipe from the statistics in the record, while vectors of the older one answer.

The statistics of a sound do not depend on the recipe, so nothing is decoded again. A page of contents gets its new
vectors in the record first, then in Chroma, and is then marked as stored. A run that is killed continues with what is
not marked. Contents that were analysed before statistics were recorded keep their older vectors until they are
submitted again.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from loguru import logger

from samplemind_worker.documents.versions import RECIPE_WITH_STATISTICS
from samplemind_worker.errors import InternalError
from samplemind_worker.finding import entry
from samplemind_worker.store import recipes, vector_index
from samplemind_worker.store.vectors import Vectors

_PAGE: Final = 500


@dataclass(frozen=True, slots=True)
class Converted:
    """The result of one run."""

    done: bool
    """Whether no content is left whose vector can be made anew."""
    vectors: int


def convert(
    vectors: Vectors, *, seconds: float | None = None, on_progress: Callable[[int, int], None] | None = None
) -> Converted:
    """Make the vectors of the recipe anew for contents that have one of an older recipe, and statistics.

    It may be interrupted, and any number of runs may go on at once. It stops after ``seconds``; ``on_progress`` gets
    the number of vectors that are made and their total. When no older vector is left, the older collections are
    deleted.

    Raises
    ------
    ServiceUnavailableError
        If Chroma or the record does not answer; what was made is kept.
    """
    until = None if seconds is None else time.monotonic() + seconds
    count, total = 0, None
    while page := recipes.convertible(vectors.version, first=RECIPE_WITH_STATISTICS, limit=_PAGE):
        if total is None:
            total = recipes.count_convertible(vectors.version, first=RECIPE_WITH_STATISTICS)
        _convert(vectors, page)
        count += len(page)
        if on_progress is not None:
            on_progress(count, max(count, total))
        if until is not None and time.monotonic() > until:
            return Converted(done=False, vectors=count)
    if count and vector_index.older(vectors.version) is None:
        _drop_older(vectors)
    return Converted(done=True, vectors=count)


def _convert(vectors: Vectors, page: list[recipes.Outdated]) -> None:
    # Late, since numpy is slow to import and there is mostly nothing to do.
    import numpy as np  # noqa: PLC0415 -- slow import

    from samplemind_worker.dsp.embedding import embed  # noqa: PLC0415 -- slow import

    rows = {each.file_id: np.frombuffer(each.statistics, dtype=recipes.STATISTICS_TYPE) for each in page}
    made = {content: embed(row).tolist() for content, row in rows.items()}
    taken = recipes.set_vectors(vectors.version, page, made)
    stored = {key: made[key] for key in taken}
    try:
        vectors.upsert(stored)
    except InternalError as error:
        # Unmarked, so that they are not tried without end; the next batch with them says why that fails.
        vector_index.unmark(list(stored))
        logger.warning("recipe.refused", fields={"contents": len(stored), "why": str(error)})
        return
    recipes.mark_stored(vectors.version, list(stored))
    entry.refresh(list(stored))


def _drop_older(vectors: Vectors) -> None:
    """Delete the collections of older recipes: no content has such a vector any more."""
    for version in range(1, vectors.version):
        past = vectors.of(version)
        for name in past.collections():
            vectors.chroma.drop(name)
        vector_index.forget(version)
