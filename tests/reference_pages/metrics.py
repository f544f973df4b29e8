"""metrics.md: what Prometheus is told."""

from typing import Final

from samplemind_worker.metrics import definitions
from samplemind_worker.metrics.definitions import COUNTED, EXPORTED, Metric
from tests.reference_pages.markdown import code, head, joined, table

ALL: Final = tuple(each for each in vars(definitions).values() if isinstance(each, Metric))
_UNITS: Final = {"_seconds": "seconds", "_bytes": "bytes", "_usd": "US dollars"}


def page() -> str:
    """Return the page."""
    return joined(
        [
            *head(
                "Metrics",
                "What each process serves to Prometheus. How to collect and watch it is in `docs/monitoring.md`. "
                'Dashboards may rely on the names: none is renamed or removed without a line under "Changed" in '
                "`CHANGELOG.md`. A histogram `NAME` is three series: `NAME_bucket`, `NAME_sum` and `NAME_count`.",
            ),
            "## Counted by processes",
            "",
            "Counts begin at 0 when a process is first started in a home, and go on when it is started again.",
            "",
            *_rows(COUNTED),
            "## Looked up by processes",
            "",
            *_rows(tuple(each for each in ALL if each not in COUNTED and each not in EXPORTED)),
            "## Read by the exporter",
            "",
            *_rows(EXPORTED),
        ]
    )


def _rows(metrics: tuple[Metric, ...]) -> list[str]:
    return table(
        ("metric", "type", "unit", "labels", "what it is"),
        (
            (code(each.name), each.kind, unit_of(each), ", ".join(map(code, each.labels)) or "-", each.text)
            for each in metrics
        ),
    )


def unit_of(metric: Metric) -> str:
    """Return the unit that a name says; everything else is a count."""
    name = metric.name.removesuffix("_total")
    return next((unit for ending, unit in _UNITS.items() if name.endswith(ending)), "-")
