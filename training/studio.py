"""More clips with a known tempo: sampled kits, drummers with habits, loops as made in a sequencer, whole bands.

Conventions: as in `material`; a clip is made from its seed and the bank alone. Tempi are mostly whole numbers, as
people choose them.
"""

# ruff: noqa: PLR2004 -- the numbers are chances and taste

from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
import numpy.typing as npt

from training import bank, material, sounds
from training.beatless import beatless
from training.grooves import DRUMS, Groove
from training.material import Clip, Score
from training.patterns import STYLES
from training.riffs import ARPEGGIOS, BASSES, CHORDS

F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
SR = sounds.SR

_ROUND = (60, 70, 75, 80, 85, 90, 95, 100, 105, 110, 115, 120, 124, 125, 126, 128, 130, 135, 140, 145, 150, 160, 170,
          172, 174, 175, 180)  # fmt: skip
# What sequencers begin with (140, 130, 120), and what their users like.
_PROJECTS = (140, 140, 140, 140, 130, 130, 120, 120, 120, 128, 128, 125, 126, 110, 100, 90, 95, 85, 150, 160, 170, 174)
_FAMILY_OF = ("keys", "mallet", "keys", "pluck", "bass", "pad", "pad", "wind", "wind", "wind", "lead", "pad")
_FAMILIES = ("bass", "keys", "pluck", "lead", "pad", "mallet", "wind")


@dataclass(frozen=True, slots=True)
class Studio:
    """What clips are made with."""

    bank: bank.Bank
    grooves: list[Groove]


def _tempo(rng: Rng, low: float, high: float) -> float:
    """Draw a tempo from a range: a round number, any whole number, or any at all."""
    kind = rng.random()
    near = [t for t in _ROUND if low <= t <= high]
    if kind < 0.3 and near:
        return float(near[int(rng.integers(len(near)))])
    bpm = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    return float(round(bpm)) if kind < 0.78 else round(bpm, int(rng.integers(1, 4)))


@dataclass(slots=True)
class Feel:
    """How a player departs from the grid: a slow drift, habits a step, chance; seconds."""

    drift: F64
    """How late each beat is, in beats."""
    habit: F64
    """How late the player always is on each sixteenth of two bars, in seconds."""
    spread: float

    @staticmethod
    def draw(rng: Rng, beats: int, *, human: bool) -> "Feel":
        """Draw a player, or a machine."""
        if not human:
            return Feel(np.zeros(2), np.zeros(32), float(rng.choice([0.0, 0.0, 0.001, 0.003])))
        size = float(np.exp(rng.uniform(np.log(0.004), np.log(0.05))))
        walk, place = np.zeros(beats + 1), 0.0
        for k in range(beats + 1):  # it comes back to the click
            place = 0.8 * place + rng.normal(0.0, size)
            walk[k] = place
        return Feel(walk - walk[0], rng.normal(0.0, rng.uniform(0.0, 0.008), 32), float(rng.uniform(0.003, 0.014)))


@dataclass(slots=True)
class Stage:
    """Where one clip is played."""

    rng: Rng
    studio: Studio
    bpm: float
    beats: int
    """Beats a bar."""
    bars: int
    feel: Feel
    swing: float
    """Delay of every second sixteenth, as a part of it."""
    kit: bank.Kit
    score: Score

    @staticmethod
    def build(rng: Rng, studio: Studio, bpm: float, *, beats: int, bars: int, human: bool, swing: float) -> "Stage":
        """Draw a player and a kit."""
        feel = Feel.draw(rng, beats * bars, human=human)
        return Stage(rng, studio, bpm, beats, bars, feel, swing, bank.Kit(rng, studio.bank), Score())

    @property
    def total(self) -> int:
        """Beats in all."""
        return self.beats * self.bars

    def seconds(self, beat: float) -> float:
        """Give the time of a beat."""
        walk = self.feel.drift
        drift = float(np.interp(beat / self.total * (len(walk) - 1), np.arange(len(walk)), walk))
        return 60.0 / self.bpm * (beat + drift)

    def late(self, beat: float) -> float:
        """Draw how late a hit is."""
        step = round(4 * beat)
        return float(self.feel.habit[step % 32]) + float(self.rng.normal(0.0, self.feel.spread))

    def swung(self, step: int, per: int) -> float:
        """Give the beat of a step."""
        return (step + (self.swing if per == 4 and step % 2 else 0.0)) / per

    def render(self, *, wrap: bool, tail: float) -> F64:
        """Mix."""
        return self.score.mix(self.seconds, length=60.0 / self.bpm * self.total + tail, wrap=wrap)


