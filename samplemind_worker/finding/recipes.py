"""Chooses the recipe whose vectors answer, while vectors of a new recipe are being made.

A sound can be compared only with vectors of its own recipe. While most contents have vectors of the older recipe, its
collection in Chroma, which still holds all of them, answers; after that the current one does.
"""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.versions import RECIPE_WITH_STATISTICS
from samplemind_worker.errors import IndexMissingError, UsageError
from samplemind_worker.store import mongo, vector_index
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.text import plural

_FEW_LEFT: Final = 20
"""The current recipe answers once at most one content in so many has a vector of an older one."""


@dataclass(frozen=True, slots=True)
class Sound:
    """What others are compared with: a file of the library, or one that was analysed just now."""

    name: str
    """How the user calls it."""
    audio: AudioFacts
    analysis: AnalysisFacts


@dataclass(frozen=True, slots=True)
class Choice:
    """The vectors that answer, the sound's vector of the same recipe, and what to tell the user of it."""

    vectors: Vectors
    vector: Sequence[float]
    said: str = ""


@mongo.synchronous
async def choose(current: Vectors, sound: Sound) -> Choice:
    """Return which vectors answer.

    Raises
    ------
    UsageError
        If none can: the sound has no vector, or one of an older recipe only, or no other content has one of its recipe.
    """
    older = await vector_index.older.aio(current.version)
    vector, recipe = sound.analysis.vector, sound.analysis.vector_version
    if vector is None:
        raise UsageError(f"{sound.name} is silent, or too short to be compared")
    if older is None and recipe == current.version:
        return Choice(current, vector)
    made = await vector_index.with_vector.aio(current.version)
    left = 0 if older is None else await vector_index.with_vector.aio(older)
    counts = f"{made:,} of {plural(made + left, 'file')}"
    mend = (
        "`samplemind reindex` makes the others at once"
        if older is not None and older >= RECIPE_WITH_STATISTICS
        else "`samplemind submit` the library again to make the others"
    )
    if older is not None and left * _FEW_LEFT > made + left:
        past = current.of(older)
        kept = vector if recipe == older else await _kept(past, sound.audio.file_id)
        if kept is not None:
            return Choice(past, kept, f"older vectors answer, as {counts} have one of the new recipe; {mend}")
    if recipe != current.version:
        raise UsageError(f"{sound.name} was analysed by an older version; `samplemind submit` its folder again")
    if made <= 1 and left:
        raise UsageError(f"{sound.name} has nothing to be compared with: {counts} have a vector of its recipe; {mend}")
    said = f"{counts} are compared, as {plural(left, 'has', 'have')} an older vector; {mend}" if left else ""
    return Choice(current, vector, said)


async def _kept(past: Vectors, file_id: str) -> Sequence[float] | None:
    """Return a vector of an older recipe that Chroma still has."""
    with suppress(IndexMissingError):
        return (await past.get_here([file_id])).get(file_id)
    return None
