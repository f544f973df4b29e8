"""The form of ``fl-studio``: the file ``Tags`` of FL Studio's browser. Experimental: nobody has confirmed it yet.

The format is not documented. Three open writers of it agree: UTF-8; a first line ``@TagCase=*`` with all tags; then a
line per file with its path in double quotes and its tags, divided by commas. FL Studio keeps the file in
``FL Studio/Settings/Browser`` of its user data, and reads it when it starts.
"""

import csv
import io
from pathlib import Path
from typing import Final

from samplemind_worker.errors import NotWrittenError, UsageError
from samplemind_worker.interchange.lists import Entry, require_text
from samplemind_worker.interchange.tags import Tags

_HEAD: Final = "@TagCase=*"
_KINDS: Final = {"one_shot": "One-shot", "loop": "Loop", "track": "Track"}


def words_of(tags: Tags) -> list[str]:
    """Return the tags of a sound."""
    found = [
        None if tags.instrument is None else tags.instrument.replace("_", " ").capitalize(),
        None if tags.kind is None else _KINDS[tags.kind],
        tags.key,
        None if tags.tempo is None else f"{round(tags.tempo)} BPM",
    ]
    return [each for each in found if each is not None]


class BrowserTags:
    """The tags of FL Studio's browser; files and tags that the file has already are kept."""

    def require(self, path: Path) -> None:
        """Refuse names that a line cannot hold."""
        if any(letter in require_text(path) for letter in '\n\r"'):
            raise NotWrittenError("its name has a line break or a quotation mark, which the list cannot hold")

    def render(self, entries: list[Entry], *, folder: Path | None, before: bytes) -> bytes:
        """Return the file with these tags added."""
        del folder
        head, tags, files = _read(before)
        for entry in entries:
            there = files.setdefault(str(entry.path), [])
            for word in words_of(entry.tags):
                if word not in there:
                    there.append(word)
                if word not in tags:
                    tags.append(word)
        lines = [",".join([head, *map(_quoted, tags)])]
        lines += [",".join([f'"{path}"', *map(_quoted, words)]) for path, words in files.items()]
        return ("\n".join(lines) + "\n").encode()


def _read(data: bytes) -> tuple[str, list[str], dict[str, list[str]]]:
    """Return the first cell, the tags of a file, and those of each path."""
    if not data.strip():
        return _HEAD, [], {}
    try:
        rows = list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    except (UnicodeDecodeError, csv.Error) as error:
        raise UsageError(f"the file has another form than FL Studio's tags: {error}") from error
    if not rows[0] or not rows[0][0].startswith("@TagCase"):
        raise UsageError("the file has another form than FL Studio's tags; name its `Tags`, or a new file")
    return rows[0][0], rows[0][1:], {row[0]: row[1:] for row in rows[1:] if row}


def _quoted(tag: str) -> str:
    tag = tag.replace('"', "")
    return f'"{tag}"' if any(letter in tag for letter in ", ") else tag
