"""What is known of one file, as plain models: the same for `analyze` (no database) and for the record.

Field names are those of the JSON that `analyze --json` and `show --json` print.
"""

from datetime import datetime
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["one_shot", "loop", "track"]
Mode = Literal["major", "minor"]
AiState = Literal["written", "local", "deferred"]


class TempoCandidate(BaseModel):
    """One possible tempo, with its score in 0..1."""

    tempo: float
    score: float


class KeyCandidate(BaseModel):
    """One possible key, with its score in 0..1."""

    key: str
    mode: Mode
    score: float


class AudioFacts(BaseModel):
    """What decoding tells: identity, format, level. ``file_id`` is the SHA-256 of the bytes."""

    model_config = ConfigDict(extra="ignore")

    file_id: str
    filename: str
    file_size: int
    duration: float
    sample_rate: int
    channels: int
    format: str
    subtype: str
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    tags: list[str] = Field(default_factory=list)
    metadata: dict[str, Any] = Field(default_factory=dict)
    warnings: list[str] = Field(default_factory=list)


class AnalysisFacts(BaseModel):
    """What the analysis tells, and what was written about it; ``None`` where a question has no answer."""

    model_config = ConfigDict(extra="ignore")

    file_id: str

    kind: Kind | None = None
    kind_confidence: float | None = None
    tempo: float | None = None
    tempo_confidence: float | None = None
    tempo_candidates: list[TempoCandidate] = Field(default_factory=list)
    time_signature: tuple[int, int] | None = None
    beats: list[float] = Field(default_factory=list)
    beats_in_loop: int | None = None
    key: str | None = None
    mode: Mode | None = None
    key_confidence: float | None = None
    key_candidates: list[KeyCandidate] = Field(default_factory=list)
    camelot: str | None = None
    tuning_cents: float | None = None
    pitch_midi: int | None = None
    pitch_note: str | None = None
    pitch_cents: float | None = None
    pitch_confidence: float | None = None
    instrument: str | None = None
    instrument_confidence: float | None = None
    spectral_features: dict[str, dict[str, Any]] = Field(default_factory=dict)
    provenance: dict[str, str] = Field(default_factory=dict)

    vector: list[float] | None = None
    """Standardized feature vector for likeness; ``None`` for silence."""
    vector_version: int | None = None

    ai_provider: str | None = None
    ai_model: str | None = None
    ai_summary: str | None = None
    production_tips: list[str] = Field(default_factory=list)
    creative_ideas: list[str] = Field(default_factory=list)
    fl_studio_recommendations: list[str] = Field(default_factory=list)
    ai_tags: list[str] = Field(default_factory=list)
    ai_prompt_version: str | None = None
    ai_state: AiState | None = None
    """``written`` by a model; ``local`` by choice; ``deferred``: the local text stands in for one that is to come."""
    ai_reason: str | None = None
    """Why it is deferred."""
    ai_batch: str | None = None
    """The batch that it was written for."""

    versions: dict[str, int] = Field(default_factory=dict)
    """Version of each step whose result is in this record."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall-clock seconds that each step took for this file."""
    analyzed_at: datetime | None = None
