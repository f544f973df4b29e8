"""Writers to providers; the only module that imports one, and only when it is asked for."""

import threading
from functools import cached_property

from config.ai import AiTable, AiTask, Writer, load_table
from config.settings import Settings
from samplemind_worker.errors import SetupError, UsageError
from samplemind_worker.providers.base import Provider
from samplemind_worker.providers.breaker import Breaker


class Providers:
    """The providers of one process, with their connections. Safe to use from several threads."""

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
            If SAMPLEMIND_AI_TABLE is no such table.
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
            raise UsageError(f"no provider {name!r}; there are: {', '.join(writers)}")
        return found

    def route(self, task: AiTask) -> tuple[Writer, ...]:
        """Return who may write for this task, first choice first, without those that have no key or host."""
        return tuple(writer for writer in self.table.route(task) if self.is_set_up(writer))

    def is_set_up(self, writer: Writer) -> bool:
        """Tell whether the settings name what this writer needs: a key, or an address of one's own."""
        return self._settings.can_ask(writer.provider)

    def get(self, writer: Writer) -> Provider:
        """Return the provider that asks this writer's model; made once.

        Raises
        ------
        ProviderSetupError
            If it has no key.
        """
        with self._lock:
            if writer.name not in self._made:
                self._made[writer.name] = _make(writer, self._settings)
            return self._made[writer.name]

    def breaker(self, writer: Writer) -> Breaker:
        """Return the breaker to hold around each call of this writer."""
        with self._lock:
            return self._breakers.setdefault(writer.name, Breaker())


def _make(writer: Writer, settings: Settings) -> Provider:  # noqa: ARG001 -- those that ask a service need them
    from samplemind_worker.providers.local import LocalProvider  # noqa: PLC0415 -- slow import

    if writer.provider != "local":
        raise UsageError(f"no provider {writer.provider!r}")
    return LocalProvider()
