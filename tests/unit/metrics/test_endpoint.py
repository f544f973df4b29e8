"""Counts in real processes: of children, of killed ones, over restarts, and when something is in the way."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.scrape import free_ports, scrape

# A pool of two children, as Celery makes it, each of which counts when it is told to.
PROGRAM = """
import os, sys, time
from pathlib import Path
from billiard.pool import Pool
from config.settings import Settings
from samplemind_worker.metrics import counting, endpoint
from samplemind_worker.metrics.definitions import ITEMS_ENDED, STEP_SECONDS

def work(kill):
    counting.add(ITEMS_ENDED, 1, state="completed")
    counting.observe(STEP_SECONDS, 0.3, step="decode")
    if kill:
        os.kill(os.getpid(), 9)
    return os.getpid()

if __name__ == "__main__":
    settings = Settings(_env_file=None, home=Path(sys.argv[1]), metrics_port=int(sys.argv[2]))
    print(endpoint.serve(settings, "cpu"), flush=True)
    counting.add(ITEMS_ENDED, 1, state="failed")
    pool = Pool(2, initializer=endpoint.prepare_child, maxtasksperchild=3, lost_worker_timeout=0.2)
    for number in range(int(sys.argv[3])):
        result = pool.apply_async(work, (number % 4 == 3,))
        try:
            result.get(timeout=10)
        except Exception:
            pass
    print("done", flush=True)
    time.sleep(600)
"""

COMPLETED = 'samplemind_items_ended_total{state="completed"}'
FAILED = 'samplemind_items_ended_total{state="failed"}'

Start = Callable[..., subprocess.Popen[str]]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    """Starts the program for a number of tasks, and waits until they are done."""
    script = tmp_path / "program.py"
    script.write_text(PROGRAM)
    running: list[subprocess.Popen[str]] = []

    def begin(port: int, tasks: int, *, served: bool = True) -> subprocess.Popen[str]:
        process = subprocess.Popen(
            [sys.executable, script, str(tmp_path / "home"), str(port), str(tasks)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={"PATH": os.environ["PATH"], "PYTHONPATH": str(Path(__file__).parents[3])},
            start_new_session=True,
        )
        running.append(process)
        assert process.stdout is not None
        assert process.stdout.readline() == f"{served}\n"
        assert process.stdout.readline() == "done\n"
        return process

    yield begin
    for process in running:
        end(process)


def end(process: subprocess.Popen[str]) -> None:
    """Kill a program with its children, as the kernel does for a worker."""
    if process.poll() is None:
        os.killpg(process.pid, signal.SIGKILL)
    process.communicate()


def test_no_count_is_lost_with_children_that_are_killed_or_replaced_nor_with_the_process(start: Start, tmp_path: Path):
    port = free_ports(1)
    process = start(port, 12)
    seen = scrape(port)
    assert (seen[COMPLETED], seen[FAILED]) == (12.0, 1.0)
    assert seen['samplemind_step_duration_seconds_count{step="decode"}'] == 12.0
    assert seen['samplemind_step_duration_seconds_bucket{le="0.5",step="decode"}'] == 12.0
    assert seen['samplemind_items_ended_total{state="skipped"}'] == 0.0
    # One file per slot and kind, however many children there were.
    assert len(list((tmp_path / "home/metrics/cpu").glob("counter_*.db"))) == 3
    end(process)

    end(start(port, 2))
    again = start(port, 0)

    assert scrape(port)[COMPLETED] == 14.0
    end(again)


def test_damaged_counts_and_those_of_another_release_begin_anew(start: Start, tmp_path: Path):
    port, folder = free_ports(1), tmp_path / "home/metrics/cpu"
    end(start(port, 2))
    for slot in (0, 1):  # either may get the task
        (folder / f"counter_child-{slot}.db").write_bytes(b"\xff" * 2**18)
    end(start(port, 1))
    process = start(port, 0)
    assert scrape(port)[COMPLETED] == 1.0
    end(process)

    (folder / "metrics").write_text("others")
    start(port, 0)
    assert scrape(port)[COMPLETED] == 0.0


def test_a_port_that_is_taken_and_a_second_process_stop_no_work(start: Start):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        end(start(port, 1, served=False))
    first = free_ports(2)
    start(first, 1)
    start(first + 1, 1, served=False)  # the first one has the folder

    assert scrape(first)[COMPLETED] == 1.0


def test_a_home_that_cannot_be_written_stops_no_work(start: Start, tmp_path: Path):
    (tmp_path / "home").write_text("a file, not a folder")

    start(free_ports(1), 1, served=False)


@pytest.mark.skipif(not hasattr(os, "posix_fallocate"), reason="this system reserves no blocks")
def test_a_full_disk_stops_no_work(start: Start, tmp_path: Path):
    # A limit on the size of files refuses what a full disk refuses: to reserve the blocks.
    limited = tmp_path / "sitecustomize.py"
    limited.write_text(
        "import resource, signal\nsignal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (2**16, 2**16))\n"
    )
    (tmp_path / "program.py").write_text("import runpy\nimport sitecustomize\n" + PROGRAM)

    start(free_ports(1), 1, served=False)


def test_nothing_is_counted_or_loaded_where_no_port_is_set():
    program = (
        "import sys; from config.settings import Settings; from samplemind_worker.metrics import counting, endpoint\n"
        "from samplemind_worker.metrics.definitions import ITEMS_ENDED\n"
        "assert endpoint.serve(Settings(_env_file=None), 'cpu') is False\n"
        "counting.add(ITEMS_ENDED, state='failed'); endpoint.prepare_child()\n"
        "print([name for name in sys.modules if name.startswith('prometheus')])"
    )
    done = subprocess.run([sys.executable, "-c", program], env={}, capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
