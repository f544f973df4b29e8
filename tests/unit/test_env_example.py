"""`.env.example` shows every setting with its default, and nothing else."""

import re
from collections import Counter
from pathlib import Path

import pytest

from config.settings import Settings, variable

PROJECT = Path(__file__).parents[2]
EXAMPLE = (PROJECT / ".env.example").read_text()
SETTINGS, COMPOSE_ONLY = EXAMPLE.split("# --- docker-compose.yml only")
VARIABLE = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)


def test_every_setting_is_there_once_and_no_other() -> None:
    names = Counter(name for name, _ in VARIABLE.findall(SETTINGS))
    assert names == Counter(variable(field) for field in Settings.model_fields)


def test_every_line_is_a_variable_or_an_explanation() -> None:
    lines = [line for line in EXAMPLE.splitlines() if line and not line.startswith("# ")]
    assert all(VARIABLE.fullmatch(line) for line in lines)


def test_the_values_shown_are_the_defaults(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in Settings.model_fields:
        monkeypatch.delenv(variable(name), raising=False)
    file = tmp_path / ".env"
    file.write_text("".join(f"{name}={value}\n" for name, value in VARIABLE.findall(SETTINGS)))
    assert Settings(_env_file=file) == Settings(_env_file=None)


def test_a_default_that_is_a_plain_value_is_shown() -> None:
    shown = dict(VARIABLE.findall(SETTINGS))
    for field, info in Settings.model_fields.items():
        plain = info.default_factory is None and info.default is not None
        assert bool(shown[variable(field)]) == plain, field


def test_the_variables_of_the_compose_file_are_there() -> None:
    compose = (PROJECT / "docker-compose.yml").read_text()
    wanted = set(re.findall(r"(?<!\$)\$\{(\w+)", compose)) - {name for name, _ in VARIABLE.findall(SETTINGS)}
    assert {name for name, _ in VARIABLE.findall(COMPOSE_ONLY)} == wanted
