"""Rules and dashboards are what Prometheus and Grafana read, and lead an operator to what to do."""

import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models.dashboard import Dashboard

from config.celery_options import celery_options
from config.settings import Settings
from samplemind_worker.metrics import definitions
from samplemind_worker.metrics.definitions import COUNTED, EXPORTED, ROLES, Metric, port_of
from tests.manifests import FOLDER as KUBERNETES
from tests.manifests import built, check, kubectl
from tests.monitoring import DASHBOARDS, FOLDER, RULES, expressions, selectors

PROJECT = FOLDER.parents[1]
RUNBOOK = (PROJECT / "deployment" / "runbook.md").read_text()
METRICS = [metric for metric in vars(definitions).values() if isinstance(metric, Metric)]
SERIES = {
    name
    for metric in METRICS
    for name in (
        (f"{metric.name}_bucket", f"{metric.name}_sum", f"{metric.name}_count")
        if metric.kind == "histogram"
        else (metric.name,)
    )
}


def test_names_are_as_prometheus_asks():
    assert len({metric.name for metric in METRICS}) == len(METRICS)
    for metric in METRICS:
        assert re.fullmatch(r"samplemind_[a-z]+(_[a-z]+)*", metric.name)
        assert metric.name.endswith("_total") == (metric.kind == "counter")
        assert (metric.kind == "histogram") == bool(metric.buckets)
        assert metric.text.endswith(".")
        assert not re.search(r"_(ms|milliseconds|minutes|hours|mb|kb|percent)(_|$)", metric.name)
    assert not set(COUNTED) & set(EXPORTED)


def test_no_label_grows_with_the_library():
    labels = {label for metric in METRICS for label in metric.labels}

    assert labels <= {
        *("step", "state", "status", "code", "reason", "queue", "provider", "direction", "result", "place", "task"),
        *("method", "route", "version", "role", "service", "period", "where", "part"),
    }


def test_the_reference_has_every_metric_and_no_other():
    text = (PROJECT / "docs" / "reference" / "metrics.md").read_text()
    listed = re.findall(r"^\| `(samplemind_\w+)` \| (\w+) \| [\w -]+ \| (.+?) \|", text, re.MULTILINE)

    assert sorted(listed) == sorted(
        (metric.name, metric.kind, ", ".join(f"`{label}`" for label in metric.labels) or "-") for metric in METRICS
    )


@pytest.mark.parametrize(("name", "expression"), expressions())
def test_every_expression_asks_for_metrics_that_there_are(name: str, expression: str):
    asked = {selector.name for selector in selectors(expression)}

    assert asked, name
    assert asked - SERIES <= {"process_resident_memory_bytes"}


def test_every_alert_has_a_section_of_the_runbook_and_the_reverse():
    names = [rule["alert"] for rule in RULES]
    sections = re.findall(r"^### Alert (\w+)$", RUNBOOK, re.MULTILINE)

    assert len(set(names)) == len(names)
    assert sections == names
    for rule in RULES:
        assert rule["labels"]["severity"] in {"critical", "warning"}
        assert rule["annotations"]["runbook"] == f"deployment/runbook.md#alert-{rule['alert'].lower()}"
        assert rule["annotations"]["summary"].endswith(".")


def test_the_cluster_has_the_same_rules_and_dashboards():
    component = PROJECT / "deployment" / "kubernetes" / "components" / "monitoring"
    resource = yaml.safe_load((component / "rules.yaml").read_text())

    assert resource["kind"] == "PrometheusRule"
    assert resource["spec"] == yaml.safe_load((FOLDER / "rules.yaml").read_text())
    [generator] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())["configMapGenerator"]
    assert sorted(generator["files"]) == [f"dashboards/{name}.json" for name in sorted(DASHBOARDS)]


