"""Sends spans by OTLP over HTTP, with the SDK of OpenTelemetry, which the extra ``tracing`` brings.

Tracing never stops work: a collector that does not answer costs a process two seconds in half a minute, and the spans
of that time.
"""

import os
from collections.abc import Generator
from contextlib import contextmanager
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, Final

from loguru import logger

from config.settings import Settings
from samplemind_worker.errors import how_to_add
from samplemind_worker.tracing import spans
from samplemind_worker.tracing.spans import Attributes, first_span_of, trace_of

if TYPE_CHECKING:
    from opentelemetry.context import Context

_SECONDS: Final = 2.0  # s for one request to the collector
_PAUSE: Final = 30.0  # s without a request after one that failed
_DELAY_MS: Final = 1000
"""Milliseconds after which spans are sent that no end of a step has sent."""
PARCEL: Final = "samplemind.parcel"


def turn_on(settings: Settings, role: str) -> bool:
    """Send spans from now on in this process, if a collector is set. Call it after a fork, before the first connection.

    Returns whether spans are sent; a collector that is set without the extra is logged as an error.
    """
    url = _endpoint(settings)
    if url is None:
        return False
    try:
        spans.turn_on(_Sender(url, settings, role))
    except ImportError as error:
        logger.error("tracing.not_installed", fields=f"{error}; add it with {how_to_add('tracing')}")
        return False
    return True


def _endpoint(settings: Settings) -> str | None:
    """Return where spans are sent: by our setting, or by the usual variables of OpenTelemetry."""
    whole = os.environ.get("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
    base = settings.tracing_url or (None if whole else os.environ.get("OTEL_EXPORTER_OTLP_ENDPOINT"))
    if base:
        return base.rstrip("/") + "/v1/traces"
    return whole or None


class _Sender:
    """A tracer of one process."""

    def __init__(self, url: str, settings: Settings, role: str) -> None:
        """Set the SDK up; raises ImportError if it is not installed."""
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415 -- slow import
        from opentelemetry.instrumentation.pymongo import PymongoInstrumentor  # noqa: PLC0415 -- slow import
        from opentelemetry.sdk.resources import Resource  # noqa: PLC0415 -- slow import
        from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415 -- slow import
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415 -- slow import

        from samplemind_worker.tracing.sdk import GivenIds, ParcelSampler, Patient  # noqa: PLC0415 -- slow import

        resource = Resource.create(
            {
                "service.name": f"samplemind-{role}",
                "service.namespace": settings.database,
                "service.version": version("samplemind"),
                "host.name": settings.host,
            }
        )
        self._ids = GivenIds()
        self._provider = TracerProvider(
            resource=resource, sampler=ParcelSampler(_share()), id_generator=self._ids, shutdown_on_exit=False
        )
        exporter = Patient(OTLPSpanExporter(endpoint=url, timeout=_SECONDS), pause=_PAUSE)
        self._provider.add_span_processor(BatchSpanProcessor(exporter, schedule_delay_millis=_DELAY_MS))
        self._tracer = self._provider.get_tracer("samplemind")
        # Commands without a span around them, such as those of the dispatcher, are left out by the sampler.
        mongo: Any = PymongoInstrumentor()
        mongo.instrument(tracer_provider=self._provider)

    def begin(self, parcel_id: str, attributes: Attributes) -> None:
        from opentelemetry.context import Context  # noqa: PLC0415 -- slow import
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 -- slow import

        with self._ids.given(trace_of(parcel_id), first_span_of(parcel_id)):
            self._tracer.start_span(
                "parcel", Context(), kind=SpanKind.PRODUCER, attributes={**attributes, PARCEL: parcel_id}
            ).end()

    @contextmanager
    def step(self, name: str, parcel_id: str, attributes: Attributes) -> Generator[None]:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 -- slow import

        with self._within(name, {**attributes, PARCEL: parcel_id}, _beginning(parcel_id), kind=SpanKind.CONSUMER):
            yield

    @contextmanager
    def span(self, name: str, attributes: Attributes) -> Generator[None]:
        from opentelemetry.trace import SpanKind  # noqa: PLC0415 -- slow import

        with self._within(name, attributes, None, kind=SpanKind.CLIENT):
            yield

    @contextmanager
    def _within(self, name: str, attributes: Attributes, parent: "Context | None", *, kind: Any) -> Generator[None]:
        from opentelemetry.trace import Status, StatusCode  # noqa: PLC0415 -- slow import

        with self._tracer.start_as_current_span(
            name, parent, kind=kind, attributes=dict(attributes), record_exception=False, set_status_on_exception=False
        ) as current:
            try:
                yield
            except BaseException as error:
                # Its message may quote names or addresses.
                current.set_status(Status(StatusCode.ERROR, type(error).__name__))
                raise

    def annotate(self, attributes: Attributes) -> None:
        from opentelemetry.trace import get_current_span  # noqa: PLC0415 -- slow import

        get_current_span().set_attributes(dict(attributes))

    def flush(self) -> None:
        self._provider.force_flush(int(_SECONDS * 1000))


def _share() -> float:
    """Return the share of parcels that are traced, by the usual variable of OpenTelemetry; all of them by default."""
    try:
        return min(1.0, max(0.0, float(os.environ.get("OTEL_TRACES_SAMPLER_ARG", "1"))))
    except ValueError:
        return 1.0


def _beginning(parcel_id: str) -> "Context":
    """Return the context in which the steps of a parcel begin."""
    from opentelemetry.context import Context  # noqa: PLC0415 -- slow import
    from opentelemetry.trace import NonRecordingSpan, SpanContext, TraceFlags, set_span_in_context  # noqa: PLC0415 -- slow import

    first = SpanContext(
        int(trace_of(parcel_id), 16),
        int(first_span_of(parcel_id), 16),
        is_remote=True,
        trace_flags=TraceFlags(TraceFlags.SAMPLED),
    )
    return set_span_in_context(NonRecordingSpan(first), Context())
