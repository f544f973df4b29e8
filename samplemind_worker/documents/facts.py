"""What is known about one file, as plain models that `analyze` (without a database) and the record share.

Field names are those of the JSON that `analyze --json` and `show --json` print.
"""

from datetime import datetime
from typing import Any, Final, Literal, get_args

from pydantic import BaseModel, ConfigDict, Field

Kind = Literal["one_shot", "loop", "track"]
Mode = Literal["major", "minor"]
Reader = Literal["libsndfile", "ffmpeg"]
AiState = Literal["written", "local", "deferred"]

KINDS: Final[tuple[str, ...]] = get_args(Kind)
INSTRUMENTS: Final = (
    "kick", "snare", "clap", "rim", "hat_closed", "hat_open", "tom", "crash", "ride", "shaker", "cowbell", "perc",
    "bass", "synth", "piano", "guitar", "strings", "brass", "sax", "flute", "organ", "bell", "vocal",
    "voice", "ambience", "fx",
    "drum_loop", "music_loop", "song",
)  # fmt: skip
"""The closed list of the contract; the names that the analysis gives (`dsp.instrument`) are these."""


class TempoCandidate(BaseModel):
    """One possible tempo, with its score in 0..1."""

    tempo: float
    score: float


class KeyCandidate(BaseModel):
    """One possible key, with its score in 0..1."""

    key: str
    mode: Mode
    score: float


class ChordFact(BaseModel):
    """The chord of a one-shot, with its confidence in 0..1."""

    root: str
    quality: Literal["maj", "min", "7", "maj7", "min7", "sus2", "sus4", "dim", "aug", "power"]
    bass: str
    """The lowest tone: the root, or another tone of the chord."""
    name: str
    confidence: float


class ChordSpanFact(ChordFact):
    """A chord of a loop or track, from ``start`` to ``end`` in seconds."""

    start: float
    end: float
    numeral: str
    """The degree in the key, in roman numerals."""


class Slice(BaseModel):
    """A point at which a loop can be cut, in seconds, and how strong its onset is (0..1)."""

    time: float
    strength: float


class LoopPoints(BaseModel):
    """A part of a track that repeats without a seam, in seconds; ``score`` (0..1) is how alike both ends are."""

    start: float
    end: float
    bars: int
    score: float


class Section(BaseModel):
    """A part of a track, in seconds; sections with one label sound alike. ``energy`` is relative to the loudest."""

    start: float
    end: float
    label: str
    kind: Literal["intro", "build", "drop", "break", "outro"] | None = None
    energy: float


class Rhythm(BaseModel):
    """How the onsets lie on the beat; the fields are those of `dsp.types.Rhythm`."""

    swing: float | None = None
    swing_unit: int | None = None
    density: float
    feel: Literal["straight", "shuffled"] | None = None
    backbeat: Literal["normal", "half_time", "double_time"] | None = None
    syncopation: float
    groove: list[float | None] = Field(default_factory=list)


class StatedFact(BaseModel):
    """What a chunk, tag or name states about a sample, and whether the analysis agrees.

    The value of a key is its tonic, the value of a pitch the note without its octave.
    """

    about: Literal["tempo", "key", "pitch", "kind", "instrument"]
    value: float | str
    mode: Mode | None = None
    source: str
    """A chunk or a kind of tags (``acid``, ``id3``), or ``filename`` or ``folder``."""
    text: str
    """The text as it is written there."""
    name: str | None = None
    """The filename or folder, which may differ between copies."""
    believed: bool


