"""Plain loops: few hits and long notes at the tempo of a sequencer's project, as producers write them.

Conventions: as in `studio`; a clip is made from its seed and the bank alone. The other modules fill each beat with
eighths or sixteenths. Here a beat often has one onset or none, as in trap, dubstep, rave and hardcore at 130 to 185
BPM without their hats, in kicks and claps alone, and in tunes of quarter notes; what is slow (55 to 100 BPM) is
subdivided more, as hip-hop, soul and ballads are.
"""

# ruff: noqa: PLR2004 -- the numbers are chances and taste

import numpy as np
import numpy.typing as npt

from training import bank, material, sounds, studio
from training.material import Clip
from training.patterns import STYLES
from training.studio import Stage, Studio

F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

_USUAL = (60, 65, 70, 75, 80, 80, 85, 85, 90, 90, 95, 100, 100, 105, 110, 115, 120, 120, 124, 125, 126, 128, 128, 130,
          130, 135, 138, 140, 140, 140, 140, 144, 145, 150, 150, 150, 155, 160, 160, 165, 170, 170, 172, 174, 174, 175,
          178, 180, 180, 190)  # fmt: skip
_SLOW, _FAST = 100.0, 128.0  # BPM
_BARS, _BAR_SHARES = (1, 2, 4, 8), (0.1, 0.28, 0.46, 0.16)
_LONGEST = 26.0  # seconds
_GAPS = np.array([16, 8, 6, 4, 3, 2, 1])  # sixteenths from note to note: a bar, .., a sixteenth
_FAST_GAPS = (0.06, 0.14, 0.05, 0.35, 0.1, 0.27, 0.03)
_SLOW_GAPS = (0.08, 0.14, 0.06, 0.16, 0.1, 0.28, 0.18)
_MIDDLE_GAPS = (0.07, 0.12, 0.06, 0.24, 0.12, 0.29, 0.1)


def _tempo(rng: Rng) -> float:
    if rng.random() < 0.65:
        return float(_USUAL[int(rng.integers(len(_USUAL)))])
    return float(round(np.exp(rng.uniform(np.log(55.0), np.log(192.0)))))


def _back(rng: Rng, bpm: float) -> F64:
    """Draw snare or clap of a bar: on two and four, on three, on each beat but the first, or none."""
    half = 0.45 if bpm >= _FAST else 0.08
    kind = str(rng.choice(["back", "half", "late", "none"], p=[0.82 - half, half, 0.06, 0.12]))
    bar = np.zeros(16)
    bar[{"back": [4, 12], "half": [8], "late": [4, 8, 12], "none": []}[kind]] = 0.9
    extra = np.array([2, 6, 7, 10, 14, 15])
    if rng.random() < 0.3:
        bar[extra[int(rng.integers(len(extra)))]] = rng.uniform(0.4, 0.9)
    return bar


def _kick(rng: Rng, bpm: float, back: F64) -> F64:
    """Draw the kick of a bar: on one, on others of its beats, and now and then between them."""
    bar = np.zeros(16)
    bar[0] = 1.0
    if rng.random() < (0.2 if bpm >= 115.0 else 0.06):
        bar[::4] = 1.0
        return bar
    between = 0.16 if bpm >= _FAST else 0.24
    chances = np.tile([0.22, 0.02 if bpm >= _FAST else 0.05, between, 0.05 if bpm >= _FAST else 0.1], 4)
    chances[8] = 0.45
    chances[back > 0.5] *= 0.3
    return np.maximum(bar, (rng.random(16) < chances) * rng.uniform(0.7, 1.0, 16))


def _hats(rng: Rng, bpm: float) -> F64:
    """Draw hats of a bar: none, each beat, between beats, eighths, sixteenths; slow ones are denser."""
    shares = [0.4, 0.14, 0.12, 0.28, 0.06] if bpm >= _FAST else [0.25, 0.08, 0.08, 0.4, 0.19]
    if bpm < _SLOW:
        shares = [0.18, 0.04, 0.04, 0.42, 0.32]
    kind = int(rng.choice(5, p=shares))
    bar = np.zeros(16)
    if kind:
        bar[(slice(0, 16, 4), slice(2, 16, 4), slice(0, 16, 2), slice(0, 16, 1))[kind - 1]] = rng.uniform(0.5, 0.9)
        bar[rng.random(16) < rng.choice([0.0, 0.0, 0.15])] = 0.0
    return bar


