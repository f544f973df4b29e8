"""A circuit breaker: sends nothing to a service that failed several times in a row, then lets one caller try it."""

import threading
from collections.abc import Generator, Sequence
from contextlib import contextmanager

from pybreaker import STATE_CLOSED, CircuitBreaker, CircuitBreakerError


class Circuit:
    """The circuit to one service. Safe to use from several threads of one process.

    It opens after ``failures`` failures in a row and stays open for ``pause_seconds``. Errors of the kinds in
    ``exclude`` are answers of a service that works, so they do not count as failures.
    """

    def __init__(self, *, failures: int, pause_seconds: float, exclude: Sequence[type[Exception]]) -> None:
        self._pause_seconds = pause_seconds
        self._probe = threading.Lock()
        """Held by the one caller that tries the service while the circuit is not closed."""
        self._breaker = CircuitBreaker(
            fail_max=failures, reset_timeout=pause_seconds, exclude=list(exclude), throw_new_error_on_trip=False
        )

    @contextmanager
    def attempt(self, refusal: Exception) -> Generator[None]:
        """Hold this around one call of the service; an error that the call raises counts as a failure.

        Raises ``refusal``, before the call is made, if the circuit is open or another caller is trying the service.
        """
        probing = self._breaker.current_state != STATE_CLOSED
        if probing and not self._probe.acquire(blocking=False):
            raise refusal
        try:
            with self._breaker.calling():
                yield
        except CircuitBreakerError as error:
            raise refusal from error
        else:
            self._breaker.reset_timeout = self._pause_seconds
        finally:
            if probing:
                self._probe.release()

    def open(self, seconds: float) -> None:
        """Send nothing for so many seconds; the next success brings the usual pause back."""
        self._breaker.reset_timeout = seconds
        self._breaker.open()
