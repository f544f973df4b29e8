"""settings.md: every setting."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from types import UnionType
from typing import Annotated, Any, Final, Literal, Union, get_args, get_origin

from annotated_types import Ge, Gt, Le, MinLen
from pydantic import SecretStr
from pydantic.fields import FieldInfo

from config.settings import Settings, variable
from config.sources import ENVIRONMENT_ONLY
from samplemind_cli.field_docs import docs_of
from tests.reference_pages.markdown import code, head, joined, table

_UNITS: Final = {
    "_seconds": "s",
    "_bytes": "bytes",
    "_days": "days",
    "_usd": "USD",
    "_duration": "s",
    "_sample_rate": "Hz",
}
_DEPENDS: Final = {
    "home": "the platform's data folder",
    "host": "the host name",
    "concurrency": "the number of cores",
}
"""Defaults that depend on the machine."""
_TYPES: Final = {int: "integer", float: "number", bool: "boolean", str: "text", Path: "path", SecretStr: "secret"}


def page() -> str:
    """Return the page."""
    docs = docs_of(Settings)
    return joined(
        [
            *head(
                "Settings",
                "A setting is read from the environment, from the `.env` of a deployment, from a file per secret, or "
                'from `samplemind.toml`; the first that has it wins (`docs/contract.md`, "Settings").',
                "In the environment and in `.env` it has the name that is shown here. The file of a secret has that "
                "name in small letters. In `samplemind.toml` it has the name in small letters, without `samplemind_`. "
                "`samplemind config` shows the values of a machine, and where each is from.",
                " and ".join(code(variable(name)) for name in sorted(ENVIRONMENT_ONLY))
                + " are read from the environment alone, as they say where the others are.",
            ),
            *table(
                ("setting", "type", "default", "unit", "what it is"),
                (
                    (code(variable(name)), type_of(info), default_of(name, info), unit_of(name), docs.get(name, ""))
                    for name, info in Settings.model_fields.items()
                ),
            ),
        ]
    )


def unit_of(name: str) -> str:
    """Return the unit that a name says."""
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "-")


def default_of(name: str, info: FieldInfo) -> str:
    """Return a default as one writes it."""
    if name in _DEPENDS:
        return _DEPENDS[name]
    value = info.get_default(call_default_factory=True)
    if value is None or value in ({}, ()):
        return "-"
    if isinstance(value, bool):
        return code(str(value).lower())
    return code(f"{value:g}" if isinstance(value, float) else str(value))


def type_of(info: FieldInfo) -> str:
    """Return what values there are, in words, with their limits."""
    return ", ".join([_type(info.annotation), *_limits(info.metadata)])


def _type(kind: Any) -> str:
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _type(inner[0])
    if origin is Literal:
        return ", ".join(map(code, inner))
    if origin in (Union, UnionType):
        return _type(next(each for each in inner if each is not type(None)))
    if isinstance(origin, type) and issubclass(origin, Mapping):
        return "JSON object"
    if origin is tuple:
        return "texts, separated by commas"
    return _TYPES.get(kind, "number")


def _limits(metadata: list[Any]) -> Iterator[str]:
    for each in metadata:
        match each:
            case Ge(ge=least):
                yield f"at least {least:,}"
            case Gt(gt=least):
                yield f"more than {least:,}"
            case Le(le=most):
                yield f"at most {most:,}"
            case MinLen(min_length=least):
                yield f"at least {least} characters"
            case _:
                pass
