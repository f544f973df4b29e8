"""Cleans untrusted text (names, tags, messages that quote them) when it is shown.

The record keeps such text unchanged. This module loads the standard library alone.
"""

import json
import re
import unicodedata
from collections.abc import Iterable
from difflib import get_close_matches

_JOINERS = "\u200c\u200d"  # Persian, Hindi and emoji need them; they move no cursor

_LONGEST_MEANT = 40  # letters of a name that are compared
_NOT_PLAIN_ASCII = re.compile(r"[^ -~]")


def clean(value: object) -> str:
    """Return a text that cannot control a terminal: control, bidi and other invisible characters are escaped.

    Bytes of a name that is not UTF-8 are shown as numbers.
    """
    text = str(value)
    # True for nearly every name, and never true if a character has to be escaped.
    if text.isprintable():
        return text
    return "".join(map(_visible, text))


def _visible(letter: str) -> str:
    code = ord(letter)
    if 0xDC80 <= code <= 0xDCFF:  # noqa: PLR2004 -- what `os.fsdecode` makes of the bytes 80 to FF
        return f"\\x{code - 0xDC00:02x}"
    if letter in _JOINERS or unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"}:
        return letter
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"  # noqa: PLR2004 -- the bounds of a code block in Unicode


def one_line(text: str) -> str:
    """Return a text of several lines as one clean line, for logs."""
    return clean(" | ".join(text.rstrip("\n").split("\n")))


def suggestion(given: str, known: Iterable[str]) -> str:
    """Return what to add to the message about a name that is not known: the known name most like it, or nothing."""
    near = get_close_matches(given[:_LONGEST_MEANT].casefold(), list(known), n=1)
    return f"; did you mean {near[0]}?" if near else ""


def ascii_json(text: str) -> str:
    """Return an equivalent JSON text in plain ASCII."""
    return _NOT_PLAIN_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)


def plural(count: int, noun: str, nouns: str = "") -> str:
    """Write a count with its noun: ``1 file``, ``2,400 files``; ``nouns`` is a plural that is more than an added s."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"
