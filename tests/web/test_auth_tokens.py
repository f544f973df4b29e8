"""Tokens of programs: forged, expired, replayed, deleted."""

import base64
import json
import time
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import httpx
import jwt
import pytest

from samplemind_worker.accounts import users
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import audit, credentials, mongo
from tests.web.accounts import add_user, bearer, digest, log_in, tokens

pytestmark = pytest.mark.services

ME = "/api/v1/me"


@pytest.fixture(autouse=True)
def _admin(workspace: Workspace) -> None:
    add_user(workspace, "ada")
    time.sleep(0.6)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def part(data: object) -> str:
    return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()


def refresh(web: httpx.Client, token: str) -> httpx.Response:
    return web.post("/api/v1/auth/refresh", json={"refresh_token": token})


def test_a_program_logs_in_and_refreshes(web: httpx.Client):
    held = tokens(web, "ada")
    assert web.get(ME, headers=bearer(held["access_token"])).json()["by"] == "login"

    again = refresh(web, held["refresh_token"]).json()

    assert again["refresh_token"] != held["refresh_token"]
    assert web.get(ME, headers=bearer(again["access_token"])).status_code == 200


def test_a_replayed_refresh_token_ends_its_whole_login(web: httpx.Client):
    stolen = tokens(web, "ada")
    unconcerned = tokens(web, "ada")
    newer = refresh(web, stolen["refresh_token"]).json()
    assert web.get(ME, headers=bearer(newer["access_token"])).status_code == 200

    assert code(refresh(web, stolen["refresh_token"])) == (401, "invalid_token")

    assert code(refresh(web, newer["refresh_token"])) == (401, "invalid_token")
    assert code(web.get(ME, headers=bearer(newer["access_token"]))) == (401, "invalid_token")
    assert refresh(web, unconcerned["refresh_token"]).status_code == 200
    replayed = [row for row in audit.page(limit=50) if row["action"] == "token.replayed"]
    assert [(row["user_id"], row["address"]) for row in replayed] == [("ada", "127.0.0.1")]


def test_only_one_of_two_that_refresh_at_once_gets_tokens(web: httpx.Client, web_url: str):
    held = tokens(web, "ada")
    with ThreadPoolExecutor(8) as pool:
        url = f"{web_url}/api/v1/auth/refresh"
        body = {"refresh_token": held["refresh_token"]}
        answers = list(pool.map(lambda _: httpx.post(url, json=body).status_code, range(8)))

    assert sorted(answers) == [200] + [401] * 7


@pytest.mark.parametrize("token", ["smr_", "smr_x", "smr_.y", "x", "smr_" + "0" * 32 + ".x", "smr_$gt.x"])
def test_a_made_up_refresh_token_is_refused(web: httpx.Client, token: str):
    assert code(refresh(web, token)) == (401, "invalid_token")


def forged(held: str) -> dict[str, str]:
    """Access tokens that no server of ours has signed like this."""
    head, body, signature = held.split(".")
    claims = jwt.decode(held, options={"verify_signature": False})
    kid = jwt.get_unverified_header(held)["kid"]
    key = credentials.signing_keys()[0].secret
    typed = {"kid": kid, "typ": "at+jwt"}
    now = int(time.time())

    def signed(changes: dict[str, object], key: bytes = key, **header: str) -> str:
        values = {name: value for name, value in {**claims, **changes}.items() if value is not None}
        return jwt.encode(values, key, algorithm="HS256", headers={**typed, **header})

    return {
        "none": f"{part({'alg': 'none', **typed})}.{body}.",
        "None": f"{part({'alg': 'None', **typed})}.{body}.{signature}",
        "unsigned": f"{head}.{body}.",
        "other body": f"{head}.{part({**claims, 'sub': 'root'})}.{signature}",
        "other key": signed({}, b"0" * 32),
        "unknown kid": signed({}, kid="f" * 16),
        "kid of another type": f"{part({'alg': 'HS256', 'typ': 'at+jwt', 'kid': {'$gt': ''}})}.{body}.{signature}",
        "other algorithm": jwt.encode(claims, key * 2, algorithm="HS512", headers=typed),
        "other audience": signed({"aud": "elsewhere"}),
        "other issuer": signed({"iss": "elsewhere"}),
        "expired": signed({"exp": now - 1}),
        "no expiry": signed({"exp": None}),
        "no subject": signed({"sub": None}),
        "other type": signed({}, typ="JWT"),
        "other epoch": signed({"epoch": 7}),
        "epoch of another type": signed({"epoch": "0"}),
        "no family": signed({"family": None}),
        "other family": signed({"family": "0" * 32}),
        "other user": signed({"sub": "nobody"}),
        "not yet": signed({"nbf": now + 900}),
        "garbage": "a.b.c",
        "long": "a" * 5000,
        "an operator": '{"$gt": ""}',
    }


def test_forged_and_expired_access_tokens_are_refused(web: httpx.Client):
    held = tokens(web, "ada")["access_token"]

    answers = {name: code(web.get(ME, headers=bearer(each))) for name, each in forged(held).items()}

    assert set(answers.values()) == {(401, "invalid_token")}
    assert web.get(ME, headers=bearer(held)).status_code == 200


