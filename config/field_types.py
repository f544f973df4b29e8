"""Types of settings that check or convert a given value; their messages say what was wanted."""

import json
import re
from pathlib import Path
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator
from pydantic_settings import NoDecode


def spelled(pattern: str, wanted: str) -> AfterValidator:
    """Return a validator that requires a text to match a whole pattern."""

    def check(text: str) -> str:
        if re.fullmatch(pattern, text) is None:
            raise ValueError(f"wanted {wanted}")
        return text

    return AfterValidator(check)


def _absolute(path: Path) -> Path:
    return path.expanduser().absolute()


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

AbsolutePath = Annotated[Path, AfterValidator(_absolute)]
"""A path that is made absolute when it is read, because child processes run in other folders."""

FROM_JSON: Final = BeforeValidator(_from_json)
"""Parses a text as JSON; a value from a TOML file is kept as it is."""
