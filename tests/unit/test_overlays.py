"""The overlays and components of deployment/kubernetes build, fit the schemas, and differ where they should."""

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from samplemind_worker.metrics import definitions
from tests.manifests import FOLDER, OVERLAYS, Manifest, RefusedError, check, component, kubectl, overlay

pytestmark = pytest.mark.skipif(not Path(kubectl()).exists(), reason="there is no kubectl here, neither as a wheel")

SCALED = ("cpu", "io")
"""The deployments that are scaled by the files that wait for them."""

Objects = dict[tuple[str, str], Manifest]


def _of(manifests: tuple[Manifest, ...]) -> Objects:
    return {(manifest["kind"], manifest["metadata"]["name"]): manifest for manifest in manifests}


@pytest.mark.parametrize("name", OVERLAYS)
def test_every_object_of_an_overlay_fits_its_schema(name: str) -> None:
    manifests = overlay(name)
    assert len(manifests) > 20
    for manifest in manifests:
        check(manifest)


@pytest.mark.parametrize("base", ["base", "overlays/prod", "overlays/prod-s3", "overlays/dev"])
def test_monitoring_can_be_added_to_everything(base: str) -> None:
    manifests = component("monitoring", base=base)
    assert {"PodMonitor", "PrometheusRule"} <= {manifest["kind"] for manifest in manifests}
    for manifest in manifests:
        check(manifest)


def test_all_overlays_are_checked() -> None:
    assert sorted(path.name for path in (FOLDER / "overlays").iterdir()) == sorted(OVERLAYS)


@pytest.mark.parametrize(
    ("kind", "name", "path", "value"),
    [
        ("Deployment", "cpu", ("spec", "replica"), 3),
        ("HorizontalPodAutoscaler", "cpu", ("spec", "maxReplicas"), "many"),
        ("ScaledObject", "cpu", ("spec", "minReplicas"), 1),
        ("ScaledObject", "cpu", ("spec", "triggers"), None),
        ("ScaledObject", "cpu", ("spec", "advanced", "horizontalPodAutoscalerConfig", "behaviour"), {}),
    ],
)
def test_what_does_not_fit_its_schema_is_refused(kind: str, name: str, path: tuple[str, ...], value: object) -> None:
    objects = _of(component("keda" if kind == "ScaledObject" else "hpa"))
    manifest = copy.deepcopy(objects[kind, name])
    check(manifest)
    place: Any = manifest
    for key in path[:-1]:
        place = place[key]
    place[path[-1]] = value
    with pytest.raises(RefusedError, match=f"{kind} {name}"):
        check(manifest)


@pytest.mark.parametrize("name", ["hpa", "keda"])
@pytest.mark.parametrize("scaled", SCALED)
def test_the_autoscaler_alone_says_how_many_pods_there_are_and_never_none(name: str, scaled: str) -> None:
    objects = _of(component(name))
    assert "replicas" not in objects["Deployment", scaled]["spec"]
    assert objects["Deployment", "ai"]["spec"]["replicas"] == 1
    scalers = [
        manifest["spec"]
        for (kind, _), manifest in objects.items()
        if kind in {"HorizontalPodAutoscaler", "ScaledObject"} and manifest["spec"]["scaleTargetRef"]["name"] == scaled
    ]
    [scaler] = scalers
    least = scaler.get("minReplicas", scaler.get("minReplicaCount"))
    most = scaler.get("maxReplicas", scaler.get("maxReplicaCount"))
    assert 1 <= least < most
    assert "idleReplicaCount" not in scaler


@pytest.mark.parametrize("scaled", SCALED)
def test_both_autoscalers_go_by_the_same_number_of_files_per_pod_and_the_same_speed(scaled: str) -> None:
    hpa = _of(component("hpa"))["HorizontalPodAutoscaler", scaled]["spec"]
    keda = _of(component("keda"))["ScaledObject", scaled]["spec"]
    [metric], [trigger] = hpa["metrics"], keda["triggers"]
    assert metric["external"]["target"]["type"] == trigger["metricType"] == "AverageValue"
    assert metric["external"]["target"]["averageValue"] == trigger["metadata"]["threshold"]
    assert hpa["behavior"] == keda["advanced"]["horizontalPodAutoscalerConfig"]["behavior"]
    assert (hpa["minReplicas"], hpa["maxReplicas"]) == (keda["minReplicaCount"], keda["maxReplicaCount"])
    [rule] = yaml.safe_load((FOLDER / "components" / "hpa" / "adapter-rules.yaml").read_text())["externalRules"]
    assert rule["name"]["as"] == metric["external"]["metric"]["name"]
    # What the exporter serves, whose queue the selector of the autoscaler names.
    served = definitions.IN_PROGRESS.name
    assert metric["external"]["metric"] == {"name": served, "selector": {"matchLabels": {"queue": scaled}}}
    assert rule["metricsQuery"] == f"max({served}{{<<.LabelMatchers>>}}) by (namespace)"
    assert trigger["metadata"]["query"] == f'max({served}{{namespace="samplemind",queue="{scaled}"}})'
    assert definitions.IN_PROGRESS.labels == ("queue",)


