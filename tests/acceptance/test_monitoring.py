"""A deployment as processes, with failures, kills and money: what Prometheus is told is what the record holds."""

import json
import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psutil
import pymongo
import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from config.settings import Settings
from samplemind_worker.local_services import connected, stop
from samplemind_worker.local_services.home import Home
from samplemind_worker.metrics.definitions import ROLES, port_of
from tests.acceptance.conftest import SAMPLEMIND, Command
from tests.ai_server import AiServer
from tests.factories import write_audio
from tests.monitoring import RULES, expressions, matches, panels, selectors
from tests.scrape import Values, families, free_ports, scrape, values
from tests.waiting import wait_until
from training import signals

FILES = 24
PASSWORD = "a password of Flower"  # noqa: S105 -- made for these tests


class Deployment:
    """The processes, their ports, and the record."""

    def __init__(self, home: Path, command: Command, first_port: int) -> None:
        self.home, self.command, self.first_port = home, command, first_port
        self.ports = {role: port_of(role, first=first_port) for role in ROLES}
        self.web_port, self.flower_port = first_port + len(ROLES), first_port + len(ROLES) + 1

    def scrape(self, *roles: str) -> Values:
        return scrape(*(self.ports[role] for role in roles or ROLES))

    def flower(self) -> Values:
        """The values that Flower serves to Prometheus; none while it does not answer."""
        try:
            reply = httpx.get(
                f"http://127.0.0.1:{self.flower_port}/metrics", auth=("samplemind", PASSWORD), timeout=20.0
            )
        except httpx.TransportError:
            return {}
        return values(text_string_to_metric_families(reply.raise_for_status().text))

    def flower_tasks(self, event: str, task: str) -> float:
        """How many events of a kind Flower has heard about a task, from all workers."""
        wanted = (f'type="{event}"', f'task="samplemind.{task}"')
        return sum(
            value
            for key, value in self.flower().items()
            if key.startswith("flower_events_total") and all(label in key for label in wanted)
        )

    def workers_seen(self) -> set[str]:
        """The names of the workers that Flower has heard of, such as ``cpu-123@host``."""
        found = (re.fullmatch(r'flower_worker_online\{worker="([^"]+)"\}', key) for key in self.flower())
        return {name[1] for name in found if name is not None}

    def pid_of(self, service: str) -> int:
        """The process of a service; 0 while it has none."""
        running = Home(self.home).read_state().services.get(service)
        return 0 if running is None else running.pid

    def serves(self, role: str) -> bool:
        try:
            return bool(self.scrape(role))
        except OSError:
            return False


@pytest.fixture(scope="module")
def deployment() -> Iterator[Deployment]:
    """A deployment that has worked on a batch, of which a child and then a whole worker were killed."""
    with tempfile.TemporaryDirectory(prefix="samplemind-test-") as folder, AiServer() as models:
        home, first = Path(folder) / "home", free_ports(len(ROLES) + 2)
        command = Command(
            home,
            SAMPLEMIND_METRICS_PORT=str(first),
            SAMPLEMIND_WEB_PORT=str(first + len(ROLES)),
            SAMPLEMIND_FLOWER_PORT=str(first + len(ROLES) + 1),
            SAMPLEMIND_FLOWER_PASSWORD=PASSWORD,
            SAMPLEMIND_CONCURRENCY="2",
            SAMPLEMIND_DISPATCH_SECONDS="1",
            SAMPLEMIND_LEASE_SECONDS="6",
            SAMPLEMIND_REQUEUE_SECONDS="4",
            **models.environment("gemini"),
        )
        made = Deployment(home, command, first)
        beside: list[subprocess.Popen[str]] = []
        try:
            assert command("up", "--detach", "--web").code == 0
            beside += [command.start("exporter"), command.start("flower")]
            for role in ROLES:
                wait_until(lambda role=role: made.serves(role), 60)
            # What Flower was not told of, because it listened too late, it would never know.
            wait_until(lambda: len(made.workers_seen()) == 3, 60)
            _work(made, Path(folder) / "library")
            yield made
        finally:
            for process in beside:
                process.terminate()
                process.communicate(timeout=20)
            stop(Settings(home=home, _env_file=None))  # pyright: ignore[reportCallIssue] -- pydantic's own


