"""Logging in and out, and what a role may do."""

import time
from collections.abc import Iterator

import httpx
import pytest
import redis

from config.settings import Settings
from samplemind_web.auth import gate
from samplemind_web.streams import EventStream
from samplemind_worker.accounts import users
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import audit, mongo
from tests.web.accounts import PASSWORD, add_user, bearer, log_in, tokens

pytestmark = pytest.mark.services

ME = "/api/v1/me"


@pytest.fixture
def admin(workspace: Workspace) -> None:
    """An admin of the name ada."""
    add_user(workspace, "ada")
    time.sleep(0.6)  # the server may know for half a second that there are no users


@pytest.fixture
def other(web_url: str) -> Iterator[httpx.Client]:
    """A second browser."""
    with httpx.Client(base_url=web_url, timeout=30.0) as client:
        yield client


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def actions() -> list[tuple[str, str, str]]:
    return [(row["user_id"], row["action"], row["target"]) for row in reversed(audit.page(limit=50))]


def test_without_users_this_machine_needs_no_login(web: httpx.Client):
    assert web.get(ME).json() == {
        "user_id": "local",
        "role": "admin",
        "scopes": ["admin", "read", "submit", "write"],
        "roots": None,
        "by": "local",
        "csrf_token": None,
    }


@pytest.mark.usefixtures("admin")
def test_the_first_user_closes_the_server(web: httpx.Client):
    assert code(web.get(ME)) == (401, "login_required")
    assert web.get("/healthz").status_code == 200
    assert web.get("/api/v1/version").status_code == 200


@pytest.mark.usefixtures("admin")
def test_logs_in_and_out(web: httpx.Client):
    answer = log_in(web, "Ada ")
    cookie = answer.headers["set-cookie"]

    assert answer.status_code == 200
    assert answer.json()["user_id"] == "ada"
    assert all(each in cookie for each in ("samplemind=", "HttpOnly", "SameSite=strict", "Path=/"))
    assert "Secure" not in cookie
    assert web.get(ME).json()["by"] == "session"

    before = dict(web.cookies)
    assert web.post("/api/v1/auth/logout").status_code == 204
    assert code(web.get(ME, headers={"Cookie": f"samplemind={before['samplemind']}"})) == (401, "login_required")
    assert actions() == [("ada", "login", "ada"), ("ada", "logout", "ada")]


@pytest.mark.usefixtures("admin")
def test_a_wrong_password_and_an_unknown_name_have_one_answer(web: httpx.Client):
    wrong = log_in(web, "ada", "not her password")
    unknown = log_in(web, "nobody", PASSWORD)

    assert code(wrong) == (401, "wrong_credentials")
    assert wrong.json() == unknown.json()
    assert actions() == [("", "login.failed", "ada"), ("", "login.failed", "nobody")]


@pytest.mark.usefixtures("admin")
def test_a_login_gives_a_new_session_and_ends_the_one_before(web: httpx.Client, other: httpx.Client):
    web.cookies.set("samplemind", "chosen-by-an-attacker")
    log_in(web, "ada")
    first = web.cookies.get("samplemind", domain="127.0.0.1")
    assert first not in {None, "chosen-by-an-attacker"}

    log_in(web, "ada")

    assert code(other.get(ME, headers={"Cookie": f"samplemind={first}"})) == (401, "login_required")
    assert code(other.get(ME, headers={"Cookie": "samplemind=chosen-by-an-attacker"})) == (401, "login_required")


@pytest.mark.usefixtures("admin")
def test_redis_knows_no_session_id(web: httpx.Client, settings: Settings):
    log_in(web, "ada")
    session_id = web.cookies["samplemind"]
    assert settings.redis_url is not None
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        keys = [key for key in client.scan_iter() if b":web:session:" in key]
        values = [client.get(key) for key in keys]
        lives = [client.ttl(key) for key in keys]

    assert len(keys) == 1
    assert session_id.encode() not in keys[0] + (values[0] or b"")
    assert 0 < lives[0] <= 24 * 3600


