"""Types of values that several commands take."""

import math
import os
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from config import locations
from config.locations import Location, ObjectPath
from samplemind_cli.completing import batches

_MOST = 1_000_000
_LONGEST_PATH, _LONGEST_NAME = 4095, 255  # bytes that file systems take
_BATCH_HELP = "A batch: the beginning of its id, or last, or last~1 for the one before."

Batch = Annotated[str, typer.Argument(metavar="BATCH", help=_BATCH_HELP, show_default=False, autocompletion=batches)]
"""A batch that a command needs; `store.batches.find` resolves it."""
AnyBatch = Annotated[
    str | None, typer.Argument(metavar="BATCH", help=_BATCH_HELP, show_default=False, autocompletion=batches)
]
"""A batch that may be left out."""


Since = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Since: 2h, yesterday, 2026-01-31.", show_default=False),
]
"""Where a list begins; `read_times` reads it."""
Until = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Until: 2h, yesterday, 2026-01-31.", show_default=False),
]
"""Where a list ends; `read_times` reads it."""


AddedSince = Annotated[
    str | None,
    typer.Option("--since", metavar="TIME", help="Added since: 7d, yesterday or 2026-01-31.", show_default=False),
]
"""From when on files were analysed for the first time, as the filter of that name; `read_times` reads it."""
AddedUntil = Annotated[
    str | None,
    typer.Option("--until", metavar="TIME", help="Added until: 7d, yesterday or 2026-01-31.", show_default=False),
]
"""Until when files were analysed for the first time; `read_times` reads it."""


def read_times(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Return the first moment of a list, and the first one after it; None where there is no limit.

    Raises
    ------
    UsageError
        If one cannot be read, or the end is before the beginning.
    """
    from samplemind_worker.finding import filter_text  # noqa: PLC0415 -- slow import

    return filter_text.read_times(since, until)


def usd(text: str) -> float:
    """Read an amount of money.

    Raises
    ------
    typer.BadParameter
        If it is not one.
    """
    try:
        amount = float(text)
    except ValueError:
        amount = math.nan
    if not 0.0 <= amount <= _MOST:
        raise typer.BadParameter(f"{text!r} is no amount of US dollars between 0 and {_MOST:,}")
    return amount


def filled(text: str) -> str:
    """Read a text that must not be empty.

    An empty path would mean the current folder, and it mostly comes from a variable of the shell that is not set.

    Raises
    ------
    typer.BadParameter
        If it is empty.
    """
    if not text:
        raise typer.BadParameter("the text is empty; `.` is the current folder")
    return text


def path(text: str) -> Path:
    """Read a path of this machine.

    Raises
    ------
    typer.BadParameter
        If it is empty, or lies elsewhere, or no file can have that path.
    """
    place = location(text)
    if isinstance(place, ObjectPath):
        raise typer.BadParameter(f"{place} is in a bucket; a folder of this machine is wanted")
    raw = os.fsencode(place)
    if b"\0" in raw:
        raise typer.BadParameter("a path cannot contain a NUL character")
    if len(raw) > _LONGEST_PATH or any(len(name) > _LONGEST_NAME for name in raw.split(b"/")):
        raise typer.BadParameter("it is too long for the path of a file")
    return place


def location(text: str) -> Location:
    """Read a path, or a URL of a file or of a bucket.

    Raises
    ------
    typer.BadParameter
        If it is empty, or another URL.
    """
    try:
        return locations.location(filled(text))
    except ValueError as error:
        raise typer.BadParameter(str(error)) from error
