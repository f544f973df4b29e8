"""The compose file and the image keep their promises: nothing published, no default password, no root of ours."""

import re
import shlex
import tomllib
from pathlib import Path
from typing import Any

import pytest
import yaml

from config.settings import Settings

PROJECT = Path(__file__).parents[2]
TEXT = (PROJECT / "docker-compose.yml").read_text()
COMPOSE: dict[str, Any] = yaml.safe_load(TEXT)
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]
OURS = ("cpu", "io", "beat", "flower")
DOCKERFILE = (PROJECT / "deployment" / "Dockerfile").read_text()
INSTRUCTIONS = [line.split(maxsplit=1) for line in DOCKERFILE.splitlines() if re.match(r"[A-Z]+ ", line)]

each_service = pytest.mark.parametrize("name", SERVICES)


def test_the_services() -> None:
    assert set(SERVICES) == {"redis", "mongo", "chroma", *OURS}


@each_service
def test_only_flower_is_published_and_only_on_loopback(name: str) -> None:
    expected = ["127.0.0.1:${SAMPLEMIND_FLOWER_PORT:-5555}:5555"] if name == "flower" else []
    assert SERVICES[name].get("ports", []) == expected
    assert "network_mode" not in SERVICES[name]


@each_service
def test_the_network_of_the_services_leads_nowhere(name: str) -> None:
    assert COMPOSE["networks"]["services"] == {"internal": True}
    assert SERVICES[name]["networks"] == (["services", "dashboard"] if name == "flower" else ["services"])


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
    assert names <= {f"SAMPLEMIND_{field.upper()}" for field in Settings.model_fields}


def test_workers_cannot_write_to_the_library() -> None:
    [library] = [volume for volume in SERVICES["cpu"]["volumes"] if isinstance(volume, dict)]
    assert library["target"] == "/library"
    assert library["read_only"] is True
    assert SERVICES["cpu"]["environment"]["SAMPLEMIND_ROOTS"] == "library=/library"
    assert all("volumes" not in SERVICES[name] for name in ("io", "beat", "flower"))


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
    assert len(images) == 3
    assert all(re.search(r":\d+\.\d+", image) for image in images)


def test_nothing_but_the_program_goes_into_the_image() -> None:
    lines = (PROJECT / ".dockerignore").read_text().split()
    packages = ["config", "tasks", "samplemind_worker", "samplemind_cli"]
    assert lines[0] == "*"
    assert sorted(line[1:] for line in lines if line.startswith("!")) == sorted(
        ["pyproject.toml", "uv.lock", "README.md", "LICENSE", *packages]
    )