class AudioFacts(BaseModel):
    """What decoding finds: identity, format and level. ``file_id`` is the SHA-256 of the bytes."""

    model_config = ConfigDict(extra="ignore")

    file_id: str
    filename: str
    file_size: int
    duration: float
    sample_rate: int
    channels: int
    format: str
    subtype: str
    reader: Reader | None = None
    """The library that decoded it; None if it was decoded before this was recorded."""
    exact_length: bool = True
    """Whether the file is known to have no codec padding and nothing missing."""
    excerpt_start: float = 0.0
    """Seconds before the part that is analysed, the middle of a long file."""
    lead_seconds: float = 0.0
    """Silence that the codec added at the beginning, as far as it is known."""
    loudness_lufs: float | None = None
    true_peak_dbtp: float | None = None
    audio_hash: str | None = None
    """Hash of the decoded samples, their channels and their rate, whatever the container; None if it was decoded before
    this was recorded."""
    bandwidth: float | None = None
    """Up to which frequency the sound reaches, in Hz; None for silence. It is not in the report."""
    width: float | None = None
    """Stereo width of the analysed part: 0 if both channels hold the same, 0.5 if they have nothing in common, 1 if
    one is the other turned upside down; None unless there are two channels."""
    tags: list[str] = Field(default_factory=list)
    """Genres and keywords that the file carries."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """What chunks and tags say, by source."""
    named: str = ""
    """The name that the content was read under, after up to two of its folders."""
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
    chord: ChordFact | None = None
    """Of a one-shot; ``key`` and ``mode`` follow it where it has a third."""
    chords: list[ChordSpanFact] | None = None
    """Of a loop or track with a key, in the order of time; stretches without a likely chord are left out."""
    tuning_cents: float | None = None
    pitch_midi: int | None = None
    pitch_note: str | None = None
    pitch_cents: float | None = None
    pitch_confidence: float | None = None
    instrument: str | None = None
    instrument_confidence: float | None = None
    slices: list[Slice] | None = None
    """Where a loop can be cut."""
    loop_points: list[LoopPoints] | None = None
    """The most loopable 4, 8 and 16 bars of a track."""
    sections: list[Section] | None = None
    """The sections of the analysed part of a track, without gaps."""
    rhythm: Rhythm | None = None
    peaks: list[int] = Field(default_factory=list)
    """The waveform: greatest magnitude of 80 equal stretches, in hundredths of the loudest one; empty for silence."""
    spectral_features: dict[str, dict[str, Any]] = Field(default_factory=dict)
    character: dict[str, float | None] = Field(default_factory=dict)
    """The measures of `dsp.character`, which define the words of the vocabulary; empty in records from before them."""
    provenance: dict[str, str] = Field(default_factory=dict)
    """Where an answer is from: ``audio``, a source of what is stated, or several of them joined by ``+``."""
    stated: list[StatedFact] = Field(default_factory=list)
    kind_audio: Kind | None = None
    """This field and the next ones hold the answers from the sound alone."""
    tempo_audio: float | None = None
    key_audio: str | None = None
    mode_audio: Mode | None = None
    pitch_midi_audio: int | None = None
    instrument_audio: str | None = None

    fingerprint: bytes | None = None
    """By which altered copies are found (`samplemind_worker.fingerprints`); None for silence. No part of the report."""
    vector: list[float] | None = None
    """Vector for likeness; ``None`` for silence."""
    vector_version: int | None = None
    sound_statistics: bytes | None = None
    """What the vector is made of, as float16, little-endian, so that another recipe needs no signal; ``None`` for
    silence. It is not in the report."""

    ai_provider: str | None = None
    ai_model: str | None = None
    ai_summary: str | None = None
    production_tips: list[str] = Field(default_factory=list)
    creative_ideas: list[str] = Field(default_factory=list)
    fl_studio_recommendations: list[str] = Field(default_factory=list)
    ai_tags: list[str] = Field(default_factory=list)
    ai_prompt_version: str | None = None
    ai_task: str | None = None
    """The task that a model was asked for; None for a local text, which is the same for all tasks."""
    ai_state: AiState | None = None
    """``written`` by a model; ``local`` by choice or because no provider was set up; ``deferred`` if the local text
    stands in for one that may come."""
    ai_wanted: bool = False
    """Whether a model should write it but none was set up; `summarize --missing` has it written once one is."""
    ai_reason: str | None = None
    """Why it is deferred; for a written one, why the last attempt to write it again failed."""
    ai_batch: str | None = None
    """The batch that had it written or tried last."""

    versions: dict[str, int] = Field(default_factory=dict)
    """Version of each step whose result is in this record."""
    seconds: dict[str, float] = Field(default_factory=dict)
    """Wall-clock seconds that each step took for this file."""
    analyzed_at: datetime | None = None
