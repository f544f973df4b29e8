"""Which path a file gets below a folder, by a pattern such as ``{kind}/{instrument}/{key}/{name}``.

Each part between two slashes of the pattern becomes one folder, whatever its values hold, and the last part the name.
A path that another file has, on a file system that ignores case too, gets a number in brackets.
"""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from samplemind_worker.errors import UsageError
from samplemind_worker.interchange.naming import MOST_BYTES, Names, fields_of, filled, folded, safe_name, shorten
from samplemind_worker.pitches import PITCH_CLASSES, note_name

PATTERN: Final = "{kind}/{instrument}/{key}/{name}"
FIELDS: Final = ("name", "kind", "instrument", "key", "camelot", "tempo", "pitch", "pack", "id")

Is = Callable[[Path], bool]
"""Tells whether the file that is wanted lies at a path already."""


def read_pattern(pattern: str) -> list[str]:
    """Return the parts of a pattern.

    Raises
    ------
    UsageError
        If it cannot be filled, leads out of its folder, or has an empty part.
    """
    fields_of(pattern, FIELDS, option="--pattern")
    parts = pattern.split("/")
    if any(part.strip() in {"", ".", ".."} for part in parts):
        raise UsageError(f"--pattern {pattern!r} has an empty part, or leads out of its folder")
    return parts


def values_of(row: Mapping[str, Any], source: Path) -> dict[str, str]:
    """Return the fields of a pattern for a library entry and its file."""
    key, mode, tempo, pitch = (row.get(name) for name in ("key", "mode", "tempo", "pitch"))
    packs = row.get("packs") or ()
    return {
        "name": source.stem,
        "kind": row.get("kind") or "unknown kind",
        "instrument": row.get("instrument") or "unknown instrument",
        "key": "no key" if key is None else PITCH_CLASSES[key] + ("m" if mode == "minor" else ""),
        "camelot": row.get("camelot") or "no key",
        "tempo": "no tempo" if not tempo else f"{tempo:.0f}",
        "pitch": "no pitch" if pitch is None else note_name(pitch),
        "pack": packs[0] if packs else "no pack",
        "id": row["_id"][:12],
    }


class Layout:
    """Hands out the paths of files below one folder."""

    def __init__(self, top: Path, pattern: str) -> None:
        self.top = top
        self._parts = read_pattern(pattern)
        self._names = Names()
        self._listed: dict[Path, dict[str, str]] = {}

    def place(self, values: Mapping[str, str], ending: str, is_there: Is) -> tuple[Path, bool]:
        """Return the path of a file, and whether the file lies there already."""
        folder = self.top
        for part in self._parts[:-1]:
            folder = self._below(folder, safe_name(filled(part, values)))
        stem = safe_name(filled(self._parts[-1], values), ending=ending).removesuffix(ending)
        number = 1
        while True:
            mark = "" if number == 1 else f" ({number})"
            name = shorten(stem, MOST_BYTES - len((mark + ending).encode())).rstrip(". ") + mark + ending
            number += 1
            path = folder / name
            if not self._names.is_free(str(path)):
                continue
            known = self._entries(folder).get(folded(name))
            if known is not None and not is_there(folder / known):
                continue
            self._names.take(str(path))
            return (path, False) if known is None else (folder / known, True)

    def _below(self, folder: Path, name: str) -> Path:
        """Return a folder in another one, as it is spelled if it is there already or was named before."""
        return folder / self._entries(folder).setdefault(folded(name), name)

    def _entries(self, folder: Path) -> dict[str, str]:
        """Return the names in a folder by what they are without case."""
        if folder not in self._listed:
            try:
                names = [path.name for path in folder.iterdir()]
            except (FileNotFoundError, NotADirectoryError):
                names = []
            self._listed[folder] = {folded(name): name for name in sorted(names)}
        return self._listed[folder]
