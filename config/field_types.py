"""Types of settings that check or convert a given value; their messages say what was wanted."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, cast

from pydantic import AfterValidator, BeforeValidator, PlainValidator
from pydantic_settings import NoDecode

from config.locations import Location, ObjectPath, location, named_pairs


def spelled(pattern: str, wanted: str) -> AfterValidator:
    """Return a validator that requires a text to match a whole pattern."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"wanted {wanted}")
        return text

    return AfterValidator(check)


def _is_folder(value: object) -> object:
    place = location(value) if isinstance(value, str) else value
    if isinstance(place, ObjectPath):
        raise ValueError(f"wanted a folder of this machine, got {place}")  # noqa: TRY004 -- pydantic catches ValueError
    return place


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


def _read_roots(value: object) -> object:
    if isinstance(value, str):
        value = _from_json(value) if value.lstrip().startswith("{") else named_pairs(value)
    if not isinstance(value, Mapping):
        raise ValueError("wanted names and paths")  # noqa: TRY004 -- pydantic catches ValueError
    return {_root_name(name): _root_location(place) for name, place in cast("Mapping[object, object]", value).items()}


def _root_name(name: object) -> str:
    if not isinstance(name, str) or not name or name.startswith("/") or "://" in name:
        raise ValueError(f"wanted the name of a root, which is neither a path nor a URL, got {name!r}")
    return name


def _root_location(value: object) -> Location:
    place = location(value) if isinstance(value, str) else value
    if isinstance(place, Path):
        return _absolute(place)
    if isinstance(place, ObjectPath):
        return place
    raise ValueError(f"wanted a path or s3://bucket/prefix, got {place!r}")


def _from_json(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        return json.loads(value)
    except ValueError as error:
        raise ValueError("wanted a JSON object") from error


def _split(value: object) -> object:
    return [part.strip() for part in value.split(",") if part.strip()] if isinstance(value, str) else value


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Texts that are separated by commas."""

AbsolutePath = Annotated[Path, BeforeValidator(_is_folder), AfterValidator(_absolute)]
"""A path that is made absolute when it is read, because child processes run in other folders."""

Roots = Annotated[dict[str, Location], NoDecode, PlainValidator(_read_roots)]
"""Named folders and prefixes of buckets."""

FROM_JSON: Final = BeforeValidator(_from_json)
"""Parses a text as JSON; a value from a TOML file is kept as it is."""