@pytest.mark.usefixtures("admin")
def test_people_log_in_again_if_redis_lost_the_sessions(web: httpx.Client, settings: Settings):
    log_in(web, "ada")
    assert settings.redis_url is not None
    with redis.Redis.from_url(settings.redis_url.get_secret_value()) as client:
        client.flushall()

    assert code(web.get(ME)) == (401, "login_required")
    assert log_in(web, "ada").status_code == 200


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize("change", [{"disabled": True}, {"role": "viewer"}, {"roots": ["/music"]}])
def test_whatever_takes_rights_away_ends_sessions_and_tokens(
    web: httpx.Client, workspace: Workspace, other: httpx.Client, change: dict[str, object]
):
    add_user(workspace, "bob", "producer")
    log_in(web, "bob")
    held = tokens(other, "bob")
    assert web.get(ME).status_code == other.get(ME, headers=bearer(held["access_token"])).status_code == 200

    users.change_user("bob", change)
    time.sleep(0.6)

    assert code(web.get(ME)) == (401, "login_required")
    assert code(other.get(ME, headers=bearer(held["access_token"]))) == (401, "invalid_token")
    refreshed = other.post("/api/v1/auth/refresh", json={"refresh_token": held["refresh_token"]})
    assert code(refreshed) == (401, "invalid_token")


@pytest.mark.usefixtures("admin")
def test_an_admin_who_disables_somebody_ends_their_sessions_at_once(
    web: httpx.Client, workspace: Workspace, other: httpx.Client
):
    add_user(workspace, "bob", "producer")
    log_in(web, "ada")
    log_in(other, "bob")
    assert other.get(ME).status_code == 200

    assert web.patch("/api/v1/users/bob", json={"disabled": True}).status_code == 200

    assert code(other.get(ME)) == (401, "login_required")
    assert code(log_in(other, "bob")) == (401, "wrong_credentials")
    assert web.patch("/api/v1/users/bob", json={"disabled": False}).json()["disabled_at"] is None
    assert log_in(other, "bob").status_code == 200


@pytest.mark.usefixtures("admin")
def test_logging_out_everywhere_ends_all(web: httpx.Client, other: httpx.Client):
    log_in(web, "ada")
    log_in(other, "ada")
    held = tokens(other, "ada")

    assert web.post("/api/v1/auth/logout?everywhere=true").status_code == 204

    assert code(other.get(ME)) == (401, "login_required")
    assert code(other.get(ME, headers=bearer(held["access_token"]))) == (401, "invalid_token")


@pytest.mark.usefixtures("admin")
def test_the_last_admin_stays(web: httpx.Client):
    log_in(web, "ada")

    for change in ({"disabled": True}, {"role": "viewer"}):
        answer = web.patch("/api/v1/users/ada", json=change)
        assert code(answer) == (422, "invalid")
        assert "only admin" in answer.json()["detail"]


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(("role", "expected"), [("viewer", 403), ("producer", 403), ("admin", 200)])
def test_only_admins_manage_users(web: httpx.Client, workspace: Workspace, role: str, expected: int):
    add_user(workspace, "carl", role)
    log_in(web, "carl")

    assert web.get("/api/v1/users").status_code == expected
    assert web.get("/api/v1/audit").status_code == expected
    assert web.post("/api/v1/users", json={"name": "eve", "password": PASSWORD}).status_code in {expected, 201}
    if expected == 403:
        assert code(web.patch("/api/v1/users/carl", json={"role": "admin"})) == (403, "forbidden")


