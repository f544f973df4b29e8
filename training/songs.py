"""Composed loops and songs with keys by construction, and a small wavetable synthesizer to play them.

A song is a tonic, a mode and notes by role (bass, chords, arpeggio, melody, drums). The progressions are those that
pop, rock and electronic music live on, with modal vamps (dorian counts as minor, mixolydian as major), one chord held,
and riffs without a third.
"""

# ruff: noqa: PLR0917, PLR2004 -- the shares and ranges of random draws explain themselves where they stand

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training import signals
from training.soundfonts import DRUM_CHANNEL, SR, Clip

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
Note = tuple[float, float, int, int, int]

# Chords as (semitones of the root above the tonic, quality). Families are held out together.
Chords = tuple[tuple[int, str], ...]
PROGRESSIONS: dict[str, tuple[str, tuple[Chords, ...]]] = {
    "axis": ("major", (((0, "M"), (7, "M"), (9, "m"), (5, "M")), ((0, "M"), (9, "m"), (5, "M"), (7, "M")))),
    "folk": ("major", (((0, "M"), (5, "M"), (7, "M"), (0, "M")), ((0, "M"), (5, "M"), (0, "M"), (7, "M")))),
    "jazz": ("major", (((2, "m7"), (7, "7"), (0, "M7"), (0, "M7")), ((0, "M7"), (9, "m7"), (2, "m7"), (7, "7")))),
    "plagal": ("major", (((0, "M"), (5, "M")), ((5, "M"), (0, "M"), (7, "M"), (0, "M")), ((0, "M7"), (5, "M7")))),
    "blues": ("major", (((0, "7"), (5, "7"), (0, "7"), (7, "7")), ((0, "7"), (0, "7"), (5, "7"), (0, "7")))),
    "mixolydian": ("major", (((0, "M"), (10, "M"), (5, "M"), (0, "M")), ((0, "M"), (10, "M")))),
    "royal": ("major", (((5, "M7"), (7, "M"), (4, "m"), (9, "m"), (2, "m"), (7, "M"), (0, "M"), (0, "M")),)),
    "one major": ("major", (((0, "M"),), ((0, "M7"),), ((0, "sus"), (0, "M")))),
    "epic": ("minor", (((0, "m"), (8, "M"), (3, "M"), (10, "M")), ((0, "m"), (3, "M"), (10, "M"), (8, "M")))),
    "aeolian": ("minor", (((0, "m"), (10, "M"), (8, "M"), (10, "M")), ((0, "m"), (8, "M"), (10, "M"), (0, "m")))),
    "andalusian": ("minor", (((0, "m"), (10, "M"), (8, "M"), (7, "M")), ((0, "m"), (8, "M"), (7, "M"), (7, "7")))),
    "minor folk": ("minor", (((0, "m"), (5, "m"), (7, "M"), (0, "m")), ((0, "m"), (5, "m"), (0, "m"), (7, "m")))),
    "dorian": ("minor", (((0, "m"), (5, "M")), ((0, "m7"), (5, "7")), ((0, "m"), (3, "M"), (5, "M"), (0, "m")))),
    "house": ("minor", (((0, "m7"), (5, "m7")), ((0, "m7"), (7, "m7")), ((8, "M7"), (10, "M"), (0, "m7"), (0, "m7")))),
    "minor jazz": (
        "minor",
        (((2, "dim"), (7, "7"), (0, "m7"), (0, "m7")), ((0, "m7"), (5, "m7"), (2, "dim"), (7, "7"))),
    ),
    "one minor": ("minor", (((0, "m"),), ((0, "m7"),), ((0, "m"), (0, "sus")))),
    "riff": (
        "minor",
        (((0, "5"),), ((0, "5"), (10, "5")), ((0, "5"), (0, "5"), (3, "5"), (5, "5")), ((0, "5"), (8, "5"), (10, "5"))),
    ),
}
# What a drawn progression takes its chords from: (semitones, quality, how often).
_DIATONIC = {
    "major": (
        (0, "M", 6),
        (5, "M", 4),
        (7, "M", 4),
        (9, "m", 3),
        (2, "m", 2),
        (4, "m", 1),
        (10, "M", 0.5),
        (2, "M", 0.3),
    ),
    "minor": (
        (0, "m", 6),
        (8, "M", 3),
        (10, "M", 3),
        (5, "m", 3),
        (3, "M", 2),
        (7, "m", 2),
        (7, "M", 1.5),
        (5, "M", 0.7),
    ),
}
FAMILIES = (*PROGRESSIONS, *("drawn major", "drawn minor") * 6)
_QUALITIES = {
    "M": (0, 4, 7),
    "m": (0, 3, 7),
    "7": (0, 4, 7, 10),
    "M7": (0, 4, 7, 11),
    "m7": (0, 3, 7, 10),
    "dim": (0, 3, 6),
    "sus": (0, 5, 7),
    "5": (0, 7),
}
_SCALES = {
    "major": ((0, 2, 4, 5, 7, 9, 11), (0, 2, 4, 7, 9)),
    "minor": ((0, 2, 3, 5, 7, 8, 10), (0, 3, 5, 7, 10)),
}
_CHORD_RHYTHMS = ((0,), (0, 8), (0, 4, 8, 12), (2, 6, 10, 14), (0, 3, 6, 10), (0, 6, 8, 14), (4, 12))
_BASS_RHYTHMS = (
    (0,),
    (0, 8),
    (0, 4, 8, 12),
    (2, 6, 10, 14),
    (0, 2, 4, 6, 8, 10, 12, 14),
    (0, 3, 6, 8, 11, 14),
    (0, 6, 10),
)
_GM_DRUMS = {"kick": 36, "snare": 38, "clap": 39, "hat_closed": 42, "hat_open": 46, "tom": 45}
BASS, CHORDS, ARPEGGIO, MELODY = range(4)
# General MIDI programs that play such a role.
PROGRAMS = {
    BASS: (*range(32, 40), 43, 58, 87, 0),
    CHORDS: (*range(8), 11, *range(16, 21), *range(24, 31), 46, 48, 49, 50, 51, 52, 61, 62, 63, *range(80, 96)),
    ARPEGGIO: (0, 4, 5, 6, 8, 10, 11, 12, 24, 25, 26, 27, 45, 46, 80, 81, 84, 88, 98),
    MELODY: (
        *range(6),
        11,
        16,
        21,
        22,
        24,
        26,
        27,
        29,
        30,
        40,
        41,
        42,
        *range(52, 55),
        56,
        57,
        60,
        *range(64, 88),
        110,
    ),
}