@pytest.mark.skipif(shutil.which("promtool") is None, reason="there is no promtool here (package prometheus of Debian)")
def test_promtool_accepts_rules_and_configuration():
    for command in (["rules"], ["config", "--syntax-only"]):
        path = FOLDER / ("rules.yaml" if command == ["rules"] else "prometheus.yml")
        done = subprocess.run(["promtool", "check", *command, path], capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("name", DASHBOARDS)
def test_grafana_knows_every_field_of_a_dashboard(name: str):
    given = DASHBOARDS[name]
    read = json.loads(JSONEncoder().encode(Dashboard.from_json(given)))

    assert list(_lost(given, read)) == []


def _lost(given: Any, read: Any, place: str = "") -> list[str]:
    """What the model of Grafana's schema did not take over."""
    if isinstance(given, dict):
        lost = [f"{place}.{key}" for key in given if key not in read]
        return lost + [each for key in given if key in read for each in _lost(given[key], read[key], f"{place}.{key}")]
    if isinstance(given, list):
        pairs = zip(given, read, strict=True)
        return [each for number, pair in enumerate(pairs) for each in _lost(*pair, f"{place}[{number}]")]
    return [] if given == read else [place]


def test_dashboards_are_found_by_their_ids_and_choose_their_source():
    assert sorted(DASHBOARDS) == ["batches", "money", "overview", "workers"]
    for name, board in DASHBOARDS.items():
        assert board["uid"] == f"samplemind-{name}"
        assert {target["datasource"]["uid"] for panel in board["panels"] for target in panel["targets"]} == {
            "${datasource}"
        }
        ids = [panel["id"] for panel in board["panels"]]
        assert len(set(ids)) == len(ids)


def test_prometheus_of_compose_asks_every_process_at_its_port():
    config = yaml.safe_load((FOLDER / "prometheus.yml").read_text())
    services = yaml.safe_load((PROJECT / "docker-compose.yml").read_text())["services"]
    [ours, celery] = config["scrape_configs"]
    first = int(services["cpu"]["environment"]["SAMPLEMIND_METRICS_PORT"])

    assert {(one["names"][0], one["port"]) for one in ours["dns_sd_configs"]} == {
        (role, port_of(role, first=first)) for role in ROLES
    }
    assert celery["static_configs"] == [{"targets": ["celery-exporter:9808"]}]
    assert set(ROLES) <= set(services)


def test_celery_exporter_reads_the_events_of_our_workers():
    program = "from celery import Celery; conf = Celery().conf; print(conf.event_exchange, conf.event_queue_prefix)"
    given = {"CELERY_LOADER": "default", "CELERY_CONFIG_MODULE": "samplemind_celery", "PYTHONPATH": str(FOLDER)}
    done = subprocess.run([sys.executable, "-c", program], env=given, capture_output=True, text=True, check=True)
    options = celery_options(Settings(_env_file=None))  # pyright: ignore[reportCallIssue] -- of BaseSettings

    assert done.stdout.split() == [options["event_exchange"], options["event_queue_prefix"]]


@pytest.mark.skipif(not Path(kubectl()).exists(), reason="there is no kubectl here, neither as a wheel")
def test_the_component_for_the_cluster_finds_every_process_and_lets_prometheus_in_alone(tmp_path: Path):
    kustomization = {
        "apiVersion": "kustomize.config.k8s.io/v1beta1",
        "kind": "Kustomization",
        "resources": [os.path.relpath(KUBERNETES / "base", tmp_path)],
        "components": [os.path.relpath(KUBERNETES / "components" / "monitoring", tmp_path)],
    }
    (tmp_path / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
    objects = {(one["kind"], one["metadata"]["name"]): one for one in built(tmp_path)}
    for manifest in objects.values():
        check(manifest)

    ports = {
        name: port["containerPort"]
        for (kind, name), one in objects.items()
        if kind == "Deployment"
        for port in one["spec"]["template"]["spec"]["containers"][0].get("ports", [])
        if port["name"] == "metrics"
    }
    [monitor] = [one["spec"] for (kind, _), one in objects.items() if kind == "PodMonitor"]
    [wanted] = monitor["selector"]["matchExpressions"]
    [endpoint] = monitor["podMetricsEndpoints"]
    assert endpoint["port"] == "metrics"
    assert sorted(wanted["values"]) == sorted(ports)
    assert ports == {**{role: port_of(role, first=9640) for role in ROLES}, "celery-exporter": 9808}
    policy = objects["NetworkPolicy", "metrics"]["spec"]
    [rule] = policy["ingress"]
    assert rule["from"][0]["podSelector"] == {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    opened = {port for one in rule["ports"] for port in range(one["port"], one.get("endPort", one["port"]) + 1)}
    assert opened == set(ports.values())
    for store, guests in {
        "redis": ["exporter", "celery-exporter"],
        "mongo": ["exporter"],
        "chroma": ["exporter"],
    }.items():
        [allowed] = objects["NetworkPolicy", store]["spec"]["ingress"][0]["from"][0]["podSelector"]["matchExpressions"]
        assert set(guests) <= set(allowed["values"])
    [script] = objects["ConfigMap", "celery-exporter"]["data"].values()
    assert script.strip() in (FOLDER / "samplemind_celery.py").read_text()
    assert set(objects["ConfigMap", "samplemind-dashboards"]["data"]) == {f"{name}.json" for name in DASHBOARDS}
