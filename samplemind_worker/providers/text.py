"""Cleans the text of a model when it arrives: the result is plain sentences of a bounded length."""

import re
import unicodedata
from collections.abc import Iterable

_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[\]PX^_].*?(?:\x07|\x1b\\|$)|\x1b.?", re.DOTALL)
_LINK = re.compile(r"!?\[([^\[\]]*)\]\([^()]*\)")
_URL = re.compile(r"\b(?:[a-z][a-z0-9+.-]*://|www\.|javascript:|data:)\S*", re.IGNORECASE)
_TAG = re.compile(r"<!--.*?-->|</?[A-Za-z!?][^<>]*>", re.DOTALL)
_STYLE = re.compile(r"\[/?[a-z][^\[\]]*\]|\[/\]")
"""The markup of rich, and BBCode."""
_MARKS = re.compile(r"\*\*|__|`+|^\s*(?:#{1,6}|[-*>\u2022]|\d{1,2}[.)])\s+", re.MULTILINE)
_HIDDEN = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}
_SPACE = re.compile(r"\s+")
_NOT_IN_TAG = re.compile(r"[^\w#]+")
_TAG_LENGTH = 32
_ROOM = 8
"""Only this multiple of the limit is examined, so that a reply of any size takes little time."""


def sentence(value: str, limit: int) -> str:
    """Return a text without escapes, markup, addresses and invisible characters, cut to a limit; it may be empty."""
    value = value[: _ROOM * limit]
    # Removing markup may uncover more of it. Text that is not clean after five passes is hostile.
    for _ in range(5):
        cleaned = _pass(value)
        if cleaned == value:
            return _cut(value, limit)
        value = cleaned
    return ""


def tags(values: Iterable[str], most: int) -> tuple[str, ...]:
    """Return lower-case tags of one word, or of several joined by hyphens, each once."""
    words = (_NOT_IN_TAG.sub("-", sentence(value, 4 * _TAG_LENGTH).lower()).strip("-_") for value in values)
    return tuple(dict.fromkeys(word for word in words if word and len(word) <= _TAG_LENGTH))[:most]


def _pass(value: str) -> str:
    value = _ESCAPES.sub("", value)
    value = "".join(
        character if unicodedata.category(character) not in _HIDDEN else " " if character.isspace() else ""
        for character in unicodedata.normalize("NFC", value)
    )
    for pattern, replacement in ((_LINK, r"\1"), (_TAG, ""), (_STYLE, ""), (_URL, ""), (_MARKS, "")):
        value = pattern.sub(replacement, value)
    return _SPACE.sub(" ", value).strip()


def _cut(value: str, limit: int) -> str:
    """Cut a text at the end of a sentence, or else of a word."""
    if len(value) <= limit:
        return value
    head = value[: limit - 1]
    stop = max(head.rfind(mark) for mark in (". ", "! ", "? "))
    if stop >= limit // 2:
        return head[: stop + 1]
    return f"{head.rpartition(' ')[0] or head}\u2026"
