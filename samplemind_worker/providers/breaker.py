"""The circuit breaker of one provider: it stays open for longer after a refused key than after other failures."""

from collections.abc import Generator
from contextlib import contextmanager

from samplemind_worker.circuit import Circuit
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
        self._setup_seconds = setup_seconds
        # A refusal is about the samples, so the provider is well.
        self._circuit = Circuit(failures=failures, pause_seconds=open_seconds, exclude=[ProviderRefusedError])

    @contextmanager
    def attempt(self) -> Generator[None]:
        """Hold this around one call of the provider; an error that the call raises counts as a failure.

        Raises
        ------
        ProviderUnavailableError
            If the provider failed a moment ago, so that nothing was asked.
        """
        try:
            with self._circuit.attempt(ProviderUnavailableError("it failed a moment ago")):
                yield
        except ProviderSetupError:
            self._circuit.open(self._setup_seconds)
            raise
