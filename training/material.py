"""Clips with a known tempo, or with none: what the tempo model is learned from.

Conventions: a clip is made from its seed alone, mono float32 at 22.05 kHz. Its tempo is that at which its style is
usually counted. About two thirds are loops, a tenth longer pieces, the rest has no tempo.
"""

# ruff: noqa: PLR2004 -- the numbers are chances and taste

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from training import sounds
from training.beatless import beatless
from training.patterns import STYLES, Style
from training.riffs import ARPEGGIOS, BASSES, CHORDS

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
SR = sounds.SR

_MINOR, _MAJOR = (0, 2, 3, 5, 7, 8, 10), (0, 2, 4, 5, 7, 9, 11)
_FEEL = {"x": (0.8, 1.0), "o": (0.2, 0.55)}
_CONTENTS = ("drums", "top", "single", "melodic", "bass", "mix")
_SHARES = (0.37, 0.12, 0.07, 0.18, 0.06, 0.2)


@dataclass(frozen=True, slots=True)
class Clip:
    """What a recording would be, and what is known of it."""

    y: F32
    bpm: float | None
    """None: no pulse."""
    half: bool = False
    """Half the tempo is right too."""
    beats: int = 4
    """Beats a bar."""
    name: str = ""


@dataclass(slots=True)
class Score:
    """Sounds to be placed: beat, sound, gain, and seconds early or late."""

    events: list[tuple[float, F64, float, float]] = field(default_factory=list)

    def add(self, beat: float, sound: F64, gain: float, late: float = 0.0) -> None:
        """Place a sound."""
        self.events.append((beat, sound, gain, late))

    def mix(self, seconds: Callable[[float], float], *, length: float, wrap: bool) -> F64:
        """Mix what is placed, by the time of each beat; what rings beyond the end is wrapped or cut."""
        n = round(length * SR)
        y = np.zeros(n)
        for beat, sound, gain, late in self.events:
            start = max(0, round((seconds(beat) + late) * SR))
            if start >= n:
                continue
            room = n - start
            y[start : start + len(sound)] += gain * sound[:room]
            if wrap and len(sound) > room:
                rest = sound[room : room + n]
                y[: len(rest)] += gain * rest
        return y


def _pick(rng: Rng, options: tuple[str, ...]) -> str:
    return options[int(rng.integers(len(options)))]


def _mutate(line: str, rng: Rng) -> str:
    marks = list(line)
    for _ in range(int(rng.integers(1, 4))):
        k = int(rng.integers(len(marks)))
        marks[k] = "." if marks[k] in "xo" else str(rng.choice(["x", "o", "?"]))
    return "".join(marks)


def _euclid(steps: int, rng: Rng) -> str:
    """Give hits spread as evenly as they can be, turned (Toussaint, 2005)."""
    hits = int(rng.integers(2, steps))
    turn = int(rng.integers(steps)) * int(rng.random() < 0.5)
    return "".join("x" if ((k + turn) * hits) % steps < hits else "." for k in range(steps))