def test_production_scales_itself() -> None:
    objects = _of(overlay("prod"))
    assert {one["metadata"]["name"] for one in objects.values() if one["kind"] == "HorizontalPodAutoscaler"} == {
        *SCALED,
        "web",
    }
    assert {manifest["metadata"].get("namespace", "samplemind") for manifest in objects.values()} == {"samplemind"}


def test_development_runs_one_pod_of_each_in_a_namespace_of_its_own() -> None:
    objects = _of(overlay("dev"))
    assert ("Namespace", "samplemind-dev") in objects
    loads = [manifest for (kind, _), manifest in objects.items() if kind in {"Deployment", "StatefulSet"}]
    assert {load["metadata"]["name"]: load["spec"]["replicas"] for load in loads} == dict.fromkeys(
        ("redis", "mongo", "chroma", "cpu", "io", "ai", "beat", "flower", "web"), 1
    )
    kinds = {kind for kind, _ in objects}
    assert not kinds & {"HorizontalPodAutoscaler", "PodDisruptionBudget", "Ingress", "CronJob"}
    claim = objects["PersistentVolumeClaim", "library"]["spec"]["volumeName"]
    assert ("PersistentVolume", claim) in objects


def test_with_a_bucket_no_pod_has_the_library_as_a_volume_and_only_readers_get_out_to_it() -> None:
    prod, objects = _of(overlay("prod")), _of(overlay("prod-s3"))
    assert [name for kind, name in objects if kind == "PersistentVolumeClaim"] == ["inbox"]
    pods = {name: load["spec"]["template"]["spec"] for (kind, name), load in objects.items() if kind == "Deployment"}
    pods["ingest"] = objects["CronJob", "ingest"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    for pod in pods.values():
        assert "library" not in {volume["name"] for volume in pod["volumes"]}
        mounts = [mount["name"] for container in pod["containers"] for mount in container["volumeMounts"]]
        assert set(mounts) <= {volume["name"] for volume in pod["volumes"]}
    readers = {
        name
        for name, pod in pods.items()
        if any(variable["name"].startswith("AWS_") for variable in pod["containers"][0].get("env", []))
    }
    assert readers == {"cpu", "ingest", "web"}
    policy = objects["NetworkPolicy", "object-store"]["spec"]
    assert policy["podSelector"]["matchExpressions"][0]["values"] == sorted(readers)
    assert policy["egress"] == prod["NetworkPolicy", "ai"]["spec"]["egress"]
    [settings] = [manifest["data"] for (_, name), manifest in objects.items() if name.startswith("settings-")]
    bucket = settings["SAMPLEMIND_ROOTS"].removeprefix("library=")
    [ingest] = pods["ingest"]["containers"]
    given = {variable["name"]: variable.get("value") for variable in ingest["env"]}
    assert bucket.startswith("s3://")
    assert given["SAMPLEMIND_LIBRARY_ROOT"] == f"{bucket}/packs"


def test_the_keys_of_a_bucket_are_optional_and_have_an_example_without_values() -> None:
    [secret] = yaml.safe_load_all((FOLDER / "overlays" / "prod-s3" / "secret.example.yaml").read_text())
    references = [
        variable["valueFrom"]["secretKeyRef"]
        for (kind, _), load in _of(overlay("prod-s3")).items()
        if kind == "Deployment"
        for variable in load["spec"]["template"]["spec"]["containers"][0].get("env", [])
        if variable["name"].startswith("AWS_")
    ]
    assert {(reference["name"], reference["key"]) for reference in references} == {
        (secret["metadata"]["name"], key) for key in secret["stringData"]
    }
    assert all(reference["optional"] for reference in references)
    assert set(secret["stringData"].values()) == {""}
