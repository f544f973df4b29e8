"""Users by the command, who submitted what, and what a server that others reach wants."""

import io
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path

import pytest

from config.settings import Settings
from samplemind_worker.accounts import exposure, passwords
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import audit, mongo, users
from samplemind_worker.upkeep import tidy
from tests.chain import submit, work
from tests.command import Cli
from tests.factories import write_audio
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

PASSWORD = "correct horse battery staple"  # noqa: S105 -- of tests


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch) -> None:
    """A password on standard input."""
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD + "\n"))


def test_who_submitted_is_recorded_of_batch_file_and_analysis(workspace: Workspace, tmp_path: Path):
    folder = tmp_path / "kit"
    folder.mkdir()
    write_audio(folder / "click.wav", signals.click_track(120.0, 2.0))
    job = submit(workspace, folder, user_id="ada", ai=False)
    work(workspace)

    async def owners() -> list[str]:
        names = ("batch_jobs", "audio_files", "analyses")
        return [(await mongo.collection(name).find_one({}, {"user_id": 1}) or {})["user_id"] for name in names]

    assert mongo.run(owners()) == ["ada", "ada", "ada"]
    submit(workspace, folder, user_id="bob", ai=False, force=True)
    work(workspace)
    assert sorted(mongo.run(owners())[1:]) == ["ada", "bob"]
    assert job.user_id == "ada"


@pytest.mark.usefixtures("typed")
def test_adds_and_lists_a_user(cli: Cli):
    added = cli("user", "add", "Ada", "--role", "producer", "--root", "/music/", "--root", "/loops")
    listed = cli("user", "list", "--json")

    assert added == (0, "added ada: producer, may see /loops, /music\n", "")
    row = json.loads(listed[1])
    assert {key: row[key] for key in ("name", "role", "roots", "disabled_at")} == {
        "name": "ada",
        "role": "producer",
        "roots": ["/loops", "/music"],
        "disabled_at": None,
    }
    assert "argon2" not in listed[1]


@pytest.mark.usefixtures("typed")
@pytest.mark.parametrize("root", ["/", "//", "/music/.."])
def test_a_grant_of_everything_is_no_root(cli: Cli, root: str):
    code, _, said = cli("user", "add", "ada", "--root", root)

    assert (code, said.count("\n")) == (2, 1)
    assert "/ cannot be granted: name folders, or no root at all, and everything may be seen" in said
    assert cli("user", "list", "--json")[1] == ""


@pytest.mark.usefixtures("typed")
@pytest.mark.parametrize("name", ["local", "a b", "-x", "x" * 64, "", "ädä", "$gt"])
def test_a_name_that_nobody_can_have_is_refused(cli: Cli, name: str):
    code, _, said = cli("user", "add", "--", name)

    assert (code, said.count("\n")) == (2, 1)


@pytest.mark.usefixtures("typed")
def test_a_second_user_of_a_name_is_refused(cli: Cli, monkeypatch: pytest.MonkeyPatch):
    cli("user", "add", "ada")
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))

    assert cli("user", "add", "ADA") == (2, "", "samplemind: error: there is a user ada already\n")


@pytest.mark.parametrize(
    ("line", "why"),
    [
        ("", "no password"),
        ("short\n", "fewer than 12"),
        ("aaaaaaaaaaaaaaaaa\n", "different"),
        ("a1" * 600, "1024 bytes"),
    ],
)
def test_a_bad_password_is_refused_and_not_repeated(cli: Cli, monkeypatch: pytest.MonkeyPatch, line: str, why: str):
    monkeypatch.setattr("sys.stdin", io.StringIO(line))

    code, out, said = cli("user", "add", "ada")

    assert (code, out) == (2, "")
    assert why in said
    assert not line.strip() or line.strip() not in said


@pytest.mark.usefixtures("typed")
def test_disables_enables_and_changes_the_password(cli: Cli, settings: Settings, monkeypatch: pytest.MonkeyPatch):
    cli("user", "add", "root", "--role", "admin")
    monkeypatch.setattr("sys.stdin", io.StringIO(PASSWORD))
    cli("user", "add", "ada")

    assert cli("user", "disable", "ada")[:2] == (0, "disabled ada\n")
    assert cli("user", "enable", "ada")[:2] == (0, "enabled ada\n")
    monkeypatch.setattr("sys.stdin", io.StringIO("another and longer passphrase\n"))
    assert cli("user", "password", "ada")[:2] == (0, "changed the password of ada\n")
    refused = cli("user", "disable", "root")
    unknown = cli("user", "disable", "nobody")

    assert refused[0] == unknown[0] == 2
    assert "only admin" in refused[2]
    with Workspace(settings) as workspace:
        workspace.connect()
        found = users.find("ada")
        done = [(row["action"], row["target"]) for row in audit.page(limit=9)]
        mongo.close()
    assert found is not None
    assert found.epoch == 3
    assert passwords.verify("another and longer passphrase", found.password) == (True, None)
    assert done == [
        ("user.change", "ada"),
        ("user.change", "ada"),
        ("user.change", "ada"),
        ("user.add", "ada"),
        ("user.add", "root"),
    ]


@pytest.mark.parametrize(
    ("address", "local"),
    [
        ("127.0.0.1", True),
        ("127.8.9.1", True),
        ("::1", True),
        ("[::1]", True),
        ("localhost", True),
        ("/run/samplemind/web.sock", True),
        ("0.0.0.0", False),  # noqa: S104 -- it is refused
        ("::", False),
        ("192.0.2.1", False),
        ("::ffff:192.0.2.1", False),
    ],
)
def test_knows_which_addresses_only_this_machine_reaches(address: str, local: bool):  # noqa: FBT001 -- a parameter
    assert exposure.is_local(address) is local


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--address", "0.0.0.0"], {}),  # noqa: S104 -- it is refused
        (["--address", "::"], {}),
        ([], {"SAMPLEMIND_WEB_HOSTS": "music.example"}),
        ([], {"SAMPLEMIND_WEB_PROXIES": "10.0.0.0/8"}),
    ],
    ids=str,
)
def test_a_server_that_others_reach_does_not_start_without_an_admin(
    settings: Settings, arguments: list[str], environment: dict[str, str]
):
    command = [sys.executable, "-P", "-m", "samplemind_cli", "web", "--no-open", "--port", "1", *arguments]
    given = {**setting_env(settings), **environment, "PATH": "/usr/bin:/bin", "SAMPLEMIND_ENV_FILE": "/dev/null"}

    done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr.count("\n") == 1
    assert "samplemind user add NAME --role admin" in done.stderr


def test_the_audit_log_is_kept_as_long_as_the_settings_say(workspace: Workspace):
    audit.append("ada", "login", "ada", detail={})
    tidy.run(workspace.vectors, workspace.settings)
    assert len(audit.page()) == 1

    async def age() -> None:
        await mongo.collection("audit").update_many(
            {}, {"$set": {"at": await mongo.read_clock() - timedelta(days=366)}}
        )

    mongo.run(age())
    assert tidy.run(workspace.vectors, workspace.settings) == {"audit": 1}
    assert audit.page() == []
