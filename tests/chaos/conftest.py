"""Makes the stacks of the scenarios, and prints a table with the outcome of each."""

import subprocess
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from tests.chaos.stack import Outcome, Stack

_OUTCOME = "chaos"


@pytest.fixture
def stack(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Callable[..., Stack]]:
    """Make stacks with a scenario's own settings; they are taken down after it."""
    made: list[Stack] = []

    def make(*, own_workers: bool = False, **environment: str) -> Stack:
        made.append(Stack(tmp_path, own_workers=own_workers, **environment))
        return made[-1]

    yield make
    for one in made:
        one.close()
        # Scenarios may run in other processes: only reports come back from them.
        request.node.user_properties.append((_OUTCOME, asdict(one.outcome)))


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Callable[[str, int], Path]]:
    """Make file systems in memory with so many MiB."""
    mounted: list[Path] = []

    def make(name: str, size: int) -> Path:
        path = tmp_path / name
        path.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}m,mode=0700", "tmpfs", str(path)], check=True)
        mounted.append(path)
        return path

    yield make
    for path in mounted:
        subprocess.run(["umount", "-l", str(path)], check=True)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the table."""
    reports: list[Any] = [report for found in terminalreporter.stats.values() for report in found]
    failed = {report.nodeid for report in terminalreporter.stats.get("failed", [])}
    rows = {
        report.nodeid: Outcome(**values)
        for report in reports
        if getattr(report, "when", None) == "teardown"
        for name, values in report.user_properties
        if name == _OUTCOME
    }
    if not rows:
        return
    terminalreporter.section("chaos")
    terminalreporter.line(
        f"{'scenario':58} {'faults':>6} {'files':>6} {'seconds':>7} {'lost':>5} {'doubled':>7}  verdict"
    )
    for nodeid, one in sorted(rows.items()):
        name = nodeid.partition("::test_")[2]
        terminalreporter.line(
            f"{name[:58]:58} {one.faults:6} {one.files:6} {one.seconds:7.1f} {one.lost:5} {one.doubled:7}  "
            + ("FAIL" if nodeid in failed else "pass")
        )
        for note in one.notes:
            terminalreporter.line(f"    {note}")
