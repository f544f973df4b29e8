"""Pitch classes, MIDI numbers, Hz, frames and seconds.

Conventions: pitch classes are 0 (C) to 11 (B), spelt with sharps; MIDI 69 is A4 = 440 Hz; camelot codes are "1A" to
"12B", A for minor.
"""

import math

SR = 22050
"""The one sampling rate of all analysis, in Hz."""

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def hz_to_midi(hz: float) -> float:
    """Give the fractional MIDI number of a frequency in Hz (above 0)."""
    return 69.0 + 12.0 * math.log2(hz / 440.0)


def midi_to_hz(midi: float) -> float:
    """Give the frequency in Hz of a fractional MIDI number."""
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)


def note_name(midi: int) -> str:
    """Spell a MIDI number as a note: 69 is "A4"."""
    return f"{PITCH_CLASSES[midi % 12]}{midi // 12 - 1}"


def camelot(tonic: int, mode: str) -> str:
    """Give the camelot code of a key: C major is "8B", A minor is "8A"."""
    if mode == "minor":
        return f"{(tonic * 7 + 4) % 12 + 1}A"
    return f"{(tonic * 7 + 7) % 12 + 1}B"
