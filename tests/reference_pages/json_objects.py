"""json.md: what commands print with ``--json``."""

from typing import Any, Final

from samplemind_cli.schemas import OUTPUTS, Schema, objects
from tests.reference_pages.markdown import code, head, joined, table, text

_FORMS: Final = {"object": "one object", "lines": "one object per line", "array": "one array"}


def page() -> str:
    """Return the page."""
    lines = head(
        "JSON",
        "What commands print with `--json`, and `export` with `--format json`. `samplemind schema COMMAND` prints the "
        "same as a JSON Schema (draft 2020-12). Exit codes are the same with `--json` as without.",
        "Every field is always there unless it is marked as optional. Fields are added, and none is renamed or removed "
        'without a line under "Changed" in `CHANGELOG.md`. Every number is finite. Text is ASCII: a name that is not '
        "UTF-8 has its bytes as lone surrogates. `logs` prints its lines as JSON where `SAMPLEMIND_LOG_JSON` is set.",
    )
    lines += ["## Commands", ""]
    lines += table(
        ("command", "prints", "objects"),
        (
            (code(f"samplemind {name}"), _FORMS[output.form], "; ".join(_cases(output.cases)))
            for name, output in OUTPUTS.items()
        ),
    )
    for name, schema in sorted(objects().items()):
        lines += [f"## {name}", "", *text(schema["description"])]
        required = schema.get("required", ())
        lines += table(
            ("field", "value", "what it is"),
            (
                (code(field) + ("" if field in required else " (optional)"), kind(values), values["description"])
                for field, values in schema["properties"].items()
            ),
        )
    return joined(lines)


def _cases(cases: Any) -> list[str]:
    return [
        f"{_link(each.__name__)} {when if when.startswith(('with', 'if')) else ''}".strip()
        for when, each in cases.items()
    ]


def _link(name: str) -> str:
    return f"[{name}](#{name.lower()})"


def kind(schema: Schema) -> str:
    """Return the values of a field in words."""
    if "$ref" in schema:
        return _link(schema["$ref"].rpartition("/")[2])
    if "anyOf" in schema:
        return " or ".join(map(kind, schema["anyOf"]))
    if "const" in schema or "enum" in schema:
        return ", ".join(code(str(each)) for each in schema.get("enum", [schema.get("const")]))
    return _of_type(schema)


def _of_type(schema: Schema) -> str:
    match schema:
        case {"type": "array", "prefixItems": list(items)}:
            said = f"list: {', '.join(map(kind, items))}"
        case {"type": "array", "items": inner}:
            said = f"list of {kind(inner)}"
        case {"type": "object", "additionalProperties": dict(inner)}:
            said = f"{kind(inner)} by name"
        case {"type": str(name)}:
            said = "text" if name == "string" else name
        case _:
            said = "anything"
    return said
