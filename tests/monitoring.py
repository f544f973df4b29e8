"""The rules and dashboards of deployment/monitoring, and what their expressions ask for."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import promql_parser
import yaml

FOLDER = Path(__file__).parents[1] / "deployment" / "monitoring"
RULES: list[dict[str, Any]] = [
    rule for group in yaml.safe_load((FOLDER / "rules.yaml").read_text())["groups"] for rule in group["rules"]
]
DASHBOARDS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted((FOLDER / "dashboards").glob("*.json"))
}


def panels() -> Iterator[tuple[str, str]]:
    """The name and an expression of each panel."""
    for name, board in DASHBOARDS.items():
        for panel in board["panels"]:
            for target in panel["targets"]:
                yield f"{name}: {panel['title']}", target["expr"]


def expressions() -> list[tuple[str, str]]:
    """The name and the expression of each alert, and of each panel."""
    return [*((rule["alert"], rule["expr"]) for rule in RULES), *panels()]


def selectors(expression: str) -> list[Any]:
    """The selectors of series in an expression; raises ValueError if it is none."""
    found: list[Any] = []
    left = [promql_parser.parse(expression)]
    while left:
        node = left.pop()
        if isinstance(node, promql_parser.VectorSelector):
            found.append(node)
        for name in ("lhs", "rhs", "expr", "param", "args", "vector_selector"):
            child = getattr(node, name, None)
            left += child if isinstance(child, list) else [] if child is None else [child]
    return found


def matches(selector: Any, name: str, labels: dict[str, str]) -> bool:
    """Whether a selector takes a series."""
    if selector.name != name:
        return False
    for matcher in selector.matchers.matchers:
        value = labels.get(matcher.name, "")
        equal = matcher.op in (promql_parser.MatchOp.Equal, promql_parser.MatchOp.Re)
        pattern = matcher.value if "Re" in str(matcher.op) else re.escape(matcher.value)
        if bool(re.fullmatch(pattern, value)) != equal:
            return False
    return True
