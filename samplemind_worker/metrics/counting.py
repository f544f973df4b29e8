"""Counts what happens, if this process serves metrics; otherwise it does nothing, and costs nothing.

It loads no library, because commands import what counts.
"""

from typing import Protocol

from samplemind_worker.metrics.definitions import Metric


class Counters(Protocol):
    """Where counts go."""

    def add(self, metric: Metric, amount: float, labels: dict[str, str]) -> None:
        """Add to a counter."""
        ...

    def observe(self, metric: Metric, value: float, labels: dict[str, str]) -> None:
        """Add a value to a histogram."""
        ...


_counters: Counters | None = None


def turn_on(counters: Counters) -> None:
    """Send the counts of this process, and of its children, to ``counters``."""
    global _counters  # noqa: PLW0603 -- one endpoint per process
    _counters = counters


def turn_off() -> None:
    """Count no more in this process."""
    global _counters  # noqa: PLW0603 -- one endpoint per process
    _counters = None


def add(metric: Metric, amount: float = 1, **labels: str) -> None:
    """Add to a counter; 0 makes it known with its labels."""
    if _counters is not None:
        _counters.add(metric, amount, labels)


def observe(metric: Metric, value: float, **labels: str) -> None:
    """Add a value to a histogram."""
    if _counters is not None:
        _counters.observe(metric, value, labels)
