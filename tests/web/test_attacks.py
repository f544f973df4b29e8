"""What strangers, and pages of strangers, try: each has its one answer."""

import socket
import ssl
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlsplit

import httpx
import pytest
import redis

from config.settings import Settings
from samplemind_web import http_protocol, security
from samplemind_web.app import create_app
from samplemind_web.auth.gate import OPEN
from samplemind_worker.pipeline.workspace import Workspace
from tests.web.accounts import PASSWORD, add_user, bearer, log_in, tokens

pytestmark = pytest.mark.services

ME = "/api/v1/me"
LOGIN = "/api/v1/auth/login"


@pytest.fixture
def admin(workspace: Workspace) -> None:
    """An admin of the name ada."""
    add_user(workspace, "ada")
    time.sleep(0.6)


def code(answer: httpx.Response) -> tuple[int, str]:
    return answer.status_code, answer.json()["code"]


def raw(url: str, *parts: bytes, pause: float = 0.0, timeout: float = 30.0) -> bytes:
    """What the server says to bytes, sent part by part."""
    where = urlsplit(url)
    said = b""
    with socket.create_connection((where.hostname or "", where.port or 0), timeout=timeout) as connection:
        try:
            for part in parts:
                connection.sendall(part)
                time.sleep(pause)
            while data := connection.recv(65536):
                said += data
        except (ConnectionResetError, BrokenPipeError, TimeoutError):
            pass
    return said


def head(*lines: str) -> bytes:
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


# Who may ask at all


def test_every_route_but_those_listed_needs_a_login(web: httpx.Client, settings: Settings, workspace: Workspace):
    paths = create_app(settings).openapi()["paths"]
    routes = [(method, path) for path, methods in paths.items() for method in methods if path.startswith("/api/")]
    assert len(routes) > 20
    add_user(workspace, "ada")
    time.sleep(0.6)

    seen: dict[str, set[int]] = {}
    with httpx.Client(base_url=str(web.base_url), timeout=30.0) as stranger:
        for method, path in routes:
            if path not in OPEN:
                answer = stranger.request(method, path.replace("{", "").replace("}", ""))
                seen.setdefault(path, set()).add(answer.status_code)

    # After 60 requests a minute the answer is that there were too many.
    assert {status for statuses in seen.values() for status in statuses} <= {401, 429}


def test_every_route_names_what_it_needs(settings: Settings):
    paths = create_app(settings).openapi()["paths"]
    open_to_all = [
        path
        for path, methods in paths.items()
        for operation in methods.values()
        if path.startswith("/api/") and "security" not in operation
    ]

    assert set(open_to_all) <= OPEN


@pytest.mark.usefixtures("admin")
def test_a_path_written_in_another_way_is_no_way_around(web_url: str):
    for path in ("//api/v1/me", "/api//v1/me", "/API/v1/me", "/api/v1/me/", "/x/../api/v1/me", "/%61pi/v1/me"):
        said = raw(web_url, head(f"GET {path} HTTP/1.1", "Host: localhost", "Connection: close"))
        status = int(said.split(b" ")[1])
        assert b"csrf_token" not in said, path
        assert status in {401, 404, 307, 200}, path
        assert b"user_id" not in said, path


# Rebinding, other sites, framing


@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example", "", "[::1", "localhost:x", "2130706433"],
)
def test_another_host_name_is_refused(web_url: str, host: str):
    said = raw(web_url, head("GET /api/v1/me HTTP/1.1", f"Host: {host}", "Connection: close"))

    assert said.startswith(b"HTTP/1.1 421 ")
    assert b"unknown_host" in said


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8765", "127.0.0.1", "[::1]:80", "localhost."])
def test_the_names_of_this_machine_are_known(web_url: str, host: str):
    said = raw(web_url, head("GET /api/v1/me HTTP/1.1", f"Host: {host}", "Connection: close"))

    assert said.startswith(b"HTTP/1.1 200 ")


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://127.0.0.1:1"},
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
    ],
    ids=str,
)
def test_another_site_changes_nothing_also_without_users(web: httpx.Client, headers: dict[str, str]):
    answer = web.post("/api/v1/batches", json={"paths": ["/etc"]}, headers=headers)
    login = web.post(LOGIN, json={"name": "a", "password": "b"}, headers=headers)

    assert code(answer) == code(login) == (403, "cross_site")


