"""How a sound compares with other sounds of its instrument: percentiles of measures in recorded material.

`reference.json` holds the percentiles. `training/vocabulary.py` learns them, and `docs/vocabulary.md` shows them.
"""

import json
import math
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from typing import Any, Final

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts

FEWEST: Final = 30
"""Sounds that a group must have for its percentiles to count."""
EVERYTHING: Final = "everything"
"""The group of all sounds."""
_LEAST_WRITTEN: Final = 0.01
_KILO: Final = 1000.0

_NOUNS: Final = {
    "kick": "kicks",
    "snare": "snares",
    "clap": "claps",
    "rim": "rimshots",
    "hat_closed": "closed hi-hats",
    "hat_open": "open hi-hats",
    "tom": "toms",
    "crash": "crash cymbals",
    "ride": "ride cymbals",
    "shaker": "shakers",
    "cowbell": "cowbells",
    "perc": "percussion hits",
    "bass": "bass notes",
    "synth": "synth notes",
    "piano": "piano notes",
    "guitar": "guitar notes",
    "strings": "string notes",
    "brass": "brass notes",
    "sax": "saxophone notes",
    "flute": "flute notes",
    "organ": "organ notes",
    "bell": "bells",
    "vocal": "vocals",
    "voice": "voices",
    "ambience": "ambiences",
    "fx": "effects",
    "drum_loop": "drum loops",
    "music_loop": "melodic loops",
    "song": "songs",
    "one_shot": "one-shots",
    "loop": "loops",
    "track": "tracks",
    EVERYTHING: "sounds",
}


@dataclass(frozen=True, slots=True)
class Measure:
    """How a measure is spoken of: its name, its unit, and what more and less of it are called."""

    label: str
    unit: str
    more: str = "more"
    less: str = "less"

    def written(self, value: float) -> str:
        """Return a value with its unit."""
        if self.unit == "%":
            return f"{100.0 * value:.0f} %" if value >= _LEAST_WRITTEN else "under 1 %"
        if self.unit == "s" and value < 1.0:
            return f"{1000.0 * value:.0f} ms" if value >= _LEAST_WRITTEN / 10.0 else "under 1 ms"
        if self.unit == "Hz" and value >= _KILO:
            return f"{value / _KILO:.1f} kHz"
        digits = 0 if self.unit == "Hz" else 1
        return f"{value:.{digits}f} {self.unit}"


MEASURES: Final[Mapping[str, Measure]] = {
    "brightness_hz": Measure("brightness", "Hz", "brighter", "darker"),
    "attack_brightness_hz": Measure("centroid of the attack", "Hz", "higher", "lower"),
    "click": Measure("attack above body", "octaves"),
    "sub_share": Measure("energy below 63 Hz", "%"),
    "bottom_share": Measure("energy below 200 Hz", "%"),
    "low_mid_share": Measure("energy from 200 to 635 Hz", "%"),
    "weight_share": Measure("energy below 635 Hz", "%"),
    "mid_share": Measure("energy from 635 Hz to 2 kHz", "%"),
    "high_share": Measure("energy from 2 to 6.4 kHz", "%"),
    "air_share": Measure("energy above 6.4 kHz", "%"),
    "attack_seconds": Measure("attack", "s", "slower", "faster"),
    "decay_seconds": Measure("decay by 20 dB", "s", "longer", "shorter"),
    "length_seconds": Measure("audible length", "s", "longer", "shorter"),
    "roominess": Measure("tail", "times the decay", "longer", "shorter"),
    "sustain": Measure("second half", "times the level of the first"),
    "crest_db": Measure("peak over RMS", "dB"),
    "transient_db": Measure("first 30 ms over what follows", "dB"),
    "modulation_db": Measure("movement of the level", "dB"),
    "onsets_per_second": Measure("onsets", "a second"),
    "noisiness_db": Measure("spectral flatness", "dB", "noisier", "less noisy"),
    "tonalness": Measure("energy in spectral peaks", "%"),
    "sheen_db": Measure("spectral contrast above 3.2 kHz", "dB"),
    "width": Measure("stereo width", "%", "wider", "narrower"),
}
"""All measures that percentiles exist for."""


