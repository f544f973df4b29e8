"""Moments and time spans, as people write them."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from samplemind_worker import times

NOW = datetime(2026, 3, 31, 10, 20, 30, tzinfo=UTC)  # a Tuesday, 12:20:30 in Berlin, two days after the clocks changed


@pytest.fixture(autouse=True)
def _zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    with monkeypatch.context() as patch:
        patch.setenv("TZ", "CET-1CEST,M3.5.0,M10.5.0/3")
        time.tzset()
        yield
    time.tzset()


@pytest.mark.parametrize(
    ("text", "ago"),
    [
        ("12h", timedelta(hours=12)),
        ("3 days", timedelta(days=3)),
        ("3 Days  AGO", timedelta(days=3)),
        ("a week ago", timedelta(weeks=1)),
        ("an hour ago", timedelta(hours=1)),
        ("1.5 h", timedelta(minutes=90)),
        ("90min", timedelta(minutes=90)),
        ("2w", timedelta(weeks=2)),
    ],
)
def test_reads_a_time_ago(text: str, ago: timedelta):
    assert times.read_period(text, NOW) == (NOW - ago, NOW - ago)


@pytest.mark.parametrize(
    ("text", "first", "after"),
    [
        ("today", "2026-03-31T00:00+02:00", "2026-04-01T00:00+02:00"),
        ("yesterday", "2026-03-30T00:00+02:00", "2026-03-31T00:00+02:00"),
        ("sunday", "2026-03-29T00:00+01:00", "2026-03-30T00:00+02:00"),  # of 23 hours
        ("Tuesday", "2026-03-31T00:00+02:00", "2026-04-01T00:00+02:00"),
        ("this week", "2026-03-30T00:00+02:00", "2026-04-06T00:00+02:00"),
        ("last week", "2026-03-23T00:00+01:00", "2026-03-30T00:00+02:00"),
        ("this month", "2026-03-01T00:00+01:00", "2026-04-01T00:00+02:00"),
        ("last month", "2026-02-01T00:00+01:00", "2026-03-01T00:00+01:00"),
        ("last year", "2025-01-01T00:00+01:00", "2026-01-01T00:00+01:00"),
        ("2026-01-31", "2026-01-31T00:00+01:00", "2026-02-01T00:00+01:00"),
        ("2025-12", "2025-12-01T00:00+01:00", "2026-01-01T00:00+01:00"),
        ("1 month", "2026-02-28T12:20:30+01:00", "2026-02-28T12:20:30+01:00"),
        ("2 years ago", "2024-03-31T12:20:30+02:00", "2024-03-31T12:20:30+02:00"),
        ("12:00", "2026-03-31T12:00+02:00", "2026-03-31T12:00+02:00"),
        ("14:30", "2026-03-30T14:30+02:00", "2026-03-30T14:30+02:00"),  # today it is still to come
        ("2026-01-31 14:30", "2026-01-31T14:30+01:00", "2026-01-31T14:30+01:00"),
        ("2026-01-31T14:30:05Z", "2026-01-31T14:30:05+00:00", "2026-01-31T14:30:05+00:00"),
        ("2026-01-31T14:30-05:00", "2026-01-31T14:30-05:00", "2026-01-31T14:30-05:00"),
        ("now", "2026-03-31T12:20:30+02:00", "2026-03-31T12:20:30+02:00"),
        ("9999-12-31", "9999-12-31T00:00+01:00", "9999-12-31T23:59:59.999999+00:00"),
    ],
)
def test_reads_a_period_here(text: str, first: str, after: str):
    assert times.read_period(text, NOW) == (datetime.fromisoformat(first), datetime.fromisoformat(after))


@pytest.mark.parametrize(
    "text",
    ["", "d", "3", "tomorrow", "next week", "2026-02-30", "2026-13", "2026", "-3 days", "9999999 years", "999999999 w",
     "0000-01-01", "0.5 months", "24:00", "31.1.2026", "2026-01-31 99:00", "٣ days", "3 days\0", "x" * 100_000],
)  # fmt: skip
def test_refuses_what_is_no_period(text: str):
    with pytest.raises(ValueError, match=r".+"):
        times.read_period(text, NOW)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("2", 2.0),
        ("0.25", 0.25),
        ("500ms", 0.5),
        ("2s", 2.0),
        ("1.5 min", 90.0),
        ("1 min 30 s", 90.0),
        ("1h5m", 3900.0),
        ("2 Hours", 7200.0),
        ("3:20", 200.0),
        ("1:02:03.5", 3723.5),
        ("3 days", 259_200.0),
    ],
)
def test_reads_a_span(text: str, seconds: float):
    assert times.read_span(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    "text", ["", "s", "-2", "2 x", "1 s 2 min", "2s 3s", "1:75", "1:75:00", "2s x", "1e3", "nan", "٣"]
)
def test_refuses_what_is_no_span(text: str):
    with pytest.raises(ValueError, match=r".+"):
        times.read_span(text)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (0.45, "450 ms"),
        (0.9996, "1 s"),
        (2.5, "2.5 s"),
        (59.96, "1 min"),
        (200, "3 min 20 s"),
        (3599.7, "1 h"),
        (3900, "1 h 5 min"),
        (86_399, "1 day"),
        (187_200, "2 days 4 h"),
        (86_400 * 1500.0, "1,500 days"),
    ],
)
def test_writes_a_span(seconds: float, text: str):
    assert times.span(seconds) == text


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "just now"),
        (9, "just now"),
        (59, "59 s ago"),
        (60, "1 min ago"),
        (7199, "1 h ago"),
        (86_400, "1 day ago"),
        (86_400 * 60, "60 days ago"),
        (86_400 * 61, "2 months ago"),
        (86_400 * 729, "23 months ago"),
        (86_400 * 730, "2 years ago"),
    ],
)
def test_writes_how_long_ago(seconds: float, text: str):
    assert times.ago(NOW - timedelta(seconds=seconds), NOW) == text


def test_writes_a_moment_in_the_time_of_this_machine():
    assert times.when(NOW - timedelta(days=3), NOW) == "2026-03-28 11:20, 3 days ago"
