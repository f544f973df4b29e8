"""Stacks for the scenarios, and the table at the end: scenario, faults, files, seconds, lost, doubled, verdict."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.stack import Outcome, Stack

_KEY = pytest.StashKey[list[tuple[str, Outcome, bool]]]()


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make a stack with settings of the scenario's own; it is taken down after it."""
    made: list[Stack] = []

    def make(*, own_workers: bool = False, **environment: str) -> Stack:
        made.append(Stack(tmp_path, own_workers=own_workers, **environment))
        return made[-1]

    yield make
    for one in made:
        one.close()
        rows = request.config.stash.setdefault(_KEY, [])
        rows.append((request.node.name.removeprefix("test_"), one.outcome, not request.node.stash.get(_FAILED, False)))


_FAILED = pytest.StashKey[bool]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Any:
    """Remember whether a scenario failed."""
    report = yield
    if report.when == "call":
        item.stash[_FAILED] = report.failed
    return report


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table."""
    rows = config.stash.get(_KEY, [])
    if not rows:
        return
    terminalreporter.section("chaos")
    terminalreporter.line(
        f"{'scenario':58} {'faults':>6} {'files':>6} {'seconds':>7} {'lost':>5} {'doubled':>7}  verdict"
    )
    for name, one, passed in rows:
        terminalreporter.line(
            f"{name[:58]:58} {one.faults:6} {one.files:6} {one.seconds:7.1f} {one.lost:5} {one.doubled:7}  "
            + ("pass" if passed else "FAIL")
        )
        for note in one.notes:
            terminalreporter.line(f"    {note}")
