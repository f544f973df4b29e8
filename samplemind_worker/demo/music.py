"""Beats, phrases, bass lines, pads and songs: sounds on a grid.

Conventions: pure functions; float64 at `sounds.SR` Hz, peak 0.9. Loops are whole bars of four quarters, and what rings
beyond their end rings at their beginning, so that they repeat without a seam. A tonic is a pitch class, 0 for C.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from samplemind_worker.demo import sounds
from samplemind_worker.demo.sounds import F64, SR, note, peak

_LEVEL = 0.9
MAJOR, MINOR = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 10)
"""Semitones above the tonic."""

# Sixteen steps to a bar: x hits hard, o soft.
PATTERNS: dict[str, dict[str, str]] = {
    "rock": {"kick": "x.......x.o.....", "snare": "....x.......x...", "hat_closed": "x.o.x.o.x.o.x.o."},
    "house": {"kick": "x...x...x...x...", "clap": "....x.......x...", "hat_open": "..x...x...x...x."},
    "hiphop": {"kick": "x......o..x.....", "snare": "....x.......x..o", "hat_closed": "x.x.x.x.x.x.x.xo"},
    "dnb": {"kick": "x.........x.....", "snare": "....x.......x...", "hat_closed": "x.x.xxx.x.x.xxx."},
    "funk": {"kick": "x.x...o...x..o..", "snare": "....x..o.o..x..o", "hat_closed": "xoxoxoxoxoxoxoxo"},
    "techno": {"kick": "x...x...x...x...", "hat_closed": "..x...x...x...x.", "tom": "...o..o....o..o."},
    "latin": {
        "kick": "x..x..x.x..x..x.",
        "conga": "..x.x..x..x.x.xx",
        "rim": "x..x..x...x.x...",
        "shaker": "xoxoxoxoxoxoxoxo",
    },
}

KITS: dict[str, dict[str, Callable[[], F64]]] = {
    "acoustic": {
        "kick": partial(sounds.kick, low=58.0, seconds=0.32, click=0.3),
        "snare": partial(sounds.snare, tone=200.0, seconds=0.24),
        "hat_closed": partial(sounds.hat, seconds=0.06, seed=14),
        "hat_open": partial(sounds.hat, seconds=0.35, seed=15),
        "clap": sounds.clap,
        "tom": partial(sounds.tom, low=130.0),
        "conga": sounds.conga,
        "rim": sounds.rim,
        "shaker": sounds.shaker,
    },
    "machine": {
        "kick": partial(sounds.kick, low=46.0, start=190.0, seconds=0.5, click=0.08),
        "snare": partial(sounds.snare, tone=175.0, seconds=0.2, rattle=0.75, bright=11000.0),
        "hat_closed": partial(sounds.hat, seconds=0.05, base=540.0),
        "hat_open": partial(sounds.hat, seconds=0.28, base=540.0),
        "clap": partial(sounds.clap, seconds=0.24, middle=1300.0),
        "tom": partial(sounds.tom, low=95.0, seconds=0.35),
        "conga": partial(sounds.conga, tone=310.0),
        "rim": partial(sounds.rim, tone=1900.0),
        "shaker": partial(sounds.shaker, seconds=0.08),
    },
}
"""The drums of a beat by the names in `PATTERNS`."""

# Four bars of triads: the degrees of the scale that they stand on, from 0 for the tonic.
_PROGRESSIONS = {
    "major": ((0, 5, 3, 4), (0, 3, 0, 4), (0, 3, 1, 4), (0, 4, 3, 4)),
    "minor": ((0, 5, 3, 4), (0, 3, 0, 4), (0, 3, 5, 4), (0, 0, 3, 4)),
}


def seconds_of(bars: int, bpm: float) -> float:
    """Return the length of bars of four quarters in seconds."""
    return bars * 240.0 / bpm


def place(target: F64, y: F64, at: float, gain: float) -> None:
    """Add a sound at a time in seconds; what rings beyond the end rings at the beginning."""
    start = round(at * SR) % len(target)
    while len(y):
        room = len(target) - start
        target[start : start + len(y)] += gain * y[:room]
        y, start = y[room:], 0


def _room(y: F64, *, seconds: float, amount: float, seed: int) -> F64:
    """Add a room around a loop, and make it stereo, (n, 2): noise that dies away, another on each side."""
    n = len(y)
    t = np.arange(n) / SR
    rng = np.random.default_rng(seed)
    sides: list[F64] = []
    for _ in range(2):
        tail = rng.normal(size=n) * 10.0 ** (-3.0 * t / seconds) * np.minimum(t / 0.01, 1.0)
        spectrum = np.fft.rfft(tail)
        spectrum /= np.sqrt(1.0 + (np.fft.rfftfreq(n, 1.0 / SR) / 5000.0) ** 4)
        # Circular, so that the loop has no seam.
        wet = np.fft.irfft(np.fft.rfft(y) * spectrum, n)
        scale = np.sqrt(np.square(y).mean() / max(float(np.square(wet).mean()), 1e-12))
        sides.append(y + amount * scale * wet)
    return np.stack(sides, axis=1)


def beat(bpm: float, pattern: str, *, kit: str = "acoustic", bars: int = 2, swing: float = 0.0, seed: int = 0) -> F64:
    """Play a pattern, mono. ``swing`` delays every second sixteenth by that part of its length."""
    rng = np.random.default_rng(seed)
    step = 15.0 / bpm
    y = np.zeros(round(seconds_of(bars, bpm) * SR))
    for name, line in PATTERNS[pattern].items():
        hit = KITS[kit][name]()
        for k in range(16 * bars):
            mark = line[k % len(line)]
            if mark != ".":
                gain = (1.0 if mark == "x" else 0.4) * rng.uniform(0.88, 1.0)
                place(y, hit, (k + (swing if k % 2 else 0.0)) * step, gain)
    return peak(y, _LEVEL)


def _triad(degree: int, mode: str) -> tuple[int, int, int]:
    """Return the semitones above the tonic of the triad on a degree; the dominant of a minor key is major."""
    scale = MAJOR if mode == "major" else MINOR
    root, third, fifth = (scale[(degree + k) % 7] + 12 * ((degree + k) // 7) for k in (0, 2, 4))
    if mode == "minor" and degree == 4:  # noqa: PLR2004 -- the dominant, with the leading note
        third += 1
    return root, third, fifth


def _voiced(triad: tuple[int, ...], tonic: int, low: int) -> list[int]:
    """Return MIDI notes of a chord from ``low`` on, so that chords that follow lie near to each other."""
    return sorted(low + (tonic + each - low) % 12 for each in triad)


@dataclass(frozen=True, slots=True)
class _Score:
    """Four bars of a progression in a key, at a tempo; ``y`` is what has been played of them."""

    tonic: int
    mode: str
    bpm: float
    shape: int
    y: F64

    @classmethod
    def of(cls, tonic: int, mode: str, bpm: float, shape: int) -> "_Score":
        """Begin with silence."""
        return cls(tonic, mode, bpm, shape, np.zeros(round(seconds_of(4, bpm) * SR)))

    @property
    def chords(self) -> list[tuple[int, int, int]]:
        """The triad of each bar."""
        return _chords(self.mode, self.shape)

    def play(self, midi: int, eighths: float, voice: str, *, at: float, gain: float) -> None:
        """Play a note for so many eighths; ``at`` is when, in eighths."""
        eighth = 30.0 / self.bpm
        place(self.y, note(midi, eighths * eighth, voice), at * eighth, gain)


def _chords(mode: str, shape: int) -> list[tuple[int, int, int]]:
    progressions = _PROGRESSIONS[mode]
    return [_triad(degree, mode) for degree in progressions[shape % len(progressions)]]


def _play_bass(score: _Score, *, gain: float, is_busy: bool) -> None:
    # When, in eighths, and which note of the chord.
    line = ((0, 0), (3, 0), (4, 0), (6, 2), (7, 0)) if is_busy else ((0, 0), (2, 0), (4, 0), (6, 2))
    for bar, triad in enumerate(score.chords):
        for eighth, which in line:
            midi = 33 + (score.tonic + triad[which] - 33) % 12
            score.play(midi, 0.9 if is_busy else 1.8, "bass", at=8 * bar + eighth, gain=gain)


# When the chords of a bar are struck and for how long, in eighths, and how loud.
_STYLES = {
    "held": ((0,), 8.4, 0.3),
    "halves": ((0, 4), 4.0, 0.32),
    "stabs": ((0, 3, 6), 1.2, 0.3),
}


def _play_chords(score: _Score, voice: str, style: str) -> None:
    for bar, triad in enumerate(score.chords):
        notes = _voiced(triad, score.tonic, 55)
        if style == "broken":
            up_and_down = (*notes, notes[1] + 12, notes[2], notes[1])
            for eighth in range(8):
                midi = up_and_down[eighth % len(up_and_down)]
                score.play(midi, 3.0, voice, at=8 * bar + eighth, gain=0.42)
            continue
        starts, eighths, gain = _STYLES[style]
        for start in starts:
            for midi in notes:
                score.play(midi, eighths, voice, at=8 * bar + start, gain=gain)


def _play_tune(score: _Score, voice: str, seed: int) -> None:
    """Play one rhythm in each bar: notes of the chord on the beat, and steps of the scale between."""
    rng = np.random.default_rng(seed)
    scale = MAJOR if score.mode == "major" else MINOR
    rhythm = ((0, 2), (2, 1), (3, 1), (4, 3), (7, 1)) if seed % 2 else ((0, 3), (3, 1), (4, 2), (6, 2))
    passing = [midi for midi in range(67, 85) if (midi - score.tonic) % 12 in scale]
    last = 72 + score.tonic
    for bar, triad in enumerate(score.chords):
        classes = {each % 12 for each in triad}
        steady = [midi for midi in range(67, 85) if (midi - score.tonic) % 12 in classes]
        for eighth, length in rhythm:
            near = sorted(steady if eighth % 4 == 0 else passing, key=lambda midi, last=last: abs(midi - last))[:3]
            last = near[int(rng.integers(len(near)))]
            score.play(last, length + 0.4, voice, at=8 * bar + eighth, gain=0.4)


def phrase(
    tonic: int, mode: str, bpm: float, *, voice: str, style: str, tune: str | None = None, shape: int = 0, seed: int = 0
) -> F64:
    """Play four bars of chords, with a bass and, if ``tune`` names a voice, a tune; stereo, (n, 2).

    ``style`` is how the chords are played: held, halves, stabs or broken. ``shape`` chooses the progression.
    """
    score = _Score.of(tonic, mode, bpm, shape)
    _play_chords(score, voice, style)
    _play_bass(score, gain=0.45, is_busy=False)
    if tune is not None:
        _play_tune(score, tune, seed)
    return peak(_room(score.y, seconds=0.9, amount=0.25, seed=seed), _LEVEL)


def bass_line(tonic: int, mode: str, bpm: float, *, shape: int = 0) -> F64:
    """Play four bars of a bass alone, mono."""
    score = _Score.of(tonic, mode, bpm, shape)
    _play_bass(score, gain=0.9, is_busy=True)
    return peak(score.y, _LEVEL)


def pad(tonic: int, mode: str, seconds: float, *, shape: int = 0, seed: int = 0) -> F64:
    """Play chords that swell into each other, without a beat; stereo, (n, 2)."""
    triads = [*_chords(mode, shape)[:3], _triad(0, mode)]
    y = np.zeros(round(seconds * SR))
    length = seconds / len(triads)
    for k, triad in enumerate(triads):
        for midi in (*_voiced(triad, tonic, 52), 36 + (tonic + triad[0]) % 12):
            sound = note(midi, 1.6 * length, "strings")
            swell = np.sin(np.pi * (np.arange(len(sound)) + 0.5) / len(sound)) ** 1.3
            place(y, sound * swell, k * length, 0.3)
    return peak(_room(y, seconds=2.0, amount=0.5, seed=seed), _LEVEL)


def chord(midi: tuple[int, ...], seconds: float, voice: str) -> F64:
    """Strike notes together, mono."""
    return peak(np.asarray(sum(note(each, seconds, voice) for each in midi)), _LEVEL)


def song(tonic: int, mode: str, bpm: float, seconds: float, *, pattern: str, kit: str, voice: str, seed: int) -> F64:
    """Play an intro of chords, then all with a quieter middle, and fade out; stereo, (n, 2)."""
    music = phrase(tonic, mode, bpm, voice=voice, style="broken", tune="lead", seed=seed)
    quiet = phrase(tonic, mode, bpm, voice=voice, style="halves", seed=seed)
    drums = beat(bpm, pattern, kit=kit, bars=4, seed=seed)[:, None]
    n, part = round(seconds * SR), len(drums)
    parts = [0.7 * quiet, 0.7 * music + 0.6 * drums, 0.75 * music + 0.6 * drums, 0.7 * quiet]
    whole = np.concatenate([parts[k % len(parts)][:part] for k in range(-(-n // part))])[:n]
    fade = min(n, SR)
    whole[n - fade :] *= np.linspace(1.0, 0.0, fade)[:, None]
    return peak(whole, _LEVEL)
