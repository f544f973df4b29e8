"""``config``: every setting, its value, and where that is from."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

import typer

from samplemind_cli import output
from samplemind_cli.layout import Column

if TYPE_CHECKING:
    from samplemind_cli.reports import Setting


def config(
    *,
    changed: Annotated[bool, typer.Option("--changed", help="Only those that are not the default.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False,
) -> None:
    """Show each setting, its value, and where that is from.

    Passwords, keys, and URLs that may hold them are not shown. Nothing is started.
    """
    from config.settings import get_settings, places_of_settings, variable  # noqa: PLC0415 -- slow import
    from config.sources import user_file  # noqa: PLC0415 -- slow import

    settings, places = get_settings(), places_of_settings()
    rows: list[Setting] = [
        {"name": name, "variable": variable(name), "value": _shown(getattr(settings, name)), "from": place}
        for name, place in places.items()
        if place is not None or not changed
    ]
    if as_json:
        for row in rows:
            output.emit(row)
        return
    columns = (Column("setting"), Column("value", least=16), Column("from", least=24))
    output.table(columns, ((row["name"], _text(row["value"]), row["from"] or "default") for row in rows))
    output.note(f"your own file for settings: {user_file()}")


def _shown(value: object) -> Any:
    """Return a value for JSON, without what is secret."""
    from pydantic import SecretStr  # noqa: PLC0415 -- slow import

    if value is None or isinstance(value, (bool, int, float)):
        return value
    if isinstance(value, SecretStr):
        return "(hidden)"
    if isinstance(value, Mapping):
        return {str(name): _shown(each) for name, each in value.items()}  # pyright: ignore[reportUnknownArgumentType]
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_shown(each) for each in value]
    return str(value)


def _text(value: Any) -> str | None:
    if isinstance(value, dict):
        return ", ".join(f"{name}={each}" for name, each in value.items()) or None
    if isinstance(value, list):
        return ", ".join(map(str, value)) or None
    return None if value is None else str(value)
