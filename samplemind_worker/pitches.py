"""Pitch classes, MIDI numbers, frequencies and Camelot codes.

Conventions: pitch classes are 0 (C) to 11 (B), spelled with sharps; MIDI 69 is A4 = 440 Hz and MIDI 60 is C4; Camelot
codes are "1A" to "12B", A for minor. Loads the standard library alone, so that text is written without numba.
"""

PITCH_CLASSES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")


def midi_to_hz(midi: float) -> float:
    """Return the frequency in Hz of a fractional MIDI number."""
    return 440.0 * 2.0 ** ((midi - 69.0) / 12.0)


def note_name(midi: int) -> str:
    """Spell a MIDI number as a note: 69 is "A4"."""
    return f"{PITCH_CLASSES[midi % 12]}{midi // 12 - 1}"


def camelot(tonic: int, mode: str) -> str:
    """Return the Camelot code of a key: C major is "8B", A minor is "8A", and each fifth up is one hour later."""
    if mode == "minor":
        return f"{(tonic * 7 + 4) % 12 + 1}A"
    return f"{(tonic * 7 + 7) % 12 + 1}B"
