"""When a nightly run is due, on calendars with long and short days."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime

import pytest

from samplemind_worker.packs.nightly import last_due


@contextmanager
def local_time(zone: str) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TZ", zone)
        time.tzset()
        yield
    time.tzset()


@pytest.fixture(params=["Europe/Berlin", "America/Los_Angeles", "Asia/Kolkata", "UTC"])
def zone(request: pytest.FixtureRequest) -> Iterator[None]:
    with local_time(request.param):
        yield


@pytest.fixture
def berlin() -> Iterator[None]:
    with local_time("Europe/Berlin"):
        yield


@pytest.mark.usefixtures("zone")
def test_a_night_is_due_from_its_minute_on():
    before = datetime(2026, 5, 4, 3, 29, 59).astimezone()
    then = datetime(2026, 5, 4, 3, 30).astimezone()

    assert last_due("03:30", before) == datetime(2026, 5, 3, 3, 30).astimezone()
    assert last_due("03:30", then) == then
    assert last_due("03:30", then.astimezone(UTC)) == then


@pytest.mark.usefixtures("zone")
def test_a_late_evening_is_due_until_the_next_one():
    assert last_due("23:59", datetime(2026, 1, 1, 0, 5).astimezone()) == datetime(2025, 12, 31, 23, 59).astimezone()


@pytest.mark.usefixtures("berlin")
def test_a_day_of_23_hours_has_one_night():
    # 2026-03-29: 02:00 is 03:00, so there is no 02:30; it is taken for half an hour before or after.
    due = {last_due("02:30", datetime(2026, 3, 29, hour, 45, tzinfo=UTC)) for hour in range(1, 22)}

    assert len(due) == 1
    assert {moment.date() for moment in due} == {date(2026, 3, 29)}
    assert last_due("04:00", datetime(2026, 3, 29, 1, 59, tzinfo=UTC)) == datetime(2026, 3, 28, 3, 0, tzinfo=UTC)


@pytest.mark.usefixtures("berlin")
def test_a_day_of_25_hours_has_one_night():
    # 2026-10-25: 03:00 is 02:00 again.
    due = {last_due("02:30", datetime(2026, 10, 25, hour, 45, tzinfo=UTC)) for hour in range(1, 24)}

    assert len(due) == 1