_SHARES: Final = frozenset(f"{name}_share" for name in ("sub", "low", "low_mid", "mid", "high", "air"))


def measures_of(audio: AudioFacts, analysis: AnalysisFacts) -> dict[str, float]:
    """Return the measures of a sound that have an answer, those included that follow from several others."""
    given = {name: value for name, value in analysis.character.items() if value is not None and math.isfinite(value)}
    if not given:
        return {}
    found = {name: value for name, value in given.items() if name in MEASURES}
    attack, body = (given.get(f"{part}_brightness_hz", 0.0) for part in ("attack", "body"))
    if attack > 0.0 and body > 0.0:
        found["click"] = math.log2(attack) - math.log2(body)
    if {"tail_seconds", "decay_seconds"} <= given.keys():
        # A step of the envelope is 6 ms, and a frame 23 ms.
        found["roominess"] = given["tail_seconds"] / (given["decay_seconds"] + 0.02)
    if given.keys() >= _SHARES:
        low, low_mid = given["low_share"], given["low_mid_share"]
        found["bottom_share"] = given["sub_share"] + low
        found["weight_share"] = given["sub_share"] + low + low_mid
    contrast: Any = analysis.spectral_features.get("contrast", {}).get("mean")
    if isinstance(contrast, list) and len(contrast) == 7 and None not in contrast:  # noqa: PLR2004 -- octaves  # pyright: ignore[reportUnknownArgumentType] -- of anything
        found["sheen_db"] = (float(contrast[5]) + float(contrast[6])) / 2.0  # pyright: ignore[reportUnknownArgumentType] -- numbers
    if audio.width is not None and audio.width > 0.0:
        found["width"] = audio.width
    return found


@lru_cache(maxsize=1)
def load() -> dict[str, Any]:
    """Return what was learned: ``groups`` (counts and percentiles) and ``words`` (thresholds)."""
    return json.loads(files("samplemind_worker").joinpath("reference.json").read_text())


@lru_cache(maxsize=4096)
def group_of(instrument: str | None, kind: str | None, measure: str | None = None) -> str:
    """Return the group that a sound is compared with: its instrument, else its kind, else all sounds.

    A group counts if it has enough sounds, with this measure if one is named.
    """
    groups = load()["groups"]
    for name in (instrument, kind):
        if name in groups and (measure is None or measure in groups[name]["percentiles"]):
            return str(name)
    return EVERYTHING


def noun(group: str) -> str:
    """Return what the sounds of a group are called."""
    return _NOUNS[group]


def percentile(group: str, measure: str, value: float) -> float | None:
    """Return the share of a group's sounds that have less of a measure, 0 to 1; None if the group lacks the measure.

    Half of the equal values count as less.
    """
    steps = _steps(group, measure)
    return None if steps is None else rank(steps, value)


@lru_cache(maxsize=4096)
def _steps(group: str, measure: str) -> Sequence[float] | None:
    return load()["groups"].get(group, {}).get("percentiles", {}).get(measure)


def comparison(share: float, measure: str, *, more: bool) -> str:
    """Say how many sounds lie on the other side: ``darker than 88 %``; ``share`` is that of `percentile`."""
    spoken = MEASURES[measure]
    how, than = (spoken.more, share) if more else (spoken.less, 1.0 - share)
    return f"{how} than {min(round(100.0 * than), 99)} %"


def rank(steps: Sequence[float], value: float) -> float:
    """Return where a value lies among evenly spaced percentiles, from the least (0) to the greatest (1)."""
    first = bisect_left(steps, value)
    last = bisect_right(steps, value, lo=first)
    if first < last:
        return (first + last - 1) / 2.0 / (len(steps) - 1)
    if first == 0:
        return 0.0
    if first == len(steps):
        return 1.0
    low, high = steps[first - 1], steps[first]
    return (first - 1 + (value - low) / (high - low)) / (len(steps) - 1)
