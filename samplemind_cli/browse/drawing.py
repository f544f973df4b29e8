"""Draws a recorded waveform with characters: small on one line, and large with half blocks.

Conventions: a waveform is ``bytes`` as in `samplemind_worker.dsp.waveform`: six bytes per bucket, the least and the
greatest value of the low, middle and high band, where 128 is zero and 127 from it the loudest value of all bands.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.style import Style
from rich.text import Text

_PER_BUCKET: Final = 6
_ZERO: Final = 128
_LOUDEST: Final = 127
_LEVELS: Final = "▁▂▃▄▅▆▇█"
_FULL, _UPPER, _LOWER, _EMPTY = "█", "▀", "▄", " "
_BANDS: Final = (Style(color="red"), Style(color="green"), Style(color="cyan"))
"""What is drawn of sounds below 250 Hz, between, and above 2.5 kHz. They are colours of the terminal itself."""
_AHEAD: Final = Style(dim=True)

Column = tuple[int, int, int]
"""The least and the greatest value of a stretch, each -127 to 127, and its loudest band."""


def columns(data: bytes, count: int) -> list[Column]:
    """Return the extremes of ``count`` equal stretches; fewer where the waveform has fewer buckets."""
    buckets = len(data) // _PER_BUCKET
    count = min(count, buckets)
    found: list[Column] = []
    for at in range(count):
        stretch = data[at * buckets // count * _PER_BUCKET : (at + 1) * buckets // count * _PER_BUCKET]
        lows = [min(stretch[band::_PER_BUCKET]) - _ZERO for band in (0, 2, 4)]
        highs = [max(stretch[band::_PER_BUCKET]) - _ZERO for band in (1, 3, 5)]
        spans = [high - low for low, high in zip(lows, highs, strict=True)]
        found.append((min(lows), max(highs), spans.index(max(spans))))
    return found


def small(data: bytes, width: int) -> Text:
    """Return a waveform of one line: the loudness of each stretch as the height of a bar."""
    text = Text(no_wrap=True)
    for low, high, band in columns(data, width):
        peak = max(-low, high)
        # What can be heard at all gets a bar.
        letter = _EMPTY if peak <= 0 else _LEVELS[min((peak * len(_LEVELS) - 1) // _LOUDEST, len(_LEVELS) - 1)]
        text.append(letter, _BANDS[band])
    return text


def large(data: bytes, width: int, height: int, *, played: float | None = None) -> Iterator[Text]:
    """Yield the lines of a waveform around its zero, with two points per cell.

    What follows after the share ``played`` (0 to 1) is drawn dim; without it, nothing is.
    """
    drawn = _stretched(columns(data, width), width)
    points = 2 * height
    head = len(drawn) if played is None else round(played * len(drawn))
    for line in range(height):
        text = Text(no_wrap=True)
        for at, (low, high, band) in enumerate(drawn):
            upper, lower = (_is_filled(2 * line + half, points, low, high) for half in (0, 1))
            letter = (_FULL if lower else _UPPER) if upper else (_LOWER if lower else _EMPTY)
            text.append(letter, _BANDS[band] if at < head else _BANDS[band] + _AHEAD)
        yield text


def _stretched(drawn: Sequence[Column], width: int) -> list[Column]:
    """Repeat the columns of a short waveform until they fill a line."""
    return [drawn[at * len(drawn) // width] for at in range(width)] if drawn else []


def _is_filled(point: int, points: int, low: int, high: int) -> bool:
    """Return whether a waveform covers a point of a column, counted from the top; the middle always has a line."""
    top = _LOUDEST - 2 * _LOUDEST * point / points
    bottom = _LOUDEST - 2 * _LOUDEST * (point + 1) / points
    return (low < top and high > bottom) or (top == 0)