@pytest.fixture
def record(deployment: Deployment) -> Iterator[Any]:
    """The database of the record."""
    settings = connected(Settings(home=deployment.home, _env_file=None))  # pyright: ignore[reportCallIssue] -- pydantic's own
    assert settings is not None
    assert settings.mongodb_url is not None
    with pymongo.MongoClient[dict[str, Any]](settings.mongodb_url.get_secret_value()) as client:
        yield client[settings.database]


def _work(made: Deployment, library: Path) -> None:
    for number in range(FILES):
        write_audio(library / f"{number:02}.wav", signals.kick(0.2 + 0.05 * number))
    (library / "empty.wav").touch()
    for number in range(3):
        (library / f"bad{number}.wav").write_bytes(b"no audio at all" * 20)
    submitting = made.command.start("submit", library, "--files-per-chain", "2", "--json")

    def decoded() -> float:
        return made.scrape("cpu")['samplemind_step_duration_seconds_count{step="decode"}']

    wait_until(lambda: decoded() > 0, 120)
    child = next(one for one in psutil.Process(made.pid_of("worker-cpu")).children() if _is_pool(one))
    child.send_signal(signal.SIGKILL)
    wait_until(lambda: decoded() > 3, 120)
    killed = made.pid_of("worker-cpu")
    os.kill(killed, signal.SIGKILL)
    wait_until(lambda: made.pid_of("worker-cpu") not in (0, killed), 60)
    assert submitting.wait(60) == 0
    submitting.communicate()
    made.command("status", "last", "--watch", timeout=240)
    wait_until(lambda: made.serves("cpu"), 60)


def _is_pool(process: psutil.Process) -> bool:
    return "samplemind_worker.app" in " ".join(process.cmdline())


def test_what_is_counted_is_what_the_record_holds(deployment: Deployment, record: Any):
    seen = deployment.scrape()
    [batch] = record.batch_jobs.find()
    counts = batch["results"]["counts"]
    assert (batch["status"], counts["completed"], counts["failed"]) == ("completed", FILES, 4)

    for state in ("completed", "failed", "skipped"):
        assert seen[f'samplemind_items_ended_total{{state="{state}"}}'] == counts[state]
        assert record.batch_items.count_documents({"state": state}) == counts[state]
    for code in ("not_audio", "empty", "worker_crashed"):
        held = record.batch_items.count_documents({"error.code": code})
        assert seen[f'samplemind_items_failed_total{{code="{code}"}}'] == held
    # Whatever was started more than once was taken back, or given back, in between.
    again = sum(item["attempt"] - 1 for item in record.batch_items.find({}, {"attempt": 1}))
    taken = sum(value for key, value in seen.items() if key.startswith("samplemind_items_taken_back_total"))
    assert taken == again > 0

    [purse] = record.purses.find({"_id": {"$regex": "^batch:"}})
    gemini = purse["providers"]["gemini"]
    assert seen['samplemind_ai_calls_total{provider="gemini",state="settled"}'] == gemini["calls"] > 0
    for direction in ("input", "output"):
        key = f'samplemind_ai_tokens_total{{direction="{direction}",provider="gemini"}}'
        assert seen[key] == gemini[f"{direction}_tokens"] > 0
    cost = seen['samplemind_ai_cost_usd_total{provider="gemini"}']
    assert cost == pytest.approx(gemini["micro_usd"] / 1e6)


def test_flower_has_heard_of_every_task_that_is_counted(deployment: Deployment):
    counted = deployment.scrape()
    for step in ("summarize", "store"):
        tasks = counted[f'samplemind_step_duration_seconds_count{{step="{step}"}}']
        wait_until(lambda step=step, tasks=tasks: deployment.flower_tasks("task-succeeded", step) == tasks > 0, 60)
    # The worker that was killed is known by its name, beside the one that took its place.
    wait_until(
        lambda: [name.partition("-")[0] for name in sorted(deployment.workers_seen())] == ["ai", "cpu", "cpu", "store"],
        60,
    )


