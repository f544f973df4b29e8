"""Short loops, and short sounds with several onsets that are no loops: what the pulse model is taught to tell apart.

Conventions: mono float32 at 22.05 kHz, peak 1. A loop is one of two to 32 beats, cut to its beats, 0.8 to 8 s long.
A figure is a one-shot that a player or a device makes of several onsets: a flam, a roll, echoes, a broken chord, a
chain of hits that slows down or speeds up.
"""

# ruff: noqa: PLR2004 -- the numbers are chances and taste

import numpy as np
import numpy.typing as npt

from training import material, sounds
from training.material import Clip, Score
from training.patterns import STYLES

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
SR = sounds.SR

_SHORTEST, _LONGEST = 0.8, 8.0  # seconds
_SLOWEST, _FASTEST = 60.0, 190.0  # BPM
_BEATS = (2, 4, 4, 8, 8, 16, 16, 32)
_SPARSE = (
    "x...............",
    "x.......x.......",
    "x...x...x...x...",
    "x.....x.........",
    "x..x............",
    "....x.......x...",
)


def _style(rng: Rng, bpm: float) -> tuple[str, material.Style]:
    near = [n for n, s in STYLES.items() if s.beats == 4 and s.tempi[0] / 1.1 < bpm < s.tempi[1] * 1.1]
    name = near[int(rng.integers(len(near)))] if near else "pop"
    return name, STYLES[name]


def _sparse(band: material.Band, score: Score, *, melodic: bool) -> None:
    """Add one or two parts with few onsets; notes may swell instead of beginning."""
    rng = band.rng
    for _ in range(int(rng.integers(1, 3))):
        line = str(rng.choice(_SPARSE))
        line = line[: 4 * band.style.steps] if band.style.steps == 4 else "x" + "." * (band.style.beats * 3 - 1)
        hits = band.steps(line, loose=0.0)
        if not melodic:
            band.place(
                score, line, [sounds.DRUMS[str(rng.choice(list(sounds.DRUMS)))](rng)], float(rng.uniform(0.3, 1.0))
            )
            continue
        voice = sounds.Voice(rng, low=bool(rng.random() < 0.3))
        if rng.random() < 0.6:
            voice.held, voice.attack, voice.click = True, float(rng.uniform(0.01, 0.12)), 0.0
        root = int(rng.integers(36, 64))
        for k, (beat, strength) in enumerate(hits):
            end = hits[k + 1][0] if k + 1 < len(hits) else float(band.total)
            step = int(rng.choice([0, 3, 5, 7, 8, 10, 12]))
            chord = (0, 3 + int(rng.random() < 0.5), 7) if rng.random() < 0.4 else (0,)
            for tone in chord:
                length = min(60.0 / band.bpm * (end - beat), 4.0) * float(rng.uniform(0.5, 1.0))
                score.add(beat, voice.note(root + step + tone, length), strength / len(chord) ** 0.5)


