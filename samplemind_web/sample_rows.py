"""Rows of lists of samples, made from library entries."""

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from posixpath import join
from typing import Any

from pydantic import BaseModel

from config.locations import is_named
from config.settings import Settings
from samplemind_web.access import Caller
from samplemind_web.paging import Page
from samplemind_worker.documents.facts import Kind, Mode
from samplemind_worker.documents.favourites import favourites_of
from samplemind_worker.pitches import PITCH_CLASSES, note_name
from samplemind_worker.store.entry_search import Row


class SampleRow(BaseModel):
    """What a list shows of a sample."""

    file_id: str
    name: str
    folder: str
    """The folder below the root, empty for the root itself."""
    root: str
    """The root, by its name or its path."""
    path: str | None
    """The whole path on the server; null if the server does not have that root."""
    kind: Kind | None
    kind_confidence: float | None
    tempo: float | None
    """BPM."""
    tempo_confidence: float | None
    tempo_runner_up: float | None
    """The second most likely tempo."""
    key: str | None
    mode: Mode | None
    camelot: str | None
    key_confidence: float | None
    key_runner_up: str | None
    """The second most likely key, such as ``C major``."""
    chord: str | None
    pitch_note: str | None
    instrument: str | None
    instrument_confidence: float | None
    duration: float
    """Seconds."""
    loudness_lufs: float | None
    brightness_hz: float | None
    tags: list[str]
    user_tags: list[str]
    favourite: bool
    """Whether it is one of the caller's favourites."""
    places: list[str]
    """Where it lies, up to 16 places: root and path."""
    added_at: datetime
    score: float | None
    """How well it fits the words, 0 to 1; null where nothing is ranked."""
    why: list[str]
    """What made it a hit, for each word."""


class SamplePage(Page[SampleRow]):
    """A page of samples."""

    total: int | None = None
    """How many samples there are in all pages; null if that is not known exactly."""
    total_at_least: int
    """How many there are at least."""
    unmet: list[str]
    """Words and filters that no sample meets at all."""
    notes: list[str]
    """What the answer may lack."""


RowMaker = Callable[..., dict[str, Any]]


def maker(caller: Caller, settings: Settings) -> RowMaker:
    """Return what makes rows for a caller of an entry, and of the place to be shown where that is known."""
    return partial(_row, caller, favourites_of(caller.user_id), settings)


def _row(
    caller: Caller,
    favourites: str,
    settings: Settings,
    entry: Row,
    path: str | None = None,
    *,
    score: float | None = None,
    why: tuple[str, ...] = (),
) -> dict[str, Any]:
    lengths = dict(zip(entry["paths"], entry.get("roots") or (), strict=False))
    places = [each for each in entry["paths"] if caller.may_see(each)]
    shown = path if path is not None and path in places else next(iter(places), "")
    sure = entry.get("sure") or {}
    key, pitch = entry.get("key"), entry.get("pitch")
    return {
        "file_id": entry["_id"],
        **located(shown, root_of(shown, lengths), settings),
        "kind": entry.get("kind"),
        "kind_confidence": sure.get("kind"),
        "tempo": entry.get("tempo"),
        "tempo_confidence": sure.get("tempo"),
        "tempo_runner_up": entry.get("tempo_runner_up"),
        "key": None if key is None else PITCH_CLASSES[key],
        "mode": entry.get("mode"),
        "camelot": entry.get("camelot"),
        "key_confidence": sure.get("key"),
        "key_runner_up": entry.get("key_runner_up"),
        "chord": entry.get("chord"),
        "pitch_note": None if pitch is None else note_name(pitch),
        "instrument": entry.get("instrument"),
        "instrument_confidence": sure.get("instrument"),
        "duration": entry["duration"],
        "loudness_lufs": entry.get("loudness"),
        "brightness_hz": entry.get("brightness"),
        "tags": entry["tags"],
        "user_tags": entry.get("user_tags") or [],
        "favourite": favourites in (entry.get("collections") or ()),
        "places": places,
        "added_at": entry["added_at"].isoformat(timespec="seconds").replace("+00:00", "Z"),
        "score": score,
        "why": why,
    }


def located(path: str, root: str, settings: Settings) -> dict[str, str | None]:
    """Return a place below a root as fields of JSON: ``root``, ``folder``, ``name``, and ``path`` on the server."""
    below = path[len(root.rstrip("/")) :].lstrip("/")
    folder, _, name = below.rpartition("/")
    known = settings.roots.get(root)
    full = path if not is_named(root) else None if known is None else join(str(known), below)
    return {"root": root, "folder": folder, "name": name, "path": full}


def root_of(path: str, lengths: Mapping[str, int]) -> str:
    """Return the root of a place; what an older version made has no length, and its first folder counts as the root."""
    length = lengths.get(path)
    return (path.partition("/")[0] if length is None else path[:length]) or "/"
