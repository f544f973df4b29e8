"""The JSON Schemas of what commands print with ``--json``, made from the types of what they print."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import reduce
from operator import or_
from typing import Annotated, Any, Final, Literal, NotRequired

from pydantic import Field, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema
from typing_extensions import TypedDict

from samplemind_cli import reports
from samplemind_cli.field_docs import docs_of, paragraph
from samplemind_worker.accounts.users import UserReport
from samplemind_worker.documents import batch_report as batch
from samplemind_worker.documents import report as file
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.finding.duplicates import DuplicateGroup
from samplemind_worker.finding.fitting import FitReport
from samplemind_worker.finding.overview import Overview
from samplemind_worker.local_services.log_lines import LogLine
from samplemind_worker.packs.report import RunReport

DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"

Schema = dict[str, Any]


def _facts(model: type[AudioFacts] | type[AnalysisFacts], *names: str) -> dict[str, Any]:
    docs = docs_of(model)
    return {name: Annotated[model.model_fields[name].annotation, Field(description=docs[name])] for name in names}


def _object(name: str, doc: str, fields: Mapping[str, Any]) -> Any:
    made: Any = TypedDict(name, dict(fields))  # pyright: ignore[reportGeneralTypeIssues, reportArgumentType]
    made.__doc__ = doc
    return made


def _given(kind: Any, text: str) -> Any:
    return Annotated[kind, Field(description=text)]


_TEXTS: Final = {name: NotRequired[kind] for name, kind in _facts(AnalysisFacts, *file.TEXT_FIELDS).items()}
_ANALYZED: Final[dict[str, Any]] = {
    "path": _given(str, "The path as it was given, or below its root."),
    "status": _given(Literal["analyzed"], "That it was analysed."),
    **_facts(AudioFacts, *file.AUDIO_FIELDS),
    **_facts(AnalysisFacts, *file.ANALYSIS_FIELDS, *file.DRAWN_FIELDS, *file.ORIGIN_FIELDS),
    "tags": _given(list[str], "Genres and keywords of the file, and of its summary."),
    **_TEXTS,
    "analyzed_at": NotRequired[_given(datetime, "When it was analysed (UTC, ISO 8601); of the record.")],
}
_KNOWN: Final[dict[str, Any]] = _ANALYZED | {
    "places": _given(list[str], "Every path where it lies."),
    "gone_at": NotRequired[_given(str, "Since when it lies nowhere any more (UTC).")],
}
_ASPECTS: Final = dict[Literal["timbre", "envelope", "pitch", "rhythm"], float | None]

Analyzed: Final = _object("Analyzed", "A file that was analysed.", _ANALYZED)
Known: Final = _object("Known", "A file of the library.", _KNOWN)
Similar: Final = _object(
    "Similar",
    "A file that sounds like another.",
    {
        "distance": _given(float, "One minus the cosine of the vectors; 0 is equal."),
        "similarity": _given(float, "How alike it sounds, 0 to 1."),
        "aspects": NotRequired[_given(_ASPECTS, "How alike each aspect is, 0 to 1, or null; with `--explain`.")],
        "shares": NotRequired[_given(list[str], "What both have in common, in words; with `--explain`.")],
        **_KNOWN,
    },
)
Fitting: Final = _object(
    "Fitting",
    "A file that fits a key and a tempo.",
    {
        name: Annotated[kind, Field(description=docs_of(FitReport)[name])]
        for name, kind in FitReport.__annotations__.items()
    }
    | _KNOWN,
)


@dataclass(frozen=True, slots=True)
class Output:
    """What a command prints."""

    cases: Mapping[str, Any]
    """The types of what may be printed, by when it is; one that is printed otherwise has an empty text."""
    form: Literal["object", "lines", "array"] = "object"
    """One object, one object per line, or one array."""


_REJECTED: Final = {"or": file.Rejected}
_USER: Final = Output({"": UserReport})
_NOTHING: Final = {"if there is nothing to do": batch.NothingToDo}

OUTPUTS: Final[dict[str, Output]] = {
    "analyze": Output({"": Analyzed, **_REJECTED}, "lines"),
    "submit": Output({"": batch.Batch, "with `--dry-run`": reports.Survey}),
    "status": Output({"": batch.Batch}, "lines"),
    "files": Output({"": batch.BatchFile}, "lines"),
    "retry": Output({"": batch.ChangedFiles}),
    "cancel": Output({"": batch.ChangedFiles}),
    "pause": Output({"": batch.ChangedPause}),
    "resume": Output({"": batch.ChangedPause}),
    "show": Output({"": Known, **_REJECTED}),
    "search": Output({"": reports.SearchHit}, "lines"),
    "similar": Output({"": Similar}, "lines"),
    "match": Output({"": Fitting}, "lines"),
    "duplicates": Output({"": DuplicateGroup}, "lines"),
    "library": Output({"": Overview}),
    "plan": Output({"": reports.Plan}),
    "reanalyze": Output({"": batch.Batch, **_NOTHING}),
    "reindex": Output({"": reports.Rebuilt}),
    "backup": Output({"": reports.Backup}),
    "restore": Output({"": reports.Restored}),
    "kit": Output({"": reports.Kit}),
    "slice": Output({"": reports.Slices}),
    "organize": Output({"": reports.Organized}, "lines"),
    "stems": Output({"": reports.Stems}),
    "tag": Output({"": reports.Tagged, "with `--runs`": reports.TagRun, "with `--undo`": reports.Untagged}, "lines"),
    "summarize": Output({"": batch.Batch, "with `--wait`": batch.Summarized, **_NOTHING}),
    "export": Output({"": Analyzed, **_REJECTED, "or, of a batch": file.Unfinished}, "array"),
    "ingest": Output({"": RunReport}),
    "watch": Output({"": RunReport}, "lines"),
    "forget": Output({"": reports.Forget}),
    "roots move": Output({"": reports.Moved}),
    "user add": _USER,
    "user list": Output({"": UserReport}, "lines"),
    "user disable": _USER,
    "user enable": _USER,
    "user password": _USER,
    "logs": Output({"": LogLine}, "lines"),
    "doctor": Output({"": reports.Health}),
    "config": Output({"": reports.Setting}, "lines"),
}
"""What each command prints with ``--json``; `export` with ``--format json``."""


def schema_of(command: str) -> Schema:
    """Return the schema of what a command prints: of the object, of each line, or of the array."""
    output = OUTPUTS[command]
    kind = _any_of(output)
    made = _generated(list[kind] if output.form == "array" else kind)
    option = "--format json" if command == "export" else "--json"
    about = {"lines": "Each line is one object. ", "array": "One array. "}.get(output.form, "")
    head = {
        "$schema": DIALECT,
        "$id": f"urn:samplemind:schema:{command.replace(' ', '-')}",
        "title": f"samplemind {command} {option}",
        "description": about + " ".join(_case(when, kind) for when, kind in output.cases.items()),
    }
    return head | {name: value for name, value in made.items() if name not in head}


def objects() -> dict[str, Schema]:
    """Return the schemas of all objects that commands print, by name."""
    return _generated(reduce(or_, (kind for output in OUTPUTS.values() for kind in output.cases.values())))["$defs"]


def _any_of(output: Output) -> Any:
    return reduce(or_, output.cases.values())


def _case(when: str, kind: Any) -> str:
    text = paragraph(kind.__doc__)
    return f"{when.capitalize()}: {text[:1].lower()}{text[1:]}" if when else text


def _generated(kind: Any) -> Schema:
    return TypeAdapter(kind).json_schema(mode="serialization", schema_generator=_Described)


class _Described(GenerateJsonSchema):
    """Takes descriptions from the docstrings of fields, and requires every field that is always printed."""

    def typed_dict_schema(self, schema: core_schema.TypedDictSchema) -> JsonSchemaValue:
        return _described(super().typed_dict_schema(schema), schema.get("cls"))

    def model_schema(self, schema: core_schema.ModelSchema) -> JsonSchemaValue:
        return _described(super().model_schema(schema), schema["cls"])

    def field_title_should_be_set(self, schema: Any) -> bool:  # noqa: ARG002 -- titles would repeat the names
        return False

    def field_is_required(
        self,
        field: core_schema.ModelField | core_schema.DataclassField | core_schema.TypedDictField,
        total: bool,  # noqa: FBT001 -- pydantic's
    ) -> bool:
        # Defaults are printed, too.
        return field["type"] == "model-field" or super().field_is_required(field, total)


def _described(made: JsonSchemaValue, cls: Any) -> JsonSchemaValue:
    lacking = [name for name, values in made.get("properties", {}).items() if "description" not in values]
    for name in lacking:
        made["properties"][name]["description"] = docs_of(cls)[name]
    if cls.__doc__ is not None:
        made["description"] = paragraph(cls.__doc__)
    return made
