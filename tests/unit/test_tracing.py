"""Spans without a collector, without the SDK's defaults, and without what must not be told."""

import subprocess
import sys
import time
from collections.abc import Iterator

import pytest

from config.settings import Settings
from samplemind_worker.tracing import sending, spans
from samplemind_worker.tracing.spans import first_span_of, trace_of
from tests.otlp_server import Collector

PARCEL = "6b0d014428e096809897e09d"


@pytest.fixture
def collector() -> Iterator[Collector]:
    with Collector() as made:
        yield made
        spans.turn_off()


def settings(**given: str) -> Settings:
    return Settings(_env_file=None, host="here", **given)  # pyright: ignore[reportArgumentType, reportCallIssue] -- texts


def test_ids_follow_from_the_parcel_alone():
    assert len(trace_of(PARCEL)) == 32
    assert len(first_span_of(PARCEL)) == 16
    assert trace_of(PARCEL) != trace_of("6b0d014428e096809897e09e")
    # A worker of the next release must find the same.
    assert trace_of(PARCEL) == "d8f76300c3a072433d068f89e18c26e6"


def test_without_a_collector_nothing_is_loaded_and_blocks_run():
    program = (
        "import sys; from config.settings import Settings; from samplemind_worker.tracing import sending, spans\n"
        "assert sending.turn_on(Settings(_env_file=None), 'cpu') is False\n"
        "with spans.step('decode', '1', {}), spans.span('more', {}): spans.annotate({}); spans.begin('1', {})\n"
        "spans.flush(); print([name for name in sys.modules if name.startswith('opentelemetry')])"
    )
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"


def test_a_parcel_is_one_trace_whoever_tells_of_it(collector: Collector):
    assert sending.turn_on(settings(tracing_url=collector.url), "io")
    spans.begin(PARCEL, {"samplemind.step": "decode"})
    with spans.step("decode", PARCEL, {"samplemind.try": 0}):
        spans.annotate({"samplemind.items": 3})
        with spans.span("chroma upsert", {"db.system.name": "chroma"}):
            pass
    with spans.span("outside of any parcel", {}):
        pass
    spans.flush()

    found = {span.name: span for span in collector.spans}
    assert sorted(found) == ["chroma upsert", "decode", "parcel"]
    assert {span.trace for span in found.values()} == {trace_of(PARCEL)}
    assert (found["parcel"].id, found["parcel"].parent) == (first_span_of(PARCEL), "")
    assert found["decode"].parent == found["parcel"].id
    assert found["chroma upsert"].parent == found["decode"].id
    assert found["decode"].attributes == {"samplemind.parcel": PARCEL, "samplemind.try": 0, "samplemind.items": 3}
    assert found["decode"].service == "samplemind-io"


def test_an_error_is_told_by_its_type_alone(collector: Collector):
    assert sending.turn_on(settings(tracing_url=collector.url), "io")
    with pytest.raises(ValueError, match="secret"), spans.step("decode", PARCEL, {}):
        raise ValueError("secret.wav")

    [span] = collector.spans
    assert (span.failed, "secret" in str(span)) == ("ValueError", False)


def test_a_collector_that_fails_is_left_alone_for_a_while(collector: Collector):
    collector.status = 400
    assert sending.turn_on(settings(tracing_url=collector.url), "io")
    for _ in range(5):
        with spans.step("decode", PARCEL, {}):
            pass

    assert collector.requests == 1


def test_a_collector_that_is_not_there_stops_no_work():
    try:
        assert sending.turn_on(settings(tracing_url="http://127.0.0.1:9"), "io")
        for _ in range(50):
            with spans.step("decode", PARCEL, {}):
                time.sleep(0)
    finally:
        spans.turn_off()


def test_the_usual_variables_count_and_a_share_of_parcels_is_traced(
    collector: Collector, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector.url)
    monkeypatch.setenv("OTEL_TRACES_SAMPLER_ARG", "0.5")
    assert sending.turn_on(settings(), "io")
    parcels = [f"{number:024x}" for number in range(40)]
    for parcel in parcels:
        spans.begin(parcel, {})
        with spans.step("decode", parcel, {}):
            pass

    # All of a parcel, or nothing.
    traced = {span.trace for span in collector.spans}
    assert 5 < len(traced) < 35
    assert all(len(collector.of_trace(trace)) == 2 for trace in traced)


def test_an_address_that_is_none_is_refused():
    with pytest.raises(ValueError, match="wanted http"):
        settings(tracing_url="collector:4318")
