"""Writers to providers; the only module that imports one, and only when it is asked for."""

import threading
from functools import cached_property

from pydantic import SecretStr

from config.ai import AiTable, AiTask, Writer, load_table
from config.settings import Settings
from samplemind_worker.errors import ProviderSetupError, SetupError, UsageError
from samplemind_worker.providers.base import Provider
from samplemind_worker.providers.breaker import Breaker

_WITH_BATCHES = frozenset({"claude", "gemini"})
_OLLAMA = "http://127.0.0.1:11434"


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

    def bulk_writer(self) -> Writer | None:
        """Return the first on the route of batches whose provider has a batch API; None if there is none."""
        return next((writer for writer in self.route(AiTask.BATCH) if writer.provider in _WITH_BATCHES), None)

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

    def close(self) -> None:
        """Close all connections; whoever asks again afterwards opens new ones."""
        with self._lock:
            for provider in self._made.values():
                provider.close()
            self._made.clear()

    def breaker(self, writer: Writer) -> Breaker:
        """Return the breaker to hold around each call of this writer."""
        with self._lock:
            return self._breakers.setdefault(writer.name, Breaker())


def _make(writer: Writer, settings: Settings) -> Provider:
    url = settings.ai_urls.get(writer.provider)
    headers = settings.ai_headers.get(writer.provider, {})
    seconds = settings.ai_seconds
    match writer.provider:
        case "claude":
            from samplemind_worker.providers.claude import ClaudeProvider  # noqa: PLC0415 -- slow import

            key = _key(settings.anthropic_api_key, "ANTHROPIC_API_KEY")
            return ClaudeProvider(writer, key=key, url=url, headers=headers, seconds=seconds)
        case "gemini":
            from samplemind_worker.providers.gemini import GeminiProvider  # noqa: PLC0415 -- slow import

            key = _key(settings.gemini_api_key, "GEMINI_API_KEY")
            return GeminiProvider(writer, key=key, url=url, headers=headers, seconds=seconds)
        case "ollama":
            from samplemind_worker.providers.ollama import OllamaProvider  # noqa: PLC0415 -- slow import

            host = url or settings.ollama_host or _OLLAMA
            return OllamaProvider(writer, host=host, headers=headers, seconds=seconds)
        case "openai":
            from samplemind_worker.providers.openai import OpenAiProvider  # noqa: PLC0415 -- slow import

            key = settings.openai_api_key if url else _key(settings.openai_api_key, "OPENAI_API_KEY")
            return OpenAiProvider(writer, key=key, url=url, headers=headers, seconds=seconds)
        case "local":
            raise UsageError("the local describer is not asked as a service")


def _key(key: SecretStr | None, setting: str) -> SecretStr:
    if key is None:
        raise ProviderSetupError(f"no key: set {setting}")
    return key
