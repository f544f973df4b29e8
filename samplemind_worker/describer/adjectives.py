"""Words for brightness, noise, level and movement; what is bright for a kick is dark for a hi-hat.

One-shots are compared with recorded ones (`reference`). The limits for loops and tracks are ours; a centroid is that of
the spectrum up to 11 kHz.
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
"""By the share of the one-shots of its instrument that are darker."""
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
    """Name how bright it is: a one-shot among those of its instrument, what is longer by the center of its spectrum."""
    if r.kind == "one_shot":
        return word(_AMONG_ITS_KIND, r.share("brightness_hz"))
    return word(_BRIGHTNESS.get(r.sort, _ANY_BRIGHTNESS), r.centroid)


def noisiness(r: Reading) -> str | None:
    """Name how noisy it is, where that is not what its kind always is."""
    if r.drums:
        return None
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
