"""Traces of a cpu worker whose children are replaced after each task: they send all spans before they end."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.chaos.stack import Stack, wait_until, write_files
from tests.otlp_server import Collector

ON_THE_CHILD = ["decode", "features", "tempo_key"]
STEPS = [*ON_THE_CHILD, "summarize", "store"]


@pytest.fixture
def stack(tmp_path: Path) -> Iterator[Stack]:
    made = Stack(tmp_path, own_workers=True, SAMPLEMIND_LOG_JSON="true")
    yield made
    made.close()


@pytest.mark.parametrize(
    "limit", [("--max-tasks-per-child", "1"), ("--max-memory-per-child", "1")], ids=["tasks", "memory"]
)
def test_no_span_of_a_finished_task_is_lost_when_its_child_is_replaced(
    stack: Stack, tmp_path: Path, limit: tuple[str, str]
):
    log = tmp_path / "recycled.log"
    command = [
        sys.executable, "-m", "celery", "--quiet", "-A", "samplemind_worker.app", "worker", "--hostname", "cpu-1@here",
        "--pool", "prefork", "--concurrency", "1", *limit, "--without-gossip", "--without-mingle",
        "--queues", ",".join(stack.settings.queues.read_by("cpu")),
    ]  # fmt: skip
    with Collector() as collector, log.open("ab") as output:
        environment = stack.worker_environment(SAMPLEMIND_TRACING_URL=collector.url)
        with subprocess.Popen(command, env=environment, stdout=output, stderr=output) as worker:
            try:
                stack.add("worker", "--role", "io", SAMPLEMIND_TRACING_URL=collector.url)
                stack.wait_for_workers(2)
                write_files(tmp_path / "library", 2)
                batch = stack.submit(tmp_path / "library", files_per_chain="1")
                wait_until(lambda: stack.has_ended(batch), seconds=180.0, what="the batch ended")
                wait_until(
                    lambda: [span.name for span in collector.spans].count("store") == 2,
                    seconds=30.0,
                    what="the last spans came",
                )
            finally:
                worker.terminate()
                worker.wait(60)

    lines = [json.loads(line)["record"] for line in log.read_text().splitlines() if line.startswith("{")]
    done = [line["extra"] for line in lines if line["message"] == "step.done"]
    ran = Counter((extra["trace"], extra["fields"]["step"].removeprefix("samplemind.")) for extra in done)
    assert sorted(name for _, name in ran) == sorted(ON_THE_CHILD * 2)
    # Each of the six tasks ran in a child of its own.
    assert len({extra["process"] for extra in done}) == len(done) == 6
    for trace in {trace for trace, _ in ran}:
        own = collector.of_trace(trace)
        steps = [span for span in own if span.name in STEPS]
        assert sorted(span.name for span in steps) == sorted(STEPS)
        ids = {span.id for span in own}
        # The dispatcher that began the trace was the command, which sends none.
        [root] = {span.parent for span in steps}
        assert [span.name for span in own if span.parent not in ids | {root, ""}] == []
        for span in steps:
            assert [child.name for child in own if child.parent == span.id], span.name
