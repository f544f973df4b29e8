"""The Settings class: the one place that reads the environment.

A field is set by, in this order: ``SAMPLEMIND_<NAME>`` in the environment, the same in the ``.env`` of a deployment, a
file of that name in small letters in the folder ``SAMPLEMIND_SECRETS_DIR``, and ``<name>`` in the user's
``samplemind.toml`` (`config.sources`). Without service URLs the private services under ``home`` are used; their
URLs are added when they are started (``Settings.model_copy``).
"""

import os
import socket
from collections.abc import Iterator
from decimal import Decimal
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, SecretStr, ValidationError
from pydantic_settings import (
    BaseSettings,
    NoDecode,
    PydanticBaseSettingsSource,
    SecretsSettingsSource,
    SettingsConfigDict,
)

from config import defaults, sources
from config.ai import PROVIDERS, ProviderName
from config.field_types import (
    FROM_JSON,
    WEB_ADDRESSES,
    AbsolutePath,
    ExistingFolder,
    Names,
    Place,
    Roots,
    Utf8Path,
    WebAddress,
    spelled,
)
from config.locations import Location
from config.queues import Queues
from config.sources import SettingsError


class Settings(BaseSettings):
    """All settings of a deployment. The class is frozen: other code receives values and never changes them."""

    model_config = SettingsConfigDict(
        env_prefix="SAMPLEMIND_",
        env_ignore_empty=True,
        extra="ignore",
        frozen=True,
        # A refused value may be a secret in the wrong variable.
        hide_input_in_errors=True,
        validate_by_name=True,
    )

    home: Utf8Path = Field(default_factory=defaults.home)
    """State of the private services: data, sockets, logs."""

    secrets_dir: ExistingFolder | None = None
    """Folder with a file for each secret, ``samplemind_redis_url`` and so on; from the environment only."""

    env_file: AbsolutePath | None = None
    """A ``.env`` to read, instead of the one beside the compose file; from the environment only."""

    redis_url: SecretStr | None = None
    """URL of the Redis server, ``redis://`` or ``rediss://``; default: a private one."""

    mongodb_url: SecretStr | None = None
    """URL of the MongoDB server, ``mongodb://`` or ``mongodb+srv://``; default: a private one."""

    chroma_url: SecretStr | None = None
    """URL of the Chroma server, ``http://`` or ``https://``; default: a private one."""

    database: Annotated[
        str,
        spelled(r"[A-Za-z0-9][A-Za-z0-9_-]{0,62}", "up to 63 letters, digits, '_' and '-', not beginning with a sign"),
    ] = "samplemind"
    """Name of the MongoDB database, and the prefix of the Chroma collection and of queues and other keys in Redis."""

    roots: Roots = Field(default_factory=dict)
    """Named folders, or prefixes of buckets, that workers may read: ``name=path``, separated by colons, or JSON."""

    host: Annotated[str, spelled(r"[\w.-]+", "letters, digits, '_', '.' and '-'")] = Field(
        default_factory=socket.gethostname
    )
    """Name of this machine in queue names and leases."""

    concurrency: int = Field(default_factory=defaults.cores, ge=1, le=1024)
    """Children of the cpu worker."""

    io_concurrency: int = Field(default=8, ge=1, le=256)
    """Threads of the io worker."""

    ai_concurrency: int = Field(default=8, ge=1, le=256)
    """Threads of the ai worker, which is also the number of simultaneous requests to models."""

    files_per_chain: int = Field(default=60, ge=1, le=1000)
    """Most files that one chain carries; the default makes three requests for summaries."""

    parcel_seconds: float = Field(default=60.0, gt=0, allow_inf_nan=False)
    """Most seconds of audio, as expected from file sizes, that one chain of short files carries."""

    window_per_slot: int = Field(default=3, ge=1)
    """Parcels in flight per child of the cpu workers."""

    lease_seconds: float = Field(default=40.0, ge=1, le=86_400)
    """Seconds after which a running item is taken back whose lease was not renewed."""

    requeue_seconds: float = Field(default=30.0, ge=1, le=86_400)
    """Seconds after which a queued item is queued again that no queue holds any more."""

    dispatch_seconds: float = Field(default=5.0, ge=0.2, le=86_400)
    """Seconds between two runs of the dispatcher by beat."""

    max_starts: int = Field(default=3, ge=1)
    """Starts after which an item fails that never ended."""

    step_seconds: float = Field(default=600.0, ge=1, le=86_400)
    """Hard time limit in seconds of one step of one parcel."""

    child_memory_bytes: int = Field(default=3 * 2**30, ge=2**29)
    """Most memory that a child of the cpu worker may allocate; a file that needs more fails with ``out_of_memory``."""

    grace_seconds: float = Field(default=12.0, ge=0, le=86_400)
    """Seconds that running steps may go on when a worker is told to end; items that have not ended are given back."""

    watchdog_seconds: float = Field(default=300.0, ge=1, le=86_400)
    """Seconds after which a worker ends whose event loop stands still or cannot connect; its supervisor restarts it."""

    max_duration: float = Field(default=3600.0, gt=0, allow_inf_nan=False)
    """Longest file that is analysed, in seconds."""

    max_file_bytes: int = Field(default=4 * 2**30, gt=0)
    """Largest file that is opened."""

    max_channels: int = Field(default=64, ge=1)
    """Most channels of a file that is analysed."""

    max_sample_rate: int = Field(default=768_000, ge=1_000)
    """Highest sampling rate in Hz of a file that is analysed."""

    decode_memory_bytes: int = Field(default=2**30, ge=2**27)
    """Most memory that decoding one file may allocate; a file that needs more fails with ``out_of_memory``."""

    decode_seconds: float = Field(default=60.0, ge=0.1, le=86_400)
    """Most CPU seconds that decoding one file may take; a file that needs more fails with ``timeout``."""

    keep_gone_days: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    """Days for which the analysis of a content is kept whose files are all gone, in case one comes back."""

    keep_items_days: float = Field(default=30.0, ge=0, allow_inf_nan=False)
    """Days for which the files of an ended batch stay listed; its counts and failures are kept."""

    stated_evidence: bool = True
    """Whether to weigh the statements of tags and names against the sound; otherwise the sound alone decides."""

    inbox: AbsolutePath | None = None
    """Folder that `ingest` takes sample packs from; default: ``inbox`` under ``home``."""

    library_root: Place | None = None
    """Folder, or prefix of a bucket, that sample packs are unpacked into; default: ``library`` under ``home``."""

    inbox_settle_seconds: float = Field(default=10.0, ge=0, le=86_400)
    """Seconds without a change after which a pack is complete."""

    nightly: Annotated[str, spelled(r"([01]\d|2[0-3]):[0-5]\d", "HH:MM, from 00:00 to 23:59")] | None = None
    """Local time, as ``HH:MM``, at which an io worker takes in the packs of the inbox; default: never."""

    pack_max_entries: int = Field(default=50_000, ge=1, le=1_000_000)
    """Most files and folders in a pack."""

    pack_max_bytes: int = Field(default=32 * 2**30, ge=1)
    """Largest pack, unpacked."""

    pack_max_ratio: int = Field(default=200, ge=1)
    """Most bytes that one byte of an archive may unpack to."""

    pack_max_depth: int = Field(default=16, ge=1, le=100)
    """Most levels of folders in a pack."""

    pack_max_name_bytes: int = Field(default=255, ge=1, le=255)
    """Longest name of a file or folder in a pack, in bytes."""

    pack_free_bytes: int = Field(default=2**30, ge=0)
    """Bytes of the library's disk that `ingest` leaves free."""

    scratch: AbsolutePath | None = None
    """Folder for decoded signals between two steps; default: shared memory, else the temporary folder."""

    scratch_bytes: int = Field(default=512 * 2**20, ge=0)
    """Most bytes of decoded signals, and of copies of objects of more than 8 MB, kept on this machine; beyond it a step
    decodes again, and a copy waits."""

    anthropic_api_key: SecretStr | None = Field(default=None, validation_alias="ANTHROPIC_API_KEY")
    """Key with which Claude is asked for summaries."""

    gemini_api_key: SecretStr | None = Field(default=None, validation_alias="GEMINI_API_KEY")
    """Key with which Gemini is asked for summaries."""

    openai_api_key: SecretStr | None = Field(default=None, validation_alias="OPENAI_API_KEY")
    """Key with which OpenAI, or a server with its API, is asked for summaries."""

    ollama_host: str | None = Field(default=None, validation_alias="OLLAMA_HOST")
    """Address of an Ollama that writes summaries, such as ``http://127.0.0.1:11434``."""

    ai_urls: Annotated[dict[ProviderName, str], NoDecode, FROM_JSON, WEB_ADDRESSES] = Field(default_factory=dict)
    """Base URLs by provider, for a proxy, a gateway or a server of one's own."""

    ai_headers: Annotated[dict[ProviderName, dict[str, SecretStr]], NoDecode, FROM_JSON] = Field(default_factory=dict)
    """Additional headers of requests, by provider."""

    ai_models: Annotated[dict[str, str], NoDecode, FROM_JSON] = Field(default_factory=dict)
    """Models by writer, instead of those in the table."""

    ai_table: AbsolutePath | None = None
    """File with routes, models, prices and rates, instead of ``ai.toml``."""

    ai_budget_batch_usd: Decimal | None = Field(default=None, ge=0, allow_inf_nan=False)
    """The most that the summaries of one batch may cost; default: only the limits of the day and the month count."""

    ai_budget_day_usd: Decimal = Field(default=Decimal(5), ge=0, allow_inf_nan=False)
    """The most that summaries may cost per day (UTC)."""

    ai_budget_month_usd: Decimal = Field(default=Decimal(50), ge=0, allow_inf_nan=False)
    """The most that summaries may cost per month (UTC)."""

    ai_bulk: bool = False
    """Whether a provider's batch API writes the summaries of bulk batches: within a day, at half the price."""

    ai_wait_seconds: float = Field(default=600.0, ge=0, le=86_400)
    """Seconds that a file may wait for a model's summary; after that it has the local text until one is filled in."""

    ai_seconds: float = Field(default=240.0, ge=1, le=3600)
    """Most seconds that a provider may take for one reply."""

    flower_port: int = Field(default=5555, ge=1, le=65535)
    """Port of Flower."""

    flower_user: str = "samplemind"
    """Name of the user who may open Flower."""

    flower_password: SecretStr | None = None
    """Password of that user; default: one that `samplemind flower` makes up and prints."""

    web_port: int = Field(default=8765, ge=1, le=65535)
    """Port of the API and its page."""

    web_streams: int = Field(default=2000, ge=1, le=100_000)
    """Most streams of events that are open at once."""

    upload_max_bytes: int = Field(default=8 * 2**30, ge=1)
    """Largest file that is taken into the inbox through the API."""

    flower_url: str | None = None
    """Address of Flower to which the page leads; default: that of this machine, if Flower answers there."""

    web_secret: SecretStr | None = Field(default=None, min_length=32)
    """What access tokens are signed with; several, separated by blanks, are all accepted, and the first one signs.
    Default: a key that is kept in MongoDB and replaced every month."""

    web_hosts: Names = Field(default_factory=tuple)
    """Host names under which the server is reached, besides those of this machine; separated by commas."""

    web_origins: Names = Field(default_factory=tuple)
    """Origins (``https://host``) of other pages that may use the API with a token; separated by commas."""

    web_proxies: Names = Field(default_factory=tuple)
    """Addresses and networks of proxies whose ``X-Forwarded-For`` and ``X-Forwarded-Proto`` are believed."""

    web_requests: int = Field(default=3600, ge=1)
    """Most requests per user and minute. Whoever holds an arrow key down in the library sends about 35 per second."""

    keep_audit_days: float = Field(default=365.0, ge=0, allow_inf_nan=False)
    """Days for which the audit log is kept."""

    audio_cache_bytes: int = Field(default=2**30, ge=0, le=2**40)
    """Most bytes of WAV copies that the web server keeps under ``home``, of files that browsers cannot play."""

    metrics_port: int | None = Field(default=None, ge=1, le=65530)
    """Port at which the cpu worker serves its metrics to Prometheus; default: no metrics are served.

    The io (or store) worker, the ai worker, beat, the web server and the exporter use the ports that follow, one each.
    """

    metrics_address: str = "127.0.0.1"
    """Address at which metrics are served. Who reaches it reads them, so it must not be open to the world."""

    tracing_url: WebAddress | None = None
    """Base URL of a collector that takes traces by OTLP over HTTP, as ``http://HOST:4318``; default: none are sent."""

    stems_model: AbsolutePath | None = None
    """ONNX file of a separation model that `stems` runs instead of median filters."""

    stems_model_hash: Annotated[str, spelled(r"[0-9A-Fa-f]{64}", "64 hex digits")] | None = None
    """SHA-256 of that file; without it, or without the licence, the model is not run."""

    stems_model_licence: str | None = None
    """Licence of that model, which is shown with what it made."""

    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"
    """Least severity of what is logged."""

    log_json: bool = False
    """Whether each line of the log is a JSON object."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Also read secrets from files if a folder is named; the environment has priority."""
        folder = os.environ.get("SAMPLEMIND_SECRETS_DIR")
        if folder and Path(folder).is_dir():
            file_secret_settings = SecretsSettingsSource(settings_cls, secrets_dir=folder)
        return init_settings, env_settings, dotenv_settings, file_secret_settings

    def can_ask(self, provider: ProviderName) -> bool:
        """Return whether a provider of summaries is set up: by its key, by its address, or because it needs neither."""
        facts = PROVIDERS[provider]
        if facts.setting is None or getattr(self, facts.setting) is not None:
            return True
        return facts.accepts_own_server and provider in self.ai_urls

    @property
    def providers(self) -> tuple[ProviderName, ...]:
        """The providers of summaries that are set up, without the local describer."""
        return tuple(name for name in PROVIDERS if name != "local" and self.can_ask(name))

    @property
    def can_ask_a_model(self) -> bool:
        """Whether any provider of summaries besides the local describer is set up."""
        return bool(self.providers)

    @property
    def queues(self) -> Queues:
        """The names of this deployment's queues."""
        return Queues(self.database, self.host)

    @property
    def inbox_folder(self) -> Path:
        """Where sample packs arrive."""
        return self.inbox or self.home / "inbox"

    @property
    def library_folder(self) -> Location:
        """Where sample packs are unpacked."""
        return self.library_root or self.home / "library"


