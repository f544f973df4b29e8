"""A complete SampleMind for faults: private services, workers under a supervisor, and the check that ends a scenario.

The servers always run under the supervisor of `samplemind up`. The workers do too, or they are processes of the test,
which restarts them as Compose does: then there can be several, each with its own host name, clock and connection.
"""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import soundfile as sf
from bson import ObjectId

from config.settings import Settings
from samplemind_worker.documents.batch import BatchItem
from samplemind_worker.documents.states import OPEN_STATES
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.local_services import connected, ensure_running, stop
from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.services import setting_env
from samplemind_worker.pipeline.workspace import Workspace
from samplemind_worker.store import batches, mongo, results

PLUGIN = Path(__file__).parent / "plugin"
COMMAND = Path(sys.executable).with_name("samplemind")
SR = 22050
POISON = ("segv", "memory", "endless")

# Losses are noticed sooner than by default, so that a scenario takes seconds; its result does not depend on that.
QUICK = {
    "SAMPLEMIND_CONCURRENCY": "2",
    "SAMPLEMIND_LEASE_SECONDS": "8",
    "SAMPLEMIND_REQUEUE_SECONDS": "4",
    "SAMPLEMIND_DISPATCH_SECONDS": "1",
    "SAMPLEMIND_GRACE_SECONDS": "6",
}
AS_SHIPPED = {
    f"SAMPLEMIND_{name.upper()}": str(Settings.model_fields[name].default)
    for name in ("lease_seconds", "requeue_seconds", "dispatch_seconds")
}
"""For scenarios that measure time, or in which an outage must not look like a death."""


def wait_until(condition: Callable[[], object], *, seconds: float, what: str) -> float:
    """Wait for something, and return how long it took."""
    started = time.monotonic()
    while not condition():
        assert time.monotonic() - started < seconds, f"not within {seconds:.0f} s: {what}"
        time.sleep(0.05)
    return time.monotonic() - started


def write_files(folder: Path, count: int, *, name: str = "good", seconds: float = 0.15, seed: int = 0) -> list[Path]:
    """Write ``count`` short, distinct noises; poison for decoders is marked in the last bytes (see `plugin`)."""
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng([seed, *name.encode()])
    noise = rng.normal(0.0, 0.2, round(seconds * SR)).astype(np.float32)
    paths: list[Path] = []
    for number in range(count):
        y = noise * (0.2 + 0.7 * rng.random())
        y[: 8 + number % 64] += np.float32(0.05 * rng.random())
        paths.append(folder / f"{name}-{seed:02}-{number:05}.wav")
        sf.write(paths[-1], y, SR)
        if name in POISON:
            with paths[-1].open("ab") as file:
                file.write(b"\0poison:" + name.encode())
    return paths


