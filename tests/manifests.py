"""Builds the overlays of deployment/kubernetes with kubectl, and checks every object against the schema of its kind.

``python -m tests.manifests`` checks all of them, and exits 1 if an object is refused. Built-in kinds are checked by
kubernetes-validate. The kinds of KEDA and of the Prometheus operator are checked against models that the packages
cloudcoil-models-keda and cloudcoil-models-prometheus-operator generate from the published CRDs. Unknown fields are
errors everywhere: a cluster would drop those of a CRD without a word.
"""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from functools import cache, partial
from importlib import import_module
from pathlib import Path
from shutil import which
from typing import Any, Final

import jsonschema
import kubernetes_validate
import yaml

KUBERNETES: Final = "1.30"
"""The oldest version of Kubernetes that the manifests are for."""

FOLDER: Final = Path(__file__).parents[1] / "deployment" / "kubernetes"
OVERLAYS: Final = ("dev", "prod", "prod-s3")

Manifest = dict[str, Any]

_CRDS: Final = {
    "keda.sh/v1alpha1": "cloudcoil.models.keda.v1alpha1",
    "monitoring.coreos.com/v1": "cloudcoil.models.prometheus_operator.v1",
}


class RefusedError(ValueError):
    """An object does not fit the schema of its kind, or its kind has no schema here."""


def kubectl() -> str:
    """Return the path of kubectl: that of this environment, or else the one on the PATH."""
    own = Path(sys.executable).parent / "kubectl"
    return str(own) if own.exists() else which("kubectl") or "kubectl"


def built(folder: Path) -> tuple[Manifest, ...]:
    """Return the objects of a kustomization."""
    run = subprocess.run([kubectl(), "kustomize", str(folder)], capture_output=True, text=True, check=False)
    if run.returncode:
        raise RefusedError(f"{folder}: {run.stderr.strip()}")
    return tuple(yaml.safe_load_all(run.stdout))


@cache
def overlay(name: str) -> tuple[Manifest, ...]:
    """Return the objects of an overlay."""
    return built(FOLDER / "overlays" / name)


def check(manifest: Manifest) -> None:
    """Raise `RefusedError` if an object does not fit the schema of its kind."""
    name = f"{manifest['kind']} {manifest['metadata']['name']}"
    try:
        if manifest["apiVersion"] in _CRDS:
            jsonschema.validate(manifest, _schema(manifest["apiVersion"], manifest["kind"]))
        else:
            kubernetes_validate.validate(manifest, KUBERNETES, strict=True)
    except jsonschema.ValidationError as error:
        raise RefusedError(f"{name}: {'.'.join(map(str, error.absolute_path))}: {error.message}") from error
    except kubernetes_validate.SchemaNotFoundError as error:
        raise RefusedError(f"{name}: {error.message}") from error


@cache
def _schema(api_version: str, kind: str) -> dict[str, Any]:
    model = getattr(import_module(_CRDS[api_version]), kind, None)
    if model is None:
        raise RefusedError(f"{api_version} has no kind {kind}")
    # Go allows flags behind the beginning of a pattern, Python before it.
    schema = json.loads(json.dumps(model.model_json_schema(by_alias=True)).replace('"^(?i)', '"(?i)^'))
    # That of an object's metadata is Kubernetes' own, and open.
    for name, part in [("", schema), *schema["$defs"].items()]:
        if "properties" in part and name != "ObjectMeta":
            part.setdefault("additionalProperties", False)
    return schema


@cache
def component(name: str, *, base: str = "base") -> tuple[Manifest, ...]:
    """Return the objects of the base (or of an overlay, by its folder) with one component."""
    with tempfile.TemporaryDirectory(prefix="samplemind-manifests-") as folder:
        place = Path(folder).resolve()
        kustomization = {
            "apiVersion": "kustomize.config.k8s.io/v1beta1",
            "kind": "Kustomization",
            # kubectl takes no absolute paths.
            "resources": [os.path.relpath(FOLDER / base, place)],
            "components": [os.path.relpath(FOLDER / "components" / name, place)],
        }
        (place / "kustomization.yaml").write_text(yaml.safe_dump(kustomization))
        return built(place)


def _problems() -> Iterator[str]:
    everything: dict[str, Callable[[], tuple[Manifest, ...]]] = {
        **{f"overlays/{name}": partial(overlay, name) for name in OVERLAYS},
        **{
            f"components/{path.name}": partial(component, path.name)
            for path in sorted((FOLDER / "components").iterdir())
        },
    }
    for name, build in everything.items():
        try:
            manifests = build()
        except RefusedError as error:
            yield str(error)
            continue
        for manifest in manifests:
            try:
                check(manifest)
            except RefusedError as error:
                yield f"{name}: {error}"


if __name__ == "__main__":
    problems = list(_problems())
    sys.stderr.writelines(f"{problem}\n" for problem in problems)
    sys.exit(bool(problems))
