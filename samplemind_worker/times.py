"""Reads moments and time spans as people write them, and writes them for people.

Conventions: a moment is a datetime with a zone; what is read or written without one is in the zone of this machine. A
period is its first moment and the first moment after it; what names one moment has the same twice. Spans are in
seconds.
"""

import calendar
import re
from datetime import UTC, datetime, timedelta
from typing import Final

PERIODS: Final = "3 days, 12h, yesterday, last week, monday, 14:30, 2026-01-31, 2026-01 or 2026-01-31 14:30"
"""How a period may be written, for messages."""
SPANS: Final = "2, 500ms, 1.5 min, 3:20 or 1 h 5 min"
"""How a span may be written, for messages."""

Period = tuple[datetime, datetime]

_SECONDS: Final = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86_400.0, "w": 604_800.0}
_MONTHS: Final = {"month": 1, "year": 12}
_NAMES: Final = {
    "ms": ("ms", "msec", "millisecond", "milliseconds"),
    "s": ("s", "sec", "secs", "second", "seconds"),
    "min": ("m", "min", "mins", "minute", "minutes"),
    "h": ("h", "hr", "hrs", "hour", "hours"),
    "d": ("d", "day", "days"),
    "w": ("w", "wk", "week", "weeks"),
    "month": ("mo", "month", "months"),
    "year": ("y", "yr", "year", "years"),
}
_UNITS: Final = {spelling: unit for unit, spellings in _NAMES.items() for spelling in spellings}
_WEEKDAYS: Final = [name.lower() for name in calendar.day_name]

_END: Final = datetime.max.replace(tzinfo=UTC)
_LONGEST: Final = 60  # characters
_NUMBER: Final = r"\d{1,9}(?:\.\d{1,9})?"
_PART: Final = re.compile(rf"({_NUMBER})\s*([a-z]+)\s*", re.ASCII)
_CLOCK: Final = re.compile(r"(?:(\d{1,4}):)?(\d{1,4}):(\d\d(?:\.\d{1,6})?)", re.ASCII)
_AGO: Final = re.compile(rf"({_NUMBER}|an?)\s*([a-z]+)(?: ago)?", re.ASCII)
_NAMED: Final = re.compile(r"(this|last) (week|month|year)", re.ASCII)
_TIME: Final = re.compile(r"(\d\d?):(\d\d)", re.ASCII)
_DAY: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_MONTH: Final = re.compile(r"(\d{4})-(\d\d)", re.ASCII)
_ISO: Final = re.compile(r"\d{4}-\d\d-\d\d[t ]\d\d:\d\d(?::\d\d(?:\.\d{1,6})?)?(?:z|[+-]\d\d:?\d\d)?", re.ASCII)


def read_span(text: str) -> float:
    """Read a time span: a number of seconds, or one with units, such as ``500ms``, ``1.5 min``, ``3:20``.

    Raises
    ------
    ValueError
        If it is none; the message says nothing that a user needs.
    """
    plain = " ".join(text.split()).lower()
    if len(plain) > _LONGEST:
        raise ValueError("too long")
    if re.fullmatch(_NUMBER, plain, re.ASCII):
        return float(plain)
    if found := _CLOCK.fullmatch(plain):
        hours, minutes, seconds = float(found[1] or 0), float(found[2]), float(found[3])
        if seconds >= 60 or (found[1] is not None and minutes >= 60):  # noqa: PLR2004 -- minutes and seconds
            raise ValueError("no time")
        return 3600.0 * hours + 60.0 * minutes + seconds
    at, total, units = 0, 0.0, list(_SECONDS)[::-1]
    while at < len(plain):
        part = _PART.match(plain, at)
        unit = None if part is None else _UNITS.get(part[2])
        if part is None or unit not in units:
            raise ValueError("no span")
        total += float(part[1]) * _SECONDS[unit]
        units, at = units[units.index(unit) + 1 :], part.end()  # each unit once, the longest first
    if not plain:
        raise ValueError("empty")
    return total


def read_period(text: str, now: datetime) -> Period:
    """Read when something was: a time ago, a day, week, month or year, a date, or a time of the clock.

    ``12h`` and ``3 days ago`` are moments. ``yesterday``, ``last week``, ``monday``, ``2026-01-31`` and ``2026-01`` are
    periods; weeks begin on Monday, and a weekday or a time without a date is the latest one.

    Raises
    ------
    ValueError
        If it is none of these; the message says nothing that a user needs.
    """
    plain = " ".join(text.split()).lower()
    if len(plain) > _LONGEST:
        raise ValueError("too long")
    try:
        if found := _AGO.fullmatch(plain):
            moment = _ago(1.0 if found[1] in {"a", "an"} else float(found[1]), _UNITS.get(found[2]), now)
            return moment, moment
        if _ISO.fullmatch(plain):
            moment = datetime.fromisoformat(plain.upper())
            moment = (moment if moment.tzinfo is not None else moment.astimezone()).astimezone(UTC)
            return moment, moment
        first, after = _named(plain, now.astimezone().replace(tzinfo=None))
        return _in_utc(first), _in_utc(after)
    except OverflowError as error:
        raise ValueError("out of range") from error


