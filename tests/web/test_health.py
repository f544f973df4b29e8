import httpx

from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import mongo


def test_the_server_is_healthy_and_ready(web: httpx.Client):
    assert web.get("/healthz").json() == {"status": "ok", "services": {}}
    assert web.get("/readyz").json() == {"status": "ok", "services": {"mongodb": True, "redis": True}}


def test_the_version_is_the_package_s(web: httpx.Client):
    answer = web.get("/api/v1/version")

    assert answer.status_code == 200
    assert answer.json()["api"] == "v1"


def test_what_is_not_there_is_a_problem(web: httpx.Client):
    answer = web.get("/api/v1/nothing")

    assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")
    assert answer.json() == {
        "type": "about:blank",
        "title": "Not Found",
        "status": 404,
        "code": "not_found",
        "detail": "there is no such route",
        "instance": "/api/v1/nothing",
    }


def test_a_test_reaches_the_record_through_the_server_s_connection(workspace: Workspace):
    assert workspace is not None
    assert mongo.now().tzinfo is not None