def _rolls(stage: Stage, drum: str) -> None:
    """Add rolls of a quarter or half of a beat: three, six or eight to the beat, as in trap."""
    rng = stage.rng
    for bar in range(stage.bars):
        if rng.random() < 0.6:
            start, length = float(rng.choice([1.5, 2.0, 2.5, 3.0, 3.5])), float(rng.choice([0.5, 0.5, 1.0]))
            each = int(rng.choice([3, 6, 8]))
            for k in range(round(length * each)):
                beat = stage.beats * bar + start + k / each
                if beat < stage.total:
                    stage.score.add(beat, stage.kit.hit(drum, 0.7), rng.uniform(0.3, 0.6), 0.0)


def _drums(stage: Stage) -> None:
    """Play kick, snare or clap, and perhaps hats: one bar, or two in turn, and something else at the end."""
    rng, bpm = stage.rng, stage.bpm
    back = _back(rng, bpm)
    rows = {"kick": _kick(rng, bpm, back), str(rng.choice(["snare", "clap", "rim"], p=[0.6, 0.3, 0.1])): back}
    time = str(rng.choice(["hat", "hat", "shaker", "ride", "open"]))
    rows[time] = _hats(rng, bpm)
    if rng.random() < 0.25:
        line = np.zeros(16)
        line[rng.choice(np.arange(0, 16, 2), int(rng.integers(1, 4)), replace=False)] = rng.uniform(0.4, 0.9)
        rows[str(rng.choice(["perc", "tom", "conga", "cowbell", "crash"]))] = line
    kept = [part for part in rows if rows[part].any() and rng.random() < 0.92] or ["kick"]
    if rng.random() < 0.1:
        kept = [str(rng.choice(kept))]
    for part in kept:
        other = rows[part] if rng.random() < 0.6 else _changed(rng, rows[part])
        last = rows[part] if rng.random() < 0.6 else _changed(rng, rows[part])
        gain = 10.0 ** (rng.uniform(-9.0, 0.0) / 20.0) * (1.4 if part == "kick" else 1.0)
        for bar in range(stage.bars):
            row = last if bar == stage.bars - 1 else (rows[part], other)[bar % 2]
            for k in np.flatnonzero(row).tolist():
                beat, strength = stage.swung(16 * bar + k, 4), float(row[k]) * rng.uniform(0.9, 1.0)
                stage.score.add(beat, stage.kit.hit(part, strength), gain * strength, stage.late(beat))
    if bpm >= _FAST and time in kept and rng.random() < 0.35:
        _rolls(stage, time)


def _changed(rng: Rng, row: F64) -> F64:
    """Leave one hit out, or add one or two between beats or on them."""
    row = row.copy()
    hits = np.flatnonzero(row)
    if len(hits) > 1 and rng.random() < 0.5:
        row[int(rng.choice(hits[1:]))] = 0.0
        return row
    row[rng.choice(np.arange(2, 16, 2), int(rng.integers(1, 3)), replace=False)] = rng.uniform(0.5, 0.9)
    return row


