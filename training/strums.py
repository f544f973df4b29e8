"""Chords of one stroke, and songs, whose chords are known: of recorded notes, soundfonts and the wavetable synthesizer.

Recorded single notes are resampled to the pitches that are wanted, and mixed. CORPUS holds the recordings, one folder
per source, as `training.sources` names them.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from samplemind_worker.dsp.chord_model import QUALITIES
from training import labels, songs, soundfonts

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
Chord = tuple[list[int], dict[str, Any]]
Player = Callable[[int, float, int], F64]
"""Gives the sound of a MIDI number, seconds long, at a velocity."""

SR = 22050
RECORDED = {
    "electric": ("guitar-fsbs", "", (40, 88)),
    "spanish": ("spanish-guitar", "", (40, 84)),
    "upright": ("upright-kw", "", (33, 96)),
    "oldpiano": ("old-piano", "", (33, 96)),
}
"""Sources of recorded notes, all in `training.sources`: a folder, a pattern of names, and the range that is played."""
MEASURED = {
    "guitar": ("philharmonia/audio/guitar", "very-long_.*normal", (40, 84)),
    "banjo": ("philharmonia/audio/banjo", "very-long_.*normal", (48, 84)),
    "mandolin": ("philharmonia/audio/mandolin", "very-long_.*normal", (55, 88)),
    "cello": ("philharmonia/audio/cello", "_15?_.*arco-normal", (36, 80)),
}
"""The same of the Philharmonia Orchestra's samples. They have terms of their own, so nothing is learned from them."""
_PLAYED = RECORDED | MEASURED
_SHAPES = {
    "maj": ((0, 7, 12, 16, 19, 24), (0, 7, 12, 16, 19), (0, 7, 12, 16), (0, 4, 7, 12, 16)),
    "min": ((0, 7, 12, 15, 19, 24), (0, 7, 12, 15, 19), (0, 7, 12, 15)),
    "7": ((0, 7, 10, 16, 19, 24), (0, 7, 10, 16, 19), (0, 4, 10, 12), (0, 10, 16, 19)),
    "maj7": ((0, 7, 11, 16, 19), (0, 7, 11, 16), (0, 11, 16, 19)),
    "min7": ((0, 7, 10, 15, 19, 24), (0, 7, 10, 15, 19), (0, 10, 15, 19)),
    "sus2": ((0, 7, 12, 14, 19), (0, 7, 12, 14)),
    "sus4": ((0, 7, 12, 17, 19, 24), (0, 7, 12, 17, 19), (0, 7, 12, 17)),
    "dim": ((0, 6, 12, 15), (0, 6, 12, 15, 18)),
    "aug": ((0, 8, 12, 16), (0, 4, 8, 12, 16)),
    "power": ((0, 7, 12), (0, 7), (0, 7, 12, 19)),
}
"""How guitars play a chord: semitones above the lowest string."""
_QUALITY_WEIGHTS = np.array([5.0, 5.0, 2.5, 2.0, 2.5, 1.2, 1.2, 1.2, 0.8, 1.8])
_LONGEST = 4.5


def draw_chord(rng: Rng, low: int, high: int, *, guitar: bool) -> Chord:
    """Draw the notes of a chord and its truth: root and bass (0 is C), and quality."""
    quality = str(rng.choice(list(QUALITIES), p=_QUALITY_WEIGHTS / _QUALITY_WEIGHTS.sum()))
    tones = QUALITIES[quality]
    if guitar:
        shapes = _SHAPES[quality]
        shape = shapes[rng.integers(len(shapes))]
        lowest = int(rng.integers(low, low + 16))
        notes = [lowest + tone for tone in shape]
        root = lowest % 12
        if rng.random() < 0.12:  # another tone of the chord below
            notes[0] = lowest + tones[rng.integers(1, len(tones))] - 12 * (rng.random() < 0.5)
    else:
        root, middle = int(rng.integers(12)), int(rng.integers(low, max(low + 1, min(high - 18, 66))))
        notes = [middle + (root + tone - middle) % 12 for tone in tones]
        if rng.random() < 0.5:  # in root position
            first = middle + (root - middle) % 12
            notes = [first + tone for tone in tones]
        if rng.random() < 0.3:
            notes.append(min(notes) + 12)
        if rng.random() < 0.3 and quality not in {"dim", "aug"}:
            notes.append(low + (root - low) % 12)
        if rng.random() < 0.15:
            k = int(rng.integers(len(notes)))
            notes[k] += 12
    notes = sorted({n for n in notes if low <= n <= high})
    if {(n - root) % 12 for n in notes} != set(tones):
        return draw_chord(rng, low, high, guitar=guitar)
    return notes, {"root": root, "quality": quality, "bass": notes[0] % 12}


