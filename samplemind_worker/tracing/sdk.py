"""What the SDK of OpenTelemetry is given of ours: ids, a sampler, and an exporter that does not hold work up."""

import time
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from opentelemetry.sdk.trace import ReadableSpan
from opentelemetry.sdk.trace.export import SpanExporter, SpanExportResult
from opentelemetry.sdk.trace.id_generator import RandomIdGenerator
from opentelemetry.sdk.trace.sampling import Decision, Sampler, SamplingResult, TraceIdRatioBased
from opentelemetry.trace import get_current_span

_given: ContextVar[tuple[int, int] | None] = ContextVar("given", default=None)


class GivenIds(RandomIdGenerator):
    """Random ids, but for spans that begin while ids are given."""

    @contextmanager
    def given(self, trace_id: str, span_id: str) -> Generator[None]:
        """Use these ids, in hexadecimal digits, while the block runs."""
        token = _given.set((int(trace_id, 16), int(span_id, 16)))
        try:
            yield
        finally:
            _given.reset(token)

    def generate_trace_id(self) -> int:
        """Return the id of a new trace."""
        given = _given.get()
        return super().generate_trace_id() if given is None else given[0]

    def generate_span_id(self) -> int:
        """Return the id of a new span."""
        given = _given.get()
        return super().generate_span_id() if given is None else given[1]


class ParcelSampler(Sampler):
    """Takes a share of the parcels, each with all of its spans, and nothing that belongs to no parcel."""

    def __init__(self, share: float) -> None:
        self._share = TraceIdRatioBased(share)

    def should_sample(self, parent_context: Any, trace_id: int, name: str, *more: Any, **given: Any) -> SamplingResult:
        """Decide by the id of the trace, so that all processes decide alike."""
        parent = get_current_span(parent_context).get_span_context()
        attributes = given.get("attributes") or (more[1] if len(more) > 1 else None) or {}
        if parent.is_valid and not parent.is_remote:
            return SamplingResult(
                Decision.RECORD_AND_SAMPLE if parent.trace_flags.sampled else Decision.DROP, attributes
            )
        if not parent.is_valid and "samplemind.parcel" not in attributes:
            return SamplingResult(Decision.DROP)
        return self._share.should_sample(None, trace_id, name, attributes=attributes)

    def get_description(self) -> str:
        """Name the sampler."""
        return "parcels"


class Patient(SpanExporter):
    """An exporter that gives a collector which does not answer some time before it asks again; spans are dropped."""

    def __init__(self, exporter: SpanExporter, *, pause: float) -> None:
        self._exporter = exporter
        self._pause = pause
        self._until = float("-inf")

    def export(self, spans: Sequence[ReadableSpan]) -> SpanExportResult:
        """Send spans, unless the collector has failed a moment ago."""
        if time.monotonic() < self._until:
            return SpanExportResult.FAILURE
        result = self._exporter.export(spans)
        if result is not SpanExportResult.SUCCESS:
            self._until = time.monotonic() + self._pause
        return result

    def shutdown(self) -> None:
        """End the connection."""
        self._exporter.shutdown()

    def force_flush(self, timeout_millis: int = 30_000) -> bool:
        """Send what the exporter holds itself, which is nothing."""
        return self._exporter.force_flush(timeout_millis)
