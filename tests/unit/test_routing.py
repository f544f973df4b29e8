import pytest

from config.settings import get_settings
from samplemind_worker.routing import route
from tasks import names


@pytest.mark.parametrize(
    ("task", "queue"),
    [
        (names.DECODE, "cpu"),
        (names.SUMMARIZE, "ai"),
        (names.STORE, "io"),
        (names.DISPATCH, "control"),
        (names.TAKE_BACK, "control"),
    ],
)
def test_route_of_a_task_for_any_host_is_the_queue_of_its_kind(task: str, queue: str):
    assert route(task, ("parcel",), {}, {}) == {"queue": queue}


@pytest.mark.parametrize("task", [names.FEATURES, names.TEMPO_KEY, names.SWEEP])
def test_route_of_what_needs_scratch_memory_is_the_queue_of_this_host(task: str):
    assert route(task, ("parcel",), {}, {}, task=None) == {"queue": f"cpu.{get_settings().host}"}


def test_route_leaves_the_tasks_of_others_alone():
    assert route("celery.backend_cleanup") is None