@dataclass(slots=True)
class Band:
    """How one clip is played: tempo, feel, kit."""

    rng: Rng
    style: Style
    bpm: float
    bars: int
    swing: float
    jitter: float
    drift: F64

    @property
    def total(self) -> int:
        """Beats in all."""
        return self.bars * self.style.beats

    def steps(self, line: str, *, loose: float = 1.0) -> list[tuple[float, float]]:
        """Give beats and gains of a line through all bars."""
        rng, per = self.rng, self.style.steps
        found: list[tuple[float, float]] = []
        for k in range(self.total * per):
            mark = line[k % len(line)]
            if mark == "?":
                mark = "o" if rng.random() < 0.35 else "."
            if mark == "." or (loose and rng.random() < 0.012):
                continue
            swung = self.swing * (k % 2) if per == 4 else 0.0
            found.append(((k + swung) / per, rng.uniform(*_FEEL[mark])))
        return found

    def place(self, score: Score, line: str, hits: list[F64], gain: float) -> None:
        """Play a line on a drum that has several samples."""
        rng = self.rng
        late = rng.normal(0.0, 0.4 * self.jitter)
        for beat, strength in self.steps(line):
            sound = hits[int(rng.integers(len(hits)))]
            score.add(beat, sound, gain * strength, late + rng.normal(0.0, self.jitter))

    def seconds(self, beat: float) -> float:
        """Give the time of a beat; the tempo may wander, but not the length of the whole."""
        place = beat / self.total * (len(self.drift) - 1)
        return 60.0 / self.bpm * (beat + float(np.interp(place, np.arange(len(self.drift)), self.drift)))

    def render(self, score: Score, *, wrap: bool, tail: float = 0.0) -> F64:
        """Mix; what rings on is kept for ``tail`` seconds, then wrapped or cut."""
        return score.mix(self.seconds, length=60.0 / self.bpm * self.total + tail, wrap=wrap)


def _band(rng: Rng, style: Style, bpm: float, bars: int) -> Band:
    human = rng.random() < style.human
    drift = np.zeros(2)
    if human and rng.random() < 0.6:
        # A smooth walk, beats early or late; it ends where it should, as a loop that was cut by ear.
        walk = np.cumsum(rng.normal(0.0, rng.choice([0.01, 0.03, 0.06]), 2 * bars + 1))
        drift = walk - np.linspace(walk[0], walk[-1], len(walk))
    swing = rng.uniform(*style.swing) if rng.random() < 0.7 else 0.0
    jitter = float(np.exp(rng.uniform(np.log(0.002), np.log(0.016)))) if human else rng.choice([0.0, 0.0, 0.002])
    return Band(rng, style, bpm, bars, swing, jitter, drift)


def drum_lines(band: Band, *, content: str) -> dict[str, str]:
    """Draw what each drum plays."""
    rng, style = band.rng, band.style
    lines = {part: _pick(rng, options) for part, options in style.parts.items()}
    if rng.random() < 0.08:
        # No style at all: regular figures on whatever there is.
        lines = {str(part): _euclid(style.beats * style.steps, rng) for part in rng.choice(list(sounds.DRUMS)[:-1], 3)}
        lines.setdefault("kick", _pick(rng, style.parts.get("kick", ("x.......x.......",))))
    for part in list(lines):
        if len(lines) > 2 and rng.random() < 0.15:
            del lines[part]
        elif rng.random() < 0.2:
            lines[part] = _mutate(lines[part], rng)
    if content == "top":
        lines = {
            p: line for p, line in lines.items() if p not in {"kick", "snare", "clap"} or rng.random() < 0.1
        } or lines
    if content == "single":
        part = str(rng.choice(list(lines)))
        lines = {part: lines[part]}
    return lines


def _drums(band: Band, score: Score, *, content: str) -> None:
    rng, style = band.rng, band.style
    lines = drum_lines(band, content=content)
    if not any(mark in line for line in lines.values() for mark in "xo"):
        lines["kick"] = "x...x...x...x..."[: style.beats * style.steps]
    swap = rng.random() < 0.25
    for part, line in lines.items():
        name = str(rng.choice(list(sounds.DRUMS)[:-1])) if swap and part not in {"kick", "snare"} else part
        hits = [sounds.DRUMS[name](rng)]
        hits += [hits[0] if band.jitter < 0.003 else sounds.DRUMS[name](rng)] * int(rng.random() < 0.3)
        band.place(score, line, hits, 10.0 ** (rng.uniform(-12.0, 0.0) / 20.0) * (1.5 if part == "kick" else 1.0))
    if rng.random() < 0.25 and content == "drums":
        _fill(band, score)
    if rng.random() < 0.15:
        score.add(0.0, sounds.crash(rng), rng.uniform(0.2, 0.8))


