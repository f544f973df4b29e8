"""The OpenAPI document keeps what `docs/api.md` promises, and that file names every route."""

import re
from pathlib import Path
from typing import Any

import pytest

from config.settings import Settings
from samplemind_web.app import PREFIX, create_app

DOCUMENT: dict[str, Any] = create_app(Settings.model_construct(web_origins=())).openapi()
TOLD = (Path(__file__).parents[2] / "docs" / "api.md").read_text()
OPERATIONS = [
    (method.upper(), path, operation)
    for path, operations in DOCUMENT["paths"].items()
    for method, operation in operations.items()
]


def plain(path: str) -> str:
    """A path without the names of what stands for ids in it."""
    return re.sub(r"\{\w+\}|\b(?:NAME|ID|RUN|VERSION)\b", "{}", path.removeprefix(PREFIX))


def told() -> set[tuple[str, str]]:
    """The routes that the document names, such as `GET /samples` or `GET` and `HEAD /samples/{file_id}/audio`."""
    found: set[tuple[str, str]] = set()
    for methods, path in re.findall(r"`((?:[A-Z]+`(?:, | and |/)`)*[A-Z]+) (/[\w{}/.-]*)", TOLD):
        found |= {(method, plain(path)) for method in re.findall(r"[A-Z]+", methods)}
    return found


def test_the_document_names_every_route_and_no_other():
    served = {(method, plain(path)) for method, path, _ in OPERATIONS}

    assert sorted(served - told()) == []
    assert sorted(told() - served) == []


def bodies() -> set[str]:
    """The schemas of the bodies that are JSON."""
    found: set[str] = set()
    for _, _, operation in OPERATIONS:
        content = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
        found |= set(re.findall(r"schemas/(\w+)", str(content)))
    return found


@pytest.mark.parametrize("name", sorted(bodies()))
def test_a_body_with_an_unknown_field_is_refused(name: str):
    assert DOCUMENT["components"]["schemas"][name]["additionalProperties"] is False


def test_which_routes_take_an_idempotency_key_is_told():
    takers = {
        plain(path)
        for _, path, operation in OPERATIONS
        if any(each["name"] == "Idempotency-Key" for each in operation.get("parameters", ()))
    }
    [sentence] = re.findall(r"\*\*Idempotency\*\*: (.*?) takes?\s+`Idempotency-Key`", TOLD, re.DOTALL)

    assert {plain(path) for path in re.findall(r"(/[\w{}/]+)", sentence)} == takers
