"""Byte ranges of a request for a file (RFC 9110, section 14)."""

import re
from collections.abc import Mapping
from typing import Final

_RANGE: Final = re.compile(r"bytes=[ \t]*(\d{0,18})-(\d{0,18})[ \t]*", re.ASCII)


class UnsatisfiableError(Exception):
    """The range lies behind the end of the file."""


def wanted(headers: Mapping[str, str], *, size: int, etag: str) -> range | None:
    """Return the bytes that a request asks for; None for all of them.

    A range that cannot be read, one of several, and one of another version of the file (``If-Range``) are no ranges:
    the whole file is the answer then, as the standard allows.

    Raises
    ------
    UnsatisfiableError
        If no byte of the file lies in the range.
    """
    found = _RANGE.fullmatch(headers.get("range", ""))
    if found is None or headers.get("if-range", etag) != etag:
        return None
    first, last = found.groups()
    if not first and not last:
        return None
    if not first:
        begin, end = max(0, size - int(last)), size
    else:
        begin, end = int(first), min(size, int(last) + 1 if last else size)
        if last and int(last) < int(first):
            return None
    if begin >= end:
        raise UnsatisfiableError
    return range(begin, end)
