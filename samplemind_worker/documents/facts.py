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
    """BPM."""
    score: float
    """How well it fits, 0 to 1."""


class KeyCandidate(BaseModel):
    """One possible key, with its score in 0..1."""

    key: str
    """The tonic, `C` to `B` with sharps."""
    mode: Mode
    """Major or minor."""
    score: float
    """How well it fits, 0 to 1."""


class ChordFact(BaseModel):
    """The chord of a one-shot, with its confidence in 0..1."""

    root: str
    """The root, `C` to `B` with sharps."""
    quality: Literal["maj", "min", "7", "maj7", "min7", "sus2", "sus4", "dim", "aug", "power"]
    """What kind of chord it is."""
    bass: str
    """The lowest tone: the root, or another tone of the chord."""
    name: str
    """How it is written, such as `Bm7/F#`."""
    confidence: float
    """How sure it is, 0 to 1."""


class ChordSpanFact(ChordFact):
    """A chord of a loop or track, from ``start`` to ``end`` in seconds."""

    start: float
    """Seconds."""
    end: float
    """Seconds."""
    numeral: str
    """The degree in the key, in roman numerals."""


class Slice(BaseModel):
    """A point at which a loop can be cut, in seconds, and how strong its onset is (0..1)."""

    time: float
    """Seconds."""
    strength: float
    """How strong its onset is, 0 to 1."""


class LoopPoints(BaseModel):
    """A part of a track that repeats without a seam, in seconds; ``score`` (0..1) is how alike both ends are."""

    start: float
    """Seconds."""
    end: float
    """Seconds."""
    bars: int
    """How many bars it has."""
    score: float
    """How alike both ends are, 0 to 1."""


class Section(BaseModel):
    """A part of a track, in seconds; sections with one label sound alike. ``energy`` is relative to the loudest."""

    start: float
    """Seconds."""
    end: float
    """Seconds."""
    label: str
    """`A` for the first one and those that sound like it, then `B`, and so on."""
    kind: Literal["intro", "build", "drop", "break", "outro"] | None = None
    """What the section is for; null where that is not heard."""
    energy: float
    """The RMS relative to the loudest section, 0 to 1."""


class Rhythm(BaseModel):
    """How the onsets lie on the beat; the fields are those of `dsp.types.Rhythm`."""

    swing: float | None = None
    """Length of the first of two notes over that of the second: 1 straight, 2 in triplets."""
    swing_unit: int | None = None
    """What swings: 8 for eighths, 16 for sixteenths; null where nothing does."""
    density: float
    """Onsets per beat."""
    feel: Literal["straight", "shuffled"] | None = None
    """Null where nothing lies between the beats."""
    backbeat: Literal["normal", "half_time", "double_time"] | None = None
    """Where the snare lies: on 2 and 4, on 3, or on each offbeat; null where there is none."""
    syncopation: float
    """Share of the onset strength before a rest on a stronger place of the bar, 0 to 1."""
    groove: list[float | None] = Field(default_factory=list)
    """Offset in milliseconds from the straight grid for each sixteenth of a bar; null where nothing is played."""


class StatedFact(BaseModel):
    """What a chunk, tag or name states about a sample, and whether the analysis agrees.

    The value of a key is its tonic, the value of a pitch the note without its octave.
    """

    about: Literal["tempo", "key", "pitch", "kind", "instrument"]
    """The question that is answered."""
    value: float | str
    """The answer: BPM, a tonic, a note, a kind or an instrument."""
    mode: Mode | None = None
    """The mode of a key, where it is stated."""
    source: str
    """A chunk or a kind of tags (``acid``, ``id3``), or ``filename`` or ``folder``."""
    text: str
    """The text as it is written there."""
    name: str | None = None
    """The filename or folder, which may differ between copies."""
    believed: bool
    """Whether the analysis agrees."""


class AudioFacts(BaseModel):
    """What decoding finds: identity, format and level. ``file_id`` is the SHA-256 of the bytes."""

    model_config = ConfigDict(extra="ignore")

    file_id: str
    """SHA-256 of the bytes, in hex digits."""
    filename: str
    """The name without its folder."""
    file_size: int
    """Bytes."""
    duration: float
    """Seconds."""
    sample_rate: int
    """Hz."""
    channels: int
    """How many channels the file has."""
    format: str
    """The container, as libsndfile names it, or FFmpeg where that decoded it."""
    subtype: str
    """The coding of the samples, such as `PCM_16`."""
    reader: Reader | None = None
    """The library that decoded it; null if it was decoded before this was recorded."""
    exact_length: bool = True
    """Whether the file is known to have no codec padding and nothing missing."""
    excerpt_start: float = 0.0
    """Seconds before the part that is analysed, the middle of a long file."""
    lead_seconds: float = 0.0
    """Silence that the codec added at the beginning, as far as it is known."""
    loudness_lufs: float | None = None
    """Integrated loudness in LUFS (ITU-R BS.1770); null for silence."""
    true_peak_dbtp: float | None = None
    """True peak in dBTP (ITU-R BS.1770); null for silence."""
    audio_hash: str | None = None
    """Hash of the decoded samples, their channels and their rate, whatever the container; None if it was decoded before
    this was recorded."""
    bandwidth: float | None = None
    """Up to which frequency the sound reaches, in Hz; None for silence. It is not in the report."""
    width: float | None = None
    """Stereo width of the analysed part: 0 if both channels hold the same, 0.5 if they have nothing in common, 1 if
    one is the other turned upside down; null unless there are two channels."""
    tags: list[str] = Field(default_factory=list)
    """Genres and keywords that the file carries."""
    metadata: dict[str, Any] = Field(default_factory=dict)
    """What chunks and tags say, by source."""
    named: str = ""
    """The name that the content was read under, after up to two of its folders."""
    warnings: list[str] = Field(default_factory=list)
    """What is wrong with the file, though it was analysed: the names of docs/formats.md."""


