"""``library``: what the library holds, at a glance."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Annotated, Any

import typer

from samplemind_cli import charts, layout, output
from samplemind_worker.pitches import PITCH_CLASSES, camelot
from samplemind_worker.text import plural

Report = dict[str, Any]

_WIDEST = 100
_NARROWEST = 40
_LABEL = 13  # cells of the left column
_MODE = 7  # cells of the names of the two modes
_WIDEST_COLUMN = 5  # cells of one key or one step of tempo
_INSTRUMENTS, _PACKS, _KEYS = 12, 8, 3  # how many are listed
_MODES = (("A", "minor"), ("B", "major"))
_KEY_NAMES = {camelot(tonic, mode): f"{name} {mode}" for _, mode in _MODES for tonic, name in enumerate(PITCH_CLASSES)}


def library(*, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False) -> None:
    """Show what the library holds, at a glance."""
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.finding import overview  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import entries  # noqa: PLC0415 -- slow import

    with record.open_record():
        state = entries.progress()
        report = overview.summary()
    if as_json:
        output.emit(report)
    else:
        width = min(max(output.screen_width() or 80, _NARROWEST), _WIDEST)
        for line in lines(report, width):
            output.write(line + "\n")
    state.require()


def lines(report: Report, width: int) -> Iterator[str]:
    """Yield the lines of the overview, in at most `width` cells."""
    room = width - _LABEL
    copies = report["copies"]
    for label, text in (
        ("library", _size(report)),
        ("copies", f"{plural(copies['files'], 'file')}, {output.in_bytes(copies['bytes'])}" if copies["files"] else ""),
        ("added", ", ".join(f"{count:,} in {days} days" for days, count in report["added"].items())),
        ("in progress", plural(report["open"], "file") if report["open"] else ""),
        ("failed", output.tally(report["failed"])),
    ):
        if text:
            yield from _labelled(label, layout.wrap(text, room))
    for label, rows in (
        ("kinds", list(charts.bars(_spaced(report["kinds"]), width=room))),
        ("instruments", list(_instruments(_spaced(report["instruments"]), room))),
        ("keys", list(_keys(report["keys"], room))),
        ("tempi", list(_tempi(report["tempi"], room))),
        ("packs", list(_packs(report["packs"], report["pack_count"], room))),
    ):
        if rows:
            yield ""
            yield from _labelled(label, rows)


def _labelled(label: str, lines: Sequence[str]) -> Iterator[str]:
    """Yield lines with a label before the first one."""
    for number, line in enumerate(lines):
        yield f"{'' if number else label:{_LABEL}}{line}".rstrip()


def _size(report: Report) -> str:
    hours, minutes = divmod(round(report["seconds"] / 60.0), 60)
    length = f"{hours:,} h {minutes} min" if hours else f"{minutes} min" if minutes else f"{report['seconds']:.0f} s"
    files = plural(report["files"], "file")
    if report["files"] > report["contents"]:
        files += f", {report['contents']:,} of them different"
    return f"{files}, {length}, {output.in_bytes(report['bytes'])}"


def _spaced(counts: Mapping[str, int]) -> dict[str, int]:
    return {name.replace("_", " "): count for name, count in counts.items()}


def _instruments(counts: Mapping[str, int], room: int) -> Iterator[str]:
    """Yield the most frequent instruments, and how many sounds are of others."""
    first = dict(list(counts.items())[:_INSTRUMENTS])
    yield from charts.bars(first, width=room)
    if len(counts) > len(first):
        others, rest = len(counts) - len(first), sum(counts.values()) - sum(first.values())
        yield f"and {plural(others, 'other')}: {rest:,}"


def _keys(keys: Mapping[str, int], room: int) -> Iterator[str]:
    """Yield the keys along the Camelot wheel, one row per mode, and the most frequent ones."""
    if not keys:
        return
    wide = min((room - _MODE) // 12, _WIDEST_COLUMN)
    largest = max(keys.values())
    for letter, mode in _MODES:
        shown = [charts.column(keys.get(f"{hour}{letter}", 0), largest) * (wide - 1) for hour in range(1, 13)]
        yield f"{mode:{_MODE}}" + " ".join(shown)
    yield " " * _MODE + "".join(f"{hour:<{wide}}" for hour in range(1, 13))
    first = sorted(keys.items(), key=lambda pair: -pair[1])[:_KEYS]
    yield from layout.wrap(", ".join(f"{_KEY_NAMES[code]} ({code}) {count:,}" for code, count in first), room)


def _tempi(tempi: Sequence[Mapping[str, int]], room: int) -> Iterator[str]:
    """Yield the tempi as a histogram, its ends, and the most frequent step."""
    if not tempi:
        return
    wide = max(min(room // len(tempi), _WIDEST_COLUMN), 1)
    largest = max(step["contents"] for step in tempi)
    line = "".join(charts.column(step["contents"], largest) * wide for step in tempi)
    yield line
    low, high = f"{tempi[0]['from']}", f"{tempi[-1]['to']} BPM"
    yield f"{low}{high:>{max(len(line) - len(low), len(high) + 1)}}"
    best = max(tempi, key=lambda step: step["contents"])
    yield f"most from {best['from']} to {best['to']}: {best['contents']:,}"


def _packs(packs: Mapping[str, int], count: int, room: int) -> Iterator[str]:
    """Yield the largest packs, and how many others there are."""
    largest = dict(list(packs.items())[:_PACKS])
    yield from charts.bars(largest, width=room)
    if count > len(largest):
        yield f"and {count - len(largest):,} smaller ones"
