"""Numbers as text, with as many digits as a reader can use."""

_KILO = 1000.0
_MINUTE = 60.0
_FEW_HUNDRED_MS = 0.1


def number(value: float) -> str:
    """Two decimals at most: 120, 87.5, 172.27."""
    return f"{value:.2f}".rstrip("0").rstrip(".")


def decibels(value: float) -> str:
    """One decimal: -14.2."""
    return f"{round(value, 1) + 0.0:.1f}"  # 0.0 is added so that -0.0 becomes 0.0


def cents(value: float) -> str:
    """Give the magnitude in whole cents: 14 cents."""
    return plural(round(abs(value)), "cent")


def plural(count: int, noun: str) -> str:
    """As in 1 beat, 16 beats."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def frequency(hz: float) -> str:
    """85 Hz, 2.4 kHz."""
    return f"{round(hz)} Hz" if round(hz) < _KILO else f"{hz / _KILO:.1f} kHz"


def length(seconds: float) -> str:
    """35 ms, 0.42 s, 8 s, 3:25 min."""
    if seconds < _FEW_HUNDRED_MS:
        return f"{max(1, round(seconds * _KILO))} ms"
    if seconds < _MINUTE:
        return f"{number(seconds)} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes}:{rest:02d} min"