@pytest.mark.usefixtures("admin")
def test_an_admin_adds_users_and_sees_what_was_done(web: httpx.Client):
    log_in(web, "ada")

    made = web.post("/api/v1/users", json={"name": "Bob", "password": PASSWORD, "role": "producer", "roots": ["/m"]})

    assert made.status_code == 201
    assert {key: made.json()[key] for key in ("name", "role", "roots", "disabled_at")} == {
        "name": "bob",
        "role": "producer",
        "roots": ["/m"],
        "disabled_at": None,
    }
    assert "password" not in made.text
    first = web.get("/api/v1/users?limit=1").json()
    second = web.get("/api/v1/users", params={"limit": 1, "cursor": first["next"]}).json()
    assert [row["name"] for row in (*first["items"], *second["items"])] == ["ada", "bob"]
    log = web.get("/api/v1/audit?limit=1").json()
    assert [(row["user_id"], row["action"], row["target"]) for row in log["items"]] == [("ada", "user.add", "bob")]
    rest = web.get("/api/v1/audit", params={"cursor": log["next"], "user": "ada"}).json()
    assert [row["action"] for row in rest["items"]] == ["login"]


def test_the_first_user_is_added_by_the_command(web: httpx.Client):
    answer = web.post("/api/v1/users", json={"name": "eve", "password": PASSWORD, "role": "admin"})

    assert code(answer) == (409, "no_users")


@pytest.mark.usefixtures("admin")
@pytest.mark.parametrize(
    ("password", "why"),
    [
        ("short", "fewer than 12"),
        ("aaaaaaaaaaaaaaaa", "different characters"),
        ("samplemind-ada!", "little more than"),
        ("1234567890123", "neighbouring"),
    ],
)
def test_a_bad_password_is_refused_with_the_reason(web: httpx.Client, password: str, why: str):
    log_in(web, "ada")

    answer = web.post("/api/v1/users", json={"name": "ada2", "password": password})

    assert code(answer) == (422, "invalid")
    assert why in answer.json()["detail"]
    assert password not in answer.text


@pytest.mark.usefixtures("admin")
def test_a_user_changes_their_password(web: httpx.Client):
    log_in(web, "ada")
    new = "a new and longer passphrase"

    assert code(web.post(f"{ME}/password", json={"current": "wrong wrong wrong", "new": new})) == (
        403,
        "wrong_credentials",
    )
    assert web.post(f"{ME}/password", json={"current": PASSWORD, "new": new}).status_code == 204

    assert code(web.get(ME)) == (401, "login_required")
    assert code(log_in(web, "ada")) == (401, "wrong_credentials")
    assert log_in(web, "ada", new).status_code == 200


@pytest.mark.usefixtures("admin")
def test_a_long_password_of_any_letters_works(web: httpx.Client, workspace: Workspace):
    password = "pâté 🎹 " * 80
    hashed = users.with_password("zoe", password)
    users.add_user("zoe", role="viewer", roots=None, password=hashed, settings=workspace.settings)

    # The same letters with their accents apart, as another keyboard sends them.
    assert log_in(web, "zoe", password.replace("â", "a\u0302").replace("é", "e\u0301")).status_code == 200
    assert log_in(web, "zoe", password[:-1]).status_code == 401


@pytest.mark.usefixtures("admin")
def test_the_record_holds_no_secret_in_clear(web: httpx.Client):
    log_in(web, "ada")
    held = tokens(web, "ada")
    made = web.post(f"{ME}/tokens", json={"name": "ci", "scopes": ["read"]}).json()

    async def dump() -> str:
        return "".join(
            [
                str(await mongo.collection(name).find().to_list())
                for name in await mongo.database().list_collection_names()
            ]
        )

    everything = mongo.run(dump())
    assert "argon2id" in everything
    for secret in (PASSWORD, held["access_token"], held["refresh_token"], made["token"]):
        assert secret not in everything


@pytest.mark.usefixtures("admin")
def test_an_open_stream_ends_with_its_session(web: httpx.Client, workspace: Workspace, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(gate, "LOOK_AGAIN_SECONDS", 0.0)
    monkeypatch.setitem(EventStream.__init__.__kwdefaults__, "heartbeat", 0.5)
    add_user(workspace, "bob", "viewer")
    log_in(web, "bob")

    with web.stream("GET", "/api/v1/events") as stream:
        lines = stream.iter_lines()
        next(lines)
        users.change_user("bob", {"disabled": True})
        assert sum(1 for _ in lines) < 100
