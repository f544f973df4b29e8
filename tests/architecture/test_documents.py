"""What the documents say of the layout of the code is true."""

import re
import tomllib
from pathlib import Path

import pytest

from samplemind_worker.documents.collections import DOCUMENTS as COLLECTIONS

ROOT = Path(__file__).parents[2]
ENGINE = ROOT / "samplemind_worker"
ARCHITECTURE = (ROOT / "ARCHITECTURE.md").read_text()
DOCUMENTS = sorted(
    str(path.relative_to(ROOT))
    for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), ROOT / "deployment" / "runbook.md"]
    if path.name != "CHANGELOG.md"
)
FILE = re.compile(r"`([\w./*-]+\.(?:py|toml|md|yaml|yml|service|timer))`")
OF_USERS = {"samplemind.toml", "pinned.yml", "kustomization.yaml"}
FOLDERS = [
    "config",
    "deployment",
    "docs",
    "samplemind_cli",
    "samplemind_web",
    "samplemind_worker",
    "tasks",
    "tests",
    "training",
    "benchmarks",
]


def exists(name: str) -> bool:
    """Whether there is a file of this path in the project or the engine, or of this name in any folder of ours."""
    if any(any(top.glob(name)) for top in (ROOT, ENGINE)):
        return True
    return "/" not in name and any(any((ROOT / folder).rglob(name)) for folder in FOLDERS)


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_a_document_names_exist(document: str):
    named = set(FILE.findall((ROOT / document).read_text())) - OF_USERS

    assert sorted(name for name in named if not exists(name)) == []


def test_every_package_has_a_line_in_the_architecture():
    rows = "\n".join(re.findall(r"^\| (`.+?) \|", ARCHITECTURE, re.MULTILINE))
    modules = {path.stem for path in ENGINE.iterdir() if path.suffix == ".py" or (path / "__init__.py").exists()}

    assert sorted(name for name in modules - {"__init__"} if f"`{name}`" not in rows) == []


def test_layers_of_the_architecture_are_those_that_lint_holds():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"]
    held = next(each["layers"] for each in contracts if each.get("containers") == ["samplemind_worker"])
    drawn = ARCHITECTURE.partition("## What may import what\n")[2].split("```")[1]
    lines = [line.removeprefix("samplemind_worker:").strip() for line in drawn.strip().splitlines()]

    assert [line for line in lines if line not in {"samplemind_cli | samplemind_web", "tasks", "config"}] == held


def test_every_collection_has_a_line_in_the_architecture():
    table = ARCHITECTURE.partition("\n## Documents\n")[2].partition("\n## ")[0]
    collections = [document.Settings.name for document in COLLECTIONS]  # pyright: ignore[reportAttributeAccessIssue]

    assert sorted(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == sorted(collections)
