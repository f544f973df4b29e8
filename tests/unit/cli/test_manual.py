"""The manual page: it holds what the help holds, reads well at 80 columns, and is in the wheel."""

import re
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer

from config.settings import Settings, variable
from samplemind_cli import manual
from samplemind_cli.app import app

TOP = Path(__file__).parents[3]

needs_groff = pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")


@pytest.fixture(scope="module")
def page() -> str:
    return manual.page("1.2.3")


def commands(group: Any, path: str = "samplemind") -> Iterator[tuple[str, Any]]:
    for name, command in group.commands.items():
        if hasattr(command, "commands"):
            yield from commands(command, f"{path} {name}")
        else:
            yield f"{path} {name}", command


def plain(roff: str) -> str:
    """The text of a page without what roff needs."""
    for escape, letter in ((r"\-", "-"), (r"\(aq", "'"), (r"\(ti", "~"), (r"\(ga", "`"), (r"\(dq", '"'), (r"\e", "\\")):
        roff = roff.replace(escape, letter)
    return re.sub(r"\\f[BR]", "", roff)


def test_every_command_is_there_with_its_text_and_all_options(page: str):
    parts = plain(page).split(".SS ")[1:]
    told = {part.split(" [OPTIONS]")[0]: " ".join(part.split()) for part in parts}

    whole = dict(commands(typer.main.get_command(app)))
    assert [*told] == [*whole]
    for path, command in whole.items():
        for paragraph in command.help.strip().split("\n\n"):
            assert " ".join(paragraph.split()) in told[path]
        for parameter in command.params:
            for option in parameter.opts if parameter.param_type_name == "option" else ():
                assert f"{option}" in told[path], (path, option)


def test_the_variables_are_settings():
    known = {variable(name) for name in Settings.model_fields} | {"NO_COLOR"}

    assert {name for names, _ in manual.ENVIRONMENT for name in names.split(", ")} <= known


def test_a_text_cannot_be_taken_for_a_request():
    assert manual.escaped(".so /etc/passwd") == r"\&.so /etc/passwd"
    assert manual.escaped("'tis a -\\n ü") == r"\(aqtis a \-\en \[u00FC]"


@needs_groff
def test_groff_has_nothing_to_complain_of(page: str):
    done = subprocess.run(
        ["groff", "-man", "-ww", "-z", "-Tutf8"], check=False, input=page, capture_output=True, text=True
    )

    assert (done.returncode, done.stderr) == (0, "")


@needs_groff
def test_it_fits_80_columns(page: str):
    done = subprocess.run(
        ["groff", "-man", "-Tutf8", "-rLL=78n", "-P-cbou"], input=page, capture_output=True, text=True, check=True
    )

    lines = done.stdout.splitlines()
    assert max(map(len, lines)) <= 80
    assert lines[0].split()[0] == "SAMPLEMIND(1)"
    headings = [line for line in lines if re.fullmatch(r"[A-Z]+( [A-Z]+)*", line)]
    assert headings == [
        *("NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS", "ENVIRONMENT", "FILES"),
    ]


def test_a_wheel_brings_it(tmp_path: Path):
    # A copy: the build must not touch what other tests read.
    for name in ("config", "tasks", "samplemind_cli", "samplemind_worker"):
        shutil.copytree(TOP / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "samplemind_web").mkdir()
    for name in ("pyproject.toml", "hatch_build.py", "README.md", "LICENSE"):
        shutil.copy(TOP / name, tmp_path)

    subprocess.run(
        [sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path / "dist")],
        cwd=tmp_path,
        check=True,
        capture_output=True,
    )

    (wheel,) = (tmp_path / "dist").glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        (name,) = [name for name in files.namelist() if name.endswith(".data/data/share/man/man1/samplemind.1")]
        assert files.read(name).decode() == manual.page(wheel.name.split("-")[1])
