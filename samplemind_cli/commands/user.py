"""``user``: who may use the web server, and what they may do."""

import sys
from datetime import datetime
from typing import Annotated, Literal

import typer

from samplemind_cli import examples, output
from samplemind_cli.help_text import Command
from samplemind_cli.layout import Column
from samplemind_worker import times
from samplemind_worker.errors import UsageError

user = typer.Typer(
    help="Manage who may use the web server.",
    rich_markup_mode=None,
    no_args_is_help=True,
    epilog=examples.text_of("user"),
)

COLUMNS = (
    Column("name", least=16),
    Column("role"),
    Column("roots", least=12),
    Column("state"),
    Column("created", leaves=1),
)
"""The columns of the list of users."""
_SHELL = "local"
"""Whom the audit log names: whoever may run commands here."""

_Json = Annotated[bool, typer.Option("--json", help="Print one JSON object.")]
_Name = Annotated[str, typer.Argument(metavar="NAME", help="The user's name.", show_default=False)]


@user.command("add", cls=Command, epilog=examples.text_of("user add"))
def add(
    name: _Name,
    *,
    role: Annotated[
        Literal["viewer", "producer", "admin"],
        typer.Option(
            help="viewer: look and listen. producer: also tag, submit and upload. admin: also manage users.",
        ),
    ] = "viewer",
    root: Annotated[
        list[str] | None,
        typer.Option(help="Only what lies in this root may be seen; may be given several times.", show_default=False),
    ] = None,
    as_json: _Json = False,
) -> None:
    """Add a user.

    The password is asked for, or read from standard input.
    """
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.accounts import users  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import audit  # noqa: PLC0415 -- slow import

    name = users.settled_name(name)
    password = users.with_password(name, _new_password())
    with record.open_record() as settings:
        added = users.add_user(name, role=role, roots=root or None, password=password, settings=settings)
        audit.append(_SHELL, "user.add", added.id, detail={"role": added.role})
    if as_json:
        output.emit(users.report(added))
        return
    seen = "all roots" if added.roots is None else ", ".join(added.roots)
    output.write(f"added {added.id}: {added.role}, may see {output.clean(seen)}\n")


@user.command("list", cls=Command, epilog=examples.text_of("user list"))
def list_users(
    *, as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object per line.")] = False
) -> None:
    """List the users."""
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.accounts import users  # noqa: PLC0415 -- slow import

    with record.open_record():
        reports = users.reports()
        if as_json:
            for each in reports:
                output.emit(each)
            return
        output.table(
            COLUMNS,
            (
                (
                    each["name"],
                    each["role"],
                    "all" if each["roots"] is None else ", ".join(each["roots"]),
                    "active" if each["disabled_at"] is None else "disabled",
                    times.local(datetime.fromisoformat(each["created_at"])),
                )
                for each in reports
            ),
        )


@user.command("disable", cls=Command, epilog=examples.text_of("user disable"))
def disable(name: _Name, *, as_json: _Json = False) -> None:
    """Keep a user out.

    Sessions and tokens stop at once.
    """
    _change(name, {"disabled": True}, "disabled", as_json=as_json)


@user.command("enable", cls=Command, epilog=examples.text_of("user enable"))
def enable(name: _Name, *, as_json: _Json = False) -> None:
    """Let a user in again."""
    _change(name, {"disabled": False}, "enabled", as_json=as_json)


@user.command("password", cls=Command, epilog=examples.text_of("user password"))
def set_password(name: _Name, *, as_json: _Json = False) -> None:
    """Give a user a new password.

    It is asked for, or read from standard input. All sessions end.
    """
    from samplemind_worker.accounts import users  # noqa: PLC0415 -- slow import

    values: dict[str, object] = {"password": users.with_password(name, _new_password())}
    _change(name, values, "changed the password of", as_json=as_json)


def _change(name: str, values: dict[str, object], done: str, *, as_json: bool) -> None:
    from samplemind_cli import record  # noqa: PLC0415 -- slow import
    from samplemind_worker.accounts import users  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import audit  # noqa: PLC0415 -- slow import

    with record.open_record():
        changed = users.change_user(name, values)
        told = {key: value for key, value in values.items() if key != "password"}
        audit.append(_SHELL, "user.change", changed.id, detail=told or {"password": True})
    if as_json:
        output.emit(users.report(changed))
    else:
        output.write(f"{done} {changed.id}\n")


def _new_password() -> str:
    """Ask for a password twice on a terminal, or read one line from standard input."""
    if not sys.stdin.isatty():
        line = sys.stdin.readline()
        if not line.rstrip("\r\n"):
            raise UsageError("no password: type it on a terminal, or write one line to standard input")
        return line.rstrip("\r\n")
    import getpass  # noqa: PLC0415 -- slow import

    try:
        first = getpass.getpass("Password: ")
        second = getpass.getpass("Again: ")
    except EOFError as error:
        raise UsageError("no password was typed") from error
    if first != second:
        raise UsageError("the two passwords differ")
    return first
