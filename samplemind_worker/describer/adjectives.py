"""Words for brightness, noise, level and movement; what is bright for a kick is dark for a hi-hat.

The limits are ours; a centroid is that of the spectrum up to 11 kHz.
"""

import math
from collections.abc import Sequence

from samplemind_worker.describer.reading import Reading, read
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.samples import Sample

Scale = Sequence[tuple[float, str]]
_INF = math.inf

_BRIGHTNESS: dict[str, Scale] = {
    "kick": (
        (90.0, "deep, almost all low end"), (180.0, "round and deep"), (400.0, "full with some click"),
        (1000.0, "punchy and forward in the mids"), (_INF, "clicky, more attack than weight"),
    ),
    "sub": (
        (80.0, "close to a bare sine"), (150.0, "deep and smooth"), (_INF, "deep with audible overtones"),
    ),
    "bass": (
        (150.0, "dark and round"), (400.0, "warm"), (900.0, "warm with clear overtones"), (2000.0, "rich in overtones"),
        (_INF, "bright enough to lead"),
    ),
    "snare": (
        (900.0, "dark, all body"), (2000.0, "full-bodied"), (3200.0, "full and crisp"), (4500.0, "crisp"),
        (6000.0, "bright and snappy"), (_INF, "thin and sizzling"),
    ),
    "hat": (
        (1500.0, "very dark for its kind"), (3200.0, "dark for its kind"), (4800.0, "mellow"), (6200.0, "bright"),
        (7500.0, "crisp and airy"), (_INF, "razor-thin"),
    ),
    "cymbal": (
        (1000.0, "gong-like and dark"), (2200.0, "dark and washy"), (3800.0, "warm"), (5500.0, "bright"),
        (_INF, "glassy"),
    ),
    "tom": (
        (150.0, "deep"), (300.0, "deep and round"), (700.0, "round with some stick"), (1500.0, "open"),
        (_INF, "bright, more attack than boom"),
    ),
    "drum_loop": (
        (900.0, "dark and heavy"), (1800.0, "warm"), (2800.0, "balanced"), (3800.0, "crisp"), (5000.0, "bright"),
        (_INF, "all top"),
    ),
    "top_loop": (
        (3500.0, "mellow for a top loop"), (5000.0, "crisp"), (6500.0, "bright"), (_INF, "very bright and airy"),
    ),
    "perc": (
        (500.0, "dull and heavy"), (1200.0, "woody"), (2500.0, "clear"), (4500.0, "sharp"), (_INF, "thin and sharp"),
    ),
}  # fmt: skip
_ANY_BRIGHTNESS: Scale = (
    (250.0, "very dark"),
    (600.0, "dark"),
    (1000.0, "mellow"),
    (1500.0, "warm"),
    (2200.0, "balanced"),
    (2900.0, "open"),
    (3800.0, "bright"),
    (5500.0, "very bright"),
    (_INF, "thin and airy"),
)
_TONAL: Scale = (
    (0.0002, "clean"),
    (0.003, ""),
    (0.03, "a little grainy"),
    (0.12, "noisy"),
    (_INF, "close to pure noise"),
)
_DRUMS: Scale = ((0.002, "more tone than noise"), (0.12, ""), (_INF, "noisy"))
_NOISE_CROSSINGS = 0.3  # a share of samples; white noise crosses zero at every second one
_LOUDNESS: Scale = (
    (-30.0, "very quiet"),
    (-20.0, "quiet"),
    (-12.0, "moderately loud"),
    (-7.0, "loud"),
    (_INF, "very loud"),
)
_DYNAMICS: Scale = (
    (7.0, "very dense"),
    (10.0, "dense"),
    (14.0, "moderately dynamic"),
    (18.0, "dynamic"),
    (_INF, "very dynamic"),
)


def word(scale: Scale, value: float | None) -> str | None:
    """Return the word of the first limit above the value; None for no value and where nothing needs saying."""
    if value is None:
        return None
    return next((text for limit, text in scale if value < limit), None) or None


def in_words(audio: AudioFacts, analysis: AnalysisFacts) -> tuple[str | None, tuple[str, ...]]:
    """Return how bright a sample is for its kind, and what its noise, level and dynamics are called."""
    reading = read(Sample(audio, analysis))
    words = (noisiness(reading), loudness(reading), dynamics(reading))
    return brightness(reading), tuple(text for text in words if text)


def brightness(r: Reading) -> str | None:
    """Name where its spectrum is centered, by the standards of its kind."""
    return word(_BRIGHTNESS.get(r.sort, _ANY_BRIGHTNESS), r.centroid)


def noisiness(r: Reading) -> str | None:
    """Name how noisy it is, where that is not what its kind always is."""
    if r.sort in {"kick", "sub", "tom", "hat", "cymbal", "drum_loop", "top_loop"}:
        return None
    if r.drums:
        return word(_DRUMS, r.flatness)
    found = word(_TONAL, r.flatness)
    # Zero crossings settle the highest degree where hiss is low-passed.
    if found == "noisy" and r.crossings is not None and r.crossings >= _NOISE_CROSSINGS:
        return _TONAL[-1][1]
    return found


def loudness(r: Reading) -> str | None:
    """Name how loud it is."""
    return word(_LOUDNESS, r.lufs)


def dynamics(r: Reading) -> str | None:
    """Name how far its peaks stand out."""
    return word(_DYNAMICS, r.spread)
