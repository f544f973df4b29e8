"""Finds the files that hold settings, detects unknown names in them, and explains why a value is refused.

There are two files: the ``.env`` of a deployment, which ``SAMPLEMIND_ENV_FILE`` names or which lies beside the
``docker-compose.yml`` of the project's own checkout, and ``samplemind.toml`` in the user's configuration folder.
The working folder is never searched, because others may have filled it.

``variables`` maps each field of the settings to the name that sets it in the environment and in ``.env``. In
``samplemind.toml`` a key is the name of a field, or the usual name of a provider's key.
"""

import os
import stat
import tomllib
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import Any, Final

from dotenv import dotenv_values
from platformdirs import user_config_path

from config.locations import named_pairs

PREFIX: Final = "SAMPLEMIND_"
COMPOSE_ONLY: Final = frozenset(
    PREFIX + name
    for name in (
        *("REDIS_PASSWORD", "MONGODB_PASSWORD", "MONGODB_ROOT_PASSWORD", "CHROMA_PASSWORD"),
        *("GATE_ADDRESS", "GATE_CERTIFICATE", "CPU_MEMORY", "LIBRARY", "VERSION"),
        *("GRAFANA_PASSWORD", "GRAFANA_PORT", "PROMETHEUS_PORT"),
    )
)
"""Names in ``.env`` that ``docker-compose.yml`` alone reads."""

_INTERNAL: Final = frozenset({f"{PREFIX}PROCESS"})
_ENV_FILE, _SECRETS_DIR = f"{PREFIX}ENV_FILE", f"{PREFIX}SECRETS_DIR"
ENVIRONMENT_ONLY: Final = frozenset({"env_file", "secrets_dir"})
"""Fields that name the places of other settings."""
_PATHS: Final = frozenset({"home", "inbox", "library_root", "scratch", "ai_table"})
_FULL: Final = ("/", "~", "s3://", "file://")
"""What a path begins with that does not depend on the working folder."""
_CHECKOUT: Final = Path(__file__).parents[1]
_MAX_BYTES: Final = 1 << 20
_LIKE: Final = 0.8
"""Least similarity (`difflib`) at which a known name is suggested for an unknown one."""


class SettingsError(ValueError):
    """Settings are refused; the message is one line that names the setting and where its value stands."""


@dataclass(frozen=True, slots=True)
class Found:
    """The files that settings are read from, and their values."""

    env_file: Path | None
    from_env_file: Mapping[str, str]
    """Values by variable."""
    from_user_file: Mapping[str, Any]
    """Values by field."""
    variables: Mapping[str, str]

    def told(self, faults: Iterable[tuple[tuple[int | str, ...], str]]) -> str:
        """Return one line that says which settings are refused, where each is set and what was wanted, without values.

        A fault is a location in the settings, which begins with a field or its variable, and pydantic's message.
        """
        fields = {variable: field for field, variable in self.variables.items()}
        lines: list[str] = []
        for (first, *rest), message in faults:
            inner = [str(each) for each in rest if each != "[key]"]
            wanted = message.removeprefix("Value error, ")
            place = self._place(fields.get(str(first), str(first)))
            lines.append(": ".join([place, *inner, wanted[:1].lower() + wanted[1:]]))
        return "; ".join(lines)

    def _place(self, field: str) -> str:
        return self.place(field) or f"{self.variables[field]}, which is not set"

    def place(self, field: str) -> str | None:
        """Return where a field is set; None if it has its default."""
        variable = self.variables[field]
        if _is_set(variable, os.environ):
            return f"{variable} in the environment"
        if _is_set(variable, self.from_env_file):
            return f"{variable} in {self.env_file}"
        secret = Path(os.environ.get(_SECRETS_DIR, ""), variable.lower())
        if _SECRETS_DIR in os.environ and secret.is_file():
            return str(secret)
        return f"{field} in {user_file()}" if field in self.from_user_file else None


def find(variables: Mapping[str, str]) -> Found:
    """Find and read the files.

    Raises
    ------
    SettingsError
        If a file is refused, or holds a relative path, whose meaning would depend on the working folder.
    """
    env_file = _find_env_file()
    from_env_file = _read_env_file(env_file)
    keys = _fields_by_key(variables)
    from_user_file = {
        keys[key]: value for key, value in _read_user_file().items() if key in keys and value != ""
    }  # an empty value means the default, as in the environment
    for field, variable in variables.items():
        if _is_relative(field, from_env_file.get(variable)):
            raise SettingsError(f"{variable} in {env_file}: wanted an absolute path")
        if _is_relative(field, from_user_file.get(field)):
            raise SettingsError(f"{field} in {user_file()}: wanted an absolute path")
    return Found(env_file, from_env_file, from_user_file, variables)