class AnalysisFacts(BaseModel):
    """What the analysis tells, and what was written about it; ``None`` where a question has no answer."""

    model_config = ConfigDict(extra="ignore")

    file_id: str

    kind: Kind | None = None
    """What it is: a single sound, a loop, or longer material."""
    kind_confidence: float | None = None
    """How sure the kind is, 0 to 1."""
    tempo: float | None = None
    """BPM; null for one-shots and where there is no pulse."""
    tempo_confidence: float | None = None
    """How sure the tempo is, 0 to 1."""
    tempo_candidates: list[TempoCandidate] = Field(default_factory=list)
    """The likeliest tempi, the best first."""
    time_signature: tuple[int, int] | None = None
    """Beats of a bar, and the note that is one beat."""
    beats: list[float] = Field(default_factory=list)
    """When beats fall, in seconds."""
    beats_in_loop: int | None = None
    """How many beats a loop is long."""
    key: str | None = None
    """The tonic, `C` to `B` with sharps; null for silence, noise and drums, and where the likeliest is unlikely."""
    mode: Mode | None = None
    """Major or minor; null where there is no key."""
    key_confidence: float | None = None
    """How sure the key is, 0 to 1."""
    key_candidates: list[KeyCandidate] = Field(default_factory=list)
    """The likeliest keys, the best first."""
    camelot: str | None = None
    """The key on the Camelot wheel, such as `8A`."""
    chord: ChordFact | None = None
    """Chord of a one-shot; ``key`` and ``mode`` follow it where it has a third."""
    chords: list[ChordSpanFact] | None = None
    """Chords of a loop or track with a key, in order of time; stretches without a likely chord are left out."""
    tuning_cents: float | None = None
    """By how many cents it is tuned above A4 = 440 Hz."""
    pitch_midi: int | None = None
    """The note of a one-shot as MIDI has it; 60 is C4."""
    pitch_note: str | None = None
    """The note of a one-shot, such as `F#3`."""
    pitch_cents: float | None = None
    """By how many cents the note is above that."""
    pitch_confidence: float | None = None
    """How sure the note is, 0 to 1."""
    instrument: str | None = None
    """One of the instruments of docs/contract.md; null where unsure."""
    instrument_confidence: float | None = None
    """How sure the instrument is, 0 to 1."""
    slices: list[Slice] | None = None
    """Where a loop can be cut."""
    loop_points: list[LoopPoints] | None = None
    """The most loopable 4, 8 and 16 bars of a track."""
    sections: list[Section] | None = None
    """The sections of the analysed part of a track, without gaps."""
    rhythm: Rhythm | None = None
    """How the onsets of a loop or track with a tempo lie on the beat."""
    peaks: list[int] = Field(default_factory=list)
    """The waveform: greatest magnitude of 80 equal stretches, in hundredths of the loudest one; empty for silence."""
    spectral_features: dict[str, dict[str, Any]] = Field(default_factory=dict)
    """Measures of the spectrum, each with its mean and standard deviation over time."""
    character: dict[str, float | None] = Field(default_factory=dict)
    """The measures of `dsp.character`, which define the words of the vocabulary; empty in records from before them."""
    provenance: dict[str, str] = Field(default_factory=dict)
    """Where an answer is from: ``audio``, a source of what is stated, or several of them joined by ``+``."""
    stated: list[StatedFact] = Field(default_factory=list)
    """What chunks, tags and names claim."""
    kind_audio: Kind | None = None
    """The kind by the sound alone, as in the next fields."""
    tempo_audio: float | None = None
    """The tempo by the sound alone."""
    key_audio: str | None = None
    """The tonic by the sound alone."""
    mode_audio: Mode | None = None
    """The mode by the sound alone."""
    pitch_midi_audio: int | None = None
    """The note by the sound alone."""
    instrument_audio: str | None = None
    """The instrument by the sound alone."""

    fingerprint: bytes | None = None
    """By which altered copies are found (`samplemind_worker.fingerprints`); None for silence. No part of the report."""
    vector: list[float] | None = None
    """Vector for likeness; ``None`` for silence."""
    vector_version: int | None = None
    sound_statistics: bytes | None = None
    """What the vector is made of, as float16, little-endian, so that another recipe needs no signal; ``None`` for
    silence. It is not in the report."""

    ai_provider: str | None = None
    """Who wrote the summary."""
    ai_model: str | None = None
    """The model that wrote it; null for the local describer."""
    ai_summary: str | None = None
    """What the sound is, in sentences."""
    production_tips: list[str] = Field(default_factory=list)
    """How to mix and treat it."""
    creative_ideas: list[str] = Field(default_factory=list)
    """What to make of it."""
    fl_studio_recommendations: list[str] = Field(default_factory=list)
    """What to use it with in FL Studio."""
    ai_tags: list[str] = Field(default_factory=list)
    ai_prompt_version: str | None = None
    """The version of the instructions that the model had."""
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
    """When it was analysed (UTC, ISO 8601)."""
