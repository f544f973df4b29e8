"""`config` shows where each value is from, and no secret."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.settings import Settings, get_settings
from samplemind_cli.app import run


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("SAMPLEMIND_HOME", str(tmp_path / "home"))
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


def shown(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, tuple[object, str | None]]:
    assert run(["config", "--json", *arguments]) == 0
    rows = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    return {row["name"]: (row["value"], row["from"]) for row in rows}


def test_names_the_source_of_each_value(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
):
    own = tmp_path / "config" / "samplemind" / "samplemind.toml"
    own.parent.mkdir(parents=True)
    own.write_text("concurrency = 3\nio_concurrency = 5\n")
    own.chmod(0o600)
    env_file = tmp_path / ".env"
    env_file.write_text("SAMPLEMIND_IO_CONCURRENCY=6\n")
    monkeypatch.setenv("SAMPLEMIND_ENV_FILE", str(env_file))

    found = shown(capsys)

    assert sorted(found) == sorted(Settings.model_fields)
    assert found["concurrency"] == (3, f"concurrency in {own}")
    assert found["io_concurrency"] == (6, f"SAMPLEMIND_IO_CONCURRENCY in {env_file}")
    assert found["home"] == (str(tmp_path / "home"), "SAMPLEMIND_HOME in the environment")
    assert found["ai_concurrency"] == (8, None)
    assert sorted(shown(capsys, "--changed")) == ["concurrency", "env_file", "home", "io_concurrency"]
    assert not (tmp_path / "home").exists()


def test_hides_secrets(capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("GEMINI_API_KEY", "sesame")
    monkeypatch.setenv("SAMPLEMIND_MONGODB_URL", "mongodb://user:sesame@example.org")

    assert run(["config"]) == 0
    out, err = capsys.readouterr()

    assert "sesame" not in out + err
    assert "GEMINI_API_KEY in the environment" in out
