"""The one place that cleans what strangers wrote (names, tags, messages that quote them), on its way out.

The record keeps it as it is. Loads the standard library alone.
"""

import json
import re
import unicodedata

_JOINERS = "\u200c\u200d"  # needed to write Persian and Hindi, and to join emoji; they move no cursor

_NOT_PLAIN_ASCII = re.compile(r"[^ -~]")


def clean(value: object) -> str:
    """Return a text that cannot steer a terminal: control, bidi and other invisible characters are shown escaped.

    Of a name that is no UTF-8 the bytes are shown as numbers.
    """
    text = str(value)
    # True for nearly every name; false for each character that is escaped below, and for few others.
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
    """Return a text of several lines as one clean line: for logs, where an event is a line."""
    return clean(" | ".join(text.rstrip("\n").split("\n")))


def ascii_json(text: str) -> str:
    """Return a JSON text with all but plain ASCII written as escapes: it means the same."""
    return _NOT_PLAIN_ASCII.sub(lambda found: json.dumps(found[0])[1:-1], text)
