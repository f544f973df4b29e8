"""All pages of docs/reference."""

from pathlib import Path
from typing import Final

from tests.reference_pages import commands, failures, json_objects, metrics, settings

FOLDER: Final = Path(__file__).parents[2] / "docs" / "reference"
COMMAND: Final = "python -m tests.reference_pages"


def written() -> dict[str, str]:
    """Return the text of each page, by the name of its file."""
    return {
        "commands.md": commands.page(),
        "settings.md": settings.page(),
        "json.md": json_objects.page(),
        "metrics.md": metrics.page(),
        "failures.md": failures.page(),
    }


def stale() -> list[str]:
    """Return the names of the pages that are not what would be written, or that nothing writes."""
    pages = written()
    there = {path.name: path.read_text() for path in FOLDER.iterdir()}
    return sorted(name for name in {*pages, *there} if pages.get(name) != there.get(name))