def draw_note(rng: Rng, low: int, high: int) -> Chord:
    """Draw a single note, sometimes with its octave."""
    note = int(rng.integers(low, high + 1))
    notes = [note, note + 12] if rng.random() < 0.15 and note + 12 <= high else [note]
    return notes, {"root": -1, "quality": "", "bass": -1}


@dataclass(frozen=True)
class Recordings:
    """Recorded notes of one source by MIDI number."""

    notes: dict[int, list[F32]]

    def play(self, rng: Rng, midi: int, seconds: float, velocity: int) -> F64:
        """Play a note from the nearest recording."""
        near = min(self.notes, key=lambda other: abs(other - midi))
        takes = self.notes[near]
        y = np.asarray(takes[rng.integers(len(takes))], np.float64)
        if near != midi:
            y = np.asarray(soxr.resample(y, SR * 2.0 ** ((midi - near) / 12.0), SR), np.float64)
        y = y[: round((seconds + 0.05) * SR)].copy()
        fade = min(len(y), round(0.05 * SR))
        y[len(y) - fade :] *= np.linspace(1.0, 0.0, fade)
        return y * velocity / 100.0


@cache
def recordings(corpus: Path, name: str) -> Recordings:
    """Read the notes of a source: at most four takes of each."""
    folder, pattern, _ = _PLAYED[name]
    notes: dict[int, list[F32]] = {}
    for path in sorted((corpus / folder).rglob("*")):
        midi = labels.midi_of(path.stem.replace("_", "v", 1)) or labels.midi_of(path.stem)
        if path.suffix not in {".wav", ".flac", ".mp3"} or midi is None or not re.search(pattern, path.stem):
            continue
        if len(notes.get(int(midi), ())) == 4:
            continue
        try:
            y, sr = soundfile.read(path, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:  # a few are damaged
            continue
        mono = np.asarray(soxr.resample(y.mean(axis=1)[: 6 * sr], sr, SR), np.float32)
        peak = float(np.abs(mono).max(initial=0.0))
        if peak > 1e-3 and len(mono) > 0.3 * SR:
            start = int(np.flatnonzero(np.abs(mono) > 0.03 * peak)[0])
            notes.setdefault(int(midi), []).append(mono[start:] / peak)
    return Recordings(notes)


def _mix(rng: Rng, player: Player, notes: list[int], seconds: float) -> F32:
    """Strike the notes one after another, up or down, at once to 60 ms apart."""
    gap = float(rng.choice([0.0, rng.uniform(0.0, 0.02), rng.uniform(0.01, 0.06)]))
    order = notes if rng.random() < 0.8 else notes[::-1]
    y = np.zeros(round((seconds + 1.0) * SR))
    for k, midi in enumerate(order):
        sound = player(midi, seconds - min(k * gap, 0.5 * seconds), int(rng.integers(60, 100)))
        first = round(k * gap * SR * float(rng.uniform(0.8, 1.2)))
        last = min(len(y), first + len(sound))
        y[first:last] += sound[: last - first]
    y = y[: round((seconds + 0.1) * SR)]
    y = y / (np.abs(y).max() + 1e-9)
    return (y + rng.normal(0.0, 10.0 ** rng.uniform(-5, -3), len(y))).astype(np.float32)


def _seconds(rng: Rng) -> float:
    return float(np.exp(rng.uniform(np.log(0.4), np.log(_LONGEST))))


def recorded(rng: Rng, corpus: Path, name: str, count: int) -> Iterator[tuple[F32, dict[str, Any]]]:
    """Play chords, and single notes for a quarter, from recordings."""
    source, (low, high) = recordings(corpus, name), _PLAYED[name][2]
    guitars = name in {"electric", "spanish", "guitar"}
    for k in range(count):
        drawn = draw_note(rng, low, high) if k % 4 == 3 else draw_chord(rng, low, high, guitar=guitars and k % 8 > 0)
        y = _mix(rng, lambda m, s, v: source.play(rng, m, s, v), drawn[0], _seconds(rng))
        yield y, drawn[1] | {"font": name}


def _note_or_chord(rng: Rng, number: int) -> Chord:
    """Draw notes for a third, half of them low: their overtones make a major triad and are resolved worst."""
    if number % 3:
        return draw_chord(rng, 36, 90, guitar=rng.random() < 0.2)
    return draw_note(rng, 24, 48 if rng.random() < 0.5 else 96)


def synthesized(rng: Rng, count: int) -> Iterator[tuple[F32, dict[str, Any]]]:
    """Play chords and notes on random patches."""
    for k in range(count):
        drawn = _note_or_chord(rng, k)
        voice, cents = (
            songs.draw_voice(rng, pad=rng.random() < 0.3),
            float(rng.uniform(-45, 45)) * (rng.random() < 0.33),
        )
        if len(drawn[0]) < 3 and rng.random() < 0.6:  # dark, as if through a filter
            most = int(rng.choice([4, 8]))
            voice = replace(voice, bright={h: wave for h, wave in voice.bright.items() if h <= most})

        def player(midi: int, seconds: float, velocity: int, voice: songs.Voice = voice, cents: float = cents) -> F64:
            return songs.play(voice, 440.0 * 2.0 ** ((midi - 69 + cents / 100.0) / 12.0), seconds) * velocity / 100.0

        yield _mix(rng, player, drawn[0], _seconds(rng)), drawn[1] | {"font": "synth"}


def rendered(rng: Rng, font: str, count: int) -> Iterator[tuple[F32, dict[str, Any]]]:
    """Play chords and notes on the instruments of a soundfont."""
    programs = songs.PROGRAMS[songs.CHORDS]
    clips: list[soundfonts.Clip] = []
    truths: list[dict[str, Any]] = []
    for k in range(count):
        program, seconds = int(rng.choice(programs)), _seconds(rng)
        guitar = program in range(24, 31) and rng.random() < 0.8
        notes, truth = draw_note(rng, 36, 90) if k % 4 == 3 else draw_chord(rng, 40, 88, guitar=guitar)
        gap = float(rng.choice([0.0, rng.uniform(0.0, 0.05)]))
        played = [(j * gap, seconds - j * gap, midi, int(rng.integers(60, 110)), 0) for j, midi in enumerate(notes)]
        cents = float(rng.choice([0.0, rng.uniform(-45.0, 45.0)]))
        clips.append(soundfonts.Clip(played, {0: program}, seconds, cents))
        truths.append(truth | {"font": font})
    sounds = soundfonts.render(clips, font, tail=0.2, reverb=rng.random() < 0.5)
    yield from ((y, truth) for y, truth in zip(sounds, truths, strict=True) if np.abs(y).max() > 1e-3)


def played_song(rng: Rng, song: songs.Song, corpus: Path, names: dict[int, str]) -> F32:
    """Play a song on recorded instruments, by role; a role without one is silent."""
    y = np.zeros(round((song.seconds + 1.0) * SR))
    kept: dict[tuple[int, int, int], F64] = {}
    for onset, length, midi, velocity, role in song.notes:
        if role not in names:
            continue
        key = (role, midi, round(20 * length))
        if key not in kept:
            low, high = _PLAYED[names[role]][2]
            moved = midi + 12 * max(0, -((midi - low) // 12)) - 12 * max(0, -((high - midi) // 12))
            kept[key] = recordings(corpus, names[role]).play(rng, moved, max(length, 0.2), velocity)
        first = round((onset + float(rng.uniform(0.0, 0.02))) * SR)
        last = min(len(y), first + len(kept[key]))
        y[first:last] += kept[key][: last - first]
    y = y[: round(song.seconds * SR)]
    return (y / (np.abs(y).max() + 1e-9)).astype(np.float32)
