"""A provider that takes requests and never answers: what asks it waits, and nothing else does."""

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

from tests.acceptance.conftest import Command
from tests.ai_server import AiServer, Fault
from tests.factories import write_audio
from training import signals

THREADS = 2
WAITING = 3 * THREADS


def library(folder: Path, *, count: int, seconds: float) -> Path:
    for number in range(count):
        write_audio(folder / f"{number}.wav", signals.kick(seconds + 0.03 * number))
    return folder


def test_a_provider_that_hangs_stops_neither_storing_nor_dispatching(
    fresh_command: Callable[..., Command], tmp_path: Path
):
    with AiServer() as server:
        server.fault = Fault.HANG
        command = fresh_command(
            SAMPLEMIND_DISPATCH_SECONDS="1",
            SAMPLEMIND_GRACE_SECONDS="0.5",
            SAMPLEMIND_AI_CONCURRENCY=str(THREADS),
            SAMPLEMIND_IO_CONCURRENCY=str(THREADS),
            **server.environment("gemini"),
        )
        asking = library(tmp_path / "asking", count=WAITING, seconds=0.3)
        batch = command("submit", asking, "--files-per-chain", "1", "--json").object["batch_id"]

        def steps() -> Counter[str]:
            return Counter(file["step"] for file in command("files", batch, "--json").lines)

        deadline = time.monotonic() + 90
        while len(server.calls) < THREADS or steps() != {"summarize": WAITING}:
            assert time.monotonic() < deadline, (len(server.calls), steps())
            time.sleep(0.2)

        quiet = library(tmp_path / "quiet", count=2, seconds=0.2)
        done = command("submit", quiet, "--no-ai", "--wait", "--json", timeout=90).object

        assert (done["status"], done["completed"], done["total_files"]) == ("completed", 2, 2)
        assert (steps(), len(server.calls)) == ({"summarize": WAITING}, THREADS)

        told = {check["name"]: check["state"] for check in command("doctor", "--json").object["checks"]}
        assert [told.get(name) for name in ("worker-cpu", "worker-io", "worker-ai", "models")] == ["ok"] * 3 + [None]
