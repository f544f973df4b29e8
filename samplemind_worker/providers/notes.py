"""The form of an answer: given to the provider as a schema, and checked when it comes back."""

import json
from collections.abc import Callable, Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from samplemind_worker.providers import text

_SUMMARY = 400
"""Characters; somewhat more than the prompt asks for, as models count badly."""
_ITEM = 200
_ITEMS = 4
_TAGS = 10


class Note(BaseModel):
    """What is written about one sample. The lengths are checked here: not every provider knows them in a schema."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="The id of the sample, copied exactly.")
    summary: str
    production_tips: list[str]
    creative_ideas: list[str]
    fl_studio_recommendations: list[str]
    tags: list[str]

    def cleaned(self, hide: Callable[[str], str]) -> "Note | None":
        """Return this note fit to be stored; None if anything is missing then.

        Hidden is what stands there as it came, and what is left by the cleaning.
        """

        def sentence(value: str, limit: int) -> str:
            return hide(text.sentence(hide(value), limit))

        def items(values: list[str]) -> list[str]:
            return [item for value in values if (item := sentence(value, _ITEM))][:_ITEMS]

        note = Note(
            id=self.id,
            summary=sentence(self.summary, _SUMMARY),
            production_tips=items(self.production_tips),
            creative_ideas=items(self.creative_ideas),
            fl_studio_recommendations=items(self.fl_studio_recommendations),
            tags=[tag for tag in text.tags(map(hide, self.tags), _TAGS) if hide(tag) == tag],
        )
        whole = (
            note.summary, note.production_tips, note.creative_ideas, note.fl_studio_recommendations, note.tags
        )  # fmt: skip
        return note if all(whole) else None


class Notes(BaseModel):
    """The whole answer."""

    model_config = ConfigDict(extra="forbid")

    samples: list[Note]


_NOTE = TypeAdapter(Note)


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:
    """Put definitions where they are used and drop titles: what the strictest provider takes."""
    if isinstance(schema, list):
        return [_plain(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    # A docstring would be sent as a description.
    kept = {key: value for key, value in schema.items() if key not in {"title", "$defs"}}
    if kept.get("type") == "object":
        kept.pop("description", None)
    return {key: _plain(value, definitions) for key, value in kept.items()}


def _schema() -> dict[str, Any]:
    schema = Notes.model_json_schema()
    return _plain(schema, schema["$defs"])


SCHEMA: dict[str, Any] = _schema()
SCHEMA_TEXT = json.dumps(SCHEMA, sort_keys=True)


def read(reply: str, wanted: Collection[str], *, hide: Callable[[str], str] = str) -> dict[str, Note]:
    """Return the good notes of a reply by id; those that nobody asked for, and those that are not whole, are left out.

    A reply that was cut short gives the notes before the cut. ``hide`` takes out of a text what must not be stored.
    """
    found: dict[str, Note] = {}
    for entry in _entries(reply):
        try:
            note = _NOTE.validate_python(entry).cleaned(hide)
        except ValidationError:
            continue
        if note is not None and note.id in wanted:
            found.setdefault(note.id, note)
    return found


def _entries(reply: str) -> list[Any]:
    start = reply.find("{")
    if start < 0:
        return []
    # Small models put a sentence or a fence around it, and the limit of tokens may end it anywhere.
    for end in (len(reply), reply.rfind("}") + 1):
        try:
            value = from_json(reply[start:end], allow_partial=True)
        except ValueError:
            continue
        samples = value.get("samples") if isinstance(value, dict) else None
        return samples if isinstance(samples, list) else []
    return []
