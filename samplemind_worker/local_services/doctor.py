"""Checks what works on this machine, and says how to mend what does not."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from pydantic import SecretStr

from config.settings import Settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import InternalError, ServiceUnavailableError, SetupError, TransientError, how_to_add
from samplemind_worker.local_services import damage
from samplemind_worker.local_services.binaries import find_mongod, find_valkey, require_chroma
from samplemind_worker.local_services.checks import Check
from samplemind_worker.local_services.home import Home, State
from samplemind_worker.local_services.places import places
from samplemind_worker.local_services.probes import web_answers
from samplemind_worker.local_services.record_checks import summaries, vectors, workers
from samplemind_worker.local_services.services import (
    OTHER_MODELS,
    START_ANEW,
    asks_otherwise,
    is_outdated,
    private_names,
    probe,
    with_urls,
)
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.sandbox import PROTECTIONS, Bounds
from samplemind_worker.store import probes
from samplemind_worker.submission.walk import AUDIO_SUFFIXES, FFMPEG_SUFFIXES
from samplemind_worker.upkeep.index_health import MEND

_ENOUGH_RESTARTS = 3
_ANSWERS = "answers"
_TIMEOUT = 3.0
_NEEDED_FORMATS = frozenset({"WAV", "AIFF", "FLAC", "OGG", "MP3"})
# In a process of its own: NumPy and libsndfile stay out of the one that asks, and so does FFmpeg.
_ASK_SOUNDFILE = """
import json, soundfile
print(json.dumps([soundfile.__version__, soundfile.__libsndfile_version__, list(soundfile.available_formats())]))
"""
_ASK_FFMPEG = """
import av
print(av.__version__, av.ffmpeg_version_info)
"""


def diagnose(settings: Settings) -> list[Check]:
    """Check everything that the private services and the analysis need; leave nothing behind, and show no secret."""
    home = Home(settings.home)
    running = home.holder() is not None
    state = home.read_state() if running else State()
    private = private_names(settings)
    checks = [_python(), *places(settings, home), _soundfile(), _ffmpeg(), _sandbox(settings)]
    if "valkey" in private:
        checks.append(_binary("valkey", find_valkey))
    if "mongod" in private:
        checks.append(_binary("mongod", find_mongod))
    if "chroma" in private:
        checks.append(_chroma())
    if private:
        checks += [_sockets(home), _supervisor(state, running=running)]
    checks += [_private_service(settings, name, home, state, running=running) for name in private]
    checks += _set_aside(home)
    checks += _given_services(settings)
    answering = {check.name for check in checks if check.detail.endswith(_ANSWERS)}
    if answering & {"mongod", "mongodb"} and "chroma" in answering:
        checks += vectors(with_urls(settings, state))
    checks.append(summaries(with_urls(settings, state), answering))
    if "redis" in answering:
        checks += workers(settings)
    if state.workers:
        names = ("worker-cpu", "worker-io", *(["worker-ai"] if state.models else []), "beat")
        checks += [_worker(name, home, state) for name in names]
        checks += _models(settings, state)
    if state.web_port:
        checks.append(_web(home, state))
    return checks


def _failed(name: str, error: SetupError) -> Check:
    # Our messages read "what is wrong: how to mend it".
    detail, _, mend = str(error).partition(": ")
    return Check(name, ok=False, detail=detail, mend=mend)


def _python() -> Check:
    found = ".".join(map(str, sys.version_info[:3]))
    fits = (3, 11) <= sys.version_info < (3, 14)
    return Check("python", ok=fits, detail=found, mend="" if fits else "use Python 3.11, 3.12 or 3.13")


def _output(command: list[str]) -> str:
    """Run a command; raises OSError or SubprocessError."""
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout  # noqa: S603 -- ours


def _soundfile() -> Check:
    try:
        own, library, formats = json.loads(_output([sys.executable, "-I", "-c", _ASK_SOUNDFILE]))
    except (OSError, subprocess.SubprocessError, ValueError):
        return Check("soundfile", ok=False, detail="cannot be loaded", mend="install samplemind again, or libsndfile")
    missing = sorted(_NEEDED_FORMATS - set(formats))
    return Check(
        "soundfile",
        ok=True,
        detail=f"{own}, libsndfile {library}"
        + (f", without {' '.join(missing)}" if missing else "")
        + f"; reads {' '.join(sorted(suffix.removeprefix('.') for suffix in AUDIO_SUFFIXES - FFMPEG_SUFFIXES))}",
        mend="install libsndfile 1.1 or later" if missing else "",
    )


def _ffmpeg() -> Check:
    names = " ".join(sorted(suffix.removeprefix(".") for suffix in FFMPEG_SUFFIXES))
    try:
        own, library = _output([sys.executable, "-I", "-c", _ASK_FFMPEG]).split()
    except (OSError, subprocess.SubprocessError, ValueError):
        return Check(
            "ffmpeg",
            ok=True,
            detail=f"not installed; not read: {names}, and damaged or unusual files of other kinds",
            mend=f"add the extra with {how_to_add('ffmpeg')}",
        )
    return Check("ffmpeg", ok=True, detail=f"PyAV {own}, FFmpeg {library}; reads {names}")


def _sandbox(settings: Settings) -> Check:
    """Start a decoder, and ask it which protections hold."""
    bounds = Bounds(settings.decode_memory_bytes, settings.decode_seconds, samples=1)
    try:
        holds = audio_sandbox().protections(bounds)
    except TransientError:
        mend = "run `samplemind analyze` on a file to see why"
        return Check("sandbox", ok=False, detail="no decoder starts", mend=mend)
    missing = [name for name in PROTECTIONS if name not in holds]
    return Check(
        "sandbox",
        ok=True,
        detail="decoders are held in: " + ", ".join(holds) + (f"; not in: {', '.join(missing)}" if missing else ""),
        mend="take files of strangers on Linux, x86-64 or ARM64, where seccomp is allowed" if missing else "",
    )


def _binary(name: str, find: Callable[[], Path]) -> Check:
    try:
        path = find()
        first_line = _output([str(path), "--version"]).partition("\n")[0]
    except SetupError as error:
        return _failed(f"{name} binary", error)
    except (OSError, subprocess.SubprocessError) as error:
        mend = f"run `{name} --version` to see why, or put another one on PATH"
        return Check(f"{name} binary", ok=False, detail=f"does not run ({type(error).__name__})", mend=mend)
    number = next((word for word in first_line.split() if word.lstrip("v=")[:1].isdigit()), first_line)
    return Check(f"{name} binary", ok=True, detail=f"{number.lstrip('v=')} {path}")


def _chroma() -> Check:
    try:
        require_chroma()
        return Check("chroma binary", ok=True, detail=version("chromadb"))
    except SetupError as error:
        return _failed("chroma binary", error)
    except PackageNotFoundError:
        return Check("chroma binary", ok=False, detail="chromadb is not installed", mend="install samplemind again")


def _sockets(home: Home) -> Check:
    try:
        return Check("sockets", ok=True, detail=str(home.socket_place))
    except SetupError as error:
        return _failed("sockets", error)


def _supervisor(state: State, *, running: bool) -> Check:
    if not running:
        return Check("supervisor", ok=True, detail="not running; `samplemind up` or a submit starts it")
    stale = is_outdated(state)
    return Check(
        "supervisor",
        ok=True,
        detail=f"process {state.supervisor}" + (f" of other code (version {state.version})" if stale else ""),
        mend="the next command that finds no batch open starts it anew" if stale else "",
    )


def _private_service(settings: Settings, name: str, home: Home, state: State, *, running: bool) -> Check:
    if not running:
        return Check(name, ok=True, detail="not running")
    if probe(name, state):
        return _usable(name, with_urls(settings, state), detail=_ANSWERS, mend=f"see {home.log(name)}")
    hangs = (found := state.services.get(name)) is not None and found.ready
    mend = "; `samplemind down` ends it, and the next command starts it anew" if hangs else ""
    return Check(name, ok=False, detail="does not answer", mend=f"see {home.log(name)}{mend}")


def _set_aside(home: Home) -> list[Check]:
    """Say which damaged data are kept."""
    places = damage.found(home.data)
    if not places:
        return []
    mend = "remove " + " and ".join(map(str, places)) + " once nobody wants to look at it"
    if any(place.name.startswith("chroma") for place in places):
        mend = "run `samplemind reindex` to have all vectors again; " + mend
    if any(place.name.startswith("mongod") for place in places):
        mend = "look with `samplemind status` whether the repaired record has all batches; " + mend
    return [Check("set aside", ok=True, detail="damaged data of " + ", ".join(p.stem for p in places), mend=mend)]


def _usable(name: str, settings: Settings, *, detail: str, mend: str) -> Check:
    """Write to a service that answers, and read that again; ``settings`` has the URL of the service."""
    try:
        match name:
            case "valkey" | "redis":
                probes.redis(_secret(settings.redis_url), settings.database)
            case "mongod" | "mongodb":
                probes.mongodb(_secret(settings.mongodb_url), settings.database)
            case _:
                probes.chroma(_secret(settings.chroma_url), settings.database, version=VERSIONS["store"])
    except (ServiceUnavailableError, InternalError) as error:
        if name == "chroma":
            mend += f"; {MEND}"
        return Check(name, ok=False, detail=f"{detail}, but {error}", mend=mend)
    return Check(name, ok=True, detail=detail)


def _secret(url: SecretStr | None) -> str:
    # kombu's spelling of a unix socket is taken too.
    text = "" if url is None else url.get_secret_value()
    return text.replace("redis+socket://", "unix://").replace("virtual_host=", "db=")


def _worker(name: str, home: Home, state: State) -> Check:
    found = state.services.get(name)
    mend = f"see {home.log(name)}"
    if found is None:
        return Check(name, ok=False, detail="ended, and is about to be started again", mend=mend)
    troubled = found.restarts > _ENOUGH_RESTARTS
    return Check(
        name,
        ok=True,
        detail=f"process {found.pid}" + (f", restarted {found.restarts} times" if troubled else ""),
        mend=mend if troubled else "",
    )


def _web(home: Home, state: State) -> Check:
    found, log = state.services.get("web"), home.log("web")
    address = f"http://127.0.0.1:{state.web_port}/"
    if found is None or not web_answers(state.web_port):
        return Check("web", ok=False, detail=f"does not answer at {address}", mend=f"see {log}")
    check = _worker("web", home, state)
    return replace(check, detail=f"{check.detail}, {address}")


def _models(settings: Settings, state: State) -> list[Check]:
    return [Check("models", ok=True, detail=OTHER_MODELS, mend=START_ANEW)] if asks_otherwise(settings, state) else []


def _given_services(settings: Settings) -> list[Check]:
    checks: list[Check] = []
    if settings.redis_url is not None:
        checks.append(_reach("redis", _secret(settings.redis_url), settings, _ping_redis))
    if settings.mongodb_url is not None:
        checks.append(_reach("mongodb", _secret(settings.mongodb_url), settings, _ping_mongodb))
    if settings.chroma_url is not None:
        checks.append(_reach("chroma", _secret(settings.chroma_url), settings, _ping_chroma))
    return checks


def _reach(name: str, url: str, settings: Settings, ping: Callable[[str], None]) -> Check:
    # Cut after the last @ and before the path and query: what is left can hold no password, however badly written.
    scheme, _, rest = url.partition("://")
    place = f"{scheme}://{rest.rpartition('@')[2].partition('?')[0].partition('/')[0]}"
    try:
        ping(url)
    except Exception as error:  # noqa: BLE001 -- any failure of the client is the answer to the question
        # Its type alone: messages of URL parsers quote the password.
        mend = f"start it, or mend SAMPLEMIND_{name.upper()}_URL"
        return Check(name, ok=False, detail=f"{place} cannot be reached ({type(error).__name__})", mend=mend)
    return _usable(name, settings, detail=f"{place} {_ANSWERS}", mend="see its log")


def _ping_redis(url: str) -> None:
    from redis import Redis  # noqa: PLC0415 -- slow import

    with Redis.from_url(url, socket_timeout=_TIMEOUT, socket_connect_timeout=_TIMEOUT) as client:
        client.ping()


def _ping_mongodb(url: str) -> None:
    from pymongo import MongoClient  # noqa: PLC0415 -- slow import

    with MongoClient[dict[str, object]](url, serverSelectionTimeoutMS=int(_TIMEOUT * 1000)) as client:
        client.admin.command("ping")


def _ping_chroma(url: str) -> None:
    from samplemind_worker.store.chroma import Chroma  # noqa: PLC0415 -- slow import

    with Chroma(url, seconds=_TIMEOUT) as chroma:
        chroma.require()
