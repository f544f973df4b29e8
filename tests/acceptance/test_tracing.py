"""The traces of parcels, from real processes to a collector."""

import json
import socket
from collections.abc import Callable
from pathlib import Path

from samplemind_worker.tracing.spans import first_span_of
from tests.acceptance.conftest import Command
from tests.ai_server import AiServer
from tests.factories import write_audio
from tests.otlp_server import Collector
from tests.waiting import wait_until
from training import signals

STEPS = ["decode", "features", "tempo_key", "summarize", "store"]


def test_every_parcel_is_one_trace_through_its_steps_into_the_stores_and_the_model(
    fresh_command: Callable[..., Command], tmp_path: Path
):
    files = 4
    for number in range(files):
        write_audio(tmp_path / "library" / f"{number}.wav", signals.kick(0.2 + 0.1 * number))
    (tmp_path / "library" / "bad.wav").write_bytes(b"no audio at all" * 20)
    with Collector() as collector, AiServer() as models:
        command = fresh_command(
            SAMPLEMIND_TRACING_URL=collector.url,
            SAMPLEMIND_DISPATCH_SECONDS="1",
            SAMPLEMIND_CONCURRENCY="1",
            SAMPLEMIND_LOG_JSON="true",
            **models.environment("gemini"),
        )
        done = command("submit", tmp_path / "library", "--files-per-chain", "2", "--wait", "--json", timeout=240)
        assert done.object["completed"] == files
        wait_until(lambda: [span.name for span in collector.spans].count("store") == 2)

    roots = {span.trace: span for span in collector.spans if span.name == "parcel"}
    assert len(roots) == 3
    assert {span.trace for span in collector.spans} == set(roots)
    for trace, root in roots.items():
        own = collector.of_trace(trace)
        assert root.id == first_span_of(root.attributes["samplemind.parcel"])
        steps = [span for span in own if span.parent == root.id]
        assert sorted(span.name for span in steps) == sorted(STEPS[: len(steps)])
        assert {span.attributes["samplemind.batch"] for span in steps} == {done.object["batch_id"]}
        ids = {span.id for span in own}
        assert [span.name for span in own if span is not root and span.parent not in ids] == []
    whole = [trace for trace in roots if len([span for span in collector.of_trace(trace) if span.name in STEPS]) == 5]
    assert len(whole) == 2
    for trace in whole:
        names = {span.name for span in collector.of_trace(trace)}
        assert "ask gemini" in names
        assert any(name.startswith("chroma ") for name in names)
        assert any(name.startswith("batch_items.") or "update" in name for name in names)
        services = {span.name: span.service for span in collector.of_trace(trace)}
        assert services["decode"] == "samplemind-cpu"
        assert (services["summarize"], services["store"]) == ("samplemind-ai", "samplemind-store")
    _check_logs(command, done.object["batch_id"], tmp_path / "library", set(whole))
    assert str(tmp_path / "library") not in str(collector.spans)
    assert ".wav" not in str(collector.spans)


def _check_logs(command: Command, batch: str, library: Path, whole: set[str]) -> None:
    """The log tells the same of a batch, and of its files, in the order of time."""
    lines = [json.loads(line)["record"] for line in command("logs", batch).out.splitlines()]
    times = [line["time"]["timestamp"] for line in lines]
    assert times == sorted(times)
    ended = [line["extra"] for line in lines if line["message"] == "step.done"]
    assert {extra["batch"] for extra in ended} == {batch}
    assert {extra["host"] for extra in ended} == {socket.gethostname()}
    assert all(extra["task"] and extra["parcel"] for extra in ended)
    for trace in whole:
        names = [extra["fields"]["step"].removeprefix("samplemind.") for extra in ended if extra["trace"] == trace]
        assert names == STEPS
    assert command("logs", "last").out == command("logs", batch).out

    failed = [json.loads(line)["record"] for line in command("logs", library / "bad.wav").out.splitlines()]
    [failure] = [line["extra"] for line in failed if line["message"] == "file.failed"]
    assert (failure["batch"], failure["fields"]["code"]) == (batch, "not_audio")
    assert failure["item"] == failure["fields"]["item"]
    good = command("logs", library / "0.wav").out
    assert good.count('"step.done"') == len(STEPS)
    assert "file.failed" not in good