def _mutated(row: F64, rng: Rng, count: int) -> F64:
    row = row.copy()
    for k in rng.integers(0, len(row), count):
        row[k] = 0.0 if row[k] else rng.uniform(0.3, 0.9)
    return row


def _bars(bar: F64, rng: Rng, bars: int, *, variety: float) -> list[F64]:
    """Repeat a bar, or two in turn, with changes."""
    other = _mutated(bar, rng, int(rng.integers(1, 4))) if rng.random() < 0.5 else bar
    out: list[F64] = []
    for k in range(bars):
        row = (bar, other)[k % 2]
        out.append(_mutated(row, rng, 1 + int(rng.random() < 0.4)) if rng.random() < variety else row)
    return out


def _kick_bar(rng: Rng, beats: int, per: int, bpm: float, back: set[int], *, four: bool) -> F64:
    """Draw a bass drum: surely on one, likely on three, seldom on what the snare plays."""
    size = beats * per
    busy = float(np.clip(1.6 - bpm / 120.0, 0.15, 1.2)) * rng.uniform(0.2, 1.6)
    bar = np.zeros(size)
    for k in range(size):
        if four and k % per == 0:
            chance = 0.98
        elif k == 0:
            chance = 0.95
        elif k == size // 2:
            chance = 0.55
        elif k % per == 0:
            chance = 0.15
        elif per == 4 and k % 2 == 0:
            chance = 0.35 * busy + 0.08
        else:
            chance = 0.16 * busy
        if k in back and not four:
            chance *= 0.25
        if rng.random() < chance:
            bar[k] = rng.uniform(0.75, 1.0) if k % per == 0 else rng.uniform(0.55, 1.0)
    return bar


def _ride_bar(rng: Rng, beats: int, per: int, bpm: float) -> F64:
    """Draw what keeps time: as many hits a beat as a hand or a taste allows at this tempo."""
    size = beats * per
    options = np.array([1, 3, 3] if per == 3 else [1, 2, 4])
    liked = np.array([0.3, 0.5, 0.4] if per == 3 else [0.2, 0.55, 0.45])
    weight = liked * np.exp(-0.5 * ((np.log(options * bpm / 60.0) - np.log(4.6)) / 0.5) ** 2)
    each = int(rng.choice(options, p=weight / weight.sum()))
    bar = np.zeros(size)
    accent = rng.uniform(0.4, 1.0)
    if per == 3 and each == 3 and rng.random() < 0.7:  # a shuffle
        bar[0::3], bar[2::3] = 0.9, 0.9 * accent
        if rng.random() < 0.35:  # as on a jazz ride
            bar[2::6] = 0.0
        return bar
    if per == 4 and each == 1 and rng.random() < 0.5:  # between the beats
        bar[2::4] = 0.9
        return bar
    gap = per // each
    bar[::gap] = accent * 0.9
    bar[::per] = 0.9
    if each == 4 and rng.random() < 0.4:
        bar[1::2] *= rng.uniform(0.3, 0.8)
    if each == 2 and rng.random() < 0.3:
        bar[2::4], bar[0::4] = 0.9, 0.9 * accent
    if rng.random() < 0.3:
        bar[rng.random(size) < 0.12] = 0.0
    return bar