def user_file() -> Path:
    """Return the path of the user's own settings file, which may not exist."""
    return user_config_path("samplemind", appauthor=False) / "samplemind.toml"


def unknown_names(variables: Mapping[str, str]) -> Iterator[str]:
    """Yield a sentence about each name that looks like a setting and is none.

    A refused file is ignored here; reading the settings reports it.
    """
    known = {*variables.values(), *COMPOSE_ONLY}
    for place, names in _written():
        for name in names:
            if name.upper().startswith(PREFIX) and name.upper() not in known | _INTERNAL:
                yield _sentence(name, place, known)
    keys = _fields_by_key(variables)
    try:
        unknown = [key for key in _read_user_file() if key not in keys]
    except SettingsError:
        return
    for key in unknown:
        yield _sentence(key, str(user_file()), keys)


def _written() -> Iterator[tuple[str, Collection[str]]]:
    yield "the environment", list(os.environ)
    try:
        path = _find_env_file()
        yield str(path), _read_env_file(path)
    except SettingsError:
        return


def _sentence(name: str, place: str, known: Collection[str]) -> str:
    # Compare without the prefix, which would make all names similar.
    short = {each.upper().removeprefix(PREFIX): each for each in known}
    near = get_close_matches(name.upper().removeprefix(PREFIX), sorted(short), n=1, cutoff=_LIKE)
    suggestion = f"did you mean {short[near[0]]}?" if near else "it is ignored"
    return f"{name} in {place} is not a setting; {suggestion}"


def _find_env_file() -> Path | None:
    named = os.environ.get(_ENV_FILE)
    if named == os.devnull:
        return None
    path = Path(named).expanduser().absolute() if named else _CHECKOUT / ".env"
    if not named and not (path.exists() and (_CHECKOUT / "docker-compose.yml").is_file()):
        return None
    try:
        mode = path.stat().st_mode
    except OSError as error:
        raise SettingsError(f"{_ENV_FILE} in the environment: {path}: {error.strerror}") from error
    if not stat.S_ISREG(mode):  # reading a FIFO would block
        raise SettingsError(f"{path} is not a regular file")
    return path


def _read_env_file(path: Path | None) -> dict[str, str]:
    if path is None:
        return {}
    try:
        values = dotenv_values(path)
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise SettingsError(f"{path} is not UTF-8 text") from error
    return {name.upper(): value for name, value in values.items() if value}


def _read_user_file() -> dict[str, Any]:
    path = user_file()
    if not path.is_absolute():
        return {}  # the user has no home: a relative path would lead into the working folder
    try:
        # Non-blocking: opening a FIFO would wait for a writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return {}
    except OSError as error:
        raise SettingsError(f"{path}: {error.strerror}") from error
    with os.fdopen(descriptor, "rb", buffering=0, closefd=True) as file:
        _require_private(path, os.fstat(descriptor))
        text = file.read(_MAX_BYTES)
    try:
        return tomllib.loads(text.decode())
    except ValueError as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from error


def _require_private(path: Path, found: os.stat_result) -> None:
    if not stat.S_ISREG(found.st_mode):
        raise SettingsError(f"{path} is not a regular file")
    if found.st_uid != os.geteuid():
        raise SettingsError(f"{path} belongs to another user")
    if found.st_mode & 0o077:
        raise SettingsError(f"{path} is open to other users, and may hold keys: run chmod 600 '{path}'")
    if found.st_size > _MAX_BYTES:
        raise SettingsError(f"{path} is larger than 1 MiB")


def _fields_by_key(variables: Mapping[str, str]) -> dict[str, str]:
    fields = {field: field for field in variables if field not in ENVIRONMENT_ONLY}
    return fields | {variables[field]: field for field in fields if not variables[field].startswith(PREFIX)}


def _is_set(variable: str, values: Mapping[str, str]) -> bool:
    return any(name.upper() == variable and value for name, value in values.items())


def _is_relative(field: str, value: object) -> bool:
    paths: list[object] = [value] if field in _PATHS else []
    if field == "roots" and isinstance(value, str):
        with suppress(ValueError):  # it is refused, or is JSON
            paths = list(named_pairs(value).values())
    elif field == "roots" and isinstance(value, dict):
        paths = list(value.values())
    return any(isinstance(path, str) and path and not path.startswith(_FULL) for path in paths)
