"""The schema of a reply: it is sent with the request, and the reply is checked against it."""

import json
from collections.abc import Callable, Collection
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import from_json

from samplemind_worker.providers import text

_SUMMARY = 400
"""Characters; somewhat more than the prompt asks for, because models count badly."""
_ITEM = 200
_ITEMS = 4
_TAGS = 10


class SampleText(BaseModel):
    """The text about one sample. Lengths are checked here, because not every provider supports them in a schema."""

    model_config = ConfigDict(extra="forbid")

    id: str = Field(description="The id of the sample, copied exactly.")
    summary: str
    production_tips: list[str]
    creative_ideas: list[str]
    fl_studio_recommendations: list[str]
    tags: list[str]

    def cleaned(self, hide: Callable[[str], str]) -> "SampleText | None":
        """Return this text cleaned for the record; None if a part is empty afterwards.

        Secrets are hidden before cleaning and after it, because cleaning may join the pieces of one.
        """

        def sentence(value: str, limit: int) -> str:
            return hide(text.sentence(hide(value), limit))

        def items(values: list[str]) -> list[str]:
            return [item for value in values if (item := sentence(value, _ITEM))][:_ITEMS]

        written = SampleText(
            id=self.id,
            summary=sentence(self.summary, _SUMMARY),
            production_tips=items(self.production_tips),
            creative_ideas=items(self.creative_ideas),
            fl_studio_recommendations=items(self.fl_studio_recommendations),
            tags=[tag for tag in text.tags(map(hide, self.tags), _TAGS) if hide(tag) == tag],
        )
        return written if all(written.model_dump().values()) else None


class ReplyForm(BaseModel):
    """The whole reply."""

    model_config = ConfigDict(extra="forbid")

    samples: list[SampleText]


_SAMPLE_TEXT = TypeAdapter(SampleText)


def _plain(schema: Any, definitions: dict[str, Any]) -> Any:
    """Inline definitions and drop titles, so that the strictest provider accepts the schema."""
    if isinstance(schema, list):
        return [_plain(each, definitions) for each in schema]
    if not isinstance(schema, dict):
        return schema
    if "$ref" in schema:
        return _plain(definitions[schema["$ref"].rpartition("/")[2]], definitions)
    # Otherwise docstrings would be sent as descriptions.
    kept = {key: value for key, value in schema.items() if key not in {"title", "$defs"}}
    if kept.get("type") == "object":
        kept.pop("description", None)
    return {key: _plain(value, definitions) for key, value in kept.items()}


def _schema() -> dict[str, Any]:
    schema = ReplyForm.model_json_schema()
    return _plain(schema, schema["$defs"])


SCHEMA: dict[str, Any] = _schema()
SCHEMA_TEXT = json.dumps(SCHEMA, sort_keys=True)


def read(reply: str, wanted: Collection[str], *, hide: Callable[[str], str] = str) -> dict[str, SampleText]:
    """Return the complete texts of a reply by id; unknown ids and incomplete texts are left out.

    A truncated reply gives the texts before the cut. ``hide`` removes from a text what must not be stored.
    """
    found: dict[str, SampleText] = {}
    for entry in _entries(reply):
        try:
            written = _SAMPLE_TEXT.validate_python(entry).cleaned(hide)
        except ValidationError:
            continue
        if written is not None and written.id in wanted:
            found.setdefault(written.id, written)
    return found


def _entries(reply: str) -> list[Any]:
    start = reply.find("{")
    if start < 0:
        return []
    # Small models put a sentence or a code fence around the JSON, and the token limit may cut it anywhere.
    for end in (len(reply), reply.rfind("}") + 1):
        try:
            value = from_json(reply[start:end], allow_partial=True)
        except ValueError:
            continue
        samples = value.get("samples") if isinstance(value, dict) else None
        return samples if isinstance(samples, list) else []
    return []
