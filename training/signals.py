"""Synthetic audio with known answers.

Pure functions: the same arguments give the same float32 samples, mono, within -1 to 1, at ``sr`` Hz. Drums are noise
and decaying sines, notes are sums of harmonics, loops and tracks are these placed on a grid.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
import numpy.typing as npt

from samplemind_worker.demo import music
from samplemind_worker.demo.music import MAJOR, MINOR

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_CLAP_DELAYS = (0.0, 0.010, 0.021, 0.030)  # seconds
_NOTE_CHANCE = 0.7  # of each eighth of a tune

# Sixteen steps to a bar of four quarters, twelve to one of three: x hits hard, o soft.
PATTERNS: dict[str, dict[str, str]] = {
    **{name: music.PATTERNS[name] for name in ("rock", "house", "hiphop", "dnb", "funk", "techno")},
    "waltz": {"kick": "x...........", "snare": "....x...x...", "hat_closed": "x.o.x.o.x.o."},
}


def silence(seconds: float, *, sr: int = 44100) -> F32:
    """Return zeros."""
    return np.zeros(round(seconds * sr), np.float32)


def noise(seconds: float, *, sr: int = 44100, level: float = 0.3, seed: int = 0) -> F32:
    """Return white noise whose standard deviation is a third of ``level``."""
    samples = np.random.default_rng(seed).normal(0.0, level / 3.0, round(seconds * sr))
    return np.clip(samples, -1.0, 1.0).astype(np.float32)


def sine(hz: float, seconds: float, *, sr: int = 44100, level: float = 0.5, phase: float = 0.0) -> F32:
    """Return a sine."""
    return (level * np.sin(2.0 * np.pi * hz * np.arange(round(seconds * sr)) / sr + phase)).astype(np.float32)


def _decay(n: int, sr: int, seconds: float) -> F64:
    """Return an exponential that falls by 60 dB in ``seconds``, without a click at either end."""
    envelope = 10.0 ** (-3.0 * np.arange(n) / (seconds * sr))
    edge = min(n, max(2, round(0.001 * sr)))
    envelope[:edge] *= np.linspace(0.0, 1.0, edge)
    envelope[-edge:] *= np.linspace(1.0, 0.0, edge)
    return envelope


def _shaped_noise(n: int, sr: int, low: float, high: float, rng: np.random.Generator) -> F64:
    """Noise between two frequencies, of peak 1."""
    spectrum = np.fft.rfft(rng.normal(size=n))
    freqs = np.fft.rfftfreq(n, 1.0 / sr)
    slope = 1.0 / (1.0 + (low / np.maximum(freqs, 1.0)) ** 4) / (1.0 + (freqs / high) ** 4)
    shaped = np.fft.irfft(spectrum * slope, n)
    return shaped / np.abs(shaped).max()


def _swept(n: int, sr: int, start: float, end: float, seconds: float) -> F64:
    """Return a sine whose frequency falls from ``start`` to ``end`` Hz with the time constant ``seconds``."""
    t = np.arange(n) / sr
    return np.sin(2.0 * np.pi * (end * t + (start - end) * seconds * (1.0 - np.exp(-t / seconds))))


def kick(seconds: float = 0.4, *, sr: int = 44100, seed: int = 0) -> F32:
    """Synthesize a bass drum: a falling sine and a click."""
    rng, n = np.random.default_rng(seed), round(seconds * sr)
    body = _swept(n, sr, rng.uniform(180, 320), rng.uniform(42, 62), rng.uniform(0.015, 0.04))
    click = _shaped_noise(n, sr, 800, 5000, rng) * _decay(n, sr, 0.02)
    return (0.9 * body * _decay(n, sr, rng.uniform(0.8, 1.2) * seconds) + 0.1 * click).astype(np.float32)


def snare(seconds: float = 0.3, *, sr: int = 44100, seed: int = 0) -> F32:
    """Synthesize a snare drum: a falling tone and band-passed noise."""
    rng, n = np.random.default_rng(seed), round(seconds * sr)
    tone = _swept(n, sr, rng.uniform(260, 320), rng.uniform(170, 210), 0.02) * _decay(n, sr, 0.5 * seconds)
    rattle = _shaped_noise(n, sr, rng.uniform(900, 1600), rng.uniform(7000, 10000), rng) * _decay(n, sr, seconds)
    return (0.4 * tone + 0.5 * rattle).astype(np.float32)


def clap(seconds: float = 0.3, *, sr: int = 44100, seed: int = 0) -> F32:
    """Synthesize a clap: four bursts of noise."""
    rng, n = np.random.default_rng(seed), round(seconds * sr)
    envelope = np.zeros(n)
    for delay in _CLAP_DELAYS:
        first = round(delay * sr)
        envelope[first:] += _decay(n - first, sr, seconds if delay == _CLAP_DELAYS[-1] else 0.02)
    body = _shaped_noise(n, sr, rng.uniform(900, 1100), rng.uniform(2200, 3000), rng)
    return (0.4 * body * envelope).astype(np.float32)


def _hat(seconds: float, sr: int, seed: int) -> F32:
    rng, n = np.random.default_rng(seed), round(seconds * sr)
    body = _shaped_noise(n, sr, rng.uniform(6500, 8000), 16000, rng)
    return (0.4 * body * _decay(n, sr, 1.1 * seconds)).astype(np.float32)


def hat_closed(seconds: float = 0.08, *, sr: int = 44100, seed: int = 0) -> F32:
    """Synthesize a closed hi-hat."""
    return _hat(seconds, sr, seed)


def hat_open(seconds: float = 0.4, *, sr: int = 44100, seed: int = 0) -> F32:
    """Synthesize an open hi-hat."""
    return _hat(seconds, sr, seed)


def tom(seconds: float = 0.5, *, sr: int = 44100, seed: int = 0) -> F32:
    """Synthesize a tom: a falling sine."""
    rng, n = np.random.default_rng(seed), round(seconds * sr)
    base = rng.uniform(90, 180)
    return (0.8 * _swept(n, sr, 1.5 * base, base, 0.04) * _decay(n, sr, seconds)).astype(np.float32)


def crash(seconds: float = 2.0, *, sr: int = 44100, seed: int = 0) -> F32:
    """Synthesize a crash cymbal: decaying noise."""
    rng, n = np.random.default_rng(seed), round(seconds * sr)
    return (0.5 * _shaped_noise(n, sr, 3000, 14000, rng) * _decay(n, sr, 1.2 * seconds)).astype(np.float32)


DRUMS: dict[str, Callable[..., F32]] = {
    "kick": kick,
    "snare": snare,
    "clap": clap,
    "hat_closed": hat_closed,
    "hat_open": hat_open,
    "tom": tom,
    "crash": crash,
}


@lru_cache(maxsize=256)
def note(midi: float, seconds: float, *, sr: int = 44100, voice: str = "pluck", seed: int = 0) -> F32:
    """One note: ``pluck`` decays, its overtones faster; ``organ`` and ``saw`` are held; ``bass`` is a dark pluck."""
    hz, n = 440.0 * 2.0 ** ((midi - 69.0) / 12.0), round(seconds * sr)
    harmonics = {"pluck": 12, "bass": 6, "organ": 6, "saw": 24}[voice]
    slope = {"pluck": 1.2, "bass": 1.6, "organ": 1.0, "saw": 1.0}[voice]
    count = max(1, min(harmonics, int(min(0.45 * sr, 18000.0) / hz)))
    t = np.arange(n) / sr
    phases = np.random.default_rng(seed).uniform(0.0, 2.0 * np.pi, count)
    y = np.zeros(n)
    # Powers of one rotation are all harmonics, powers of one decay all envelopes.
    decaying = voice in {"pluck", "bass"}
    turn = np.exp(t * (2j * np.pi * hz - (3.0 * 0.25 * np.log(10.0) if decaying else 0.0)))
    partial = np.exp(-3.0 * 0.6 * np.log(10.0) * t) if decaying else np.ones(n)
    for k in range(1, count + 1):
        partial = partial * turn
        y += k**-slope * (partial * np.exp(1j * phases[k - 1])).imag
    edge = min(max(2, round(0.004 * sr)), n // 2)
    y[:edge] *= np.linspace(0.0, 1.0, edge)
    y[n - edge :] *= np.linspace(1.0, 0.0, edge)
    result = (0.5 * y / max(np.abs(y).max(), 1e-9)).astype(np.float32)
    result.flags.writeable = False  # shared by all callers
    return result


def strum(midi: Sequence[int], seconds: float, *, sr: int = 44100, voice: str = "pluck", seed: int = 0) -> F32:
    """Strike notes one after another, 12 ms apart, and let them ring together."""
    y = np.zeros(round(seconds * sr))
    for k, one in enumerate(midi):
        _place(y, note(one, seconds, sr=sr, voice=voice, seed=seed + k), round(0.012 * k * sr), 0.3, wrap=False)
    return _normalized(y)


def _place(target: F64, y: F32, start: int, gain: float, *, wrap: bool) -> None:
    """Add a sound; what rings beyond the end of a loop rings at its beginning."""
    if start >= len(target):
        return
    room = len(target) - start
    target[start : start + len(y)] += gain * y[:room]
    if wrap and len(y) > room:
        rest = y[room : room + len(target)]
        target[: len(rest)] += gain * rest


def _normalized(y: F64, level: float = 0.8) -> F32:
    return (level * y / max(float(np.abs(y).max()), 1e-9)).astype(np.float32)


def click_track(bpm: float, seconds: float, *, sr: int = 44100) -> F32:
    """Place a short tone burst on every beat, from time 0 on."""
    y, hit = np.zeros(round(seconds * sr)), sine(1000.0, 0.03, sr=sr) * _decay(round(0.03 * sr), sr, 0.03)
    for beat in range(int(seconds * bpm / 60.0) + 1):
        _place(y, hit.astype(np.float32), round(beat * 60.0 / bpm * sr), 1.0, wrap=False)
    return _normalized(y)


def loop_seconds(bpm: float, bars: int, *, beats_per_bar: int = 4) -> float:
    """Return the length of whole bars in seconds."""
    return bars * beats_per_bar * 60.0 / bpm


def drum_loop(
    bpm: float, *, bars: int = 2, pattern: str = "rock", swing: float = 0.0, sr: int = 44100, seed: int = 0
) -> F32:
    """Whole bars of a pattern. ``swing`` delays every second sixteenth by that part of its length."""
    rng = np.random.default_rng(seed)
    voices = PATTERNS[pattern]
    steps = len(next(iter(voices.values())))
    step = 15.0 / bpm
    y = np.zeros(round(bars * steps * step * sr))
    for name, line in voices.items():
        hits = [DRUMS[name](sr=sr, seed=seed + variant) for variant in range(2)]
        for bar in range(bars):
            for k, mark in enumerate(line):
                if mark == ".":
                    continue
                start = (bar * steps + k + (swing if k % 2 else 0.0)) * step
                gain = (1.0 if mark == "x" else 0.45) * rng.uniform(0.85, 1.0)
                _place(y, hits[int(rng.integers(2))], round(start * sr), gain, wrap=True)
    return _normalized(y)


def progression(mode: str) -> tuple[tuple[int, ...], ...]:
    """Triads of four bars as semitones above the tonic: I vi IV V, or i VI iv V with the leading note."""
    scale = MAJOR if mode == "major" else MINOR
    triads = [tuple(scale[(d + k) % 7] + 12 * ((d + k) // 7) for k in (0, 2, 4)) for d in (0, 5, 3)]
    return (*triads, (7, 11, 14))


def _melody(tonic: int, mode: str, steps: int, rng: np.random.Generator) -> list[int]:
    scale = MAJOR if mode == "major" else MINOR
    place, notes = 7, []
    for k in range(steps):
        place = int(np.clip(place + rng.integers(-2, 3), 4, 13))
        # Begin and end at home, as tunes do.
        degree = 7 if k in {0, steps - 1} else place
        notes.append(60 + tonic + scale[degree % 7] + 12 * (degree // 7 - 1))
    return notes


def melodic_loop(
    tonic: int,
    mode: str,
    bpm: float,
    *,
    bars: int = 4,
    voice: str = "pluck",
    cents: float = 0.0,
    sr: int = 44100,
    seed: int = 0,
) -> F32:
    """Chords, bass and a tune in a key: a chord on every half, bass on quarters, the tune in eighths."""
    rng = np.random.default_rng(seed)
    beat = 60.0 / bpm
    y = np.zeros(round(bars * 4 * beat * sr))
    chords = progression(mode)
    tune = _melody(tonic, mode, bars * 8, rng)
    tuning = cents / 100.0
    for bar in range(bars):
        chord = chords[bar % 4]
        root = chord[0] % 12
        for half in range(2):
            for pitch in chord:
                sound = note(48 + tonic + pitch + tuning, 2 * beat, sr=sr, voice=voice, seed=seed)
                _place(y, sound, round((bar * 4 + half * 2) * beat * sr), 0.35, wrap=True)
        for quarter in range(4):
            sound = note(36 + (tonic + root) % 12 + tuning, 0.9 * beat, sr=sr, voice="bass", seed=seed)
            _place(y, sound, round((bar * 4 + quarter) * beat * sr), 0.6, wrap=True)
    for k, midi in enumerate(tune):
        if k == 0 or rng.random() < _NOTE_CHANCE:
            _place(y, note(midi + tuning, beat, sr=sr, seed=seed), round(k * beat / 2 * sr), 0.5, wrap=True)
    return _normalized(y)


def pad(tonic: int, mode: str, seconds: float, *, sr: int = 44100, seed: int = 0) -> F32:
    """Chords that swell and fade into each other: a key, and no beat."""
    n = round(seconds * sr)
    y, chords = np.zeros(n), (*progression(mode)[:3], progression(mode)[0])
    length = seconds / (len(chords) - 0.5)
    for k, chord in enumerate(chords):
        for pitch in (*chord, chord[0] - 12):
            sound = note(48 + tonic + pitch, length * 1.5, sr=sr, voice="organ", seed=seed + pitch + 12)
            swell = np.sin(np.pi * (np.arange(len(sound)) + 0.5) / len(sound)) ** 1.5
            _place(y, (sound * swell).astype(np.float32), round(k * length * 0.85 * sr), 0.3, wrap=False)
    return _normalized(y)


def track(
    tonic: int, mode: str, bpm: float, seconds: float, *, pattern: str = "rock", sr: int = 44100, seed: int = 0
) -> F32:
    """Compose a song: drums, bass, chords and tune, with an intro of chords alone and a quieter middle."""
    music = melodic_loop(tonic, mode, bpm, bars=8, sr=sr, seed=seed)
    drums = drum_loop(bpm, bars=8, pattern=pattern, sr=sr, seed=seed)
    n = round(seconds * sr)
    y = 0.6 * np.resize(music, n).astype(np.float64)
    beats = np.resize(drums, n)
    bar = round(4 * 60.0 / bpm * sr)
    start, quiet, again = 2 * bar, 2 * bar + int(n * 0.5), 2 * bar + int(n * 0.6)
    y[start:quiet] += 0.7 * beats[start:quiet]
    y[again:] += 0.7 * np.resize(drums, n)[again:]
    fade = min(n, sr)
    y[n - fade :] *= np.linspace(1.0, 0.0, fade)
    return _normalized(y)


def widen(y: F32, *, seed: int = 0) -> F32:
    """Make stereo, (n, 2): the right channel carries a little less, and a little noise of its own."""
    own = np.random.default_rng(seed).normal(0.0, 1e-4, len(y))
    return np.stack([y, 0.8 * y + own], axis=1).astype(np.float32)
