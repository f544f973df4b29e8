"""Pages of a list. A cursor says after which entry a page begins, so that no page repeats or misses what stays.

A cursor is opaque to callers: base64 of JSON.
"""

import base64
import binascii
from collections.abc import Sequence
from http import HTTPStatus
from typing import Annotated, Any, Generic, TypeVar

import orjson
from fastapi import Query
from pydantic import BaseModel

from samplemind_web.problems import ProblemError

Item = TypeVar("Item")

_LONGEST = 2000  # characters of a cursor

Limit = Annotated[int, Query(ge=1, le=1000, description="The most entries of a page.")]
Cursor = Annotated[str | None, Query(max_length=_LONGEST, description="The `next` of the page before.")]


class Page(BaseModel, Generic[Item]):
    """A part of a list."""

    items: list[Item]
    next: str | None = None
    """The cursor of the next page; null on the last one."""
    total: int | None = None
    """Entries of all pages, where it is known."""


def encode_cursor(values: Sequence[Any]) -> str:
    """Return the cursor that holds some plain values."""
    return base64.urlsafe_b64encode(orjson.dumps(list(values))).decode().rstrip("=")


def decode_cursor(cursor: str) -> list[Any]:
    """Return the values of a cursor.

    Raises
    ------
    ProblemError
        If it is none.
    """
    try:
        values = orjson.loads(base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True))
    except (binascii.Error, ValueError):
        values = None
    if not isinstance(values, list):
        raise bad_cursor()
    return values


def decode_text(cursor: str | None) -> str | None:
    """Return the only value of a cursor, a text; None without a cursor. Raises what `decode_cursor` raises."""
    if cursor is None:
        return None
    match decode_cursor(cursor):
        case [str(text)]:
            return text
        case _:
            raise bad_cursor()


def bad_cursor() -> ProblemError:
    """Return the error for a cursor that this list did not give."""
    return ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "bad_cursor", "cursor: not the `next` of a page of this list")
