"""All that is known of one sample, as `show --json` prints it, and what its caller has set."""

import asyncio
from datetime import datetime
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from config.settings import Settings
from samplemind_web.access import Caller
from samplemind_web.sample_rows import located
from samplemind_worker.documents.facts import (
    AiState,
    ChordFact,
    ChordSpanFact,
    KeyCandidate,
    Kind,
    LoopPoints,
    Mode,
    Reader,
    Rhythm,
    Section,
    Slice,
    StatedFact,
    TempoCandidate,
)
from samplemind_worker.documents.favourites import favourites_of
from samplemind_worker.finding.reports import reports_of
from samplemind_worker.store import marks, places, sample_collections

_MOST_COLLECTIONS: Final = 200


class Membership(BaseModel):
    """A collection of the caller that a sample is in."""

    id: str
    name: str


class Sample(BaseModel):
    """One sample; the fields are explained in the contract, "One file"."""

    model_config = ConfigDict(extra="forbid")

    path: str | None
    """The whole path on the server; null if the server does not have that root."""
    root: str
    folder: str
    name: str
    places: list[str]
    """Every place where it lies: root and path."""
    gone_at: str | None = None
    status: Literal["analyzed"]
    file_id: str
    filename: str
    file_size: int
    duration: float
    sample_rate: int
    channels: int
    format: str
    subtype: str
    reader: Reader | None
    kind: Kind | None
    kind_confidence: float | None
    tempo: float | None
    tempo_confidence: float | None
    tempo_candidates: list[TempoCandidate]
    time_signature: tuple[int, int] | None
    beats: list[float]
    beats_in_loop: int | None
    key: str | None
    mode: Mode | None
    key_confidence: float | None
    key_candidates: list[KeyCandidate]
    camelot: str | None
    chord: ChordFact | None
    chords: list[ChordSpanFact] | None
    tuning_cents: float | None
    pitch_midi: int | None
    pitch_note: str | None
    pitch_cents: float | None
    pitch_confidence: float | None
    instrument: str | None
    instrument_confidence: float | None
    sections: list[Section] | None
    loop_points: list[LoopPoints] | None
    slices: list[Slice] | None
    rhythm: Rhythm | None
    kind_audio: Kind | None
    tempo_audio: float | None
    key_audio: str | None
    mode_audio: Mode | None
    pitch_midi_audio: int | None
    instrument_audio: str | None
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    width: float | None
    peaks: list[int]
    spectral_features: dict[str, dict[str, Any]]
    character: dict[str, float | None]
    tags: list[str]
    metadata: dict[str, Any]
    warnings: list[str]
    ai_state: AiState | None = None
    ai_reason: str | None = None
    ai_provider: str | None = None
    ai_model: str | None = None
    ai_task: str | None = None
    ai_prompt_version: str | None = None
    ai_summary: str | None = None
    production_tips: list[str] = []
    creative_ideas: list[str] = []
    fl_studio_recommendations: list[str] = []
    provenance: dict[str, str]
    stated: list[StatedFact]
    versions: dict[str, int]
    seconds: dict[str, float]
    analyzed_at: datetime | None = None
    user_tags: list[str]
    favourite: bool
    collections: list[Membership]
    """The caller's collections that it is in, without the favourites."""


async def sample_of(file_id: str, caller: Caller, settings: Settings) -> dict[str, Any] | None:
    """Return what is known of a sample; None if the library does not have it, or the caller may not see it."""
    # At once, not one after the other: on a busy loop each question waits for its turn.
    lie, marked = await asyncio.gather(places.of.aio([file_id]), marks.of.aio([file_id]))
    report = (await reports_of.aio([file_id], living=lie)).get(file_id)
    if report is None:
        return None
    lie = lie or await places.of.aio([file_id], gone=True)
    known = [place for place in lie.get(file_id, ()) if caller.may_see(place.shown)]
    if not known and (lie or caller.roots is not None):
        return None
    shown = located(known[0].shown, known[0].root, settings) if known else located(report["filename"], "", settings)
    own = marked.get(file_id) or {}
    mine = await sample_collections.of_user.aio(caller.user_id, limit=_MOST_COLLECTIONS) if own else []
    return {
        **report,
        **shown,
        "filename": shown["name"],
        "places": [place.shown for place in known if place.gone_at is None],
        "user_tags": [tag["name"] for tag in own.get("tags", ())],
        "favourite": favourites_of(caller.user_id) in own.get("collections", ()),
        "collections": [
            {"id": each["_id"], "name": each["name"]} for each in mine if each["_id"] in own.get("collections", ())
        ],
    }
