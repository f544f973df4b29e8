"""axe-core in the page: what keeps people from using it."""

from typing import Any

from playwright.sync_api import Page

from tests.page.chromium import SOURCES

_AXE = SOURCES / "node_modules" / "axe-core" / "axe.min.js"
# A colour that is still changing has no contrast to speak of; what turns for ever cannot be ended.
_AT_REST = """() => document.getAnimations()
    .filter(each => each.effect.getComputedTiming().endTime < Infinity)
    .forEach(each => each.finish())"""
_RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def violations(page: Page) -> list[str]:
    """The violations of WCAG 2.2 AA in what the page shows now: rule, and the elements."""
    page.evaluate(_AXE.read_text(encoding="utf-8"))
    page.evaluate(_AT_REST)
    found: dict[str, Any] = page.evaluate("rules => axe.run(document, { runOnly: rules })", _RULES)
    return [
        f"{rule['id']}: {node['target']} {node['failureSummary']}"
        for rule in found["violations"]
        for node in rule["nodes"]
    ]


def check(page: Page) -> None:
    """Check what the page shows now in both themes, and that nothing is wider than a phone."""
    for scheme in ("dark", "light"):
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        page.evaluate("theme => { document.documentElement.dataset.theme = theme }", scheme)
        found = violations(page)
        assert found == [], f"{scheme}: {found}"
    before = page.viewport_size
    assert before is not None
    page.set_viewport_size({"width": 390, "height": 844})
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    found = violations(page)
    assert found == [], f"on a phone: {found}"
    page.set_viewport_size(before)
