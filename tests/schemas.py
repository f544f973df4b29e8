"""Reads what a command has printed as its JSON Schema says, with nothing more and nothing less."""

import json
from collections.abc import Iterator
from typing import Any

import jsonschema

from samplemind_cli.schemas import OUTPUTS, Schema, schema_of


def closed(schema: Any) -> Any:
    """Return a schema in which an object has no other fields than those that it names."""
    if isinstance(schema, list):
        return [closed(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    inner = {name: closed(each) for name, each in schema.items()}
    return inner | {"additionalProperties": False} if "properties" in inner else inner


def objects_in(schema: Any) -> Iterator[Schema]:
    """Yield every object of a schema that names fields."""
    for each in schema if isinstance(schema, list) else schema.values() if isinstance(schema, dict) else ():
        yield from objects_in(each)
    if isinstance(schema, dict) and isinstance(schema.get("properties"), dict) and "type" in schema:
        yield schema


def printed(command: str, out: str) -> list[Any]:
    """Return the objects that a command has printed.

    Raises
    ------
    jsonschema.ValidationError
        If one is not as the schema of the command says.
    """
    form = OUTPUTS[command].form
    found = [json.loads(line) for line in out.splitlines()] if form == "lines" else [json.loads(out)]
    check = jsonschema.Draft202012Validator(closed(schema_of(command)))
    for each in found:
        check.validate(each)
    return found[0] if form == "array" else found
