"""The help of commands: what a value is called there, and within which limits it lies."""

import re
from typing import Any, Final

from typer.core import TyperCommand

VALUES: Final = {"int": "N", "float": "N", "Path": "PATH"}
"""What a value of these types is called; any other is a TEXT."""

_TYPE = re.compile(r"<(?:list\[)?(\w+)(?: range)?\]?>(?:\.\.\.)?$")
_LIMITS = (
    (re.compile(r"([\d.]+)<=x<=([\d.]+)"), r"\1 to \2"),
    (re.compile(r"x>=([\d.]+)"), r"\1 or more"),
    (re.compile(r"x<=([\d.]+)"), r"up to \1"),
)


class Command(TyperCommand):
    """A command whose help names no types of Python."""

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """Write the arguments and the options."""
        parameters: list[Any] = self.get_params(ctx)
        for kind, title in (("argument", "Arguments"), ("option", "Options")):
            records = [record_of(each, ctx) for each in parameters if each.param_type_name == kind]
            if rows := [each for each in records if each is not None]:
                with formatter.section(title):
                    formatter.write_dl(rows)


def record_of(parameter: Any, context: Any) -> tuple[str, str] | None:
    """Return an argument or option as the help names it, and its text; None if it is hidden."""
    record = parameter.get_help_record(context)
    if record is None:
        return None
    name, text = record
    is_argument = parameter.param_type_name == "argument"
    name = _TYPE.sub(lambda found: "" if is_argument else VALUES.get(found[1], "TEXT"), name).rstrip()
    for limits, words in _LIMITS:
        text = limits.sub(words, text)
    return name, text
