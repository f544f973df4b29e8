import json
import os
import subprocess
import sys
import time
from pathlib import Path

import psutil

from samplemind_worker.local_services import processes
from samplemind_worker.local_services.home import Running

# A parent with a child in its group: what a prefork worker is. It says the child's id.
FAMILY = """
import subprocess, sys, time
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"])
print(child.pid, flush=True)
time.sleep(60)
"""


def start_family() -> tuple[subprocess.Popen[str], psutil.Process]:
    parent = subprocess.Popen([sys.executable, "-c", FAMILY], stdout=subprocess.PIPE, text=True, start_new_session=True)
    return parent, psutil.Process(int(parent.stdout.readline()))


def gone(process: psutil.Process) -> bool:
    return not process.is_running() or process.status() == psutil.STATUS_ZOMBIE


def close(parent: subprocess.Popen[str]) -> None:
    processes.kill_group(parent.pid)
    parent.communicate()


def test_leftovers_end_with_their_group():
    parent, child = start_family()
    try:
        left = Running(pid=parent.pid, created=processes.created(parent.pid))

        assert processes.end_leftovers([left], grace=1.0) == 2
        assert not psutil.pid_exists(parent.pid)
        assert gone(child)
    finally:
        close(parent)


def test_leftovers_of_a_dead_leader_end_too():
    parent, child = start_family()
    try:
        left = Running(pid=parent.pid, created=processes.created(parent.pid))
        parent.kill()
        parent.wait()

        assert processes.end_leftovers([left], grace=0.5) == 1
        assert gone(child)
    finally:
        close(parent)


def test_stranger_with_a_used_number_is_left_alone():
    parent, child = start_family()
    try:
        older = Running(pid=parent.pid, created=processes.created(parent.pid) - 3600)

        assert processes.end_leftovers([older], grace=0.5) == 0
        assert parent.poll() is None
        assert not gone(child)
    finally:
        close(parent)


def test_child_dies_with_a_killed_parent(tmp_path: Path):
    code = """
import signal, sys, time
from pathlib import Path
from samplemind_worker.local_services import processes
child = processes.start([sys.executable, "-c", "import time; time.sleep(60)"], env={}, cwd=Path(sys.argv[1]),
                        log=Path(sys.argv[1], "log"), death_signal=signal.SIGKILL)
print(child.pid, flush=True)
time.sleep(60)
"""
    with subprocess.Popen([sys.executable, "-c", code, tmp_path], stdout=subprocess.PIPE, text=True) as parent:
        child = psutil.Process(int(parent.stdout.readline()))
        assert os.getsid(child.pid) == child.pid
        assert not gone(child)
        parent.kill()

    deadline = time.monotonic() + 5
    while not gone(child):
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_open_log_moves_a_large_one_aside(tmp_path: Path):
    log = tmp_path / "a.log"
    log.write_bytes(b"x" * (processes.MAX_LOG_BYTES + 1))
    os.close(processes.open_log(log))

    assert log.stat().st_size == 0
    assert log.stat().st_mode & 0o777 == 0o600
    assert (tmp_path / "a.log.1").stat().st_size == processes.MAX_LOG_BYTES + 1


def test_open_log_appends(tmp_path: Path):
    log = tmp_path / "a.log"
    for _ in range(2):
        descriptor = processes.open_log(log)
        os.write(descriptor, b"line\n")
        os.close(descriptor)

    assert log.read_text() == "line\nline\n"


def test_last_words_are_the_last_line(tmp_path: Path):
    log = tmp_path / "a.log"
    assert processes.last_words(log) == ""
    log.write_text("first\n\x1b[31mlast\x1b[0m \n\n")

    assert processes.last_words(log) == "last"
    assert processes.last_words(log, since=0) == "last"


def test_last_words_name_the_first_grave_line_of_this_start(tmp_path: Path):
    log = tmp_path / "mongod.log"
    before = json.dumps({"s": "E", "msg": "of the start before"}) + "\n"
    lines = [
        {"s": "I", "msg": "started"},
        {"s": "E", "msg": "terminating", "attr": {"error": "DBPathInUse: locked"}},
        {"s": "F", "msg": "aborting"},
        {"s": "I", "msg": "Shutting down", "attr": {"exitCode": 100}},
    ]
    log.write_text(before + "".join(json.dumps(line) + "\n" for line in lines))

    assert processes.last_words(log, since=len(before)) == "terminating: DBPathInUse: locked"
    assert processes.last_words(log) == "Shutting down"
