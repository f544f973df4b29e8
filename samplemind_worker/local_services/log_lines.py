"""Reads one line of a worker's log, in either of its two forms (`config.log_options`), into its parts."""

import ast
import json
import re
from datetime import UTC, datetime
from typing import Any, Final

from typing_extensions import TypedDict

_TEXT: Final = re.compile(
    r"(?P<at>\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3})Z (?P<level>\S+) +(?P<process>\S+) (?P<event>.*?)"
    r" (?P<task>[0-9a-f-]{36})? (?P<parcel>[0-9a-f]{24})? (?P<fields>\{.*?\})?(?: \| (?P<traceback>.*))?"
)


class LogLine(TypedDict):
    """A line of the log of a private worker."""

    at: str | None
    """When it was logged (UTC, ISO 8601); null for what another program wrote into the log."""
    level: str | None
    """Its level, such as `INFO` or `WARNING`."""
    process: str | None
    """Which process logged it."""
    event: str | None
    """What happened: a name such as `file.failed`, or the message of a library."""
    task: str | None
    """The id of the Celery task."""
    parcel: str | None
    """The id of the parcel."""
    fields: dict[str, Any]
    """What belongs to the event, such as `batch`, `path`, `code` and `message`."""
    line: str
    """The line as it stands in the log."""


def read(line: bytes) -> LogLine:
    """Return the parts of a line; of one that no worker has formed, the line alone."""
    text = line.decode("utf-8", "backslashreplace")
    made: LogLine = {
        "at": None,
        "level": None,
        "process": None,
        "event": None,
        "task": None,
        "parcel": None,
        "fields": {},
        "line": text,
    }
    if text.startswith("{"):
        _add_json(made, text)
    elif found := _TEXT.fullmatch(text):
        moment = datetime.strptime(found["at"], "%Y-%m-%d %H:%M:%S.%f").replace(tzinfo=UTC)
        made.update(
            at=_iso(moment),
            level=found["level"],
            process=found["process"],
            event=found["event"],
            task=found["task"],
            parcel=found["parcel"],
            fields=_fields(found["fields"]),
        )
    return made


def _add_json(made: LogLine, text: str) -> None:
    try:
        record = json.loads(text)["record"]
        extra, moment = record["extra"], datetime.fromtimestamp(record["time"]["timestamp"], UTC)
    except (ValueError, KeyError, TypeError):
        return
    made.update(
        at=_iso(moment),
        level=record["level"]["name"],
        process=extra["process"],
        event=record["message"],
        task=extra["task"] or None,
        parcel=extra["parcel"] or None,
        fields=extra["fields"] or {},
    )


def _iso(moment: datetime) -> str:
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")


def _fields(text: str | None) -> dict[str, Any]:
    try:
        read: object = ast.literal_eval(text or "{}")
    except (ValueError, SyntaxError):  # it was cut, or holds what has no literal
        return {}
    return dict(read) if isinstance(read, dict) else {}  # pyright: ignore[reportUnknownArgumentType]
