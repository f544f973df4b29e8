"""``schema``: what the JSON of a command looks like."""

import json
from typing import Annotated

import typer

from samplemind_cli import output
from samplemind_worker.errors import UsageError
from samplemind_worker.text import suggestion

_FORMS = {"object": "one object", "lines": "one object per line", "array": "one array"}


def schema(
    command: Annotated[
        list[str] | None,
        typer.Argument(metavar="COMMAND", help="A command, such as status or roots move.", show_default=False),
    ] = None,
) -> None:
    """Print the JSON Schema of what a command prints with --json.

    Without COMMAND it lists the commands that print JSON. The schemas are of the draft 2020-12.
    """
    from samplemind_cli.schemas import OUTPUTS, schema_of  # noqa: PLC0415 -- slow import

    name = " ".join(command or ())
    if not name:
        output.table(("command", "prints"), ((each, _FORMS[what.form]) for each, what in OUTPUTS.items()))
    elif name in OUTPUTS:
        output.write(json.dumps(schema_of(name), indent=2) + "\n")
    else:
        raise UsageError(
            f"{name} prints no JSON; `samplemind schema` lists the commands that do{suggestion(name, OUTPUTS)}"
        )
