import json
from collections.abc import Iterator
from typing import Any

import pytest
from loguru import logger

from config.log_options import log_options
from config.settings import Settings


@pytest.fixture
def lines() -> Iterator[list[str]]:
    """What the sink gets; loguru is left without any sink."""
    logger.remove()
    logger.configure(extra={"process": "cpu", "task": "", "parcel": "", "fields": ""})
    yield []
    logger.remove()


def add_sink(lines: list[str], **values: Any) -> None:
    logger.add(lines.append, **log_options(Settings(_env_file=None, **values)))


def test_log_line_carries_process_task_parcel_and_fields(lines: list[str]):
    add_sink(lines)

    with logger.contextualize(task="t1", parcel="p1"):
        logger.info("step.done", fields="files=3")

    assert [line.split("Z ", 1)[1].split() for line in lines] == [["INFO", "cpu", "step.done", "t1", "p1", "files=3"]]


def test_log_json_is_one_object_a_line(lines: list[str]):
    add_sink(lines, log_json=True)

    with logger.contextualize(task="t1", parcel="p1"):
        logger.warning("sign_of_life.failed", fields="refused")

    record = json.loads(lines[0])["record"]
    assert (record["message"], record["level"]["name"]) == ("sign_of_life.failed", "WARNING")
    assert record["extra"] == {"process": "cpu", "task": "t1", "parcel": "p1", "fields": "refused"}


def test_log_level_is_that_of_the_settings(lines: list[str]):
    add_sink(lines, log_level="WARNING")

    logger.info("quiet")
    logger.error("loud")

    assert [line.split()[-1] for line in lines] == ["loud"]


def test_log_of_an_exception_shows_no_values_of_variables(lines: list[str]):
    add_sink(lines)

    def fail(password: str) -> None:
        raise RuntimeError(f"failed with {len(password)} letters")

    try:
        fail("hunter2")
    except RuntimeError:
        logger.exception("step.failed")

    assert "RuntimeError: failed with 7 letters" in lines[0]
    assert lines[0].count("hunter2") == lines[0].count('fail("hunter2")')