class WorkerProcess:
    """A worker or beat that is started again whenever it ends, until it is closed."""

    def __init__(
        self, arguments: Sequence[str], environment: Mapping[str, str], log: Path, *, prefix: Sequence[str] = ()
    ) -> None:
        self._arguments, self._environment, self._log, self._prefix = arguments, environment, log, prefix
        self._closed = threading.Event()
        self._held = threading.Event()
        self.process = self._start()
        self.starts = 1
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def _start(self) -> subprocess.Popen[bytes]:
        with self._log.open("ab") as log:
            return subprocess.Popen(
                [*self._prefix, sys.executable, "-m", "samplemind_worker.app", *self._arguments],
                env=dict(self._environment),
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    def _watch(self) -> None:
        while not self._closed.wait(0.1):
            if self.process.poll() is not None and not self._held.is_set():
                end_group(self.process.pid)
                self.process = self._start()
                self.starts += 1

    def stop(self, number: signal.Signals = signal.SIGTERM, *, timeout: float = 60.0) -> float:
        """Send a signal, and return how many seconds the process took to end; it stays down until `resume`."""
        self._held.set()
        started = time.monotonic()
        self.process.send_signal(number)
        self.process.wait(timeout)
        return time.monotonic() - started

    def resume(self) -> None:
        """Let it be started again."""
        self._held.clear()

    def tree(self) -> list[psutil.Process]:
        """The process and its children."""
        main = psutil.Process(self.process.pid)
        return [main, *main.children()]

    def close(self) -> None:
        """End it for good."""
        self._closed.set()
        self._thread.join()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        end_group(self.process.pid)


def end_group(leader: int) -> None:
    """Kill all remaining processes of a group."""
    with suppress(ProcessLookupError, PermissionError):
        os.killpg(leader, signal.SIGKILL)


@dataclass
class Outcome:
    """The findings of the last check, for the table."""

    files: int = 0
    seconds: float = 0.0
    lost: int = 0
    doubled: int = 0
    faults: int = 0
    notes: list[str] = field(default_factory=list)


class Stack:
    """The services, workers and commands of one test."""

    def __init__(self, folder: Path, *, own_workers: bool = False, **environment: str) -> None:
        self.folder = folder
        self.outcome = Outcome()
        self._own = own_workers
        self.workers: list[WorkerProcess] = []
        self._started = time.monotonic()
        clean = {name: value for name, value in os.environ.items() if not name.startswith(("SAMPLEMIND_", "CHAOS_"))}
        self.environment = {
            **clean,
            **QUICK,
            "SAMPLEMIND_HOME": str(folder / "home"),
            "SAMPLEMIND_SCRATCH": str(folder / "scratch"),
            "PYTHONPATH": str(PLUGIN),
            **environment,
        }
        self.home = Home(Path(self.environment["SAMPLEMIND_HOME"]))
        self._plain = Settings(home=self.home.root, _env_file=None)
        if own_workers:
            ensure_running(self._plain, workers=False)
        else:
            self.run("up", "--detach")
        settings = connected(self._plain)
        assert settings is not None
        self.settings = settings.model_copy(update={"scratch": Path(self.environment["SAMPLEMIND_SCRATCH"])})
        self.workspace = Workspace(self.settings)
        self.workspace.connect(create_indexes=True)

    def close(self) -> None:
        """End everything."""
        for worker in self.workers:
            worker.close()
        self.workspace.close()
        mongo.close()
        stop(self._plain)

    # Commands

    def run(self, *arguments: str | Path, timeout: float = 120.0, **changes: str) -> str:
        """Run a command and return what it prints."""
        environment = self.environment if not self._own or arguments[0] == "up" else self.worker_environment()
        done = subprocess.run(
            [str(COMMAND), *map(str, arguments)],
            env={**environment, **changes},
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        assert done.returncode == 0, f"{arguments}: {done.stderr}"
        return done.stdout

    def begin(self, *arguments: str | Path) -> "subprocess.Popen[str]":
        """Start a command that takes long."""
        return subprocess.Popen(
            [str(COMMAND), *map(str, arguments)],
            env=self.environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def submit(self, *paths: str | Path, **options: str) -> str:
        """Submit, and return the batch's id."""
        return self.submit_to({}, *paths, **options)

    def submit_to(self, changes: Mapping[str, str], *paths: str | Path, **options: str) -> str:
        """Submit with some settings changed, and return the batch's id."""
        words = [word for name, value in options.items() for word in (f"--{name.replace('_', '-')}", value)]
        batch_id: str = json.loads(self.run("submit", *paths, "--json", *words, **changes))["batch_id"]
        return batch_id

    def complaint(self, batch_id: str) -> str:
        """Return what `status` prints on stderr about a batch."""
        environment = self.environment if not self._own else self.worker_environment()
        done = subprocess.run(
            [str(COMMAND), "status", batch_id], env=environment, capture_output=True, text=True, timeout=60, check=False
        )
        return done.stderr

    # Workers that the test starts itself

    def worker_environment(self, **changes: str) -> dict[str, str]:
        """The environment of a worker: the services' real addresses, unless changed."""
        return {**self.environment, **setting_env(self.settings), **changes}

    def add(self, *arguments: str, prefix: Sequence[str] = (), **changes: str) -> WorkerProcess:
        """Start a worker (``worker --role cpu``) or ``beat``, which is restarted whenever it ends.

        ``prefix`` is a command that runs it elsewhere, such as in another namespace.
        """
        log = self.folder / f"{len(self.workers)}-{'-'.join(arguments)}.log"
        self.workers.append(WorkerProcess(arguments, self.worker_environment(**changes), log, prefix=prefix))
        return self.workers[-1]

    def add_all(self, **changes: str) -> None:
        """Start a cpu worker, an io worker and beat, and wait until both take work."""
        for arguments in (("worker", "--role", "cpu"), ("worker", "--role", "io"), ("beat",)):
            self.add(*arguments, **changes)
        self.wait_for_workers(2)

    def wait_for_workers(self, count: int, *, seconds: float = 60.0) -> float:
        """Wait until so many workers have given a sign of life."""
        return wait_until(lambda: len(self._signs()) >= count, seconds=seconds, what=f"{count} workers that take work")

    def _signs(self) -> list[Any]:
        try:
            return self.workspace.board.workers()
        except ServiceUnavailableError:
            return []

    # Children of the supervisor

    def process(self, name: str) -> psutil.Process:
        """Wait until the supervisor has a service running, and return its process."""
        found: list[psutil.Process] = []

        def look() -> bool:
            running = self.home.read_state().services.get(name)
            if running is not None and psutil.pid_exists(running.pid):
                found.append(psutil.Process(running.pid))
            return bool(found)

        wait_until(look, seconds=40.0, what=f"{name} runs")
        return found[-1]

    def kill(self, name: str) -> None:
        """Kill -9 a service."""
        with suppress(psutil.NoSuchProcess):
            self.process(name).kill()
        self.outcome.faults += 1

    def kill_child(self) -> bool:
        """Kill -9 a child of the supervised cpu worker; return False if there is none at the moment."""
        with suppress(psutil.NoSuchProcess):
            children = self.process("worker-cpu").children()
            if children:
                children[self.outcome.faults % len(children)].kill()
                self.outcome.faults += 1
                return True
        return False

    # Results

    def report(self, batch_id: str) -> dict[str, Any]:
        """The batch's report."""
        return batches.report(batches.find(batch_id))

    def progress(self, batch_id: str) -> int:
        """Return how many files have ended; -1 while the record does not answer."""
        try:
            report = self.report(batch_id)
        except ServiceUnavailableError:
            return -1
        return sum(report[state] for state in ("completed", "failed", "skipped", "cancelled"))

    def wait_for_progress(self, batch_id: str, *, more_than: int, seconds: float = 60.0) -> float:
        """Wait until more files than that have ended."""
        return wait_until(
            lambda: self.progress(batch_id) > more_than, seconds=seconds, what=f"more than {more_than} files ended"
        )

    def has_ended(self, batch_id: str) -> bool:
        """Whether the batch has ended; False while the record does not answer."""
        try:
            return self.report(batch_id)["finished_at"] is not None
        except ServiceUnavailableError:
            return False

    def check(self, *batch_ids: str, within: float, failed: Mapping[str, int] | None = None) -> dict[str, Any]:
        """Wait for the end, check that nothing was lost, doubled or left behind, and return the last batch's report.

        In each batch completed + failed + skipped + cancelled == total, with exactly the failures given, and no item is
        open. Each distinct completed content has one Analysis, and the ids in Chroma are those of the analyses with a
        vector. Scratch is empty, and no lease is held.
        """
        for batch_id in batch_ids:
            wait_until(
                lambda batch_id=batch_id: self.has_ended(batch_id), seconds=within, what=f"the end of batch {batch_id}"
            )
        reports = [self.report(batch_id) for batch_id in batch_ids]
        items = [item for batch_id in batch_ids for item in batches.iterate(batch_id)]
        self.outcome.seconds = time.monotonic() - self._started
        self.outcome.files = sum(report["total_files"] for report in reports)
        ended = sum(sum(r[s] for s in ("completed", "failed", "skipped", "cancelled")) for r in reports)
        contents = {item.file_id for item in items if item.state.value == "completed"}
        analysed = {audio.file_id: analysis for audio, analysis in results.iterate()}
        with_vector = {key for key, analysis in analysed.items() if analysis.vector is not None}
        vectors = self.workspace.vectors.ids()
        self.outcome.lost = self.outcome.files - ended + len(contents - set(analysed)) + len(with_vector - vectors)
        places = {(item.batch_id, item.root, item.path) for item in items}
        self.outcome.doubled = len(vectors - with_vector) + len(items) - len(places)

        assert ended == self.outcome.files == len(items)
        assert [item.path for item in items if item.state in OPEN_STATES] == []
        assert contents <= set(analysed)
        assert vectors == with_vector
        found: dict[str, int] = {}
        for report in reports:
            for code, count in report["errors"].items():
                found[code] = found.get(code, 0) + count
        assert found == dict(failed or {}), [item.error for item in items if item.error is not None]
        assert self._held() == 0
        wait_until(lambda: self._scratch() == [], seconds=60.0, what="scratch is empty")
        return reports[-1]

    def items(self, batch_id: str) -> list[BatchItem]:
        """The items of a batch."""
        return list(batches.iterate(batch_id))

    def _held(self) -> int:
        async def _count() -> int:
            return await BatchItem.get_pymongo_collection().count_documents(
                {"$or": [{"lease_until": {"$exists": True}}, {"parcel_id": {"$gt": ObjectId("0" * 24)}}]}
            )

        return mongo.run(_count())

    def _scratch(self) -> list[Path]:
        # Each record has a folder of its own below this one.
        return [path for path in Path(self.environment["SAMPLEMIND_SCRATCH"]).rglob("*") if path.is_file()]
