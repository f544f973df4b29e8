from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import get_settings
from samplemind_cli.app import run
from tests.command import Cli


@pytest.fixture
def cli(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Iterator[Cli]:
    """The command line in a home folder of its own, for commands that need no service."""
    monkeypatch.setenv("SAMPLEMIND_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()

    def call(*arguments: str) -> tuple[int, str, str]:
        code = run(list(arguments))
        out, err = capsys.readouterr()
        return code, out, err

    yield call
    get_settings.cache_clear()
