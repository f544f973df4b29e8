"""What somebody tried and may not do is in the process log, with who it was and from where."""

import time
from collections.abc import Iterator

import httpx
import pytest
from loguru import logger

from config.log_options import log_options
from config.settings import Settings
from samplemind_worker.pipeline.workspace import Workspace
from tests.web.accounts import add_user, log_in

pytestmark = pytest.mark.services


@pytest.fixture
def lines(settings: Settings) -> Iterator[list[str]]:
    """The lines of the log, as plain text."""
    found: list[str] = []
    logger.configure(extra={"process": "web", "task": "", "parcel": "", "fields": ""})
    sink = logger.add(found.append, **log_options(settings))
    yield found
    logger.remove(sink)
    logger.configure(extra={})


@pytest.fixture
def viewer(workspace: Workspace, web: httpx.Client) -> None:
    """The client is logged in as a viewer."""
    add_user(workspace, "ada")
    add_user(workspace, "vic", "viewer")
    time.sleep(0.6)  # the server may know for half a second that there are no users
    assert log_in(web, "vic").status_code == 200


@pytest.mark.usefixtures("viewer")
@pytest.mark.parametrize(
    ("headers", "code", "user"),
    [
        ({}, "forbidden", "vic"),
        ({"X-CSRF-Token": "of another session"}, "csrf", ""),
        ({"Origin": "https://elsewhere.example"}, "cross_site", ""),
        ({"Authorization": "Bearer none"}, "invalid_token", ""),
    ],
)
def test_a_refusal_is_logged(web: httpx.Client, lines: list[str], headers: dict[str, str], code: str, user: str):
    answer = web.post("/api/v1/batches", json={"paths": ["/x"]}, headers=headers)

    assert answer.json()["code"] == code
    [line] = [line for line in lines if "access_refused" in line]
    for told in (
        f"'code': '{code}'",
        "'request': 'POST /api/v1/batches'",
        f"'user': '{user}'",
        "'address': '127.0.0.1'",
    ):
        assert told in line


@pytest.mark.usefixtures("viewer")
def test_a_page_that_asks_whether_somebody_is_logged_in_is_no_attempt(web_url: str, lines: list[str]):
    assert httpx.get(f"{web_url}/api/v1/me").json()["code"] == "login_required"

    assert [line for line in lines if "access_refused" in line] == []