def line(rng: Rng, bpm: float, bars: int) -> list[int]:
    """Draw where notes begin, in sixteenths: one or two bars of steps of few kinds, repeated."""
    size = 16 * int(min(bars, rng.choice([1, 2, 2, 4])))
    shares = _FAST_GAPS if bpm >= _FAST else _SLOW_GAPS if bpm < _SLOW else _MIDDLE_GAPS
    kinds = rng.choice(_GAPS, int(rng.choice([1, 2, 2, 3])), p=shares)
    starts, now = [0], 0
    while (now := now + int(rng.choice(kinds))) < size:
        if rng.random() < 0.9:
            starts.append(now)
    return [turn * size + k for turn in range(16 * bars // size) for k in starts]


def _music(stage: Stage, parts: list[str]) -> None:
    """Play bass, chords or a tune in plain rhythms."""
    rng = stage.rng
    style = STYLES["pop"]
    chords = material.harmony(material.Band(rng, style, stage.bpm, stage.bars, 0.0, 0.0, np.zeros(2)))
    for part in parts:
        family = "bass" if part == "bass" else str(rng.choice(["keys", "mallet", "pluck", "pad", "lead", "wind"]))
        low = family == "bass"
        voice = sounds.Voice(rng, low=low) if rng.random() < 0.4 else bank.Voice(rng, stage.studio.bank, family)
        starts = line(rng, stage.bpm, stage.bars)
        short, gain = rng.random() < 0.3, 10.0 ** (rng.uniform(-10.0, 0.0) / 20.0)
        for k, step in enumerate(starts):
            following = starts[k + 1] if k + 1 < len(starts) else 4 * stage.total
            length = min(60.0 / stage.bpm * (0.4 if short else (following - step) / 4.0), 4.0)
            root, triad = chords[min(step // 16, stage.bars - 1)]
            notes = {
                "bass": (36 + root % 12,),
                "chords": triad,
                "tune": (12 + triad[int(rng.integers(3))] + int(rng.choice([0, 0, 2, -2])),),
            }[part]
            beat = stage.swung(step, 4)
            for midi in notes:
                loud = gain * rng.uniform(0.7, 1.0) / len(notes) ** 0.5
                stage.score.add(beat, voice.note(midi, length), loud, stage.late(beat))


def _ballad(stage: Stage) -> None:
    """Play a slow song's accompaniment: broken chords over a bass, and mostly a tune of eighths and sixteenths."""
    rng, total = stage.rng, 4 * stage.total
    chords = material.harmony(material.Band(rng, STYLES["pop"], stage.bpm, stage.bars, 0.0, 0.0, np.zeros(2)))
    hands = bank.Voice(rng, stage.studio.bank, str(rng.choice(["keys", "pluck", "mallet", "keys", "pad"])))
    singer = bank.Voice(rng, stage.studio.bank, str(rng.choice(["wind", "keys", "lead", "mallet", "pluck"])))
    gap = int(rng.choice([1, 2, 2, 4]))  # sixteenths from one note of the broken chord to the next
    order = ((0, 1, 2, 1), (0, 2, 1, 2), (0, 1, 2, 3), (0, 2, 3, 2))[int(rng.integers(4))]
    sung = np.tile([0.75, 0.25, 0.6, 0.25], 8) * rng.uniform(0.4, 1.0) * (rng.random() < 0.75)
    tune = np.resize(rng.random(32) < sung, total)
    for step in range(0, total, gap):
        root, triad = chords[min(step // 16, stage.bars - 1)]
        note = (*triad, triad[0] + 12)[order[(step // gap) % 4]]
        stage.score.add(step / 4.0, hands.note(note, 60.0 / stage.bpm), rng.uniform(0.25, 0.5), stage.late(step / 4.0))
        if step % 8 == 0 and (step % 16 == 0 or rng.random() < 0.5):
            stage.score.add(step / 4.0, hands.note(36 + root % 12, 120.0 / stage.bpm), 0.7, stage.late(step / 4.0))
    for step in np.flatnonzero(tune).tolist():
        midi = 12 + chords[min(step // 16, stage.bars - 1)][1][int(rng.integers(3))] + int(rng.choice([0, 0, 2, -2]))
        stage.score.add(step / 4.0, singer.note(midi, 30.0 / stage.bpm), rng.uniform(0.5, 0.9), stage.late(step / 4.0))


def make(seed: int, here: Studio) -> Clip:
    """Make the clip of a seed."""
    rng = np.random.default_rng((174140, seed))
    bpm = _tempo(rng)
    bars = int(rng.choice(_BARS, p=_BAR_SHARES))
    while bars > 1 and bars * 240.0 / bpm > _LONGEST:
        bars //= 2
    swing = float(rng.uniform(0.1, 0.5)) if bpm < _SLOW and rng.random() < 0.35 else 0.0
    human = rng.random() < (0.35 if bpm < _SLOW else 0.1)
    stage = Stage.build(rng, here, bpm, beats=4, bars=bars, human=bool(human), swing=swing)
    content = str(rng.choice(["drums", "melodic", "bass", "mix"], p=[0.42, 0.25, 0.1, 0.23]))
    if bpm < _SLOW and rng.random() < 0.4:
        content = "ballad"
        _ballad(stage)
    if content in {"drums", "mix"} or (content == "ballad" and rng.random() < 0.3):
        _drums(stage)
    if content in {"melodic", "bass", "mix"}:
        drawn = [part for part in ("bass", "chords", "tune") if rng.random() < 0.5]
        _music(stage, ["bass"] if content == "bass" else drawn or [str(rng.choice(["chords", "tune"]))])
    ending = str(rng.choice(["exact", "tail", "padded", "near"], p=[0.82, 0.08, 0.05, 0.05]))
    tail = float(rng.uniform(0.2, 2.0)) if ending == "tail" else 0.0
    y = material.cut(stage.render(wrap=ending == "exact" and rng.random() < 0.6, tail=tail), rng, ending)
    return Clip(studio.finish(y, rng), bpm, half=False, beats=4, name=f"plain {content} {ending}")
