"""What the documents say of the layout of the code is true."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import typer

from samplemind_cli.app import app
from samplemind_worker.documents.collections import DOCUMENTS as COLLECTIONS
from tests.documents import blocks

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
TEACHING = ("docs/tutorials/", "docs/how-to/", "docs/explanations/")
COMMANDS: dict[str, Any] = typer.main.get_command(app).commands  # pyright: ignore[reportAttributeAccessIssue]
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


def headings(document: Path) -> set[str]:
    """The names by which the headings of a document are linked, as GitHub makes them."""
    lines = re.findall(r"^#+ (.+)$", document.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", line.replace("`", "")).strip().lower().replace(" ", "-") for line in lines}


@pytest.mark.parametrize("document", DOCUMENTS)
def test_files_that_a_document_names_exist(document: str):
    named = set(FILE.findall((ROOT / document).read_text())) - OF_USERS

    assert sorted(name for name in named if not exists(name)) == []


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_of_a_document_lead_to_what_is_there(document: str):
    path = ROOT / document
    links = re.findall(r"\]\(([^)\s]+)\)", re.sub(r"```.*?```", "", path.read_text(), flags=re.DOTALL))
    missing: list[str] = []
    for link in links:
        name, _, heading = link.partition("#")
        target = (path.parent / name).resolve() if name else path
        if not link.startswith(("https:", "http:")) and not (
            target.exists() and (not heading or heading in headings(target))
        ):
            missing.append(link)

    assert missing == []


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.startswith(TEACHING)])
def test_commands_that_the_tests_do_not_run_are_commands(document: str):
    for block in blocks(ROOT / document):
        for command in re.findall(r"^(?:docker .* exec .*)?samplemind (\w+.*)", block.commands, re.MULTILINE):
            if block.not_run:
                name, *rest = shlex.split(command)
                COMMANDS[name].make_context(name, rest).close()


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.startswith(TEACHING)])
def test_every_teaching_document_is_on_the_map(document: str):
    name = document.removeprefix("docs/")

    assert f"]({name})" in (ROOT / "docs" / "README.md").read_text()


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
