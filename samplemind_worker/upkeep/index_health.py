"""Compares the vectors in Chroma with the record. It loads little, because commands compare before they answer."""

from dataclasses import dataclass
from typing import Final, Literal

from samplemind_worker.errors import IndexDamagedError, IndexMissingError
from samplemind_worker.store import vector_index
from samplemind_worker.store.vectors import Vectors

_LOOKED_FOR: Final = 200  # contents whose vectors a comparison looks for
_PROBES: Final = 32  # vectors that must be found as their own nearest neighbours
_UNFOUND: Final = (
    8  # probes not found at which the index counts as damaged: a search is approximate, and may miss a few
)
_SAME: Final = 1e-3  # cosine distance below which two vectors are the same

MEND: Final = "`samplemind reindex` rebuilds it from the record"


@dataclass(frozen=True, slots=True)
class Health:
    """The state of the index, compared with the record."""

    state: Literal["complete", "incomplete", "missing", "damaged"]
    expected: int
    """Vectors that were stored, according to the record."""
    found: int
    copied: tuple[int, int] | None = None
    """During a rebuild: the number of copied vectors, and their total."""
    detail: str = ""

    @property
    def message(self) -> str:
        """What is wrong, as a sentence; empty if nothing is."""
        if self.state == "complete":
            return ""
        what = {
            "missing": f"the index of vectors is missing in Chroma: none of {self.expected:,} is there",
            "incomplete": f"the index of vectors in Chroma is incomplete: it has {self.found:,} of {self.expected:,}",
            "damaged": f"the index of vectors in Chroma is damaged ({self.detail})",
        }[self.state]
        if self.copied is not None:
            return f"{what}; it is being rebuilt from the record: {self.copied[0]:,} of {self.copied[1]:,} are copied"
        return f"{what}; {MEND}"


def compare(vectors: Vectors) -> Health:
    """Compare counts, look up some contents, and search for a few vectors; takes milliseconds at any size.

    Raises
    ------
    ServiceUnavailableError
        If Chroma or the record does not answer.
    """
    version = vectors.version
    row = vector_index.state(version)
    copied = (row.copied, row.total) if row is not None and row.building is not None else None
    expected = vector_index.stored(version)
    if not expected:
        # No vector can be missing, but a server that does not answer must be noticed.
        vectors.chroma.require()
        return Health("complete", 0, 0, copied)
    try:
        found = vectors.count()
        if found < expected:
            # Contents may have been deleted from the record between the two counts.
            expected = min(expected, vector_index.stored(version))
        if found < expected:
            return Health("missing" if not found else "incomplete", expected, found, copied)
        return _look_closer(vectors, Health("complete", expected, found, copied))
    except IndexMissingError:
        return Health("missing", expected, 0, copied)
    except IndexDamagedError as error:
        return Health("damaged", expected, 0, copied, str(error))


def _look_closer(vectors: Vectors, health: Health) -> Health:
    """Check contents behind equal counts: an older backup may have replaced the index, or its files may be gone."""
    rows = vector_index.sample(vectors.version, _LOOKED_FOR)
    lost = rows.keys() - vectors.present(list(rows))
    if lost and (lost := lost & vector_index.still_there(list(lost))):
        missing = max(1, round(health.expected * len(lost) / len(rows)))
        return Health("incomplete", health.expected, health.expected - missing, health.copied)
    probes = list(rows.values())[:_PROBES]
    if not probes:
        return health
    nearest = vectors.nearest_of_each(probes, limit=1)
    unfound = sum(not found or found[0][1] > _SAME for found in nearest)
    if unfound >= min(_UNFOUND, len(probes)):
        detail = f"{unfound} of {len(probes)} vectors are not found by searching for them"
        return Health("damaged", health.expected, health.found, health.copied, detail)
    return health
