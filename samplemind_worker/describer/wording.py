"""Formats numbers with useful precision, joins words, and chooses between equivalent phrasings."""

from collections.abc import Sequence

from samplemind_worker.text import plural

_KILO = 1000.0
_MINUTE = 60.0
_FEW_HUNDRED_MS = 0.1


def number(value: float) -> str:
    """Write a number with at most two decimals: 120, 87.5, 172.27."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def tempo(bpm: float) -> str:
    """Write a derived tempo with one decimal: 148.3 BPM."""
    return f"{bpm:.1f}".removesuffix(".0") + " BPM"


def decibels(value: float) -> str:
    """Write a level with one decimal: -14.2."""
    return f"{round(value, 1) + 0.0:.1f}"  # 0.0 is added so that -0.0 becomes 0.0


def cents(value: float) -> str:
    """Write the magnitude in whole cents: 14 cents."""
    return plural(round(abs(value)), "cent")


def frequency(hz: float) -> str:
    """Write a frequency: 43.7 Hz, 185 Hz, 2.4 kHz."""
    if hz < 100.0 and not round(hz, 1).is_integer():  # noqa: PLR2004 -- a tenth counts where a semitone is 3 Hz
        return f"{hz:.1f} Hz"
    return f"{round(hz)} Hz" if round(hz) < _KILO else f"{hz / _KILO:.1f} kHz"


def milliseconds(seconds: float) -> str:
    """Write a note length: 352 ms."""
    return f"{round(seconds * _KILO)} ms"


def length(seconds: float) -> str:
    """Write a duration: 35 ms, 0.42 s, 8 s, 3:25 min."""
    if seconds < _FEW_HUNDRED_MS:
        return f"{max(1, round(seconds * _KILO))} ms"
    if round(seconds, 2) < _MINUTE:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min"


def listed(items: Sequence[str], last: str = "and") -> str:
    """Join items: "A", "A and B", "A, B, and C"."""
    if len(items) <= 2:  # noqa: PLR2004 -- no comma between two
        return f" {last} ".join(items)
    return f"{', '.join(items[:-1])}, {last} {items[-1]}"


def article(words: str) -> str:
    """Put "a" or "an" before words, by their pronunciation."""
    vowel = words[0] in "aeiou8" and not words.startswith("one-")
    return f"{'an' if vowel else 'a'} {words}"


def sentence(words: str) -> str:
    """Make words a sentence: a capital first and a period last."""
    return f"{words[0].upper()}{words[1:]}."


def choose(value: float, *phrasings: str) -> str:
    """Choose between equally good phrasings by one of the sample's numbers.

    So two kicks of one folder get different texts, and one kick always gets the same.
    """
    return phrasings[round(abs(value)) % len(phrasings)]
