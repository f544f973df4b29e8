"""Names for files that are made: they hold on every file system, and no two of a folder differ in case alone.

A name comes from untrusted text (a file's name, a tag, what a user types). What Windows, macOS or Linux refuse in a
name, or a shell or a format would misread, is replaced.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from string import Formatter
from typing import Final

from samplemind_worker.errors import UsageError

MOST_BYTES: Final = 255
"""The longest name that the usual file systems take, in bytes of UTF-8."""

_REFUSED: Final = re.compile(r'[<>:"/\\|?*\x00-\x1f\x7f]')
_DEVICES: Final = re.compile(r"(con|prn|aux|nul|com[0-9]|lpt[0-9])(\.|$)", re.IGNORECASE)
_NOT_PLAIN: Final = re.compile(r"[^A-Za-z0-9.-]+")
_HIDDEN_CATEGORIES: Final = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})


def safe_name(text: str, *, ending: str = "", instead: str = "unnamed") -> str:
    """Return a text as the name of a file or folder, at most 255 bytes long with its ending.

    Letters of all scripts stay. ``instead`` is the name where nothing else is left.
    """
    visible = "".join("_" if unicodedata.category(each) in _HIDDEN_CATEGORIES else each for each in text)
    name = _REFUSED.sub("_", unicodedata.normalize("NFC", visible)).strip()
    # Windows drops dots and blanks at the end of a name, and a dot at its beginning hides it.
    name = shorten(name.strip(". ") or instead, MOST_BYTES - len(ending.encode())).rstrip(". ")
    return ("_" if _DEVICES.match(name + ending) else "") + name + ending


def plain_name(text: str, *, instead: str = "unnamed", most: int = 80) -> str:
    """Return a text as a name of ASCII letters, digits, ``_``, ``-`` and ``.`` alone, which no format misreads."""
    letters = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    name = _NOT_PLAIN.sub("_", letters).strip("._-")[:most].strip("._-") or instead
    return "_" + name if _DEVICES.match(name) else name


def shorten(text: str, most: int) -> str:
    """Cut a text to so many bytes of UTF-8, between two characters."""
    return text.encode()[:most].decode(errors="ignore") if len(text.encode()) > most else text


def folded(path: str) -> str:
    """Return a path as file systems compare it that ignore case, and how accents are composed."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFKC", path).casefold())


def fields_of(pattern: str, known: Iterable[str], *, option: str) -> list[str]:
    """Return the fields of a pattern such as ``{name}_{number}``.

    Raises
    ------
    UsageError
        If it cannot be read, or has a field that is not known.
    """
    names = list(known)
    try:
        parts = list(Formatter().parse(pattern))
    except ValueError:
        parts = [("", "", "", None)]
    found = [field for _, field, _, _ in parts if field is not None]
    plain = all(not form and conversion is None for _, _, form, conversion in parts)
    if not plain or any(field not in names for field in found):
        offered = ", ".join(f"{{{name}}}" for name in names)
        raise UsageError(f"{option} {pattern!r} cannot be filled; it may hold {offered}")
    return found


def filled(pattern: str, values: Mapping[str, str]) -> str:
    """Return a pattern, which `fields_of` has checked, with its fields filled."""
    return "".join(text + ("" if field is None else values[field]) for text, field, _, _ in Formatter().parse(pattern))


class Names:
    """Hands out paths, none of which equals an earlier one on a file system that ignores case."""

    def __init__(self) -> None:
        self._taken: set[str] = set()

    def take(self, path: str) -> None:
        """Note that a path is taken."""
        self._taken.add(folded(path))

    def is_free(self, path: str) -> bool:
        """Return whether a path is free."""
        return folded(path) not in self._taken

    def free(self, folder: str, stem: str, ending: str = "") -> str:
        """Return a path that is free, and take it: the wanted one, or one with a number in brackets behind its name."""
        number = 1
        while True:
            mark = "" if number == 1 else f" ({number})"
            room = MOST_BYTES - len((mark + ending).encode())
            path = f"{folder}/{shorten(stem, room).rstrip('. ')}{mark}{ending}".lstrip("/")
            if self.is_free(path):
                self.take(path)
                return path
            number += 1
