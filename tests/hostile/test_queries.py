"""Texts of users reach MongoDB as values, whatever is in them: no operator, no pattern, no script."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
import typer
from pymongo import MongoClient
from pymongo.database import Database

from config.settings import Settings, get_settings
from samplemind_cli.app import app, run
from samplemind_worker.local_services import connected
from samplemind_worker.local_services.home import Home
from tests.hostile.stage import HostileCommand, is_clean

# Those that write, or run for ever; their paths are tried elsewhere.
NOT_ASKING = {
    "analyze",
    "submit",
    "ingest",
    "watch",
    "up",
    "down",
    "demo",
    "doctor",
    "worker",
    "beat",
    "flower",
    "web",
    "exporter",
    "kit",
}
TEXTS = (
    '{"$gt": ""}', '{"$ne": null}', "{$where: 'sleep(9999)'}", "$where", "$$ROOT", "[$ne]=1", "'; return true; //",
    "||1==1", ".*", "^", "(a+)+$", "(a|aa)+$" + "a" * 60, "(?s).*", "\\", "a\0b", "\0", "$", "", " ", "%", "*", "~",
    "../../etc/passwd",
    "\n\x1b[2J", "\udcff", "\u202e", "x" * 5000, "0" * 64, "ffffffff", "-1", "1e999", "nan", "9" * 400,
)  # fmt: skip
TURNS = f"{Settings.model_fields['database'].default}.turns"
"""Where the beat of the services takes its turns, by an ``$expr`` with the database's clock and nothing of a user."""
SCRIPTS = {"$where", "$function", "$accumulator", "$expr", "$jsonSchema", "mapReduce"}


def commands() -> list[str]:
    group = typer.main.get_command(app)
    return sorted(set(group.commands) - NOT_ASKING)  # pyright: ignore[reportAttributeAccessIssue]


def lines_with(name: str, text: str) -> Iterator[list[str]]:
    """The command lines of a command that have the text where a user may write one."""
    group = typer.main.get_command(app)
    parameters = group.commands[name].params  # pyright: ignore[reportAttributeAccessIssue]
    for parameter in parameters:
        if getattr(parameter, "is_flag", False) or parameter.name in {"help", "target"}:
            continue
        line = [name, *_required(parameters, but=parameter)]
        if parameter.param_type_name == "argument":
            yield [*line, "--", text]
        else:
            yield [*line, f"{parameter.opts[0]}={text}"]


def _required(parameters: Sequence[Any], *, but: Any) -> Iterator[str]:
    """What the others need to be given."""
    for one in parameters:
        if one is but or not one.required:
            continue
        value = {"--format": "json"}.get(one.opts[0], "x")
        yield value if one.param_type_name == "argument" else f"{one.opts[0]}={value}"


@pytest.fixture
def database(samplemind: HostileCommand, monkeypatch: pytest.MonkeyPatch) -> Iterator[Database[dict[str, Any]]]:
    """The record of the services, whose every query is written down meanwhile."""
    for name, value in samplemind.environment.items():
        if name.startswith("SAMPLEMIND_"):
            monkeypatch.setenv(name, value)
    get_settings.cache_clear()
    settings = connected(get_settings())
    assert settings is not None
    assert settings.mongodb_url is not None
    with MongoClient[dict[str, Any]](settings.mongodb_url.get_secret_value()) as client:
        record = client[settings.database]
        record.command("profile", 2)
        try:
            yield record
        finally:
            record.command("profile", 0)
            record["system.profile"].drop()
            get_settings.cache_clear()


@pytest.mark.parametrize("name", commands())
def test_no_text_becomes_more_than_a_value(
    database: Database[dict[str, Any]],
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    name: str,
):
    monkeypatch.chdir(tmp_path)  # where folders of these names are made
    wrong: list[tuple[list[str], int, str]] = []
    for text in TEXTS:
        for line in lines_with(name, text):
            code = run(line)
            out, err = capsys.readouterr()
            # Nothing is found, and that is said in a line; a fault of ours would end in "shows where".
            fine = code in {0, 1, 2} and len(err.splitlines()) <= 1 and "shows where" not in err
            if not fine or not is_clean(err) or (out and code and name != "export"):
                wrong.append((line, code, err[-300:]))
    assert wrong == []
    rows = database["system.profile"].find({"op": {"$in": ["query", "command", "update"]}, "ns": {"$ne": TURNS}})
    asked = [row["command"] for row in rows]
    keys = {key for command in asked for key in keys_of(command)}
    assert not keys & (SCRIPTS | set(TEXTS))
    patterns = {str(value) for command in asked for value in values_of(command, "$regex")}
    assert not patterns & set(TEXTS)


def test_the_private_services_are_for_this_user_on_this_machine(samplemind: HostileCommand):
    processes = psutil.Process(samplemind.supervisor).children(recursive=True)
    open_to = {
        connection.laddr.ip
        for process in processes
        for connection in process.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }
    sockets = Path(Home(samplemind.home).read_state().sockets)

    assert not open_to
    assert sockets.stat().st_mode & 0o777 == 0o700
    assert {path.name for path in sockets.iterdir() if path.is_socket()} >= {
        "valkey.sock",
        "mongod.sock",
        "chroma.sock",
    }
    assert [path.name for path in sockets.iterdir() if path.is_socket() and path.stat().st_mode & 0o077] == []


def keys_of(value: object) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            yield str(key)
            yield from keys_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys_of(inner)


def values_of(value: object, wanted: str) -> Iterator[object]:
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == wanted:
                yield inner
            yield from values_of(inner, wanted)
    elif isinstance(value, list):
        for inner in value:
            yield from values_of(inner, wanted)
