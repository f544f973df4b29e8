"""The command as its users run it, with private services and workers of its own."""

import json
import os
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from samplemind_worker.local_services import stop

SAMPLEMIND = Path(sys.executable).with_name("samplemind")


@dataclass(frozen=True)
class Done:
    """A command that ended."""

    code: int
    out: str
    err: str

    @property
    def object(self) -> dict[str, Any]:
        return json.loads(self.out)

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


class Command:
    """Runs `samplemind` against one home."""

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        kept = {name: value for name, value in os.environ.items() if not name.startswith("SAMPLEMIND_")}
        # On PATH, so that messages call it by its name alone.
        path = f"{SAMPLEMIND.parent}{os.pathsep}{kept['PATH']}"
        self.environment = {**kept, "PATH": path, "SAMPLEMIND_HOME": str(home), **environment}

    def __call__(self, *arguments: str | Path, timeout: float = 120) -> Done:
        process = self.start(*arguments)
        try:
            out, err = process.communicate(timeout=timeout)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            out, err = process.communicate()
            raise AssertionError(f"samplemind {arguments} did not end: {out}\n{err}") from None
        return Done(process.returncode, out, err)

    def start(self, *arguments: str | Path) -> subprocess.Popen[str]:
        command = [str(SAMPLEMIND), *map(str, arguments)]
        return subprocess.Popen(
            command,
            env=self.environment,
            cwd=self.home.parent,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )


@pytest.fixture(scope="module")
def samplemind() -> Iterator[Command]:
    """The command, whose services are stopped after the module's tests."""
    with tempfile.TemporaryDirectory(prefix="samplemind-test-") as folder:
        home = Path(folder) / "home"
        yield Command(home, SAMPLEMIND_DISPATCH_SECONDS="1", SAMPLEMIND_LEASE_SECONDS="10")
        stop(Settings(home=home, _env_file=None))


@pytest.fixture
def fresh_command(tmp_path: Path) -> Iterator[Callable[..., Command]]:
    """A command with a home of this test alone, and the environment it asks for."""
    homes: list[Path] = []

    def make(**environment: str) -> Command:
        homes.append(tmp_path / f"home{len(homes)}")
        return Command(homes[-1], **environment)

    yield make
    for home in homes:
        stop(Settings(home=home, _env_file=None))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print what each drill took."""
    reports: list[Any] = [report for found in terminalreporter.stats.values() for report in found]
    said = [
        value
        for report in reports
        if getattr(report, "when", None) == "call"
        for name, value in report.user_properties
        if name == "drill"
    ]
    if said:
        terminalreporter.section("drills")
        for line in said:
            terminalreporter.line(line)