def test_another_site_embeds_no_sound_but_may_link(web: httpx.Client):
    embedded = web.get(ME, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"})
    linked = web.get(ME, headers={"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"})

    assert code(embedded) == (403, "cross_site")
    assert linked.status_code == 200


@pytest.mark.usefixtures("admin")
def test_a_session_changes_nothing_without_its_csrf_token(web: httpx.Client, web_url: str):
    token = log_in(web, "ada").json()["csrf_token"]
    own = {"Origin": web_url, "Sec-Fetch-Site": "same-origin"}
    body = {"name": "x", "scopes": ["read"]}

    for given in ("", "wrong", token[:-1], token + "x"):
        assert code(web.post(f"{ME}/tokens", json=body, headers={**own, "X-CSRF-Token": given})) == (403, "csrf")
    assert web.post(f"{ME}/tokens", json=body, headers={**own, "X-CSRF-Token": token}).status_code == 201
    elsewhere = {"X-CSRF-Token": token, "Origin": "https://evil.example"}
    assert code(web.post(f"{ME}/tokens", json=body, headers=elsewhere)) == (403, "cross_site")


@pytest.mark.usefixtures("admin")
def test_the_csrf_token_of_another_session_does_not_count(web: httpx.Client, web_url: str, workspace: Workspace):
    add_user(workspace, "eve", "viewer")
    with httpx.Client(base_url=web_url, timeout=30.0) as attacker:
        theirs = log_in(attacker, "eve").json()["csrf_token"]
    log_in(web, "ada")

    answer = web.post(f"{ME}/tokens", json={"name": "x", "scopes": ["read"]}, headers={"X-CSRF-Token": theirs})

    assert code(answer) == (403, "csrf")


@pytest.mark.parametrize("served", [{"web_origins": ("https://shop.example",)}], indirect=True, ids=["listed"])
@pytest.mark.usefixtures("admin")
def test_only_listed_origins_may_read_and_only_by_token(web: httpx.Client):
    asks = {"Access-Control-Request-Method": "GET", "Access-Control-Request-Headers": "authorization"}
    allowed = web.options(ME, headers={"Origin": "https://shop.example", **asks})
    refused = web.options(ME, headers={"Origin": "https://evil.example", **asks})
    token = tokens(web, "ada")["access_token"]
    read = web.get(ME, headers={"Origin": "https://shop.example", **bearer(token)})

    assert allowed.headers["access-control-allow-origin"] == "https://shop.example"
    assert "access-control-allow-credentials" not in allowed.headers
    assert "access-control-allow-origin" not in refused.headers
    assert read.headers["access-control-allow-origin"] == "https://shop.example"


def test_without_listed_origins_no_page_of_others_reads(web: httpx.Client):
    answer = web.get(ME, headers={"Origin": "https://evil.example"})

    assert not [name for name in answer.headers if name.startswith("access-control")]


@pytest.mark.parametrize("path", ["/", "/healthz", ME, "/api/v1/nothing", "/api/v1/samples/" + "0" * 64])
def test_every_answer_has_the_security_headers(web: httpx.Client, path: str):
    headers = web.get(path).headers

    assert headers["x-content-type-options"] == "nosniff"
    assert headers["x-frame-options"] == "DENY"
    assert headers["referrer-policy"] == "no-referrer"
    assert headers["cross-origin-opener-policy"] == headers["cross-origin-resource-policy"] == "same-origin"
    policy = headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "base-uri 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe-inline" not in policy
    assert "unsafe-eval" not in policy
    assert "server" not in headers
    assert "strict-transport-security" not in headers


# Behind a proxy


PROXIED = {"web_hosts": ("music.example",), "web_proxies": ("127.0.0.1",)}


@pytest.mark.parametrize("served", [PROXIED], indirect=True, ids=["proxied"])
@pytest.mark.usefixtures("admin")
def test_behind_a_trusted_proxy_with_tls_the_cookie_is_for_tls_only(web: httpx.Client):
    headers = {"Host": "music.example", "X-Forwarded-Proto": "https", "X-Forwarded-For": "203.0.113.9"}
    origin = {"Origin": "https://music.example"}
    answer = web.post(LOGIN, json={"name": "ada", "password": PASSWORD}, headers={**headers, **origin})
    cookie = answer.headers["set-cookie"]
    web.cookies.clear()
    plain = {**headers, "X-Forwarded-Proto": "http"}
    session = cookie.partition(";")[0]
    by_tls = web.get(ME, headers={**headers, "Cookie": session})
    renamed = web.get(ME, headers={**headers, "Cookie": session.removeprefix("__Host-")})
    in_clear = web.get(ME, headers={**plain, "Cookie": session})

    assert cookie.startswith("__Host-samplemind=")
    assert "Secure" in cookie
    assert "max-age=" in answer.headers["strict-transport-security"]
    assert by_tls.status_code == 200
    assert code(renamed) == code(in_clear) == (401, "login_required")


def test_an_unknown_proxy_opens_the_library_to_nobody(web: httpx.Client):
    for name in ("X-Forwarded-For", "Forwarded", "X-Real-IP"):
        assert code(web.get(ME, headers={name: "203.0.113.9"})) == (401, "login_required")


@pytest.mark.usefixtures("admin")
def test_nobody_names_their_own_address(web: httpx.Client):
    answers = [
        web.post(LOGIN, json={"name": f"n{n}", "password": "x"}, headers={"X-Forwarded-For": f"203.0.113.{n}"})
        for n in range(7)
    ]

    assert [each.status_code for each in answers] == [401] * 5 + [429] * 2


@pytest.mark.parametrize("served", [{"web_hosts": ("music.example",)}], indirect=True, ids=["named"])
def test_behind_a_proxy_nobody_is_local(web: httpx.Client):
    assert code(web.get(ME)) == (401, "login_required")
    assert code(web.get(ME, headers={"Host": "music.example"})) == (401, "login_required")


# Guessing, and too much


@pytest.mark.usefixtures("admin")
def test_guessing_a_password_ends_after_five_attempts_also_at_once(web_url: str, settings: Settings):
    assert settings.redis_url is not None

    def guess(n: int) -> int:
        return httpx.post(web_url + LOGIN, json={"name": "ada", "password": f"guess {n}"}, timeout=60.0).status_code

    with ThreadPoolExecutor(20) as pool:
        statuses = list(pool.map(guess, range(20)))
    answer = httpx.post(web_url + LOGIN, json={"name": " ADA", "password": PASSWORD}, timeout=60.0)

    assert sorted(statuses) == [401] * 5 + [429] * 15
    assert code(answer) == (429, "too_many_requests")
    assert 0 < int(answer.headers["retry-after"]) <= 3601


@pytest.mark.usefixtures("admin")
def test_strangers_have_sixty_requests_a_minute_and_users_more(web: httpx.Client, web_url: str):
    log_in(web, "ada")
    with httpx.Client(base_url=web_url, timeout=30.0) as stranger:
        strangers = [stranger.get(ME).status_code for _ in range(62)]
    users = [web.get(ME).status_code for _ in range(70)]

    assert strangers.count(401) == 59  # the login was one
    assert strangers[-3:] == [429] * 3
    assert users == [200] * 70


@pytest.mark.parametrize("served", [{"web_requests": 10}], indirect=True, ids=["few"])
@pytest.mark.usefixtures("admin")
def test_a_user_has_a_limit_of_their_own(web: httpx.Client):
    log_in(web, "ada")
    statuses = [web.get(ME).status_code for _ in range(12)]

    assert statuses == [200] * 10 + [429] * 2


@pytest.mark.parametrize("value", [{"$gt": ""}, {"$ne": None}, ["ada"], 7, None, True], ids=str)
@pytest.mark.usefixtures("admin")
def test_an_operator_is_no_name_and_no_password(web: httpx.Client, value: object):
    for body in ({"name": value, "password": PASSWORD}, {"name": "ada", "password": value}, value):
        assert code(web.post(LOGIN, json=body)) == (422, "invalid")
    assert code(web.post("/api/v1/auth/refresh", json={"refresh_token": value})) == (422, "invalid")


@pytest.mark.parametrize(
    "name", ["$where", "ada\0", "../ada", "*", "ada' || '1'=='1", "\uff41\uff44\uff41", "ada\ud83d"]
)
@pytest.mark.usefixtures("admin")
def test_a_strange_name_is_nobody_s(web: httpx.Client, name: str):
    body = b'{"name": "ada\\ud83d", "password": "x"}'
    if not name.isprintable() or "\ud83d" in name:
        answer = web.post(LOGIN, content=body, headers={"Content-Type": "application/json"})
    else:
        answer = web.post(LOGIN, json={"name": name, "password": PASSWORD})

    assert answer.status_code in {401, 422}
    assert "argon2" not in answer.text


def test_a_body_of_a_hundred_megabytes_is_refused_before_it_is_read(web: httpx.Client, web_url: str):
    announced = raw(
        web_url,
        head(
            "POST /api/v1/batches HTTP/1.1", "Host: localhost", "Content-Type: application/json",
            "Content-Length: 104857600",
        ),
    )  # fmt: skip
    assert announced.startswith(b"HTTP/1.1 413 ")

    def chunks() -> Iterator[bytes]:
        for _ in range(100):
            yield b" " * 2**20

    try:
        answer = web.post("/api/v1/batches", content=chunks(), headers={"Content-Type": "application/json"})
    except httpx.TransportError:
        return  # the connection was closed while the client was sending
    assert code(answer) == (413, "too_large")


@pytest.mark.usefixtures("admin")
def test_a_stranger_s_body_is_not_waited_for(web_url: str):
    said = raw(
        web_url, head("POST /api/v1/batches HTTP/1.1", "Host: localhost", "Content-Length: 1000", "Connection: close")
    )

    assert said.startswith(b"HTTP/1.1 401 ")


def test_ten_thousand_filters_have_one_answer(web: httpx.Client):
    short = web.get("/api/v1/nothing?" + "&".join(f"t={n}" for n in range(2_000)))
    assert short.status_code == 404
    answer = web.get("/api/v1/samples?" + "&".join(f"t={n % 10}" for n in range(10_000)))
    assert (answer.status_code, answer.headers["content-type"]) == (414, "application/problem+json")


def test_ten_thousand_fields_have_a_short_answer(web: httpx.Client):
    answer = web.post(LOGIN, json=[{"name": {}}] * 10_000)

    assert answer.status_code == 422
    assert len(answer.content) < 5_000


def test_deep_json_is_no_fault_of_the_server(web: httpx.Client):
    answer = web.post(LOGIN, content=b"[" * 200_000, headers={"Content-Type": "application/json"})

    assert answer.status_code in {400, 422}


# The wire


@pytest.mark.parametrize(
    "lines",
    [
        ("Content-Length: 5", "Transfer-Encoding: chunked"),
        ("Content-Length: 5", "Content-Length: 6"),
        ("Content-Length: 5, 5",),
        ("Transfer-Encoding: chunked, identity",),
        ("Transfer-Encoding : chunked",),
        ("Content-Length: +5",),
        ("Content-Length: -1",),
        ("Host: evil.example",),
        ("X-Bad: a\0b",),
    ],
    ids=str,
)
def test_a_request_that_two_readers_read_differently_is_refused(web_url: str, lines: tuple[str, ...]):
    said = raw(
        web_url,
        head("POST /api/v1/batches HTTP/1.1", "Host: localhost", "Connection: close", *lines)
        + b"0\r\n\r\nGET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n",
        timeout=5.0,
    )

    assert said.split(b" ")[1] in {b"400", b"413"}
    assert said.count(b"HTTP/1.1 ") == 1


def test_two_authorizations_are_one_too_many(web_url: str):
    said = raw(
        web_url,
        head("GET /api/v1/me HTTP/1.1", "Host: localhost", "Authorization: Bearer a", "Authorization: Bearer b",
             "Connection: close"),
    )  # fmt: skip

    assert said.startswith(b"HTTP/1.1 400 ")
    assert b"header_twice" in said


def test_a_head_without_an_end_is_cut_off(web_url: str):
    endless = [b"GET / HTTP/1.1\r\nHost: localhost\r\n", *[b"X-%d: %s\r\n" % (n, b"a" * 1000) for n in range(200)]]
    said = raw(web_url, *endless, timeout=5.0)

    assert said.split(b" ")[1:2] in ([b"431"], [])


def test_a_slow_head_is_cut_off_and_others_are_served(web: httpx.Client, web_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 1.0)
    where = urlsplit(web_url)
    slow = [socket.create_connection((where.hostname or "", where.port or 0), timeout=20.0) for _ in range(50)]
    for connection in slow[:25]:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: loc")

    assert web.get("/healthz").status_code == 200
    assert [connection.recv(100) for connection in slow] == [b""] * 50
    for connection in slow:
        connection.close()


def test_a_slow_body_is_cut_off(web_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(security, "PAUSE_SECONDS", 1.0)
    said = raw(
        web_url,
        head("POST /api/v1/batches HTTP/1.1", "Host: localhost", "Content-Type: application/json",
             "Content-Length: 100", "Connection: close") + b'{"paths"',
    )  # fmt: skip

    assert said.startswith(b"HTTP/1.1 408 ")


def refused_before_its_body(web_url: str, length: int) -> socket.socket:
    """A connection whose request was answered while nothing of its body had been sent."""
    where = urlsplit(web_url)
    connection = socket.create_connection((where.hostname or "", where.port or 0), timeout=20.0)
    connection.sendall(head("PUT /api/v1/inbox/notes.txt HTTP/1.1", "Host: localhost", f"Content-Length: {length}"))
    assert connection.recv(10_000).startswith(b"HTTP/1.1 422 ")
    return connection


def trickle(connection: socket.socket, count: int) -> None:
    for _ in range(count):
        connection.sendall(b"x")
        time.sleep(0.02)


def test_a_body_that_nobody_wanted_is_no_head_of_the_next_request(web_url: str):
    with refused_before_its_body(web_url, 300_000) as connection:
        connection.sendall(bytes(300_000) + head("GET /healthz HTTP/1.1", "Host: localhost"))

        assert connection.recv(10_000).startswith(b"HTTP/1.1 200 ")


def test_a_body_that_nobody_wanted_does_not_come_for_ever(web_url: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(http_protocol, "HEAD_SECONDS", 1.0)
    with (
        refused_before_its_body(web_url, 300_000) as connection,
        pytest.raises((ConnectionResetError, BrokenPipeError)),
    ):
        trickle(connection, 1000)


def test_no_websocket_and_no_tls_record_upset_the_server(web: httpx.Client, web_url: str):
    upgrade = raw(
        web_url,
        head("GET /api/v1/me HTTP/1.1", "Host: localhost", "Connection: Upgrade", "Upgrade: websocket",
             "Sec-WebSocket-Key: eA==", "Sec-WebSocket-Version: 13"),
        timeout=2.0,
    )  # fmt: skip
    assert b" 101 " not in upgrade
    where = urlsplit(web_url)
    with (
        socket.create_connection((where.hostname or "", where.port or 0), timeout=5.0) as connection,
        pytest.raises((ssl.SSLError, OSError)),
    ):
        ssl.create_default_context().wrap_socket(connection, server_hostname="localhost")
    assert web.get("/healthz").status_code == 200


def test_many_logins_at_once_leave_the_server_responsive(web: httpx.Client, web_url: str):
    """Argon2 runs elsewhere: while it works, the loop answers."""
    threads = [
        threading.Thread(target=httpx.post, args=(web_url + LOGIN,), kwargs={"json": {"name": "a", "password": "b"}})
        for _ in range(5)
    ]
    for thread in threads:
        thread.start()
    assert [web.get("/healthz").status_code for _ in range(20)] == [200] * 20
    for thread in threads:
        thread.join()


# A service is away


@pytest.mark.usefixtures("admin")
def test_without_redis_tokens_go_on_and_nobody_logs_in(web: httpx.Client, served: Settings):
    log_in(web, "ada")
    held = bearer(tokens(web, "ada")["access_token"])
    assert web.get(ME, headers=held).status_code == 200
    assert served.redis_url is not None
    with redis.Redis.from_url(served.redis_url.get_secret_value()) as client:
        client.execute_command("CONFIG", "SET", "maxclients", "1")
        client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        try:
            by_token = web.get(ME, headers=held)
            by_session = web.get(ME)
            login = web.post(LOGIN, json={"name": "ada", "password": PASSWORD})
        finally:
            client.execute_command("CONFIG", "SET", "maxclients", "10000")

    assert by_token.status_code == 200
    assert code(by_session) == code(login) == (503, "service_unavailable")
    assert web.get(ME).json()["by"] == "session"
