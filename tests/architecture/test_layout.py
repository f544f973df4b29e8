import ast
import importlib.metadata
import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ["config", "samplemind_cli", "samplemind_web", "samplemind_worker", "tasks"]
HEAVY = {
    "beanie", "celery", "chromadb", "kombu", "librosa", "loguru", "numba", "numpy", "pydantic", "pydantic_settings",
    "pymongo", "redis", "rich", "scipy", "soundfile", "typer",
}  # fmt: skip


def python(code: str) -> str:
    """What a new interpreter prints that runs this code in the project."""
    # -I: neither the environment nor the working folder has a say; the installation alone leads to the packages.
    done = subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PACKAGES)
def test_package_loads_from_this_project(name: str):
    assert python(f"import {name}; print({name}.__file__)") == f"{ROOT / name / '__init__.py'}\n"


@pytest.mark.parametrize("name", PACKAGES)
def test_package_has_no_other_owner(name: str):
    # An editable installation lists no files, so ours may be without an owner; a foreign one would be named here.
    assert set(importlib.metadata.packages_distributions().get(name, ["samplemind"])) == {"samplemind"}


@pytest.mark.parametrize("name", PACKAGES)
def test_package_is_a_docstring_only(name: str):
    body = ast.parse((ROOT / name / "__init__.py").read_text()).body

    assert [type(node).__name__ for node in body] == ["Expr"]


@pytest.mark.parametrize("name", [*PACKAGES, "samplemind_worker.errors", "config.queues", "config.task_names"])
def test_importing_loads_nothing_heavy(name: str):
    loaded = json.loads(python(f"import {name}, json, sys; print(json.dumps(sorted(sys.modules)))"))

    assert sorted({module.partition(".")[0] for module in loaded} & HEAVY) == []


def test_modules_stay_under_400_lines():
    lengths = {
        str(path.relative_to(ROOT)): len(path.read_text().splitlines())
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
    }

    assert {path: length for path, length in lengths.items() if length >= 400} == {}


def test_every_module_says_what_it_is_for():
    silent = [
        str(path.relative_to(ROOT))
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        if ast.get_docstring(ast.parse(path.read_text())) is None
    ]

    assert silent == []


def test_events_of_the_log_keep_their_fields():
    # A line of plain text has ``fields`` alone; what is bound under other names is lost there.
    bound = [
        f"{path.relative_to(ROOT)}:{node.lineno}"
        for package in PACKAGES
        for path in (ROOT / package).rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Attribute) and node.attr == "bind" and ast.unparse(node.value) == "logger"
    ]

    assert bound == []
