"""Types of settings that check or convert a given value; their messages say what was wanted."""

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Final, cast

from pydantic import AfterValidator, BeforeValidator, PlainValidator
from pydantic_settings import NoDecode

from config.locations import Location, ObjectPath, location, named_pairs

_HTTP: Final = ("http://", "https://")


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


def _is_there(path: Path) -> Path:
    if not path.is_dir():
        raise ValueError(f"no such folder: {path}")
    return path


def _is_text(path: Path) -> Path:
    try:
        str(path).encode()
    except UnicodeEncodeError as error:
        raise ValueError("wanted a path in UTF-8") from error
    return path


def _is_http(text: str) -> str:
    if not text.startswith(_HTTP):
        raise ValueError("wanted http://HOST:PORT or https://HOST:PORT")
    return text


def _are_http(urls: Mapping[str, str]) -> Mapping[str, str]:
    for name, url in urls.items():
        if not url.startswith(_HTTP):
            raise ValueError(f"the address of {name} does not begin with http:// or https://")
    return urls


Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]
"""Texts that are separated by commas."""

AbsolutePath = Annotated[Path, BeforeValidator(_is_folder), AfterValidator(_absolute)]
"""A path that is made absolute when it is read, because child processes run in other folders."""

ExistingFolder = Annotated[AbsolutePath, AfterValidator(_is_there)]
"""A folder that is there."""

Utf8Path = Annotated[AbsolutePath, AfterValidator(_is_text)]
"""A path that is UTF-8."""

WebAddress = Annotated[str, AfterValidator(_is_http)]
"""A URL that begins with ``http://`` or ``https://``."""

WEB_ADDRESSES: Final = AfterValidator(_are_http)
"""Requires the URLs of a mapping to begin with ``http://`` or ``https://``."""

Roots = Annotated[dict[str, Location], NoDecode, PlainValidator(_read_roots)]
"""Named folders and prefixes of buckets."""

Place = Annotated[Location, BeforeValidator(_root_location)]
"""A path that is made absolute, or a prefix of a bucket."""

FROM_JSON: Final = BeforeValidator(_from_json)
"""Parses a text as JSON; a value from a TOML file is kept as it is."""