def _ago(count: float, unit: str | None, now: datetime) -> datetime:
    if unit in _SECONDS:
        return now - timedelta(seconds=count * _SECONDS[unit])
    if unit is None or not count.is_integer():
        raise ValueError("no unit")
    here = now.astimezone().replace(tzinfo=None)
    return _months_on(here, -int(count) * _MONTHS[unit]).astimezone().astimezone(UTC)


def _months_on(when: datetime, months: int) -> datetime:
    """Return the same day some months later, or the last day of that month."""
    year, month = divmod(12 * when.year + when.month - 1 + months, 12)
    return when.replace(year=year, month=month + 1, day=min(when.day, calendar.monthrange(year, month + 1)[1]))


def _named(plain: str, now: datetime) -> tuple[datetime, datetime]:
    """Return a period that has a name, in the time of this machine."""
    if plain == "now":
        return now, now
    today = now.replace(hour=0, minute=0, second=0, microsecond=0)
    if plain in {"today", "yesterday"}:
        first, length = today - timedelta(days=plain == "yesterday"), timedelta(days=1)
    elif plain in _WEEKDAYS:
        first, length = today - timedelta(days=(today.weekday() - _WEEKDAYS.index(plain)) % 7), timedelta(days=1)
    elif found := _NAMED.fullmatch(plain):
        return _around(today, found[2], is_last=found[1] == "last")
    elif found := _TIME.fullmatch(plain):
        at = now.replace(hour=int(found[1]), minute=int(found[2]), second=0, microsecond=0)
        first, length = at if at <= now else at - timedelta(days=1), timedelta()
    elif found := _MONTH.fullmatch(plain):
        first = today.replace(year=int(found[1]), month=int(found[2]), day=1)
        return first, _months_on(first, 1)
    elif _DAY.fullmatch(plain):
        first, length = datetime.fromisoformat(plain), timedelta(days=1)
    else:
        raise ValueError("no period")
    return first, first + min(length, _END.replace(tzinfo=None) - first)


def _in_utc(here: datetime) -> datetime:
    try:
        return here.astimezone().astimezone(UTC)
    except (OverflowError, ValueError):  # the conversion looks at the days around, and the calendar has no more
        if here.year == _END.year:
            return _END
        raise


def _around(today: datetime, unit: str, *, is_last: bool) -> tuple[datetime, datetime]:
    """Return the week, month or year that a day is in, or the one before."""
    if unit == "week":
        first = today - timedelta(days=today.weekday() + 7 * is_last)
        return first, first + timedelta(days=7)
    first = _months_on(today.replace(day=1, month=today.month if unit == "month" else 1), -is_last * _MONTHS[unit])
    return first, _months_on(first, _MONTHS[unit])


def span(seconds: float) -> str:
    """Write a time span in at most two units: ``450 ms``, ``2.5 s``, ``3 min 20 s``, ``1 h 5 min``, ``2 days 4 h``."""
    if 0 < seconds < 0.9995:  # noqa: PLR2004 -- what is not written as 1000 ms
        return f"{1000 * seconds:.0f} ms"
    if seconds < 59.95:  # noqa: PLR2004 -- what is not written as 60 s
        return f"{seconds:.1f}".removesuffix(".0") + " s"
    minutes, second = divmod(round(seconds), 60)
    if minutes < 60:  # noqa: PLR2004 -- an hour
        return f"{minutes} min" + (f" {second} s" if second else "")
    hours, minute = divmod(round(seconds / 60), 60)
    if hours < 24:  # noqa: PLR2004 -- a day
        return f"{hours} h" + (f" {minute} min" if minute else "")
    days, hour = divmod(round(seconds / 3600), 24)
    return f"{days:,} day{'s' * (days != 1)}" + (f" {hour} h" if hour else "")


def local(moment: datetime) -> str:
    """Write a moment in the time of this machine, to the minute."""
    return f"{moment.astimezone():%Y-%m-%d %H:%M}"


def ago(moment: datetime, now: datetime) -> str:
    """Write how long ago a moment was, in one unit; ``just now`` within ten seconds, or if it is still to come."""
    seconds = (now - moment).total_seconds()
    if seconds < 10:  # noqa: PLR2004 -- seconds that are no news
        return "just now"
    for limit, length, name in ((60, 1, "s"), (3600, 60, "min"), (86_400, 3600, "h")):
        if seconds < limit:
            return f"{int(seconds / length)} {name} ago"
    days = int(seconds / 86_400)
    for most, length, name in ((61, 1, "day"), (730, 30.44, "month")):
        if days < most:
            count = int(days / length)
            return f"{count} {name}{'s' * (count != 1)} ago"
    return f"{days // 365} years ago"


def when(moment: datetime, now: datetime) -> str:
    """Write a moment in the time of this machine, and how long ago that was."""
    return f"{local(moment)}, {ago(moment, now)}"
