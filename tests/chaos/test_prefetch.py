"""Hours of churn in minutes: whether a worker comes to hold more messages than it can begin, and stays so.

A report from 2026 says that with late acknowledgements on Redis the number of messages that a worker may hold drifts
upward over days. What drives it there, retries and lost connections, happens here every few seconds. The curve of each
worker is written to `CHAOS_CURVES`, a folder, if that is set.
"""

import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.chaos.proxy import Mode, Proxy
from tests.chaos.stack import Stack, WorkerProcess, write_files

pytestmark = [pytest.mark.services, pytest.mark.timeout(900), pytest.mark.chaos]

MakeStack = Callable[..., Stack]

ROUNDS = int(os.environ.get("CHAOS_ROUNDS", "30"))
CPU_SLOTS, IO_SLOTS = 2, 8
Sample = dict[str, Any]


@pytest.fixture
def samples(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "prefetch.jsonl"
    path.touch()
    yield path
    if folder := os.environ.get("CHAOS_CURVES"):
        shutil.copy(path, Path(folder) / f"{tmp_path.name}.jsonl")


def curves(samples: Path) -> dict[str, list[Sample]]:
    found: dict[str, list[Sample]] = {}
    for line in samples.read_text().splitlines():
        sample = json.loads(line)
        found.setdefault(sample["worker"], []).append(sample)
    return found


def in_words(name: str, curve: Sequence[Sample]) -> str:
    """The greatest numbers of each quarter of a curve, and where it ends."""
    quarters = [curve[len(curve) * part // 4 : len(curve) * (part + 1) // 4] for part in range(4)]
    allowed, held = (
        "/".join(str(max(sample[what] for sample in quarter)) for quarter in quarters if quarter)
        for what in ("allowed", "held")
    )
    last = curve[-1]
    return f"{name}: may hold {allowed}, at the end {last['allowed']}; holds {held}, at the end {last['held']}"


@pytest.mark.parametrize("prefetch", ["with", "without"])
def test_what_a_worker_holds_does_not_drift(stack: MakeStack, tmp_path: Path, samples: Path, prefetch: str):
    one = stack(
        own_workers=True,
        CHAOS_PREFETCH=str(samples),
        CHAOS_NO_PREFETCH="1" if prefetch == "without" else "",
        SAMPLEMIND_CONCURRENCY=str(CPU_SLOTS),
        SAMPLEMIND_IO_CONCURRENCY=str(IO_SLOTS),
    )
    sockets = Path(one.home.read_state().sockets)
    with closing(Proxy(sockets / "chroma.sock")) as chroma, closing(Proxy(sockets / "valkey.sock")) as queue:
        way = {
            "SAMPLEMIND_CHROMA_URL": f"http://127.0.0.1:{chroma.port}",
            "SAMPLEMIND_REDIS_URL": f"redis://127.0.0.1:{queue.port}/0",
            "SAMPLEMIND_HOST": "here",
        }
        cpu = one.add("worker", "--role", "cpu", **way)
        one.add("worker", "--role", "io", **way)
        one.add("beat", **way)
        one.wait_for_workers(2, seconds=240.0)
        write_files(tmp_path / "library", 120)
        batch_ids = [one.submit(tmp_path / "library", files_per_chain="2")]
        for number in range(ROUNDS):
            churn(one, chroma, queue, cpu, number)
            if one.has_ended(batch_ids[-1]):
                batch_ids.append(one.submit(tmp_path / "library", "--force", files_per_chain="2"))
        chroma.set(Mode.OPEN)
        one.check(*batch_ids, within=240.0)
        time.sleep(3.0)  # what beat sends is begun and ended meanwhile

    found = curves(samples)
    one.outcome.notes += [in_words(name, curve) for name, curve in sorted(found.items())]
    assert found.keys() == {"here/cpu", "here/io"}
    for name, slots in (("here/cpu", CPU_SLOTS), ("here/io", IO_SLOTS)):
        # Only the last samples count, because beat's own tasks come and go.
        rest = found[name][-6:]
        assert min(sample["held"] for sample in rest) == 0
        assert max(sample["allowed"] for sample in rest) <= slots


def churn(one: Stack, chroma: Proxy, queue: Proxy, cpu: WorkerProcess, number: int) -> None:
    """One round of about two seconds: steps are retried, the way to Redis is cut, a child dies."""
    chroma.set(Mode.CUT if number % 2 else Mode.OPEN)
    time.sleep(1.0)
    queue.set(Mode.CUT)
    time.sleep(0.3)
    queue.set(Mode.OPEN)
    time.sleep(0.7)
    if number % 4 == 3:
        with suppress(psutil.NoSuchProcess):
            for child in psutil.Process(cpu.process.pid).children()[:1]:
                child.send_signal(signal.SIGKILL)
    if number == ROUNDS // 2:
        one.process("valkey").terminate()
    one.outcome.faults += 1
