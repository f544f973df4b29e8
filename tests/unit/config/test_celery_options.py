import pytest
from celery import Celery
from kombu.utils.url import url_to_parts
from pydantic import SecretStr
from redis import Redis

from config import task_names as names
from config.celery_options import broker_url, celery_options
from config.queues import ROLES, Queues
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
    made = options(host="studio", database="kits")

    # Those without the deployment's name are for workers from before it was part of them.
    old = {"cpu", "io", "ai", "control", "cpu.studio"}
    assert set(made["task_queues"]) == {f"kits:{name}" for name in old} | old
    assert made["task_create_missing_queues"] is False
    assert made["task_default_queue"] in made["task_queues"]


def test_every_queue_of_a_role_is_declared():
    declared = options(host="studio")["task_queues"]

    read = {queue for role in ROLES for queue in Queues("samplemind", "studio").read_by(role)}
    assert read == set(declared)


def test_two_deployments_in_one_redis_share_no_key():
    made = [options(host="studio", database=name) for name in ("kits", "loops")]

    for name in ("task_default_queue", "event_exchange", "event_queue_prefix"):
        assert [one[name].partition(":")[0] for one in made] == ["kits", "loops"]
    transports = [one["broker_transport_options"] for one in made]
    for name in ("unacked_key", "unacked_index_key", "unacked_mutex_key"):
        assert [one[name].partition(":")[0] for one in transports] == ["kits", "loops"]
    sent_to = [{route["queue"] for route in one["task_routes"].values()} for one in made]
    assert sent_to[0] & sent_to[1] == set()


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        (names.DECODE, "kits:cpu"),
        (names.FEATURES, "kits:cpu.studio"),
        (names.TEMPO_KEY, "kits:cpu.studio"),
        (names.SWEEP, "kits:cpu.studio"),
        (names.SUMMARIZE, "kits:ai"),
        (names.STORE, "kits:io"),
        (names.DISPATCH, "kits:control"),
        (names.TAKE_BACK, "kits:control"),
    ],
)
def test_route_of_a_task(task: str, queue: str):
    assert options(host="studio", database="kits")["task_routes"][task] == {"queue": queue}


@pytest.mark.parametrize("role", ["cpu", "io"])
def test_a_worker_reads_the_old_names_last(role: str):
    read = Queues("kits", "studio").read_by(role)

    half = len(read) // 2
    assert read[:half] == [f"kits:{name}" for name in read[half:]]
    assert (read[0] == "kits:cpu.studio") is (role == "cpu")


def test_the_queue_of_a_root_is_no_other_and_can_be_listed():
    queues = Queues("kits", "studio")

    assert queues.of_root("drums") == "kits:cpu@drums"
    assert len({queues.of_root(root) for root in ("/a", "a", "/a,b", "/a b", "/ä")}) == 5
    assert "," not in queues.of_root("/a,b")


def test_beat_dispatches_as_often_as_the_settings_say():
    made = options(dispatch_seconds=0.5)

    assert {name: (entry["task"], entry["schedule"]) for name, entry in made["beat_schedule"].items()} == {
        "dispatch": ("samplemind.dispatch", 0.5),
        "reindex": ("samplemind.reindex", 30.0),
        "sound_map": ("samplemind.sound_map", 10.0),
        "tidy": ("samplemind.tidy", 300.0),
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