@dataclass(frozen=True)
class Song:
    """Notes of a piece by role (their channel), and what it is."""

    notes: list[Note]
    seconds: float
    tonic: int
    mode: str
    family: str
    bpm: float
    chords: tuple[tuple[float, int, str], ...] = ()
    """Start in seconds, root (0 is C) and quality, in words of this module, of each chord in turn."""


def _progression(rng: Rng, family: str) -> tuple[str, Chords]:
    """Choose a progression of a family, or draw one that mostly begins or ends at home."""
    if family in PROGRESSIONS:
        mode, variants = PROGRESSIONS[family]
        return mode, variants[rng.integers(len(variants))]
    mode = family.removeprefix("drawn ")
    weight = np.array([w for _, _, w in _DIATONIC[mode]])
    drawn = rng.choice(len(weight), int(rng.choice([2, 3, 4, 4, 4, 8])), p=weight / weight.sum())
    drawn[0 if rng.random() < 0.75 else -1] = 0
    seventh = {"M": "M7", "m": "m7"} if rng.random() < 0.15 else {}
    return mode, tuple(
        (degree, seventh.get(quality, quality)) for degree, quality, _ in (_DIATONIC[mode][k] for k in drawn)
    )


def compose(rng: Rng, *, family: str, tonic: int, bars: int, drums: bool) -> Song:
    """Write a loop or song: each role may be missing, but something pitched always plays."""
    mode, chords = _progression(rng, family)
    bpm = float(rng.uniform(70, 175))
    step = 15.0 / bpm
    bars_a_chord = max(1, round(bars / len(chords))) if rng.random() < 0.3 and len(chords) <= bars else 1
    roles = rng.random(4) < (0.75, 0.75, 0.35, 0.5)
    if not roles[[CHORDS, ARPEGGIO]].any() and not (roles[BASS] and roles[MELODY]):
        roles[CHORDS] = True
    scale = _SCALES[mode][int(rng.random() < 0.4)]
    rhythms = _CHORD_RHYTHMS[rng.integers(len(_CHORD_RHYTHMS))], _BASS_RHYTHMS[rng.integers(len(_BASS_RHYTHMS))]
    low, middle, high = int(rng.integers(28, 40)), int(rng.integers(48, 64)), int(rng.integers(60, 80))
    legato = float(rng.uniform(0.4, 1.0))
    drum = list(signals.PATTERNS.values())[rng.integers(6)] if drums else {}
    melody_seed = int(rng.integers(1 << 30))
    notes: list[Note] = []
    played: list[tuple[float, int, str]] = []
    per_bar = max(1, len(chords) // bars) if len(chords) > bars else 1
    for bar in range(bars):
        span = 16 // per_bar
        for part in range(per_bar):
            root, quality = chords[(bar // bars_a_chord * per_bar + part) % len(chords)]
            first = (bar * 16 + part * span) * step
            tones = [(tonic + root + t) % 12 for t in _QUALITIES[quality]]
            played.append((first, (tonic + root) % 12, quality))
            if roles[BASS]:
                notes += _bass(rng, tones, low, [s for s in rhythms[1] if s < span] or [0], span, first, step)
            if roles[CHORDS]:
                notes += _chord(tones, middle, [s for s in rhythms[0] if s < span] or [0], span, first, step, legato)
            if roles[ARPEGGIO]:
                notes += _arpeggio(tones, middle + 7, span, first, step)
        if roles[MELODY]:
            # The same tune every second bar or so: loops repeat.
            tune = np.random.default_rng(melody_seed + bar % 2 * (bars > 1) + bar // 4)
            notes += _melody(tune, scale, tones, tonic, high, bar * 16 * step, step)
        for name, pattern in drum.items():
            notes += [
                ((bar * 16 + s) * step, 0.1, _GM_DRUMS[name], 110 if hit == "x" else 70, DRUM_CHANNEL)
                for s, hit in enumerate(pattern)
                if hit != "."
            ]
    return Song(notes, bars * 16 * step, tonic, mode, family, bpm, tuple(played))


def _at(pitch_class: int, lowest: int) -> int:
    return lowest + (pitch_class - lowest) % 12


def _bass(rng: Rng, tones: list[int], low: int, rhythm: list[int], span: int, first: float, step: float) -> list[Note]:
    ends = [*rhythm[1:], span]
    other = rng.random() < 0.3
    return [
        (
            first + s * step,
            0.9 * (e - s) * step,
            _at(tones[min(2, len(tones) - 1)] if other and k % 4 == 3 else tones[0], low),
            100,
            BASS,
        )
        for k, (s, e) in enumerate(zip(rhythm, ends, strict=True))
    ]


def _chord(
    tones: list[int], middle: int, rhythm: list[int], span: int, first: float, step: float, legato: float
) -> list[Note]:
    ends = [*rhythm[1:], span]
    return [
        (first + s * step, legato * (e - s) * step, _at(tone, middle), 85, CHORDS)
        for s, e in zip(rhythm, ends, strict=True)
        for tone in tones
    ]


def _arpeggio(tones: list[int], lowest: int, span: int, first: float, step: float) -> list[Note]:
    order = sorted(_at(t, lowest) for t in tones)
    order = order + order[-2:0:-1]
    return [
        (first + s * step, 1.5 * step, order[k % len(order)], 85, ARPEGGIO) for k, s in enumerate(range(0, span, 2))
    ]


def _melody(
    rng: Rng, scale: tuple[int, ...], tones: list[int], tonic: int, high: int, first: float, step: float
) -> list[Note]:
    notes: list[Note] = []
    s, place = 0, int(rng.integers(0, 7))
    while s < 16:
        length = int(rng.choice([1, 2, 2, 3, 4, 4, 6, 8]))
        pitch_class = tones[rng.integers(len(tones))] if s % 8 == 0 else (tonic + scale[place % len(scale)]) % 12
        place += int(rng.integers(-2, 3))
        if rng.random() < 0.8:
            notes.append((first + s * step, 0.9 * min(length, 16 - s) * step, _at(pitch_class, high), 95, MELODY))
        s += length
    return notes


def to_clip(rng: Rng, song: Song, *, cents: float) -> Clip:
    """Give a song instruments of a soundfont: bass-heavy, drums loud, or even."""
    programs = {role: int(rng.choice(choice)) for role, choice in PROGRAMS.items()}
    volumes = {role: int(rng.integers(50, 110)) for role in PROGRAMS}
    volumes[BASS] = int(rng.integers(60, 128))
    volumes[DRUM_CHANNEL] = int(rng.integers(50, 128))
    programs[DRUM_CHANNEL] = int(rng.choice([0, 8, 16, 24, 25, 32, 40]))
    return Clip(song.notes, programs, song.seconds, cents, volumes)


def wavetable(rng: Rng, harmonics: int) -> F64:
    """Draw one period of a random waveform: saw, square, organ, sine, or anything."""
    n = np.arange(1, harmonics + 1)
    kind = rng.integers(5)
    amplitude = (
        n ** -float(rng.uniform(0.7, 2.2)),
        np.where(n % 2 == 1, n ** -float(rng.uniform(0.8, 2.0)), 0.02),
        np.where(np.isin(n, (1, 2, 3, 4, 6, 8)), rng.uniform(0.1, 1.0, harmonics), 0.0),
        np.where(n == 1, 1.0, 0.03 / n),
        rng.uniform(0.0, 1.0, harmonics) * np.exp(-n / float(rng.uniform(1.5, 8.0))),
    )[kind]
    phase = rng.uniform(0.0, 2.0 * np.pi, harmonics) if rng.random() < 0.5 else np.zeros(harmonics)
    t = 2.0 * np.pi * np.arange(2048) / 2048
    wave = np.zeros(2048)
    for k in range(harmonics):
        wave += amplitude[k] * np.sin((k + 1) * t + phase[k])
    return wave / np.abs(wave).max()


@dataclass(frozen=True)
class Voice:
    """A synthesizer patch: periods of different brightness, and an envelope."""

    bright: dict[int, F64]
    attack: float
    decay: float
    sustain: float
    release: float
    spread_cents: float


def draw_voice(rng: Rng, *, pad: bool = False) -> Voice:
    """Draw a patch."""
    state = int(rng.integers(1 << 30))
    # The same patch with as many harmonics as the note has room for.
    tables = {h: wavetable(np.random.default_rng(state), h) for h in (2, 4, 8, 16, 32)}
    attack = float(rng.uniform(0.05, 0.4) if pad else 10 ** rng.uniform(-3, -1.3))
    plucked = not pad and rng.random() < 0.5
    return Voice(
        tables,
        attack,
        float(10 ** rng.uniform(-1.0, 0.3)),
        0.0 if plucked else float(rng.uniform(0.4, 1.0)),
        float(rng.uniform(0.02, 0.3)),
        float(rng.choice([0.0, 0.0, 5.0, 12.0, 20.0])),
    )


def play(voice: Voice, hz: float, seconds: float) -> F64:
    """Play one note."""
    n = round((seconds + voice.release) * SR)
    t = np.arange(n) / SR
    room = 0.45 * SR / hz
    wave = voice.bright[max([h for h in voice.bright if h <= room], default=2)]
    y = np.zeros(n)
    for cents in {-voice.spread_cents, 0.0, voice.spread_cents}:
        f = hz * 2.0 ** (cents / 1200.0)
        y += wave[((t * f * 2048).astype(np.int64) + round(137 * cents)) % 2048]
    envelope = voice.sustain + (1.0 - voice.sustain) * np.exp(-t / voice.decay)
    envelope *= np.minimum(t / voice.attack, 1.0) * np.clip((seconds + voice.release - t) / voice.release, 0.0, 1.0)
    return y * envelope


def clips(rng: Rng, count: int) -> Iterator[F32]:
    """Yield synthesized songs of one, two or four bars, the families in turn, three in ten with drums."""
    for k in range(count):
        song = compose(
            rng,
            family=FAMILIES[k % len(FAMILIES)],
            tonic=int(rng.integers(12)),
            bars=int(rng.choice([1, 1, 2, 4])),
            drums=rng.random() < 0.3,
        )
        yield synthesize(rng, song, cents=0.0)


def synthesize(rng: Rng, song: Song, *, cents: float, soft: bool = False) -> F32:
    """Play a song on random patches and synthesized drums; sometimes with reverb and saturation.

    If it is ``soft``, all patches set in slowly.
    """
    y = np.zeros(round((song.seconds + 2.0) * SR))
    voices = {role: draw_voice(rng, pad=soft or (role == CHORDS and rng.random() < 0.4)) for role in range(4)}
    gains = dict(enumerate(10.0 ** rng.uniform(-0.6, 0.2, 4)))
    gains[BASS] *= float(rng.choice([0.7, 1.5, 3.0]))
    drum_gain = float(10.0 ** rng.uniform(-0.3, 0.6))
    hits = {midi: signals.DRUMS[name](sr=SR, seed=int(rng.integers(1000))) for name, midi in _GM_DRUMS.items()}
    cache: dict[tuple[int, int, int], F64] = {}
    for onset, length, midi, velocity, role in song.notes:
        if role == DRUM_CHANNEL:
            sound, gain = hits[midi], drum_gain * velocity / 100.0
        else:
            key = (role, midi, round(length * 100))
            if key not in cache:
                cache[key] = play(voices[role], 440.0 * 2.0 ** ((midi - 69 + cents / 100.0) / 12.0), length)
            sound, gain = cache[key], 0.3 * gains[role]
        first = round(onset * SR)
        last = min(first + len(sound), len(y))
        y[first:last] += gain * sound[: last - first]
    if rng.random() < 0.4:
        tail = rng.normal(size=SR) * np.exp(-np.arange(SR) / (SR * float(rng.uniform(0.05, 0.3))))
        size = 1 << (len(y) + SR).bit_length()
        wet = np.fft.irfft(np.fft.rfft(y, size) * np.fft.rfft(tail, size), size)[: len(y)]
        y += float(rng.uniform(0.1, 0.6)) * wet * np.abs(y).max() / np.abs(wet).max()
    y = y[: round(song.seconds * SR)]
    y /= np.abs(y).max() + 1e-9
    if rng.random() < 0.3:
        y = np.tanh(float(rng.uniform(1.0, 4.0)) * y)
    y += rng.normal(0.0, 10.0 ** rng.uniform(-5, -2.5), len(y))
    return y.astype(np.float32)