@pytest.mark.parametrize("value", ["", "Bearer", "Basic YWRhOmFkYQ==", "bearer smk_", "Bearer smk_x"])
def test_another_authorization_is_refused(web: httpx.Client, value: str):
    log_in(web, "ada")  # a cookie does not stand in for a token that does not count

    assert code(web.get(ME, headers={"Authorization": value})) == (401, "invalid_token")


def test_a_token_signed_with_the_key_before_still_counts(web: httpx.Client):
    held = tokens(web, "ada")
    credentials.add_signing_key("f" * 16, b"n" * 32, lifetime=timedelta(days=1))

    assert web.get(ME, headers=bearer(held["access_token"])).status_code == 200
    claims = jwt.decode(held["access_token"], options={"verify_signature": False})
    new = jwt.encode(claims, b"n" * 32, algorithm="HS256", headers={"kid": "f" * 16, "typ": "at+jwt"})
    time.sleep(2.1)  # a server looks for unknown keys every two seconds at most
    assert web.get(ME, headers=bearer(new)).status_code == 200


def test_a_personal_token_has_its_scopes_only(web: httpx.Client):
    log_in(web, "ada")
    made = web.post(f"{ME}/tokens", json={"name": "ci", "scopes": ["read"]}).json()
    assert made["token"].startswith("smk_")
    assert made["expires_at"] is not None

    web.cookies.clear()
    mine = web.get(ME, headers=bearer(made["token"])).json()

    assert (mine["by"], mine["scopes"]) == ("api_token", ["read"])
    assert code(web.get("/api/v1/users", headers=bearer(made["token"]))) == (403, "forbidden")


def test_a_personal_token_cannot_make_or_delete_tokens_or_change_the_password(web: httpx.Client):
    log_in(web, "ada")
    body = {"name": "ci", "scopes": ["read", "submit", "write", "admin"]}
    made = web.post(f"{ME}/tokens", json=body).json()
    web.cookies.clear()
    shown = bearer(made["token"])

    assert code(web.post(f"{ME}/tokens", json=body, headers=shown)) == (403, "forbidden")
    assert code(web.delete(f"{ME}/tokens/{made['token_id']}", headers=shown)) == (403, "forbidden")
    password = {"current": "x", "new": "a new and longer passphrase"}
    assert code(web.post(f"{ME}/password", json=password, headers=shown)) == (403, "forbidden")


def test_nobody_makes_a_token_with_more_scopes_than_they_have(web: httpx.Client, workspace: Workspace):
    add_user(workspace, "vic", "viewer")
    log_in(web, "vic")

    assert code(web.post(f"{ME}/tokens", json={"name": "x", "scopes": ["read", "write"]})) == (403, "forbidden")


def test_a_token_of_an_admin_who_is_one_no_longer_is_not_either(web: httpx.Client, workspace: Workspace):
    add_user(workspace, "bob", "admin")
    log_in(web, "bob")
    made = web.post(f"{ME}/tokens", json={"name": "x", "scopes": ["read", "admin"]}).json()
    users.change_user("bob", {"role": "viewer"})
    time.sleep(0.6)
    web.cookies.clear()

    assert web.get(ME, headers=bearer(made["token"])).json()["scopes"] == ["read"]


def test_a_deleted_token_stops_at_once_and_is_listed_no_more(web: httpx.Client):
    log_in(web, "ada")
    made = [web.post(f"{ME}/tokens", json={"name": name, "scopes": ["read"]}).json() for name in ("a", "b")]
    assert web.get(ME, headers=bearer(made[0]["token"])).status_code == 200

    assert web.delete(f"{ME}/tokens/{made[0]['token_id']}").status_code == 204

    assert code(web.get(ME, headers=bearer(made[0]["token"]))) == (401, "invalid_token")
    assert [row["name"] for row in web.get(f"{ME}/tokens").json()["items"]] == ["b"]
    assert made[1]["token"] not in web.get(f"{ME}/tokens").text


def test_the_tokens_of_others_cannot_be_deleted(web: httpx.Client, workspace: Workspace):
    log_in(web, "ada")
    made = web.post(f"{ME}/tokens", json={"name": "a", "scopes": ["read"]}).json()
    add_user(workspace, "bob", "admin")
    log_in(web, "bob")

    assert code(web.delete(f"{ME}/tokens/{made['token_id']}")) == (404, "not_found")
    assert web.get(ME, headers=bearer(made["token"])).status_code == 200


def test_an_expired_token_is_refused_and_the_last_use_is_known(web: httpx.Client):
    log_in(web, "ada")
    made = web.post(f"{ME}/tokens", json={"name": "a", "scopes": ["read"], "expires_in_days": 1}).json()
    assert web.get(ME, headers=bearer(made["token"])).status_code == 200
    assert web.get(f"{ME}/tokens").json()["items"][0]["last_used_at"] is not None

    async def age() -> None:
        change = {"$set": {"expires_at": await mongo.read_clock() - timedelta(seconds=1)}}
        await mongo.collection("api_tokens").update_one({"digest": digest(made["token"])}, change)

    mongo.run(age())
    time.sleep(0.6)
    assert code(web.get(ME, headers=bearer(made["token"]))) == (401, "invalid_token")