def test_what_is_exported_is_what_the_record_holds(deployment: Deployment, record: Any):
    def exported() -> Values:
        return deployment.scrape("exporter")

    wait_until(lambda: exported()['samplemind_vectors{where="chroma"}'] == FILES, 90)
    seen = exported()
    for state in ("pending", "queued", "running", "completed", "failed", "skipped", "cancelled"):
        assert seen[f'samplemind_items{{state="{state}"}}'] == record.batch_items.count_documents({"state": state})
    for code in ("not_audio", "empty"):
        held = record.batch_items.count_documents({"error.code": code})
        assert seen[f'samplemind_failed_items{{code="{code}"}}'] == held
    assert seen["samplemind_contents"] == record.analyses.count_documents({}) == FILES
    assert seen["samplemind_vectors_missing"] == 0
    [purse] = record.purses.find({"_id": {"$regex": "^day:"}})
    assert seen['samplemind_ai_spent_usd{period="day"}'] == pytest.approx(purse["total"] / 1e6)
    assert seen['samplemind_workers{queue="cpu"}'] == 1
    assert seen['samplemind_worker_slots{queue="cpu"}'] == 2


def test_no_name_and_no_secret_is_told(deployment: Deployment):
    for role in ROLES:
        url = f"http://127.0.0.1:{deployment.ports[role]}/metrics"
        with urllib.request.urlopen(url, timeout=20) as reply:
            text = reply.read().decode()
        for word in (".wav", "library", str(deployment.home), "sk-test", "mongodb://", "redis://", ".sock"):
            assert word not in text, (role, word)


def test_the_page_is_counted_by_route_and_has_no_metrics(deployment: Deployment):
    web = f"http://127.0.0.1:{deployment.web_port}"
    for path in ("/api/v1/batches?limit=1", "/api/v1/batches?limit=2", "/metrics"):
        try:
            with urllib.request.urlopen(web + path, timeout=20) as reply:  # noqa: S310 -- our own
                assert b"samplemind_http" not in reply.read()
        except urllib.error.HTTPError as error:
            assert path == "/metrics"
            error.close()
    seen = deployment.scrape("web")
    key = 'samplemind_http_requests_total{method="GET",route="/batches",status="200"}'
    assert seen[key] >= 2
    assert not [name for name in seen if "limit=" in name]


def test_every_expression_finds_series(deployment: Deployment):
    series = [
        (sample.name, dict(sample.labels))
        for port in deployment.ports.values()
        for family in families(port)
        for sample in family.samples
    ]
    unmet = [
        (name, selector.name)
        for name, expression in expressions()
        for selector in selectors(expression)
        if not any(matches(selector, *one) for one in series)
    ]

    assert unmet == []


@pytest.mark.skipif(shutil.which("prometheus") is None, reason="there is no Prometheus here (a package of Debian)")
def test_prometheus_draws_every_panel_and_fires_no_alert_by_mistake(deployment: Deployment, tmp_path: Path):
    port = free_ports(1)
    config = {
        "global": {"scrape_interval": "1s", "scrape_timeout": "1s"},
        "scrape_configs": [
            {
                "job_name": "samplemind",
                "static_configs": [{"targets": [f"127.0.0.1:{each}" for each in deployment.ports.values()]}],
            }
        ],
    }
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    command = [
        "prometheus", f"--config.file={tmp_path}/prometheus.yml", f"--storage.tsdb.path={tmp_path}/data",
        f"--web.listen-address=127.0.0.1:{port}",
    ]  # fmt: skip

    def ask(expression: str) -> list[Any]:
        query = urllib.parse.urlencode({"query": expression})
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/query?{query}", timeout=20) as reply:
                return json.load(reply)["data"]["result"]
        except OSError:
            return []

    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        try:
            wait_until(lambda: len(ask("count_over_time(up[1m]) > 3 and up == 1")) == len(ROLES), 60)
            empty = [name for name, expression in panels() if not ask(expression)]
            pending = [rule["alert"] for rule in RULES if ask(rule["expr"])]
        finally:
            process.kill()
    assert empty == []
    # This machine's disk may be full, and the batch that was killed is the only one of the hour.
    assert set(pending) <= {"SampleMindDiskNearlyFull", "SampleMindManyFailures"}


def test_a_port_that_is_taken_stops_no_worker_and_ends_the_exporter_with_a_line(deployment: Deployment):
    again = subprocess.run(
        [SAMPLEMIND, "exporter"],
        env=deployment.command.environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert again.returncode == 3
    last = again.stderr.strip().splitlines()[-1]
    assert last == f"samplemind: error: cannot listen at 127.0.0.1, port {deployment.ports['exporter']}"
