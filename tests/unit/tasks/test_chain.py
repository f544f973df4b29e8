from config import task_names as names
from config.queues import HOST_TASKS, KIND_OF_TASK, ROLES
from samplemind_worker.documents.batch import Step
from samplemind_worker.errors import PermanentError, TransientError
from tasks.retry import POLICY


def test_chain_is_the_steps_in_their_order():
    assert list(names.CHAIN) == [f"samplemind.{step.value}" for step in Step]


def test_every_queue_of_a_task_is_read_by_some_worker():
    read = {kind for kinds in ROLES.values() for kind in kinds}

    assert set(KIND_OF_TASK.values()) <= read


def test_tasks_that_stay_on_their_host_are_tasks_of_cpu_workers():
    assert {KIND_OF_TASK[task] for task in HOST_TASKS} == {"cpu"}


def test_names_are_the_wire_contract():
    # Messages outlive a deployment: a name may be added here, never changed.
    assert sorted(KIND_OF_TASK) == [
        "samplemind.bulk",
        "samplemind.decode",
        "samplemind.dispatch",
        "samplemind.features",
        "samplemind.fill_in",
        "samplemind.ingest",
        "samplemind.reindex",
        "samplemind.sound_map",
        "samplemind.store",
        "samplemind.summarize",
        "samplemind.sweep",
        "samplemind.take_back",
        "samplemind.tempo_key",
        "samplemind.tidy",
    ]


def test_only_what_may_go_away_by_itself_is_retried():
    assert POLICY["autoretry_for"] == (TransientError,)
    assert issubclass(PermanentError, POLICY["autoretry_for"]) is False
    assert POLICY["retry_jitter"] is True
    assert POLICY["max_retries"] is None
