"""What is written about a sound: the answers of its analysis that are sure enough."""

from dataclasses import dataclass
from typing import Final, Literal, TypeVar

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.pitches import PITCH_CLASSES, note_name

T = TypeVar("T")

Notation = Literal["musical", "camelot", "open-key"]
"""How a key is spelled: ``Am``, ``8A`` or ``1m``."""

LEAST: Final = 0.5
"""The confidence from which an answer is written by default."""
_FLATS: Final = {"C#": "Db", "D#": "Eb", "G#": "Ab", "A#": "Bb"}
"""Spellings of major keys that have fewer accidentals."""
_LONGEST_COMMENT: Final = 1000


@dataclass(frozen=True, slots=True)
class Tags:
    """The values for one sound; None where there is no answer, or none that is sure enough."""

    kind: str | None = None
    """``one_shot``, ``loop`` or ``track``."""
    tempo: float | None = None
    """BPM; None for a one-shot."""
    beats: int | None = None
    """Beats of a loop."""
    meter: tuple[int, int] = (4, 4)
    tonic: int | None = None
    """0 (C) to 11 (B)."""
    mode: str | None = None
    key: str | None = None
    """The key as text, in the chosen notation."""
    note: int | None = None
    """The root note of a one-shot, as a MIDI number."""
    cents: float = 0.0
    """By how much the sound is above (below) that note, -50 to 50."""
    instrument: str | None = None
    comment: str | None = None
    loudness: float | None = None
    """Integrated loudness in LUFS."""
    peak: float | None = None
    """True peak in dBTP."""
    duration: float = 0.0
    """Seconds."""

    @property
    def note_name(self) -> str | None:
        """The root note as text: MIDI 69 is ``A4``."""
        return None if self.note is None else note_name(self.note)


def tags_of(
    audio: AudioFacts, analysis: AnalysisFacts, *, notation: Notation = "musical", least: float = LEAST
) -> Tags:
    """Return what is written about a sound; an answer whose confidence is below ``least`` is left out."""
    is_one_shot = analysis.kind == "one_shot"
    sure_kind = _sure(analysis.kind, analysis.kind_confidence, least)
    tempo = None if is_one_shot else _sure(analysis.tempo, analysis.tempo_confidence, least)
    tonic = _sure(_pitch_class(analysis.key), analysis.key_confidence, least)
    note = _sure(analysis.pitch_midi, analysis.pitch_confidence, least) if is_one_shot else None
    return Tags(
        kind=sure_kind,
        tempo=tempo,
        beats=analysis.beats_in_loop if sure_kind == "loop" and tempo is not None else None,
        meter=analysis.time_signature or (4, 4),
        tonic=tonic,
        mode=None if tonic is None else analysis.mode,
        key=None if tonic is None or analysis.mode is None else key_text(tonic, analysis.mode, notation),
        note=note,
        cents=0.0 if note is None or analysis.pitch_cents is None else analysis.pitch_cents,
        instrument=_sure(analysis.instrument, analysis.instrument_confidence, least),
        comment=" ".join(analysis.ai_summary.split())[:_LONGEST_COMMENT] if analysis.ai_summary else None,
        loudness=audio.loudness_lufs,
        peak=audio.true_peak_dbtp,
        duration=audio.duration,
    )


def _sure(value: T | None, confidence: float | None, least: float) -> T | None:
    return value if confidence is not None and confidence >= least else None


def _pitch_class(name: str | None) -> int | None:
    return PITCH_CLASSES.index(name) if name in PITCH_CLASSES else None


def key_text(tonic: int, mode: str, notation: Notation) -> str:
    """Spell a key: A minor is ``Am``, ``8A`` or ``1m``; E flat major is ``Eb``, ``5B`` or ``10d``."""
    is_minor = mode == "minor"
    if notation == "musical":
        name = PITCH_CLASSES[tonic]
        # Minor keys as Mixed In Key and rekordbox write them: C#m, F#m and G#m, but Ebm and Bbm.
        flats = {"D#": "Eb", "A#": "Bb"} if is_minor else _FLATS
        return flats.get(name, name) + ("m" if is_minor else "")
    hour = (tonic * 7 + (4 if is_minor else 7)) % 12 + 1
    if notation == "camelot":
        return f"{hour}{'A' if is_minor else 'B'}"
    return f"{(hour + 4) % 12 + 1}{'m' if is_minor else 'd'}"
