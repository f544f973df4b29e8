"""Finds the provider for a writer. An adapter, and the SDK behind it, is imported when it is first asked for."""

import threading
from functools import cached_property
from importlib import import_module

from config.ai import PROVIDERS, AiTable, AiTask, Writer, load_table
from config.settings import Settings
from samplemind_worker.errors import ProviderSetupError, SetupError, UsageError
from samplemind_worker.providers.base import Access, Provider
from samplemind_worker.providers.breaker import Breaker
from samplemind_worker.text import suggestion


class Providers:
    """The providers of one process, with their connections. Several threads may use it."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._lock = threading.Lock()
        self._made: dict[str, Provider] = {}
        self._breakers: dict[str, Breaker] = {}

    @cached_property
    def table(self) -> AiTable:
        """Routes, writers, prices and rates.

        Raises
        ------
        SetupError
            If the file that SAMPLEMIND_AI_TABLE names is not such a table.
        """
        try:
            return load_table(self._settings.ai_table, tuple(sorted(self._settings.ai_models.items())))
        except ValueError as error:
            raise SetupError(str(error)) from error

    def writer(self, name: str) -> Writer:
        """Return the writer of this name; the name of a provider means its first writer.

        Raises
        ------
        UsageError
            If there is none.
        """
        writers = self.table.writers
        found = writers.get(name) or next((each for each in writers.values() if each.provider == name), None)
        if found is None:
            raise UsageError(f"no provider {name!r}; there are: {', '.join(writers)}{suggestion(name, writers)}")
        return found

    def route(self, task: AiTask) -> tuple[Writer, ...]:
        """Return the writers for this task that are set up, first choice first."""
        return tuple(writer for writer in self.table.route(task) if self.is_set_up(writer))

    def bulk_writer(self) -> Writer | None:
        """Return the first writer on the route of batches whose provider has a batch API; None if there is none."""
        return next((writer for writer in self.route(AiTask.BATCH) if PROVIDERS[writer.provider].has_batch_api), None)

    def is_set_up(self, writer: Writer) -> bool:
        """Tell whether the settings name the key or the address that this writer needs."""
        return self._settings.can_ask(writer.provider)

    def get(self, writer: Writer) -> Provider:
        """Return the provider that asks this writer's model. It is made at the first call.

        Raises
        ------
        ProviderSetupError
            If it has no key.
        """
        with self._lock:
            if writer.name not in self._made:
                self._made[writer.name] = _make(writer, self._settings)
            return self._made[writer.name]

    def close(self) -> None:
        """Close all connections; a later `get` opens new ones."""
        with self._lock:
            for provider in self._made.values():
                provider.close()
            self._made.clear()

    def breaker(self, writer: Writer) -> Breaker:
        """Return the circuit breaker for calls of this writer."""
        with self._lock:
            return self._breakers.setdefault(writer.name, Breaker())


def _make(writer: Writer, settings: Settings) -> Provider:
    name, facts = writer.provider, PROVIDERS[writer.provider]
    if facts.setting is None:
        raise UsageError(f"{name} is not asked as a service")
    if facts.needs_key and not settings.can_ask(name):
        raise ProviderSetupError(f"no key: set {facts.variable}")
    value = getattr(settings, facts.setting)
    access = Access(
        key=value if facts.needs_key else None,
        url=settings.ai_urls.get(name) or (None if facts.needs_key else value),
        headers=settings.ai_headers.get(name, {}),
        seconds=settings.ai_seconds,
    )
    adapter = import_module(f"samplemind_worker.providers.{name}")
    return adapter.connect(writer, access)
