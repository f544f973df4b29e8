"""Computes with keys, notes and tempi: the Camelot wheel, transposition, tape speed, note lengths.

The conventions are those of `samplemind_worker.pitches`. FL Studio counts octaves from 0, so its C5 is MIDI 60.
"""

from dataclasses import dataclass

from samplemind_worker import pitches
from samplemind_worker.documents.facts import Mode
from samplemind_worker.pitches import PITCH_CLASSES

_MINUTE = 60.0
_SLOWEST, _FASTEST = 60.0, 200.0  # BPM; few set a project outside
_BEAT_SLACK_SECONDS = 0.03  # a codec's padding is shorter
_BEAT_SLACK = 0.002  # relative error of a tempo


@dataclass(frozen=True, slots=True)
class Key:
    """A key, with its place on the Camelot wheel and its neighbors there."""

    tonic: int
    mode: Mode

    @property
    def name(self) -> str:
        """As in "F# minor"."""
        return f"{PITCH_CLASSES[self.tonic]} {self.mode}"

    @property
    def camelot(self) -> str:
        """As in "11A"."""
        return pitches.camelot(self.tonic, self.mode)

    @property
    def code(self) -> str:
        """As in "F# minor (11A)"."""
        return f"{self.name} ({self.camelot})"

    @property
    def relative(self) -> "Key":
        """The key of the same notes in the other mode."""
        return Key((self.tonic + 3) % 12, "major") if self.mode == "minor" else Key((self.tonic + 9) % 12, "minor")

    def moved(self, semitones: int) -> "Key":
        """Return the key transposed by semitones."""
        return Key((self.tonic + semitones) % 12, self.mode)

    def neighbours(self) -> tuple["Key", "Key", "Key"]:
        """Return the relative key, the one a fifth up and the one a fifth down: those that mix (Camelot's rule)."""
        return self.relative, self.moved(7), self.moved(5)

    def scale(self) -> frozenset[str]:
        """Name its seven notes."""
        steps = (0, 2, 3, 5, 7, 8, 10) if self.mode == "minor" else (0, 2, 4, 5, 7, 9, 11)
        return frozenset(PITCH_CLASSES[(self.tonic + step) % 12] for step in steps)

    def triad(self) -> tuple[str, str, str]:
        """Name the notes of its home chord."""
        third = 3 if self.mode == "minor" else 4
        first, second, fifth = (PITCH_CLASSES[(self.tonic + step) % 12] for step in (0, third, 7))
        return first, second, fifth


def note_in_fl(midi: int) -> str:
    """As in "C5" for MIDI 60."""
    return f"{PITCH_CLASSES[midi % 12]}{midi // 12}"


def repitched(bpm: float, semitones: float) -> float:
    """Return the tempo of a loop that is transposed by changing its speed, as on tape."""
    return bpm * 2.0 ** (semitones / 12.0)


def octaves_of_tempo(bpm: float) -> tuple[float, ...]:
    """Return half and double the tempo, if projects have such tempi."""
    return tuple(other for other in (bpm / 2.0, bpm * 2.0) if _SLOWEST <= other <= _FASTEST)


def note_length(bpm: float, quarters: float) -> float:
    """Return the seconds of a note: quarters * (60 s per minute / quarters per minute) = s."""
    return quarters * _MINUTE / bpm


def count_beats(seconds: float | None, tempo: float | None) -> tuple[float | None, bool]:
    """Return the length in beats, and whether it is whole within the slack."""
    if seconds is None or tempo is None:
        return None, False
    beats = seconds / _MINUTE * tempo
    slack = _BEAT_SLACK_SECONDS / _MINUTE * tempo + _BEAT_SLACK * beats
    whole = round(beats)
    if whole >= 1 and abs(beats - whole) <= min(slack, 0.25):
        return float(whole), True
    return beats, False
