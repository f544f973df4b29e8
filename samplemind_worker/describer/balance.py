"""Reconstructs the rough shape of the average spectrum from the cepstrum in the record.

Twenty coefficients of the mean mel spectrum in dB give its level in five ranges, slightly blurred by their neighbors.
That is enough to say whether a loop has its own bass. It says little about a decaying sound, whose quiet tail counts as
much as its attack.
"""

import math
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from samplemind_worker.documents.facts import AnalysisFacts

_BANDS, _COEFFICIENTS = 128, 20
_TOP_HZ = 11025.0
_LEVELS = (-1000.0, 1000.0)
# Slaney's scale: 15 mel per kHz below 1 kHz, logarithmic above.
_BREAK_HZ, _BREAK_MEL, _STEP = 1000.0, 15.0, math.log(6.4) / 27.0

LOW_END_HZ = 120.0
_RANGES_HZ = ((0.0, LOW_END_HZ), (LOW_END_HZ, 500.0), (500.0, 2000.0), (2000.0, 5000.0), (5000.0, _TOP_HZ))
_BASSY, _BASSLESS = 4.0, -12.0  # dB of the lowest range over the one above it, or over the strongest


@dataclass(frozen=True, slots=True)
class Balance:
    """Mean level in dB of each of the five ranges, relative to the zero of the cepstrum."""

    levels: tuple[float, ...]

    @property
    def bassy(self) -> bool:
        """Whether the low end dominates."""
        return self.levels[0] >= self.levels[1] + _BASSY and self.levels[0] >= max(self.levels) - _BASSY

    @property
    def bassless(self) -> bool:
        """Whether there is little low end."""
        return self.levels[0] <= max(self.levels) + _BASSLESS

    @property
    def top_heavy(self) -> bool:
        """Whether there is at least as much above 5 kHz as below 120 Hz, which excludes a kick."""
        return self.levels[0] <= self.levels[-1] + 1.0


@lru_cache(maxsize=1)
def _weights() -> tuple[tuple[float, ...], ...]:
    """Return the inverse cosine transform, averaged over the bands of each range."""
    top = _BREAK_MEL + math.log(_TOP_HZ / _BREAK_HZ) / _STEP
    centres = [top * (band + 1) / (_BANDS + 1) for band in range(_BANDS)]
    hertz = [
        mel * _BREAK_HZ / _BREAK_MEL if mel < _BREAK_MEL else _BREAK_HZ * math.exp(_STEP * (mel - _BREAK_MEL))
        for mel in centres
    ]
    rows: list[tuple[float, ...]] = []
    for low, high in _RANGES_HZ:
        inside = [band for band in range(_BANDS) if low <= hertz[band] < high]
        rows.append(
            tuple(
                sum(
                    math.sqrt((1.0 if k == 0 else 2.0) / _BANDS) * math.cos(math.pi * k * (band + 0.5) / _BANDS)
                    for band in inside
                )
                / len(inside)
                for k in range(_COEFFICIENTS)
            )
        )
    return tuple(rows)


def read_balance(facts: AnalysisFacts) -> Balance | None:
    """Return the balance; None if the cepstrum was not measured."""
    mean: Any = facts.spectral_features.get("mfcc", {}).get("mean")
    if not isinstance(mean, list) or len(mean) < _COEFFICIENTS:  # pyright: ignore[reportUnknownArgumentType] -- of anything
        return None
    values: list[float] = []
    for value in mean[:_COEFFICIENTS]:  # pyright: ignore[reportUnknownVariableType] -- of anything
        if not isinstance(value, int | float) or not _LEVELS[0] <= value <= _LEVELS[1]:
            return None
        values.append(float(value))
    return Balance(tuple(sum(w * v for w, v in zip(row, values, strict=True)) for row in _weights()))
