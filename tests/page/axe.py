"""Runs axe-core, which checks the rules of WCAG, on what a browser shows."""

from functools import cache

from playwright.sync_api import Page

from samplemind_web.page_files import BUILT

_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]


@cache
def _script() -> str:
    return (BUILT.parent / "node_modules" / "axe-core" / "axe.min.js").read_text()


def violations(page: Page) -> list[str]:
    """What axe finds wrong: the rule, what it is about, and where."""
    page.evaluate(_script())
    found = page.evaluate("rules => axe.run(document, {runOnly: rules})", _RULES)
    return [
        f"{violation['id']}: {violation['help']}: {node['html'][:200]}"
        for violation in found["violations"]
        for node in violation["nodes"]
    ]
