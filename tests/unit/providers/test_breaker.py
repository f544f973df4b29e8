import threading

import pytest

from samplemind_worker.errors import (
    ProviderError,
    ProviderRefusedError,
    ProviderSetupError,
    ProviderUnavailableError,
    RateLimitedError,
    UnreadableReplyError,
)
from samplemind_worker.providers.breaker import Breaker

LONG = 3600.0


def fail(breaker: Breaker, error: ProviderError) -> None:
    with pytest.raises(type(error), match=str(error)), breaker.attempt():
        raise error


def is_open(breaker: Breaker) -> bool:
    """Whether it lets nobody ask; counts as a success if it does."""
    try:
        with breaker.attempt():
            return False
    except ProviderUnavailableError:
        return True


@pytest.mark.parametrize("kind", [ProviderUnavailableError, RateLimitedError, UnreadableReplyError])
def test_three_failures_in_a_row_open_it(kind: type[ProviderError]):
    breaker = Breaker(open_seconds=LONG)

    for _ in range(3):
        fail(breaker, kind("away"))

    assert is_open(breaker)


def test_a_success_between_begins_the_count_anew():
    breaker = Breaker(open_seconds=LONG)

    for _ in range(2):
        fail(breaker, ProviderUnavailableError("away"))
        fail(breaker, ProviderUnavailableError("away"))
        assert not is_open(breaker)


def test_a_wrong_setup_opens_it_at_once_and_for_longer():
    breaker = Breaker(open_seconds=0.0, setup_seconds=LONG)

    fail(breaker, ProviderSetupError("no key"))

    assert is_open(breaker)


def test_a_refusal_is_about_the_samples():
    breaker = Breaker(open_seconds=LONG)

    for _ in range(10):
        fail(breaker, ProviderRefusedError("no"))

    assert not is_open(breaker)


def test_after_its_time_one_may_ask_and_a_success_closes_it():
    breaker = Breaker(open_seconds=0.0)
    for _ in range(3):
        fail(breaker, ProviderUnavailableError("away"))

    with breaker.attempt():
        pass
    fail(breaker, ProviderUnavailableError("away"))

    assert not is_open(breaker)  # one failure of three


def test_after_its_time_a_failure_opens_it_again():
    breaker = Breaker(failures=1, open_seconds=0.0)
    fail(breaker, ProviderUnavailableError("away"))
    fail(breaker, ProviderUnavailableError("still away"))

    assert not is_open(breaker)  # its time was none


def test_only_one_asks_whether_it_is_back():
    breaker = Breaker(failures=1, open_seconds=0.0)
    fail(breaker, ProviderUnavailableError("away"))
    found: list[bool] = []

    with breaker.attempt():
        thread = threading.Thread(target=lambda: found.append(is_open(breaker)))
        thread.start()
        thread.join()

    assert found == [True]
    assert not is_open(breaker)


def test_one_that_was_mended_has_the_short_time_again():
    breaker = Breaker(failures=1, open_seconds=LONG, setup_seconds=0.0)
    fail(breaker, ProviderSetupError("no key"))
    assert not is_open(breaker)

    fail(breaker, ProviderUnavailableError("away"))

    assert is_open(breaker)
