"""Pieces of Markdown."""

from collections.abc import Iterable, Sequence
from textwrap import fill

MADE_BY = "<!-- Made by `python -m tests.reference_pages` from the code; changes by hand are lost. -->"


def head(title: str, *paragraphs: str) -> list[str]:
    """Return the lines that a page begins with."""
    return [f"# {title}", "", MADE_BY, "", *text(*paragraphs)]


def text(*paragraphs: str) -> list[str]:
    """Return the lines of paragraphs, each with an empty one after it."""
    return [
        line for each in paragraphs for line in (fill(each, 120, break_long_words=False, break_on_hyphens=False), "")
    ]


def table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return the lines of a table, with an empty one after it."""
    lines = [f"| {' | '.join(columns)} |", f"| {' | '.join('---' for _ in columns)} |"]
    lines += [f"| {' | '.join(_cell(cell) for cell in row)} |" for row in rows]
    return [*lines, ""]


def _cell(content: str) -> str:
    return content.replace("|", "\\|").replace("\n", " ")


def code(content: str) -> str:
    """Return a text as code; an empty one stays empty."""
    return f"`{content}`" if content else ""


def joined(lines: Iterable[str]) -> str:
    """Return the text of a page."""
    return "\n".join(lines).rstrip("\n") + "\n"
