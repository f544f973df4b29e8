"""A circuit breaker: it stops requests to a provider after several failures in a row, then lets one caller probe it."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from pybreaker import STATE_CLOSED, CircuitBreaker, CircuitBreakerError

from samplemind_worker.errors import ProviderRefusedError, ProviderSetupError, ProviderUnavailableError

_FAILURES = 3  # in a row
_OPEN_SECONDS = 30.0  # without a request, once the breaker is open
_SETUP_SECONDS = 300.0  # open after a refused key: asking again does not mend it


class Breaker:
    """The circuit breaker of one provider. Several threads of one process may use it."""

    def __init__(
        self,
        *,
        failures: int = _FAILURES,
        open_seconds: float = _OPEN_SECONDS,
        setup_seconds: float = _SETUP_SECONDS,
    ) -> None:
        self._peace_seconds = open_seconds
        self._setup_seconds = setup_seconds
        self._probe = threading.Lock()
        """Held by the thread that probes a provider whose breaker is open."""
        # A refusal concerns the samples; the provider itself works.
        self._breaker = CircuitBreaker(
            fail_max=failures,
            reset_timeout=open_seconds,
            exclude=[ProviderRefusedError],
            throw_new_error_on_trip=False,
        )

    @contextmanager
    def attempt(self) -> Generator[None]:
        """Guard one call of the provider; an error that the call raises counts as a failure.

        Raises
        ------
        ProviderUnavailableError
            If the breaker is open; no request is made.
        """
        probing = self._breaker.current_state != STATE_CLOSED
        if probing and not self._probe.acquire(blocking=False):
            raise ProviderUnavailableError("it failed a moment ago")
        try:
            with self._breaker.calling():
                yield
        except CircuitBreakerError as error:
            raise ProviderUnavailableError("it failed a moment ago") from error
        except ProviderSetupError:
            self._breaker.reset_timeout = self._setup_seconds
            self._breaker.open()
            raise
        else:
            self._breaker.reset_timeout = self._peace_seconds
        finally:
            if probing:
                self._probe.release()
