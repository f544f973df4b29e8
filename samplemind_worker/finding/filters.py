"""The filters that `search`, `similar` and `match` share, and their query of the entries.

Conventions: ranges are closed, ``None`` is an open end. Tempo in BPM, duration in seconds, loudness in LUFS, brightness
in Hz as in the character of a sound, pitch is a MIDI number (60 is C4), a key is its tonic (0 is C) and its mode.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import PurePosixPath
from typing import Any, Final

from pydantic import BaseModel, ConfigDict

from samplemind_worker.documents.favourites import favourites_of
from samplemind_worker.documents.moments import first_moment
from samplemind_worker.finding import terms
from samplemind_worker.finding.terms import Range

Key = tuple[int, str | None]
"""A tonic, and the mode or None for both."""


class Filter(BaseModel):
    """What an entry must have; an empty field asks for nothing, and several values of one field are alternatives."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kinds: tuple[str, ...] = ()
    instruments: tuple[str, ...] = ()
    tempo: tuple[Range, ...] = ()
    keys: tuple[Key, ...] = ()
    chords: tuple[str, ...] = ()
    duration: tuple[Range, ...] = ()
    loudness: tuple[Range, ...] = ()
    brightness: tuple[Range, ...] = ()
    pitch: tuple[Range, ...] = ()
    since: datetime | None = None
    until: datetime | None = None
    """What was added at this time or later does not pass."""
    packs: tuple[str, ...] = ()
    batch: str | None = None
    """The whole id of a batch."""
    tags: tuple[str, ...] = ()
    """Tags of files, or tags that people have set."""
    collections: tuple[str, ...] = ()
    """Ids of collections."""
    favourites_of: str | None = None
    """The user whose favourites are asked for."""
    paths: tuple[str, ...] = ()
    """Files or folders, as entries write them."""
    roots: tuple[str, ...] | None = None
    """The roots that whoever asks may see; None: all."""

    @property
    def is_empty(self) -> bool:
        """Whether every entry passes."""
        return self == Filter()

    def admits(self, path: str) -> bool:
        """Return whether a file at this path passes the filters of where files lie; entries write paths like this."""
        if not self.paths and not self.packs and self.roots is None:
            return True
        folders = terms.folders_above(path)
        if self.roots is not None and {*folders}.isdisjoint(self.roots):
            return False
        if self.paths and {path, *folders}.isdisjoint(self.paths):
            return False
        packs = {terms.fold_name(each) for each in self.packs}
        return not packs or any(terms.fold_name(PurePosixPath(folder).name) in packs for folder in folders)


def compatible_keys(keys: tuple[Key, ...]) -> tuple[Key, ...]:
    """Return keys and those that mix well with them: the relative key, and the neighbours on the Camelot wheel."""
    found: dict[Key, None] = {}
    for tonic, mode in keys:
        for each in ("major", "minor") if mode is None else (mode,):
            relative = ((tonic + 9) % 12, "minor") if each == "major" else ((tonic + 3) % 12, "major")
            found |= dict.fromkeys([(tonic, each), relative, ((tonic + 7) % 12, each), ((tonic + 5) % 12, each)])
    return tuple(found)


@dataclass(frozen=True, slots=True)
class Condition:
    """One filter: the terms of which an entry must have one, and the exact query of its fields."""

    label: str
    """How a user names it."""
    terms: tuple[str, ...] | None
    """None where entries cannot be looked up by it."""
    query: dict[str, Any] | None = None
    """None where the terms say all."""


def conditions(chosen: Filter) -> list[Condition]:
    """Return what a filter asks for, one condition for each of its fields."""
    found: list[Condition] = []

    def add(label: str, field: str, wanted: Sequence[str], query: dict[str, Any] | None = None) -> None:
        if wanted:
            found.append(Condition(label, tuple(terms.value(field, each) for each in wanted), query))

    add("--kind", "kind", chosen.kinds, {"kind": {"$in": list(chosen.kinds)}})
    add("--instrument", "instrument", chosen.instruments, {"instrument": {"$in": list(chosen.instruments)}})
    add("--chord", "chord", chosen.chords)
    add("--batch", "batch", () if chosen.batch is None else (chosen.batch,))
    add("--pack", "folder", [terms.fold_name(each) for each in chosen.packs])
    add("--tag", "tag", [terms.fold_name(each) for each in chosen.tags])
    add("--collection", "collection", chosen.collections)
    add("--favourite", "collection", () if chosen.favourites_of is None else (favourites_of(chosen.favourites_of),))
    add("--path", "in", [terms.digest(each) for each in chosen.paths])
    if chosen.roots is not None:
        found.append(Condition("the roots that you may see", terms.seen_values(chosen.roots)))
    if chosen.keys:
        found.append(Condition("--key", _key_terms(chosen.keys), {"$or": [_key_query(*each) for each in chosen.keys]}))
    for field, option in RANGES.items():
        ranges: tuple[Range, ...] = getattr(chosen, field)
        if ranges:
            wanted = terms.range_values(field, ranges)
            query = {"$or": [{field: _bounds(*each)} for each in ranges]}
            found.append(Condition(option, None if wanted is None else tuple(wanted), query))
    if chosen.since is not None:
        found.append(Condition("--since", None, {"moment": {"$gte": first_moment(chosen.since)}}))
    if chosen.until is not None:
        found.append(Condition("--until", None, {"moment": {"$lt": first_moment(chosen.until)}}))
    return found


RANGES: Final = {
    "tempo": "--bpm",
    "duration": "--duration",
    "loudness": "--loudness",
    "brightness": "--brightness",
    "pitch": "--pitch",
}
"""The fields that are filtered by range, and their options."""


def passing(
    all_of: Sequence[Sequence[str]], none_of: Sequence[str], more: Sequence[Mapping[str, Any]]
) -> dict[str, Any]:
    """Return a query that tests entries: one of each group of terms, none of some terms, and other queries.

    A term is tested within two negations, for which MongoDB uses no index: only the driver does.
    """
    parts: list[Mapping[str, Any]] = [{"$nor": [{"$nor": [{"terms": {"$in": list(each)}}]}]} for each in all_of]
    if none_of:
        parts.append({"$nor": [{"$nor": [{"$nor": [{"terms": {"$in": list(none_of)}}]}]}]})
    parts += more
    return {"$and": parts} if parts else {}


def _key_terms(keys: Sequence[Key]) -> tuple[str, ...]:
    modes = [(tonic, each) for tonic, mode in keys for each in (("major", "minor") if mode is None else (mode,))]
    return tuple(dict.fromkeys(terms.key_value(tonic, mode) for tonic, mode in modes))


def _key_query(tonic: int, mode: str | None) -> dict[str, Any]:
    return {"key": tonic} if mode is None else {"key": tonic, "mode": mode}


def _bounds(low: float | None, high: float | None) -> dict[str, float]:
    # A comparison with a number never matches a missing value.
    return {name: bound for name, bound in (("$gte", low), ("$lte", high)) if bound is not None}