def _fill(band: Band, score: Score) -> None:
    """End the last bar with a run on snare or toms."""
    rng, per = band.rng, band.style.steps
    hits = [sounds.DRUMS["snare" if rng.random() < 0.5 else "tom"](rng) for _ in range(3)]
    steps = int(rng.integers(per, 2 * per + 1))
    for k in range(steps):
        if rng.random() < 0.75:
            score.add(
                band.total - (steps - k) / per, hits[k * 3 // steps], rng.uniform(0.4, 0.9), rng.normal(0, band.jitter)
            )


def harmony(band: Band) -> list[tuple[int, tuple[int, ...]]]:
    """Give root and triad of each bar."""
    rng = band.rng
    scale = _MINOR if rng.random() < 0.6 else _MAJOR
    tonic = int(rng.integers(12))
    every = int(rng.choice([1, 1, 1, 2, 4]))
    degrees = [0, *(int(d) for d in rng.choice([0, 2, 3, 4, 5, 6], 3))]
    chords = []
    for bar in range(band.bars):
        degree = degrees[(bar // every) % 4]
        notes = tuple(scale[(degree + k) % 7] + 12 * ((degree + k) // 7) for k in (0, 2, 4))
        chords.append((tonic + notes[0], tuple(48 + tonic + note for note in notes)))
    return chords


def _lines(band: Band, score: Score, *, content: str) -> None:
    """Add bass, chords, arpeggio or tune."""
    rng, per, style = band.rng, band.style.steps, band.style
    chords = harmony(band)
    size = style.beats * per
    parts = ["bass"] if content == "bass" else [p for p in ("bass", "chords", "arpeggio", "tune") if rng.random() < 0.5]
    for part in parts or ["chords"]:
        voice = sounds.Voice(rng, low=part == "bass")
        gain = 10.0 ** (rng.uniform(-12.0, 0.0) / 20.0)
        short = rng.random() < 0.4
        table = {"bass": BASSES, "chords": CHORDS, "arpeggio": ARPEGGIOS, "tune": ARPEGGIOS}[part][per]
        line = _pick(rng, table)
        if part == "tune" or rng.random() < 0.15:
            weight = np.tile([0.8, 0.15, 0.5, 0.15][:per], style.beats)
            line = "".join("x" if rng.random() < w else "." for w in np.tile(weight, int(rng.choice([1, 2, 2]))))
        line = (line * 3)[:size] if len(line) % size else line
        hits = band.steps(line, loose=0.0)
        for k, (beat, strength) in enumerate(hits):
            root, triad = chords[min(int(beat // style.beats), band.bars - 1)]
            following = hits[k + 1][0] if k + 1 < len(hits) else float(band.total)
            length = min(60.0 / band.bpm * (0.4 / per if short else following - beat), 4.0)
            notes = {
                "bass": (36 + root % 12 + (12 if rng.random() < 0.1 else 0),),
                "chords": triad,
                "arpeggio": (triad[k % 3] + 12 * ((k // 3) % 2),),
                "tune": (12 + triad[int(rng.integers(3))] + int(rng.choice([0, 0, 2, -2])),),
            }[part]
            for midi in notes:
                late = rng.normal(0.0, band.jitter)
                score.add(beat, voice.note(midi, length), gain * strength / len(notes) ** 0.5, late)


def _tempo(rng: Rng) -> tuple[str, Style, float]:
    """Draw a style and a tempo: mostly usual, sometimes anything that is still near."""
    names = list(STYLES)
    if rng.random() < 0.85:
        name = names[int(rng.integers(len(names)))]
        low, high = STYLES[name].tempi
        bpm = rng.uniform(0.97 * low, 1.03 * high)
    else:
        bpm = float(np.exp(rng.uniform(np.log(50.0), np.log(220.0))))
        near = [n for n in names if STYLES[n].tempi[0] / 1.3 < bpm < STYLES[n].tempi[1] * 1.3]
        name = near[int(rng.integers(len(near)))]
    return name, STYLES[name], float(round(bpm, int(rng.choice([0, 1, 2]))))


def cut(y: F64, rng: Rng, ending: str) -> F64:
    """End a loop as loops end: to the sample, nearly, padded by a codec, with silence before, or anywhere."""
    if ending == "near":
        n = round(abs(rng.normal(0.0, 0.012)) * SR)
        return np.append(y, np.zeros(n)) if rng.random() < 0.5 else y[: len(y) - n]
    if ending == "padded":
        lead, trail = int(rng.integers(500, 1200)), int(rng.integers(0, 1200))
        return np.concatenate((np.zeros(lead), y, np.zeros(trail)))
    if ending == "late":
        return np.append(np.zeros(round(rng.uniform(0.02, 0.6) * SR)), y)
    if ending == "anywhere":
        return y[: round(rng.uniform(0.55, 0.97) * len(y))]
    return y


def loop(rng: Rng) -> Clip:
    """Make a loop."""
    name, style, bpm = _tempo(rng)
    bars = int(rng.choice([1, 2, 4, 8, 16], p=[0.2, 0.36, 0.31, 0.11, 0.02]))
    while bars > 1 and bars * style.beats * 60.0 / bpm > 26.0:
        bars //= 2
    content = str(rng.choice(_CONTENTS, p=_SHARES))
    ending = str(
        rng.choice(["exact", "near", "padded", "tail", "late", "anywhere"], p=[0.66, 0.06, 0.06, 0.09, 0.04, 0.09])
    )
    if bars == 1 and ending == "anywhere":
        ending = "exact"
    band, score = _band(rng, style, bpm, bars), Score()
    if content not in {"melodic", "bass"}:
        _drums(band, score, content=content)
    if content in {"melodic", "bass", "mix"}:
        _lines(band, score, content=content)
    tail = rng.uniform(0.2, 2.0) if ending == "tail" else 0.0
    y = band.render(score, wrap=ending in {"exact", "near"} and rng.random() < 0.6, tail=tail)
    if rng.random() < 0.06:
        y = sounds.echo(y, 60.0 / bpm * rng.choice([0.5, 0.75, 1.0, 1.5]), rng)
    return Clip(sounds.colour(cut(y, rng, ending), rng), bpm, style.half, style.beats, f"{name} {content} {ending}")


def track(rng: Rng) -> Clip:
    """Make 25 to 60 s of sections, some without drums, from blocks of four bars."""
    name, style, bpm = _tempo(rng)
    blocks: list[tuple[F64, F64]] = []
    for _ in range(2):
        band = _band(rng, style, bpm, 4)
        drums, music = Score(), Score()
        _drums(band, drums, content="drums")
        _lines(band, music, content="mix")
        blocks.append((sounds.peak(band.render(drums, wrap=True)), sounds.peak(band.render(music, wrap=True))))
    seconds, gain = rng.uniform(25.0, 60.0), rng.uniform(0.1, 1.0)
    parts: list[F64] = []
    while sum(map(len, parts)) < seconds * SR:
        drums, music = blocks[int(rng.integers(2))]
        parts.append((rng.random() < 0.85) * drums + gain * (rng.random() < 0.85) * music)
    y = np.concatenate(parts)
    start = int(rng.integers(0, max(1, len(y) - round(seconds * SR)) + 1))
    y = y[start : start + round(seconds * SR)]
    if not y.any():
        y = np.concatenate((blocks[0][0], y))
    return Clip(sounds.colour(y, rng), bpm, style.half, style.beats, f"{name} track")


def make(seed: int) -> Clip:
    """Make the clip of a seed."""
    rng = np.random.default_rng((22050, seed))
    kind = int(rng.choice(3, p=[0.7, 0.1, 0.2]))
    if kind < 2:
        return (loop, track)[kind](rng)
    y, name = beatless(rng)
    return Clip(y, None, name=name)
