"""The version that each message carries, and what is done with messages of another release.

A message names the version in which its publisher wrote it (`config.task_names.WIRE`); one that names none is of the
releases before there was any, which is version 1. A worker takes messages of its own version and of all earlier ones.
One of a later version is put down untouched: its files wait in the record, and the dispatcher sends them again, until a
worker of that release takes them.
"""

from typing import Any, Final

from celery import Task, signals

from config.task_names import WIRE

HEADER: Final = "samplemind_wire"
_FIRST: Final = 1


def install() -> None:
    """Have every message that this process publishes carry the version."""
    signals.before_task_publish.connect(_mark, dispatch_uid="samplemind.wire")


def _mark(*, headers: dict[str, Any] | None = None, **_: Any) -> None:
    if headers is not None:
        headers[HEADER] = WIRE


def version_of(task: Task[..., Any]) -> int:
    """Return the version of the message that a running task came with."""
    found: Any = getattr(task.request, HEADER, None)
    return found if isinstance(found, int) else _FIRST


def is_readable(task: Task[..., Any]) -> bool:
    """Return whether this release knows what the message of a running task means."""
    return version_of(task) <= WIRE
