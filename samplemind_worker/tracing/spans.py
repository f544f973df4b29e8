"""Begins and ends spans if this process sends traces; otherwise it does nothing, and loads nothing."""

import hashlib
from collections.abc import Generator, Mapping
from contextlib import AbstractContextManager, contextmanager
from typing import Protocol

Attributes = Mapping[str, str | int | float]


class Tracer(Protocol):
    """Where spans go."""

    def begin(self, parcel_id: str, attributes: Attributes) -> None:
        """Record the dispatch of a parcel: the first span of its trace."""
        ...

    def step(self, name: str, parcel_id: str, attributes: Attributes) -> AbstractContextManager[None]:
        """Return a span of a parcel's trace, for a block."""
        ...

    def span(self, name: str, attributes: Attributes) -> AbstractContextManager[None]:
        """Return a span within the current one, for a block."""
        ...

    def annotate(self, attributes: Attributes) -> None:
        """Add attributes to the current span."""
        ...

    def flush(self) -> None:
        """Send what has ended."""
        ...


_tracer: Tracer | None = None


def turn_on(tracer: Tracer) -> None:
    """Send the spans of this process to ``tracer``."""
    global _tracer  # noqa: PLW0603 -- one tracer per process
    _tracer = tracer


def is_on() -> bool:
    """Return whether this process sends spans."""
    return _tracer is not None


def turn_off() -> None:
    """Send no more spans of this process."""
    global _tracer  # noqa: PLW0603 -- one tracer per process
    _tracer = None


def trace_of(parcel_id: str) -> str:
    """Return the id of a parcel's trace: 32 hexadecimal digits."""
    return hashlib.blake2b(parcel_id.encode(), digest_size=16, person=b"trace").hexdigest()


def first_span_of(parcel_id: str) -> str:
    """Return the id of the first span of a parcel's trace: 16 hexadecimal digits."""
    return hashlib.blake2b(parcel_id.encode(), digest_size=8, person=b"span").hexdigest()


def begin(parcel_id: str, attributes: Attributes) -> None:
    """Record that a parcel was dispatched."""
    if _tracer is not None:
        _tracer.begin(parcel_id, attributes)


@contextmanager
def step(name: str, parcel_id: str, attributes: Attributes) -> Generator[None]:
    """Trace a step of a parcel while the block runs, and send the spans when it has ended."""
    if _tracer is None:
        yield
        return
    try:
        with _tracer.step(name, parcel_id, attributes):
            yield
    finally:
        _tracer.flush()


@contextmanager
def span(name: str, attributes: Attributes) -> Generator[None]:
    """Trace a block within the current span; an error that leaves it is noted by its type alone."""
    if _tracer is None:
        yield
        return
    with _tracer.span(name, attributes):
        yield


def annotate(attributes: Attributes) -> None:
    """Add attributes to the current span."""
    if _tracer is not None:
        _tracer.annotate(attributes)


def flush() -> None:
    """Send what has ended, before the process ends."""
    if _tracer is not None:
        _tracer.flush()
