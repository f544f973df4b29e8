"""Draws counts as small charts for a terminal. Loads only the standard library.

If stdout cannot show block characters, ``#`` and digits replace them.
"""

from collections.abc import Iterator, Mapping

from samplemind_cli import layout, output

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = " ▁▂▃▄▅▆▇█"
_DIGITS = " 123456789"
_SHORTEST_BAR = 4


def bars(counts: Mapping[str, int], *, width: int) -> Iterator[str]:
    """Yield one line per count: its name, its number and a bar, in at most ``width`` cells."""
    if not counts:
        return
    numbers = max(len(f"{count:,}") for count in counts.values())
    names = min(max(map(layout.cell_len, counts)), max(width - numbers - _SHORTEST_BAR - 4, 1))
    room = max(width - names - numbers - 4, _SHORTEST_BAR)
    largest = max(counts.values())
    for name, count in counts.items():
        shown = layout.shortened(name, names)
        space = " " * (names - layout.cell_len(shown))
        yield f"{shown}{space}  {count:{numbers},}  {_bar(count, largest, room)}".rstrip()


def _bar(count: int, largest: int, room: int) -> str:
    """Return a bar; every count above 0 is visible."""
    if not largest:
        return ""
    if not output.can_show(_EIGHTHS):
        return "#" * -(-count * room // largest)
    whole, eighths = divmod(-(-count * room * 8 // largest), 8)
    return _EIGHTHS[-1] * whole + _EIGHTHS[eighths]


def column(count: int, largest: int) -> str:
    """Return one character whose height shows a count; every count above 0 is visible."""
    levels = _LEVELS if output.can_show(_LEVELS) else _DIGITS
    return levels[-(-count * (len(levels) - 1) // largest) if largest else 0]
