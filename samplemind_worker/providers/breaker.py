"""Leaves a provider in peace that failed several times in a row, then lets one caller ask whether it is back."""

import threading
from collections.abc import Generator
from contextlib import contextmanager

from pybreaker import STATE_CLOSED, CircuitBreaker, CircuitBreakerError

from samplemind_worker.errors import ProviderRefusedError, ProviderSetupError, ProviderUnavailableError

_FAILURES = 3  # in a row
_PEACE_SECONDS = 30.0  # s without a request then
_SETUP_SECONDS = 300.0  # s; a key is not mended by asking again


class Breaker:
    """One provider's; safe to use from several threads of one process."""

    def __init__(
        self,
        *,
        failures: int = _FAILURES,
        peace_seconds: float = _PEACE_SECONDS,
        setup_seconds: float = _SETUP_SECONDS,
    ) -> None:
        self._peace_seconds = peace_seconds
        self._setup_seconds = setup_seconds
        self._probe = threading.Lock()
        """Held by the one that asks whether a provider that failed is back."""
        # A refusal is about the samples: the provider is well.
        self._breaker = CircuitBreaker(
            fail_max=failures,
            reset_timeout=peace_seconds,
            exclude=[ProviderRefusedError],
            throw_new_error_on_trip=False,
        )

    @contextmanager
    def attempt(self) -> Generator[None]:
        """Hold this around one call of the provider; what the call raises counts.

        Raises
        ------
        ProviderUnavailableError
            If the provider failed a moment ago; nothing was asked then.
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