def short_loop(rng: Rng) -> Clip:
    """Make a short loop, cut to its beats (some a little off, some with a tail)."""
    while True:
        bpm = float(np.exp(rng.uniform(np.log(_SLOWEST), np.log(_FASTEST))))
        bpm = float(round(bpm)) if rng.random() < 0.75 else round(bpm, 2)
        beats = int(_BEATS[int(rng.integers(len(_BEATS)))])
        if _SHORTEST <= beats * 60.0 / bpm <= _LONGEST:
            break
    name, style = _style(rng, bpm)
    bars = max(1, beats // 4)
    band, score = material._band(rng, style, bpm, bars), Score()  # noqa: SLF001 -- the same material, cut shorter
    content = str(rng.choice(["drums", "top", "melodic", "bass", "mix", "sparse drums", "sparse melodic"]))
    if content in {"drums", "top", "mix"}:
        material._drums(band, score, content="drums" if content == "mix" else content)  # noqa: SLF001
    if content in {"melodic", "bass", "mix"}:
        material._lines(band, score, content=content)  # noqa: SLF001
    if content.startswith("sparse"):
        _sparse(band, score, melodic=content.endswith("melodic"))
    ending = str(rng.choice(["exact", "near", "padded", "tail"], p=[0.8, 0.08, 0.07, 0.05]))
    y = band.render(
        score, wrap=bool(rng.random() < 0.6), tail=float(rng.uniform(0.2, 1.0)) if ending == "tail" else 0.0
    )
    if beats < 4:
        y = y[: round(beats * 60.0 / bpm * SR)]
    return Clip(sounds.colour(material.cut(y, rng, ending), rng), bpm, style.half, 4, f"{name} {content} {ending}")


def _sound(rng: Rng, shots: list[F32]) -> F64:
    if shots and rng.random() < 0.7:
        y = shots[int(rng.integers(len(shots)))].astype(np.float64)
        return y[: round(float(rng.uniform(0.1, 2.0)) * SR)]
    if rng.random() < 0.6:
        return sounds.DRUMS[str(rng.choice(list(sounds.DRUMS)))](rng)
    return sounds.Voice(rng).note(int(rng.integers(36, 84)), float(rng.uniform(0.1, 1.5)))


def _times(rng: Rng) -> tuple[F64, F64]:
    """Draw the times of onsets in seconds, and their gains."""
    kind = int(rng.choice(6, p=[0.12, 0.12, 0.4, 0.12, 0.12, 0.12]))
    if kind == 0:  # a flam, a drag, a ruff
        n = int(rng.integers(2, 5))
        return np.arange(n) * float(rng.uniform(0.015, 0.06)), np.append(rng.uniform(0.2, 0.6, n - 1), 1.0)
    if kind == 1:  # a roll that swells or fades
        n, gap = int(rng.integers(8, 40)), float(rng.uniform(0.03, 0.09))
        return np.cumsum(gap * rng.normal(1.0, 0.06, n).clip(0.5)), np.linspace(*rng.uniform(0.1, 1.0, 2), n)
    if kind == 2:  # echoes, each softer
        n, gap, less = int(rng.integers(3, 12)), float(rng.uniform(0.08, 0.6)), float(rng.uniform(0.3, 0.75))
        return np.arange(n) * gap, less ** np.arange(n)
    if kind == 3:  # what bounces or winds down
        n, ratio = int(rng.integers(4, 14)), float(rng.choice([rng.uniform(0.7, 0.92), rng.uniform(1.08, 1.3)]))
        gaps = float(rng.uniform(0.1, 0.5)) * ratio ** np.arange(n)
        return np.append(0.0, np.cumsum(np.clip(gaps, 0.02, 1.0))), np.linspace(
            1.0, float(rng.uniform(0.2, 1.0)), n + 1
        )
    if kind == 4:  # a few hits that have nothing to do with each other
        n = int(rng.integers(2, 6))
        return np.sort(rng.uniform(0.0, 3.0, n)), rng.uniform(0.3, 1.0, n)
    n = int(rng.integers(3, 8))  # a broken chord: once up or down, then it rings
    return np.cumsum(np.append(0.0, float(rng.uniform(0.04, 0.22)) * rng.normal(1.0, 0.08, n - 1).clip(0.5))), np.ones(
        n
    )


def figure(rng: Rng, shots: list[F32]) -> F32:
    """Make a one-shot with several onsets of synthesized sounds, or of those given."""
    times, gains = _times(rng)
    one = _sound(rng, shots)
    broken = rng.random() < 0.25
    voice, root = sounds.Voice(rng), int(rng.integers(40, 72))
    y = np.zeros(round((times[-1] + float(rng.uniform(0.8, 2.5))) * SR))
    for k, (time, gain) in enumerate(zip(times.tolist(), gains.tolist(), strict=True)):
        sound = voice.note(root + (0, 4, 7, 12, 16, 19, 24)[k % 7], 1.5) if broken else one
        first = round(time * SR)
        y[first : first + len(sound)] += gain * sound[: len(y) - first]
    if rng.random() < 0.3:
        y = sounds.echo(y, float(rng.uniform(0.08, 0.5)), rng)
    loud = np.flatnonzero(np.abs(y) > 0.003 * np.abs(y).max())
    y = y[: max(SR, int(loud[-1]) + 1)] if len(loud) else y
    return sounds.colour(y, rng)


def by_hand(rng: Rng, hits: list[F32]) -> F32:
    """Repeat what hands do over and over, as no one plays it: claps, knocks, steps, hammering; alone or as a crowd."""
    seconds = float(np.exp(rng.uniform(np.log(1.2), np.log(12.0))))
    y = np.zeros(round(seconds * SR))
    for _ in range(1 if rng.random() < 0.75 else int(rng.integers(2, 9))):
        some = [hits[int(rng.integers(len(hits)))] for _ in range(int(rng.integers(1, 5)))]
        gap, drift, uneven = np.exp(rng.uniform(np.log([0.12, 0.005, 0.02]), np.log([1.1, 0.03, 0.12])))
        at, groups = float(rng.uniform(0.0, gap)), rng.random() < 0.2
        while at < seconds - 0.05:
            hit = some[int(rng.integers(len(some)))]
            first = max(0, round((at + uneven * gap * rng.normal()) * SR))
            n = max(0, min(len(hit), len(y) - first))
            y[first : first + n] += 10.0 ** (rng.normal(0.0, 0.12)) * hit[:n]
            gap *= float(np.exp(drift * rng.normal()))
            at += gap * (float(rng.uniform(2.0, 5.0)) if groups and rng.random() < 0.2 else 1.0)
    return sounds.colour(sounds.reverb(y, rng) if rng.random() < 0.5 else y, rng)
