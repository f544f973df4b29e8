"""Finds the sounds of the library that fit a key and a tempo, the cheapest first.

The costs of `fitting` grow with the distance from the wanted key and tempo, so the search looks up what can fit at a
small cost (`reach`), ranks it exactly, and goes on to the next cost only if there is not enough.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from itertools import chain
from typing import Any, Final

from samplemind_worker.finding.filters import Condition, Filter, conditions
from samplemind_worker.finding.fitting import Fit, Key, Sound, Wanted, fit
from samplemind_worker.finding.reach import Reach, costliest, reaches
from samplemind_worker.pitches import PITCH_CLASSES, camelot
from samplemind_worker.store import fits, mongo

_COSTS: Final = (0.0, 0.05, 0.15, 0.4, 1.0, 2.0)
_CANDIDATES: Final = 200
"""Entries of each reach that are ranked, and four times as many as are wanted. If a reach has more, their costs differ
by less than the step from one cost to the next."""
_MIDI_NOTES: Final = 128
_TONICS: Final = {name: tonic for tonic, name in enumerate(PITCH_CLASSES)}
_BY_CAMELOT: Final = {camelot(tonic, mode): (tonic, mode) for tonic in range(12) for mode in ("major", "minor")}


@dataclass(frozen=True, slots=True)
class Match:
    """One sound that fits."""

    file_id: str
    fit: Fit


@mongo.synchronous
async def find(wanted: Wanted, chosen: Filter, *, limit: int, leave_out: Collection[str] = ()) -> list[Match]:
    """Return the sounds that pass a filter and fit, the cheapest first.

    Sounds of equal cost are sorted by how many of the wanted values they have themselves.
    """
    asked = conditions(chosen)
    passing = [_query(each) for each in asked]
    last = costliest(wanted)
    few = await fits.are_few.aio([_narrow(each) for each in asked], limit=_CANDIDATES)
    found: dict[str, Fit] = {}
    for cost in (last,) if few else (*(each for each in _COSTS if each < last), last):
        queries = [{"$and": [_lookup(each), *passing]} for each in reaches(wanted, cost)]
        for row in await fits.look_up.aio(queries, limit=max(_CANDIDATES, 4 * limit)):
            if row["_id"] not in found and row["_id"] not in leave_out:
                fitted = fit(_sound(row), wanted)
                if fitted is not None:
                    found[row["_id"]] = fitted
        if sum(each.cost <= cost for each in found.values()) >= limit:
            break
    ranked = sorted(found.items(), key=lambda pair: (pair[1].cost, -pair[1].answers, pair[0]))
    return [Match(file_id, fitted) for file_id, fitted in ranked[:limit]]


def _query(condition: Condition) -> dict[str, Any]:
    """Return the exact query of a condition."""
    return _narrow(condition) if condition.query is None else condition.query


def _narrow(condition: Condition) -> dict[str, Any]:
    """Return the query of a condition that an index answers best."""
    if condition.terms is None:
        return condition.query or {}
    return {"terms": {"$in": list(condition.terms)}}


def _lookup(reach: Reach) -> dict[str, Any]:
    query: dict[str, Any] = {}
    if reach.keys is not None:
        query["camelot"] = {"$in": [camelot(*key) for key in reach.keys]} if reach.keys else None
    if reach.pitches:
        notes = chain.from_iterable(range(note, _MIDI_NOTES, 12) for note in reach.pitches)
        query["pitch"] = {"$in": sorted(notes)}
    if reach.tempo is not None:
        query["tempo"] = {"$gte": reach.tempo[0], "$lte": reach.tempo[1]}
    elif reach.timeless:
        query["tempo"] = None
    return query


def _sound(row: Mapping[str, Any]) -> Sound:
    key = _BY_CAMELOT.get(row.get("camelot") or "")
    return Sound(
        kind=row.get("kind"), tempo=row.get("tempo"), key=key, pitch=row.get("pitch"), tuning=row.get("tuning")
    )


def keys_of(chosen: tuple[tuple[int, str | None], ...]) -> tuple[Key, ...]:
    """Return keys with their modes; a tonic without one stands for both."""
    return tuple((tonic, each) for tonic, mode in chosen for each in (("major", "minor") if mode is None else (mode,)))


def answers_of(report: Mapping[str, Any]) -> tuple[float | None, tuple[Key, ...]]:
    """Return the tempo and the keys of an analysed file; a single note stands for both keys of its name."""
    tonic = _TONICS.get(report["key"] or "")
    if tonic is not None:
        return report["tempo"], keys_of(((tonic, report["mode"]),))
    if report["pitch_midi"] is not None:
        return report["tempo"], keys_of(((report["pitch_midi"] % 12, None),))
    return report["tempo"], ()