def _snare_bar(rng: Rng, beats: int, per: int, bpm: float, style: str) -> tuple[F64, set[int], bool]:
    """Draw a snare drum; also say where the style wants it, and whether it has ghost notes."""
    size = beats * per
    if beats == 3:
        back = {per, 2 * per} if rng.random() < 0.6 else {2 * per}
    else:
        back = {
            "back": {per, 3 * per},
            "four": {per, 3 * per},
            "half": {2 * per},
            "every": set(range(0, size, per)),
            "off": set(range(per // 2, size, per)),
            "none": set[int](),
        }[style]
    ghost = rng.uniform(0.0, 0.25) * (bpm < 135) * (rng.random() < 0.5)
    bar = np.zeros(size)
    for k in range(size):
        if k in back:
            bar[k] = rng.uniform(0.85, 1.0) * (rng.random() < 0.98)
        elif rng.random() < ghost:
            bar[k] = rng.uniform(0.15, 0.4)
        elif rng.random() < 0.03:
            bar[k] = rng.uniform(0.5, 1.0)
    return bar, back, bool(ghost)


def _drum_rows(stage: Stage, *, content: str, per: int) -> dict[str, list[F64]]:
    """Draw what each drum plays in each bar."""
    rng, beats, bpm, bars = stage.rng, stage.beats, stage.bpm, stage.bars
    size = beats * per
    style = str(rng.choice(["back", "four", "half", "every", "off", "none"], p=[0.62, 0.14, 0.07, 0.05, 0.05, 0.07]))
    snare, back, ghost = _snare_bar(rng, beats, per, bpm, style)
    kick = _kick_bar(rng, beats, per, bpm, back, four=style == "four")
    ride = _ride_bar(rng, beats, per, bpm)
    variety = rng.uniform(0.0, 0.5)
    rows: dict[str, list[F64]] = {}
    back_drum = str(rng.choice(["snare", "clap", "rim"], p=[0.75, 0.12, 0.13]))
    time_drum = str(rng.choice(["hat", "ride", "shaker", "open", "tom"], p=[0.62, 0.2, 0.08, 0.05, 0.05]))
    if content != "top":
        rows["kick"] = _bars(kick, rng, bars, variety=variety)
        rows[back_drum] = _bars(snare, rng, bars, variety=0.6 * variety)
    elif ghost or rng.random() < 0.3:
        rows[back_drum] = _bars(snare, rng, bars, variety=variety)
    if content == "top" or rng.random() < 0.93:
        rows[time_drum] = _bars(ride, rng, bars, variety=0.5 * variety)
    if rng.random() < 0.3:  # hat by foot
        foot = np.zeros(size)
        foot[per :: 2 * per] = 0.5
        rows.setdefault("open" if rng.random() < 0.3 else "hat", []).extend([foot] * bars)
    if content == "top" or rng.random() < 0.2:
        part = str(rng.choice(["perc", "conga", "shaker", "cowbell", "tom", "rim"]))
        line = np.zeros(size)
        line[rng.random(size) < rng.uniform(0.15, 0.6)] = rng.uniform(0.4, 0.9)
        rows[part] = _bars(line, rng, bars, variety=0.3 * variety)
    return rows


def _drummer(stage: Stage, *, content: str, per: int) -> None:
    """Play drums as a drummer would: no pattern is written down, only what is likely."""
    rng, bars = stage.rng, stage.bars
    size = stage.beats * per
    rows = _drum_rows(stage, content=content, per=per)
    if content == "single":
        part = str(rng.choice(list(rows)))
        rows = {part: rows[part]}
    if content != "single" and rng.random() < 0.3:
        _fills(stage, rows, per)
    for part, played in rows.items():
        gain = 10.0 ** (rng.uniform(-10.0, 0.0) / 20.0) * (1.4 if part == "kick" else 1.0)
        push, which = rng.normal(0.0, 0.006) * (stage.feel.spread > 0.003), int(rng.integers(4))
        for bar, row in enumerate(played):
            for k in np.flatnonzero(row).tolist():
                beat = stage.swung(bar % bars * size + k, per)
                strength = float(np.clip(row[k] * rng.uniform(0.85, 1.1), 0.05, 1.0))
                drum = which + (k if part in {"tom", "conga", "perc"} else 0)
                stage.score.add(beat, stage.kit.hit(part, strength, drum), gain * strength, push + stage.late(beat))
    if content == "drums" and rng.random() < 0.25:
        stage.score.add(0.0, stage.kit.hit("crash", 0.9), rng.uniform(0.3, 0.9), stage.late(0.0))


def _fills(stage: Stage, rows: dict[str, list[F64]], per: int) -> None:
    """Leave the pattern at the end of the last bar, or of every fourth."""
    rng, size = stage.rng, stage.beats * per
    every = stage.bars if rng.random() < 0.6 else int(rng.choice([2, 4]))
    for bar in range(every - 1, stage.bars, every):
        first = size - int(rng.choice([per, 2 * per, size], p=[0.45, 0.4, 0.15]))
        for part, played in rows.items():
            if part != "kick" or rng.random() < 0.5:
                played[bar] = np.where(np.arange(size) < first, played[bar], 0.0)
        run = np.where((np.arange(size) >= first) & (rng.random(size) < rng.uniform(0.5, 1.0)), 0.8, 0.0)
        drums = rng.random(size) < rng.uniform(0.0, 1.0)
        for part, own in (("snare", run * drums), ("tom", run * ~drums)):
            rows.setdefault(part, [np.zeros(size)] * stage.bars)
            rows[part][bar] = rows[part][bar] + own


def _sequencer(stage: Stage, name: str, *, content: str) -> None:
    """Play the written lines of a style on the kit."""
    rng, style = stage.rng, STYLES[name]
    band = material.Band(rng, style, stage.bpm, stage.bars, stage.swing, 0.0, np.zeros(2))
    lines = material.drum_lines(band, content=content)
    if not any(mark in line for line in lines.values() for mark in "xo"):
        lines["kick"] = "x...x...x...x..."[: style.beats * style.steps]
    for part, line in lines.items():
        gain = 10.0 ** (rng.uniform(-12.0, 0.0) / 20.0) * (1.5 if part == "kick" else 1.0)
        which = int(rng.integers(4))
        flat = rng.random() < 0.5  # every hit alike
        for beat, strength in band.steps(line, loose=0.0 if flat else 1.0):
            level = 0.85 if flat and strength > 0.5 else strength
            stage.score.add(beat, stage.kit.hit(part, level, which), gain * level, stage.late(beat))


def _voice(stage: Stage, family: str) -> Any:
    rng = stage.rng
    if rng.random() < 0.4:
        return sounds.Voice(rng, low=family == "bass")
    return bank.Voice(rng, stage.studio.bank, family)


def _music(stage: Stage, *, content: str, per: int) -> None:
    """Add bass, chords, arpeggio, tune."""
    rng, size = stage.rng, stage.beats * per
    style = next(s for s in STYLES.values() if s.beats == 4 and s.steps == per)
    band = material.Band(rng, style, stage.bpm, stage.bars, 0.0, 0.0, np.zeros(2))
    chords = material.harmony(band)
    parts = (
        ["bass"] if content == "bass" else [p for p in ("bass", "chords", "arpeggio", "tune") if rng.random() < 0.45]
    )
    for part in parts or [str(rng.choice(["chords", "arpeggio", "tune"]))]:
        family = "bass" if part == "bass" else str(rng.choice(_FAMILIES[1:]))
        voice = _voice(stage, family)
        gain = 10.0 ** (rng.uniform(-12.0, 0.0) / 20.0)
        table = {"bass": BASSES, "chords": CHORDS, "arpeggio": ARPEGGIOS, "tune": ARPEGGIOS}[part][per]
        line = table[int(rng.integers(len(table)))]
        if part == "tune" or rng.random() < 0.3:
            weight = np.tile([0.8, 0.15, 0.5, 0.15] if per == 4 else [0.8, 0.2, 0.4], stage.beats)
            weight = weight**0.5 if part == "bass" else weight
            repeated = np.tile(weight, int(rng.choice([1, 2, 2])))
            line = "".join("x" if rng.random() < w * rng.uniform(0.5, 1.2) else "." for w in repeated)
            line = line if "x" in line else "x" + line[1:]
        legato, transposed = rng.random() < 0.5, int(rng.choice([-12, 0, 0, 12])) * (part != "bass")
        hits = [k for k in range(stage.total * per) if line[k % len(line)] != "."]
        for k, step in enumerate(hits):
            beat = stage.swung(step, per)
            root, triad = chords[min(step // size, stage.bars - 1)]
            following = hits[k + 1] / per if k + 1 < len(hits) else float(stage.total)
            length = min(60.0 / stage.bpm * (following - beat if legato else 0.8 / per), 4.0)
            notes = {
                "bass": (36 + root % 12 + (12 if rng.random() < 0.15 else 0),),
                "chords": triad,
                "arpeggio": (triad[k % 3] + 12 * ((k // 3) % 2),),
                "tune": (12 + triad[int(rng.integers(3))] + int(rng.choice([0, 0, 2, -2])),),
            }[part]
            strength = gain * rng.uniform(0.6, 1.0) / len(notes) ** 0.5
            for midi in notes:
                stage.score.add(beat, voice.note(midi + transposed, length), strength, stage.late(beat))


def _band(stage: Stage, groove: Groove, *, content: str) -> None:
    """Play a groove: all of it, its drums or the rest."""
    rng = stage.rng
    voices: dict[tuple[int, int], Any] = {}
    gains: dict[int, float] = {}
    which = int(rng.integers(4))
    shift = int(rng.integers(-5, 6))
    first = groove.beats * int(rng.integers(0, 9 - stage.bars)) if stage.bars < 8 else 0
    for beat, length, midi, velocity, channel, program in groove.notes:
        if not first <= beat < first + stage.total - 0.02:
            continue
        drum = channel == DRUMS
        if (content in {"drums", "top"} and not drum) or (content == "melodic" and drum):
            continue
        place, strength = max(beat - first, 0.0), velocity / 127.0
        gain = gains.setdefault(midi if drum else 200 + channel, 10.0 ** (rng.uniform(-9.0, 0.0) / 20.0))
        if drum:
            part = bank.PART_OF.get(midi, "perc")
            if content == "top" and part in {"kick", "snare"}:
                continue
            sound = stage.kit.hit(part, strength, which + (midi if part in {"tom", "conga", "perc"} else 0))
        else:
            family = "bass" if program // 8 == 4 else _FAMILY_OF[min(program // 8, 11)]
            key = (channel, program)
            if key not in voices:
                voices[key] = _voice(stage, family)
            sound = voices[key].note(midi + shift, min(60.0 / stage.bpm * length, 4.0))
            gain *= 0.4
        stage.score.add(place, sound, gain * strength, stage.late(place))


def _pump(y: F64, stage: Stage) -> F64:
    """Duck under each beat, as a side chain does, or gate in sixteenths."""
    rng, t = stage.rng, np.arange(len(y)) / SR
    beat = 60.0 / stage.bpm
    if rng.random() < 0.6:
        return y * (1.0 - rng.uniform(0.3, 0.95) * np.exp(-(t % beat) / (rng.uniform(0.08, 0.4) * beat)))
    gate = rng.random(16) < rng.uniform(0.4, 0.8)
    gate[0] = True
    shape = np.convolve(np.repeat(gate[(t[::64] / beat * 4).astype(int) % 16] * 1.0, 64)[: len(y)], np.ones(200) / 200)
    return y * shape[: len(y)]


def _press(y: F64, rng: Rng) -> F64:
    """Compress by the level of the last fiftieth of a second."""
    size = SR // 50
    level = np.sqrt(np.convolve(np.square(y), np.ones(size) / size)[: len(y)])
    return y / (level + rng.uniform(0.05, 0.4)) ** rng.uniform(0.2, 0.8)


def finish(y: F64, rng: Rng) -> npt.NDArray[np.float32]:
    """Compress, age and colour a mix, or not; peak 1."""
    y = sounds.peak(y)
    if rng.random() < 0.3:
        y = sounds.peak(_press(y, rng))
    if rng.random() < 0.06:  # an old record
        clicks = (rng.random(len(y)) < rng.uniform(2.0, 25.0) / SR) * rng.uniform(0.02, 0.2, len(y))
        y = y + np.convolve(clicks, [1.0, -0.8, 0.3])[: len(y)] + rng.normal(0.0, rng.uniform(0.001, 0.01), len(y))
    return sounds.colour(y, rng)


def _cut(y: F64, rng: Rng, ending: str) -> F64:
    """End a loop as `material.cut` does; one that is nearly exact may be off by a percent."""
    if ending != "near":
        return material.cut(y, rng, ending)
    n = round(len(y) * float(np.clip(1.0 + rng.normal(0.0, 0.005), 0.987, 1.013)))
    return np.append(y, np.zeros(max(0, n - len(y))))[:n]


def _swing(rng: Rng, per: int) -> float:
    return 0.0 if per == 3 or rng.random() < 0.7 else float(rng.uniform(0.08, 0.6))


def _drawn(rng: Rng, studio: Studio) -> tuple[float, int, int, bool, float, str, Any]:
    """Draw tempo, beats a bar, steps a beat, man or machine, swing, a name, and who plays the drums."""
    shares = [0.4, 0.36, 0.24] if studio.grooves else [0.53, 0.47, 0.0]
    kind = str(rng.choice(["drummer", "sequencer", "band"], p=shares))
    if kind == "drummer":
        per, beats = (3 if rng.random() < 0.14 else 4), (3 if rng.random() < 0.05 else 4)
        bpm = float(np.exp(rng.normal(np.log(114.0), 0.3)))
        bpm = float(np.clip(bpm, 56.0, 210.0))
        return (
            _tempo(rng, 0.95 * bpm, 1.05 * bpm),
            beats,
            per,
            rng.random() < 0.8,
            _swing(rng, per),
            "drummer",
            _drummer,
        )
    if kind == "sequencer":
        names = [n for n, s in STYLES.items() if s.human < 0.6]
        name = names[int(rng.integers(len(names)))]
        style = STYLES[name]
        swing = float(rng.uniform(*style.swing)) if rng.random() < 0.6 else 0.0
        return _tempo(rng, *style.tempi), style.beats, style.steps, False, swing, name, partial(_sequencer, name=name)
    groove = studio.grooves[int(rng.integers(len(studio.grooves)))]
    human = bool(rng.random() < 0.4)
    return _tempo(rng, *groove.tempi), groove.beats, 4, human, 0.0, f"band {groove.name}", groove


def _play(stage: Stage, who: Any, per: int, *, content: str) -> None:
    if isinstance(who, Groove):
        _band(stage, who, content=content)
        return
    if content not in {"melodic", "bass"}:
        who(stage, content=content, **({"per": per} if who is _drummer else {}))
    if content in {"melodic", "bass", "mix"}:
        _music(stage, content=content, per=per)


def loop(rng: Rng, studio: Studio) -> Clip:
    """Make a loop."""
    bpm, beats, per, human, swing, name, who = _drawn(rng, studio)
    bars = int(rng.choice([1, 2, 4, 8], p=[0.22, 0.38, 0.3, 0.1]))
    while bars > 1 and bars * beats * 60.0 / bpm > 24.0:
        bars //= 2
    shares = [0.5, 0.14, 0.05, 0.13, 0.04, 0.14]
    content = str(rng.choice(["drums", "top", "single", "melodic", "bass", "mix"], p=shares))
    ending = str(
        rng.choice(["exact", "near", "padded", "tail", "late", "anywhere"], p=[0.68, 0.07, 0.06, 0.08, 0.03, 0.08])
    )
    if bars == 1 and ending == "anywhere":
        ending = "exact"
    stage = Stage.build(rng, studio, bpm, beats=beats, bars=bars, human=human, swing=swing)
    _play(stage, who, per, content=content)
    tail = rng.uniform(0.2, 2.0) if ending == "tail" else 0.0
    y = stage.render(wrap=ending in {"exact", "near"} and rng.random() < 0.5, tail=tail)
    if content in {"melodic", "mix"} and rng.random() < 0.12:
        y = _pump(y, stage)
    half = name in STYLES and STYLES[name].half
    return Clip(finish(_cut(y, rng, ending), rng), bpm, half, beats, f"{name} {content} {ending}")


def track(rng: Rng, studio: Studio) -> Clip:
    """Make 20 to 50 s: what a loop has, for longer, in sections."""
    bpm, beats, per, human, swing, name, who = _drawn(rng, studio)
    sections: list[F64] = []
    for content in ("mix", str(rng.choice(["drums", "melodic", "mix"]))):
        stage = Stage.build(rng, studio, bpm, beats=beats, bars=8, human=human, swing=swing)
        _play(stage, who, per, content="mix" if content == "mix" else content)
        sections.append(sounds.peak(stage.render(wrap=True, tail=0.0)))
    seconds = rng.uniform(20.0, 50.0)
    parts = [sections[0]]
    while sum(map(len, parts)) < seconds * SR:
        parts.append(sections[int(rng.random() < 0.4)])
    y = np.concatenate(parts)
    start = int(rng.integers(0, max(1, len(y) - round(seconds * SR)) + 1))
    y = y[start : start + round(seconds * SR)]
    half = name in STYLES and STYLES[name].half
    return Clip(finish(y, rng), bpm, half, beats, f"{name} track")


def project(seed: int, studio: Studio) -> Clip:
    """Make a loop as it is cut from a project of a sequencer: the tempo is often the program's own, whatever is played.

    Many write half-time beats, or music without drums, at the 140, 130 or 120 that they found.
    """
    rng = np.random.default_rng((96000, seed))
    bpm = float(_PROJECTS[int(rng.integers(len(_PROJECTS)))])
    if rng.random() < 0.25:
        bpm = float(round(np.exp(rng.uniform(np.log(70.0), np.log(180.0)))))
    bars = int(rng.choice([1, 2, 4, 8], p=[0.12, 0.4, 0.36, 0.12]))
    while bars > 1 and bars * 240.0 / bpm > 24.0:
        bars //= 2
    machine = rng.random() < 0.85
    stage = Stage.build(rng, studio, bpm, beats=4, bars=bars, human=not machine, swing=0.0)
    content = str(rng.choice(["drums", "top", "melodic", "bass", "mix"], p=[0.18, 0.06, 0.26, 0.1, 0.4]))
    name = "project"
    if content not in {"melodic", "bass"}:
        if rng.random() < 0.5:
            _drummer(stage, content="drums" if content == "mix" else content, per=4)
        else:
            # A style whose tempi are near, or, at twice a slow one's tempo, the same with half the hits.
            names = [n for n, s in STYLES.items() if s.beats == 4 and s.steps == 4 and s.human < 0.9]
            near = [n for n in names if STYLES[n].tempi[0] / 1.2 < bpm < STYLES[n].tempi[1] * 1.2]
            style = near[int(rng.integers(len(near)))]
            name = f"project {style}"
            _sequencer(stage, style, content="drums" if content == "mix" else content)
    if content in {"melodic", "bass", "mix"}:
        _music(stage, content=content, per=4)
    ending = "exact" if rng.random() < 0.9 else "tail"
    tail = rng.uniform(0.2, 2.0) if ending == "tail" else 0.0
    y = stage.render(wrap=ending == "exact" and rng.random() < 0.7, tail=tail)
    if content in {"melodic", "mix"} and rng.random() < 0.2:
        y = _pump(y, stage)
    return Clip(finish(y, rng), bpm, half=False, beats=4, name=f"{name} {content} {ending}")


def make(seed: int, studio: Studio) -> Clip:
    """Make the clip of a seed."""
    rng = np.random.default_rng((44100, seed))
    return (loop, track)[int(rng.random() < 0.12)](rng, studio)


def _one_hit(rng: Rng, studio: Studio) -> F64:
    part = str(rng.choice([*bank.PARTS, "crash", "ride", "open"]))
    y = np.zeros(round(rng.uniform(1.0, 3.0) * SR))
    sound = bank.Kit(rng, studio.bank).hit(part, 0.9, int(rng.integers(8)))
    y[: len(sound)] += sound[: len(y)]
    return sounds.reverb(y, rng) if rng.random() < 0.6 else y


def _one_chord(rng: Rng, studio: Studio) -> F64:
    voice = bank.Voice(rng, studio.bank, _FAMILIES[int(rng.integers(len(_FAMILIES)))])
    chord, root = ((0,), (0,), (0, 4, 7), (0, 7), (0, 3, 7, 10))[int(rng.integers(5))], int(rng.integers(30, 76))
    y = np.zeros(round(rng.uniform(1.0, 3.0) * SR))
    strummed = rng.uniform(0.0, 0.04)
    for k, step in enumerate(chord):
        sound, start = voice.note(root + step, 1.6), round(k * strummed * SR)
        y[start : start + len(sound)] += sound[: len(y) - start]
    return sounds.reverb(y, rng) if rng.random() < 0.5 else y


def _pad(rng: Rng, studio: Studio) -> F64:
    voice = bank.Voice(rng, studio.bank, str(rng.choice(["pad", "wind", "keys"], p=[0.7, 0.2, 0.1])))
    seconds = rng.uniform(4.0, 16.0)
    y, now, tonic = np.zeros(round(seconds * SR)), 0.0, int(rng.integers(52, 68))
    while now < seconds - 0.3:
        root = tonic + int(rng.choice([0, 3, 5, 7, 8, 10]))
        for step in (0, 3 + int(rng.random() < 0.5), 7):
            # An octave down at half the speed lasts twice as long; it swells and fades.
            slow = np.repeat(voice.note(root + step, 1.6), int(rng.choice([2, 3])))
            slow = np.convolve(slow, np.ones(4) / 4.0, mode="same")
            slow *= np.sin(np.pi * (np.arange(len(slow)) + 0.5) / len(slow)) ** rng.choice([0.5, 1.0, 1.5])
            start = round(max(0.0, now + rng.normal(0.0, 0.08)) * SR)
            if start < len(y):
                y[start : start + len(slow)] += slow[: len(y) - start]
        now += rng.uniform(0.9, 2.6)
    return sounds.reverb(y, rng) if rng.random() < 0.6 else y


def _hiss(rng: Rng, studio: Studio) -> F64:
    """Make steady noise: white, or falling with the frequency."""
    del studio
    n = round(np.exp(rng.uniform(np.log(1.0), np.log(24.0))) * SR)
    if rng.random() < 0.4:
        return rng.normal(size=n)
    spectrum = np.fft.rfft(rng.normal(size=n))
    slope = np.maximum(np.fft.rfftfreq(n, 1.0 / SR), 20.0) ** rng.uniform(0.0, 1.0)
    return np.fft.irfft(spectrum / slope, n)


def still(seed: int, studio: Studio) -> Clip:
    """Make a clip of a seed without a tempo."""
    rng = np.random.default_rng((48000, seed))
    kind = int(rng.choice(5, p=[0.37, 0.14, 0.14, 0.22, 0.13]))
    if kind == 0:
        y, name = beatless(rng)
        return Clip(y, None, name=name)
    make_one, name = ((_one_hit, "hit"), (_one_chord, "held"), (_pad, "pad"), (_hiss, "noise"))[kind - 1]
    y = make_one(rng, studio)
    return Clip(np.asarray(y, dtype=np.float32) if name == "noise" else finish(y, rng), None, name=name)
