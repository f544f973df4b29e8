"""Every exception from a rule names the rule and says why."""

import io
import re
import tokenize
from functools import lru_cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDERS = ["benchmarks", "config", "samplemind_cli", "samplemind_worker", "tasks", "tests"]

NOQA = re.compile(r"noqa: (?P<codes>[A-Z]+\d+(?:, [A-Z]+\d+)*) -- (?P<why>\S.*)")
IMPORT_REASONS = re.compile(r"slow import|in the child only|Linux only")


@lru_cache(maxsize=1)
def comments() -> list[tuple[str, str]]:
    return [
        (f"{path.relative_to(ROOT)}:{token.start[0]}", token.string)
        for folder in FOLDERS
        for path in sorted((ROOT / folder).rglob("*.py"))
        for token in tokenize.generate_tokens(io.StringIO(path.read_text()).readline)
        if token.type == tokenize.COMMENT
    ]


def test_every_noqa_names_its_rules_and_says_why():
    silent = [
        (place, comment)
        for place, comment in comments()
        if re.search(r"#\s*((ruff|flake8): *)?noqa", comment, re.IGNORECASE) and NOQA.search(comment) is None
    ]

    assert silent == []


def test_every_late_import_is_late_for_its_cost():
    other = [
        (place, comment)
        for place, comment in comments()
        for match in NOQA.finditer(comment)
        if "PLC0415" in match["codes"] and IMPORT_REASONS.search(match["why"]) is None
    ]

    assert other == []


def test_every_ignored_type_names_its_rule():
    bare = [
        (place, comment)
        for place, comment in comments()
        if re.search(r"#\s*(type|pyright|basedpyright): ignore(?!\[\w)", comment)
    ]

    assert bare == []
