"""Moments: when a content was added, as a number that hardly any other content shares.

Conventions: a moment has 63 bits, milliseconds since 1970 before 21 bits of the file id. Contents that one batch adds
in one millisecond thus have an order, in which a list can go on after any of them. Times after the year 2109 have the
last moment.
"""

from datetime import UTC, datetime
from typing import Final

_BELOW_A_MILLISECOND: Final = 21
_LAST: Final = (1 << 63) - 1  # MongoDB's integers are not longer
_SECOND_DAY: Final = datetime(1970, 1, 2, tzinfo=UTC)


def first_moment(time: datetime) -> int:
    """Return the first moment of a millisecond; all moments of earlier times are smaller."""
    return min(round(max(time, _SECOND_DAY).timestamp() * 1000.0) << _BELOW_A_MILLISECOND, _LAST)


def moment(time: datetime, file_id: str) -> int:
    """Return the moment of a content that was added at a time."""
    return min(first_moment(time) + (int(file_id[:6], 16) >> (24 - _BELOW_A_MILLISECOND)), _LAST)