def variable(name: str) -> str:
    """Return the environment variable that sets a field: ``SAMPLEMIND_<NAME>``, or the usual name of a key."""
    alias = Settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else f"SAMPLEMIND_{name.upper()}"


@lru_cache(maxsize=1)
def get_settings() -> Settings:
    """Read the settings, from all of their sources, once per process.

    Raises
    ------
    SettingsError
        If a value, or a file, is refused.
    """
    found = sources.find(_variables())
    files: dict[str, Any] = {"_env_file": found.env_file}
    try:
        settings = Settings(**files)
        more = {field: value for field, value in found.from_user_file.items() if field not in settings.model_fields_set}
        return Settings(**files, **more) if more else settings
    except ValidationError as error:
        raise SettingsError(found.told([(fault["loc"], fault["msg"]) for fault in error.errors()])) from error


def places_of_settings() -> dict[str, str | None]:
    """Return where each field is set; None if it has its default.

    Raises
    ------
    SettingsError
        If a file is refused.
    """
    found = sources.find(_variables())
    return {field: found.place(field) for field in found.variables}


def unknown_settings() -> Iterator[str]:
    """Yield a sentence about each name in the environment or in a file that looks like a setting but is none."""
    return sources.unknown_names(_variables())


def _variables() -> dict[str, str]:
    return {name: variable(name) for name in Settings.model_fields}
