"""Chooses words for brightness, noise, level and dynamics.

One-shots are compared with recorded ones of their instrument (`reference`): a centroid that is bright for a kick is
dark for a hi-hat. The limits for loops and tracks are our own; a centroid is that of the spectrum up to 11 kHz.
"""

import math
from collections.abc import Sequence

from samplemind_worker.describer.reading import Reading, read
from samplemind_worker.describer.traits import MUCH
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.samples import Sample

Scale = Sequence[tuple[float, str]]
_INF = math.inf

_BRIGHTNESS: dict[str, Scale] = {
    "drum_loop": (
        (900.0, "dark and heavy"), (1800.0, "warm"), (2800.0, "balanced"), (3800.0, "crisp"), (5000.0, "bright"),
        (_INF, "all top"),
    ),
    "top_loop": (
        (3500.0, "mellow for a top loop"), (5000.0, "crisp"), (6500.0, "bright"), (_INF, "very bright and airy"),
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
_AMONG_ITS_KIND: Scale = (
    (0.1, "very dark"),
    (1.0 - MUCH, "dark"),
    (MUCH, "balanced"),
    (0.9, "bright"),
    (_INF, "very bright"),
)
"""Words by the share of one-shots of the same instrument that are darker."""
_NOISE_CROSSINGS = 0.3  # a share of samples; white noise crosses zero at every second one
_LOUDNESS: Scale = (
    (-30.0, "very quiet"),
    (-20.0, "quiet"),
    (-12.0, "moderately loud"),
    (-7.0, "loud"),
    (_INF, "very loud"),
)
_DYNAMICS: Scale = (
    (7.0, "squashed"),
    (10.0, "hardly dynamic"),
    (14.0, "moderately dynamic"),
    (18.0, "dynamic"),
    (_INF, "very dynamic"),
)


def word(scale: Scale, value: float | None) -> str | None:
    """Return the word of the first limit above the value; None without a value, and where no word is needed."""
    if value is None:
        return None
    return next((text for limit, text in scale if value < limit), None) or None


def in_words(audio: AudioFacts, analysis: AnalysisFacts) -> tuple[str | None, tuple[str, ...]]:
    """Return the word for a sample's brightness, and those for its noise, level and dynamics."""
    reading = read(Sample(audio, analysis))
    words = (noisiness(reading), loudness(reading), dynamics(reading))
    return brightness(reading), tuple(text for text in words if text)


def brightness(r: Reading) -> str | None:
    """Name the brightness: of a one-shot relative to its instrument, of longer samples by their spectral centroid."""
    if r.kind == "one_shot":
        return word(_AMONG_ITS_KIND, r.share("brightness_hz"))
    return word(_BRIGHTNESS.get(r.sort, _ANY_BRIGHTNESS), r.centroid)


def noisiness(r: Reading) -> str | None:
    """Name the noisiness, unless all samples of its kind are like that."""
    if r.drums:
        return None
    found = word(_TONAL, r.flatness)
    # Zero crossings decide the highest degree, which low-passed hiss would miss.
    if found == "noisy" and r.crossings is not None and r.crossings >= _NOISE_CROSSINGS:
        return _TONAL[-1][1]
    return found


def loudness(r: Reading) -> str | None:
    """Name the loudness."""
    return word(_LOUDNESS, r.lufs)


def dynamics(r: Reading) -> str | None:
    """Name the dynamics: how far peaks exceed the loudness."""
    return word(_DYNAMICS, r.spread)
