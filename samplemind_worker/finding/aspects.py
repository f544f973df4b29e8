"""Arithmetic of vectors: the query for one aspect, how alike two sounds are in each, and exact ranking.

Conventions: a similarity is a cosine, cut to 0..1; a distance is one minus the cosine. Only this module of the package
loads numpy, and only when it is needed.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Literal

import numpy as np

from samplemind_worker.dsp.embedding import ASPECTS, EMBEDDING_SIZE, answers, keep_aspect
from samplemind_worker.errors import ServiceUnavailableError, UsageError

Aspect = Literal["timbre", "envelope", "pitch", "rhythm"]

_CHUNK: Final = 65_536  # vectors that are compared at once


def has_aspects(vector: Sequence[float]) -> bool:
    """Return whether a vector is of a recipe whose aspects are known."""
    return len(vector) == EMBEDDING_SIZE


def query_by(vector: Sequence[float], aspect: Aspect) -> tuple[list[float], float]:
    """Return the query that ranks by one aspect, and the factor from its cosine to the cosine of the aspect.

    Raises
    ------
    UsageError
        If the sound has no such aspect.
    ServiceUnavailableError
        If the vector is of an older recipe without aspects.
    """
    if not has_aspects(vector):
        raise ServiceUnavailableError(
            f"--by {aspect} needs vectors of the new recipe, and these are older ones; "
            "`samplemind submit` the library again to make them"
        )
    whole = np.asarray(vector, dtype=np.float32)
    if not answers(whole)[aspect]:
        raise UsageError(f"this sound has no {aspect} that could be compared")
    query = keep_aspect(whole, aspect)
    return query.tolist(), float(np.linalg.norm(whole) / np.linalg.norm(query))


def alike(first: Sequence[float], second: Sequence[float]) -> dict[str, float | None]:
    """Return how alike two sounds are in each aspect, 0..1; None where either has no answer."""
    one, other = np.asarray(first, dtype=np.float32), np.asarray(second, dtype=np.float32)
    has = [answers(one), answers(other)]
    found: dict[str, float | None] = {}
    for name, place in ASPECTS.items():
        if not all(each[name] for each in has):
            found[name] = None
            continue
        lengths = float(np.linalg.norm(one[place]) * np.linalg.norm(other[place]))
        found[name] = round(min(max(float(one[place] @ other[place]) / lengths, 0.0), 1.0), 3)
    return found


def rank(query: Sequence[float], vectors: Mapping[str, bytes], *, limit: int) -> list[tuple[str, float]]:
    """Return the nearest of these contents with their cosine distance, nearest first, by comparing with each.

    Parameters
    ----------
    query : sequence of float, not all zero
    vectors : mapping of content to half-precision numbers, little-endian, as many as ``query`` has
    limit : int, at least 1
    """
    wanted = np.asarray(query, dtype=np.float32)
    wanted /= np.linalg.norm(wanted)
    size = 2 * len(wanted)
    contents = [content for content, each in vectors.items() if len(each) == size]
    cosines = np.empty(len(contents), dtype=np.float32)
    for start in range(0, len(contents), _CHUNK):
        page = contents[start : start + _CHUNK]
        rows = np.frombuffer(b"".join(vectors[each] for each in page), dtype="<f2").astype(np.float32)
        rows = rows.reshape(len(page), -1)
        cosines[start : start + len(page)] = rows @ wanted / np.maximum(np.linalg.norm(rows, axis=1), 1e-12)
    count = min(limit, len(contents))
    best = np.argpartition(-cosines, count - 1)[:count] if count else np.empty(0, dtype=np.intp)
    best = best[np.argsort(-cosines[best], kind="stable")]
    return [(contents[at], 1.0 - float(cosines[at])) for at in best]
