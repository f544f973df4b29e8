"""Reads what a process serves to Prometheus."""

import socket
import urllib.request
from collections.abc import Iterable

from prometheus_client.metrics_core import Metric
from prometheus_client.parser import text_string_to_metric_families

Values = dict[str, float]
"""Values by name and labels, as in ``samplemind_items{state="failed"}``."""


def families(port: int) -> list[Metric]:
    """The metrics that a port of this machine serves."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=30) as reply:
        return list(text_string_to_metric_families(reply.read().decode()))


def scrape(*ports: int) -> Values:
    """The values that ports of this machine serve; those of the same name and labels are added up."""
    return values(family for port in ports for family in families(port))


def values(metrics: Iterable[Metric]) -> Values:
    """The values of metrics; those of the same name and labels are added up."""
    found: Values = {}
    for family in metrics:
        for sample in family.samples:
            labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
            key = f"{sample.name}{{{labels}}}" if labels else sample.name
            found[key] = found.get(key, 0.0) + sample.value
    return found


def free_ports(count: int) -> int:
    """The first of so many ports in a row that nobody listens at."""
    for first in range(21_000, 29_000, count):
        if all(map(_is_free, range(first, first + count))):
            return first
    raise AssertionError("no free ports")


def _is_free(port: int) -> bool:
    with socket.socket() as trial:
        trial.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            trial.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True
