"""Pitch classes, MIDI numbers, frequencies, chords and Camelot codes.

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


_SUFFIXES = {
    "maj": "", "min": "m", "7": "7", "maj7": "maj7", "min7": "m7", "sus2": "sus2", "sus4": "sus4", "dim": "dim",
    "aug": "aug", "power": "5",
}  # fmt: skip
_SMALL = frozenset({"min", "min7", "dim"})
_NUMERAL_SUFFIXES = _SUFFIXES | {"min": "", "min7": "7", "dim": "°", "aug": "+"}
_NUMERALS = {
    "major": ("I", "bII", "II", "bIII", "III", "IV", "#IV", "V", "bVI", "VI", "bVII", "VII"),
    "minor": ("I", "bII", "II", "III", "#III", "IV", "#IV", "V", "VI", "#VI", "VII", "#VII"),
}


def chord_name(root: int, quality: str, bass: int) -> str:
    """Spell a chord: "Bm7", or "Bm7/F#" with another tone of it in the bass."""
    slash = "" if bass == root else f"/{PITCH_CLASSES[bass]}"
    return f"{PITCH_CLASSES[root]}{_SUFFIXES[quality]}{slash}"


def chord_quality(suffix: str) -> str | None:
    """Return the quality that is written so behind the root of a chord, as here or as ``min7``; None for any other."""
    if suffix in _SUFFIXES:
        return suffix
    return next((quality for quality, written in _SUFFIXES.items() if written == suffix), None)


def chord_mode(quality: str) -> str | None:
    """Return the mode of the key that a chord stands for: that of its third; None for a chord without one."""
    if quality in {"sus2", "sus4", "power"}:
        return None
    return "minor" if quality in _SMALL else "major"


def numeral(root: int, quality: str, tonic: int, mode: str) -> str:
    """Spell a chord by its degree in a key: "vi7"; degrees of minor are those of natural minor."""
    degree = _NUMERALS[mode][(root - tonic) % 12]
    return (degree.lower() if quality in _SMALL else degree) + _NUMERAL_SUFFIXES[quality]
