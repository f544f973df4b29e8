"""The supervisor over plain children, in a process of its own: it owns the signals."""

import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from samplemind_worker.local_services.home import Home, Running, State
from samplemind_worker.local_services.services import ADD_WORKERS_SIGNAL

CODE = """
import os, signal, sys
from pathlib import Path
from samplemind_worker.local_services.home import Home, State
from samplemind_worker.local_services.services import Service
from samplemind_worker.local_services.supervisor import Supervisor, log_to_stderr

home = Home(Path(sys.argv[1]))
log_to_stderr()

def service(name, code, **more):
    return Service(name, (sys.executable, "-c", code), env=os.environ, cwd=home.root, **more)

def page():
    return service("web", "import time; time.sleep(60)")

state, services = State(supervisor=os.getpid()), [{services}]
Supervisor(home, state, services, list, page, with_workers=False, web_port=8765).run()
"""
STAMP = "import time, pathlib; pathlib.Path('{0}').open('a').write(f'{{time.monotonic()}}\\n'); "
STEADY = STAMP.format("steady") + "time.sleep(60)"
CRASHER = STAMP.format("crasher") + "raise SystemExit(1)"
STUBBORN = """
import signal, subprocess, sys, time, pathlib
signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(60)'])
pathlib.Path('stubborn').write_text(str(child.pid))
time.sleep(60)
"""


class Run:
    def __init__(self, home: Home, *services: str) -> None:
        self.home = home
        code = CODE.replace("{services}", ", ".join(services))
        self.process = subprocess.Popen([sys.executable, "-c", code, home.root], stderr=subprocess.PIPE, text=True)

    def times(self, name: str) -> list[float]:
        file = self.home.root / name
        return [float(line) for line in file.read_text().splitlines()] if file.exists() else []

    def end(self, number: signal.Signals = signal.SIGTERM) -> str:
        self.process.send_signal(number)
        return self.process.communicate(timeout=30)[1]


@pytest.fixture
def home(tmp_path: Path) -> Home:
    home = Home(tmp_path)
    home.prepare()
    return home


@pytest.fixture
def start(home: Home) -> Iterator[Callable[..., Run]]:
    runs: list[Run] = []

    def starter(*services: str) -> Run:
        runs.append(Run(home, *services))
        return runs[-1]

    yield starter
    for run in runs:
        run.process.kill()
        run.process.communicate()


def wait_until(condition: Callable[[], object], seconds: float = 15.0) -> None:
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.02)


def test_crashing_child_is_restarted_ever_later_and_alone(home: Home, start: Callable[..., Run]):
    run = start(f"service('steady', {STEADY!r})", f"service('crasher', {CRASHER!r})")
    wait_until(lambda: len(run.times("crasher")) == 4)
    log = run.end()

    first, second, third, fourth = run.times("crasher")
    assert second - first >= 0.5
    assert third - second >= 1.0
    assert fourth - third >= 2.0
    assert fourth - first < 10.0
    assert len(run.times("steady")) == 1
    assert run.process.returncode == 0
    assert "'service': 'steady', 'code'" not in log
    assert home.read_state().services == {}


def test_killed_child_is_restarted(home: Home, start: Callable[..., Run]):
    run = start(f"service('steady', {STEADY!r})")
    wait_until(lambda: len(run.times("steady")) == 1 and home.read_state().services.get("steady"))
    psutil.Process(home.read_state().services["steady"].pid).kill()

    wait_until(lambda: len(run.times("steady")) == 2)
    assert home.read_state().services["steady"].restarts == 1
    run.end()


def test_the_web_server_is_a_child_only_where_it_is_asked_for(home: Home, start: Callable[..., Run]):
    run = start(f"service('steady', {STEADY!r})")
    wait_until(lambda: home.read_state().services.get("steady"))
    run.process.send_signal(ADD_WORKERS_SIGNAL)
    time.sleep(0.3)
    assert (home.read_state().web_port, set(home.read_state().services)) == (0, {"steady"})

    home.web.touch()
    run.process.send_signal(ADD_WORKERS_SIGNAL)
    wait_until(lambda: "web" in home.read_state().services)
    assert home.read_state().web_port == 8765
    page = psutil.Process(home.read_state().services["web"].pid)
    page.kill()
    wait_until(lambda: home.read_state().services.get("web", Running(pid=0, created=0)).restarts == 1)
    run.end()
    assert home.read_state() == State()


def test_essential_child_that_dies_at_its_start_ends_all(home: Home, start: Callable[..., Run]):
    broken = "print('no room'); raise SystemExit(3)"
    run = start(f"service('steady', {STEADY!r})", f"service('mongod', {broken!r}, ready=lambda: False)")
    log = run.process.communicate(timeout=30)[1]

    assert run.process.returncode == 1
    assert log.splitlines()[-1].endswith(f"mongod ended at its start: no room; see {home.log('mongod')}")
    assert home.read_state().services == {}


def test_essential_child_that_was_ready_is_restarted_for_ever(home: Home, start: Callable[..., Run]):
    # Ready at its first start alone; then it dies at each start, without ever being ready again.
    code = STAMP.format("mongod") + "time.sleep(60 if len(pathlib.Path('mongod').read_text().split()) == 1 else 0.1)"
    once = "ready=lambda: (home.root / 'mongod').exists() and len((home.root / 'mongod').read_text().split()) == 1"
    run = start(f"service('mongod', {code!r}, {once})")
    wait_until(lambda: "mongod" in home.read_state().services and home.read_state().services["mongod"].ready)
    psutil.Process(home.read_state().services["mongod"].pid).kill()

    wait_until(lambda: len(run.times("mongod")) == 3)
    assert run.process.poll() is None
    run.end()


def test_children_stop_stage_by_stage(home: Home, start: Callable[..., Run]):
    polite = "import signal, sys, time; signal.signal(signal.SIGTERM, lambda *_: (time.sleep(0.3), "
    polite += "open('{0}', 'a').write(f'{{time.monotonic()}}\\n'), sys.exit())); open('up.{0}', 'w'); time.sleep(60)"
    names = {"first": 0, "also": 0, "last": 3}
    run = start(*(f"service('{name}', {polite.format(name)!r}, stop_stage={at})" for name, at in names.items()))
    wait_until(lambda: all((home.root / f"up.{name}").exists() for name in names))
    run.end()

    first, also, last = (run.times(name)[0] for name in names)
    assert abs(first - also) < 0.25
    assert last - max(first, also) >= 0.3


def test_second_signal_hurries_and_no_grandchild_stays(home: Home, start: Callable[..., Run]):
    run = start(f"service('stubborn', {STUBBORN!r}, grace=60.0)")
    wait_until(lambda: (home.root / "stubborn").exists() and (home.root / "stubborn").read_text())
    grandchild = psutil.Process(int((home.root / "stubborn").read_text()))
    started = time.monotonic()
    run.process.send_signal(signal.SIGTERM)
    wait_until(lambda: home.read_state().stopping)
    log = run.end(signal.SIGINT)

    assert time.monotonic() - started < 10.0
    assert "service_killed" in log
    wait_until(lambda: not grandchild.is_running() or grandchild.status() == psutil.STATUS_ZOMBIE, 2.0)


def test_idle_supervisor_sleeps(start: Callable[..., Run]):
    run = start(f"service('steady', {STEADY!r})")
    wait_until(lambda: run.times("steady"))
    process = psutil.Process(run.process.pid)
    before = process.num_ctx_switches().voluntary
    time.sleep(1.0)

    assert process.num_ctx_switches().voluntary - before <= 2
    run.end()
