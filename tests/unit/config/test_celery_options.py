import pytest
from celery import Celery
from kombu.utils.url import url_to_parts
from pydantic import SecretStr
from redis import Redis

from config import queues
from config.celery_options import broker_url, celery_options
from config.settings import Settings


def options(**values: object) -> dict[str, object]:
    return celery_options(Settings(_env_file=None, **{"redis_url": SecretStr("redis://r:6379/0"), **values}))


@pytest.mark.parametrize("step_seconds", [1.0, 600.0, 7200.0])
def test_a_running_task_is_not_delivered_twice(step_seconds: float):
    made = options(step_seconds=step_seconds)

    assert made["task_time_limit"] == step_seconds
    assert made["broker_transport_options"]["visibility_timeout"] > 2 * step_seconds


def test_only_json_travels():
    made = options()

    assert (made["task_serializer"], made["result_serializer"], made["accept_content"]) == ("json", "json", ["json"])


def test_no_result_is_kept():
    made = options()

    assert made["result_backend"] is None
    assert made["task_ignore_result"] is True


def test_a_worker_survives_a_restart_of_redis():
    made = options()

    assert made["worker_enable_remote_control"] is False
    assert made["broker_connection_max_retries"] is None
    assert made["broker_connection_retry_on_startup"] is True


def test_a_crashed_parcel_is_not_delivered_again():
    made = options()

    assert made["task_acks_late"] is True
    assert made["task_reject_on_worker_lost"] is False
    assert made["worker_prefetch_multiplier"] == 1


def test_queues_are_declared_and_no_others_are_made():
    made = options(host="studio")

    assert set(made["task_queues"]) == {"cpu", "io", "ai", "control", "cpu.studio"}
    assert made["task_create_missing_queues"] is False
    assert made["task_default_queue"] in made["task_queues"]


def test_every_queue_of_a_role_is_declared():
    declared = options()["task_queues"]

    assert [queue for names in queues.ROLES.values() for queue in names if queue not in declared] == []


def test_beat_dispatches_as_often_as_the_settings_say():
    made = options(dispatch_seconds=0.5)

    assert {name: (entry["task"], entry["schedule"]) for name, entry in made["beat_schedule"].items()} == {
        "dispatch": ("samplemind.dispatch", 0.5),
        "bulk": ("samplemind.bulk", 300.0),
    }


def test_beat_asks_all_the_time_whether_a_night_is_due():
    made = options(nightly="03:30")

    assert made["beat_schedule"]["ingest"] == {"task": "samplemind.ingest", "schedule": 15.0}


def test_options_without_a_redis_url_name_no_broker():
    assert options(redis_url=None)["broker_url"] == ""


@pytest.mark.parametrize("url", ["redis://:p%40ss@host:6380/2", "rediss://user:pw@host/0", "redis://host"])
def test_broker_url_of_tcp_stays_as_it_is(url: str):
    assert broker_url(url) == url


@pytest.mark.parametrize(
    ("url", "broker"),
    [
        ("unix:///run/r.sock", "redis+socket:///run/r.sock?virtual_host=0"),
        ("unix:///run/r.sock?db=3", "redis+socket:///run/r.sock?virtual_host=3"),
        ("unix:///run/r.sock?timeout=5&db=3", "redis+socket:///run/r.sock?virtual_host=3"),
        ("unix://:secret@/run/r.sock", "redis+socket://:secret@/run/r.sock?virtual_host=0"),
    ],
)
def test_broker_url_of_a_socket_is_spelled_as_celery_wants_it(url: str, broker: str):
    assert broker_url(url) == broker


@pytest.mark.parametrize(
    "url",
    [
        "unix:///run/r.sock",
        "unix:///run/r.sock?db=3",
        "unix://:secret@/run/r.sock",
        "unix://:p%40ss%2Fw%25rd@/run/r.sock?db=1",
        "unix://user:secret@/run/r.sock",
    ],
)
def test_broker_url_leads_celery_where_redis_py_goes(url: str):
    there = Redis.from_url(url).connection_pool.connection_kwargs
    here = url_to_parts(broker_url(url).removeprefix("redis+"))  # how Celery's transport reads a socket's URL

    assert (here.scheme, f"/{here.path}") == ("socket", there["path"])
    assert (here.username, here.password) == (there.get("username"), there.get("password"))
    assert here.query == {"virtual_host": str(there.get("db", 0))}


def test_the_broker_of_another_project_is_not_ours(monkeypatch: pytest.MonkeyPatch):
    for name in ("CELERY_BROKER_URL", "CELERY_BROKER_READ_URL", "CELERY_BROKER_WRITE_URL", "CELERY_RESULT_BACKEND"):
        monkeypatch.setenv(name, "redis://stranger:6379/0")
    app = Celery("ours", set_as_current=False)

    app.conf.update(options())

    assert (app.conf.broker_url, app.conf.broker_read_url, app.conf.broker_write_url) == ("redis://r:6379/0",) * 3
    assert app.conf.result_backend is None
