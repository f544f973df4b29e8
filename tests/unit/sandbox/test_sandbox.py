"""The sandbox with a reader that does its worst."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import psutil
import pytest

from samplemind_worker.errors import PermanentError
from samplemind_worker.sandbox import PROTECTIONS, Answer, Bounds, Sandbox, Wanted

TOP = Path(__file__).parents[3]
BOUNDS = Bounds(memory=256 << 20, seconds=5.0, samples=1000)
CONFINED = sys.platform == "linux"

Ask = Callable[..., list[Answer | PermanentError]]


@pytest.fixture(scope="module")
def box() -> Iterator[Sandbox]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PYTHONPATH", str(TOP))
        patch.setenv("SAMPLEMIND_REDIS_URL", "redis://:canary-in-a-url@nowhere")
        patch.setenv("ANTHROPIC_API_KEY", "canary-of-a-key")
        made = Sandbox("tests.unit.sandbox.probe")
        made.start()
    yield made
    made.close()


@pytest.fixture
def ask(box: Sandbox, tmp_path: Path) -> Ask:
    """Ask for one file after another, each with the act that it is named for."""

    def _ask(*acts: str | dict[str, Any], bounds: Bounds = BOUNDS) -> list[Answer | PermanentError]:
        with ExitStack() as files:
            wanted = []
            for number, act in enumerate(acts):
                path = tmp_path / f"{number}.bin"
                path.write_text(f"file {number}")
                request = {"act": act} if isinstance(act, str) else act
                wanted.append(Wanted(files.enter_context(path.open("rb")).fileno(), request))
            return list(box.read(wanted, bounds))

    return _ask


def facts(answer: Answer | PermanentError) -> dict[str, Any]:
    assert isinstance(answer, Answer), answer
    return answer.facts


def codes(answers: list[Answer | PermanentError]) -> list[str]:
    return [answer.code if isinstance(answer, PermanentError) else "read" for answer in answers]


def echoes(answers: list[Answer | PermanentError]) -> list[str]:
    return [answer.code if isinstance(answer, PermanentError) else answer.facts.get("bytes", "") for answer in answers]


def pid_of(answers: list[Answer | PermanentError]) -> int:
    return facts(answers[0])["pid"]


def test_files_are_read_in_their_order(ask: Ask):
    answers = ask(*["echo"] * 200)

    assert echoes(answers) == [f"file {number}" for number in range(200)]
    last = answers[-1]
    assert isinstance(last, Answer)
    assert list(memoryview(last.samples).cast("f")) == [float(byte) for byte in b"file 199"]


def test_answers_larger_than_the_shared_memory_take_turns(ask: Ask):
    answers = ask(*[{"act": "many", "count": 999}] * 40)

    assert [len(answer.samples) for answer in answers if isinstance(answer, Answer)] == [4 * 999] * 40


def test_an_error_of_the_reader_is_the_files(ask: Ask):
    failed, after = ask("fail", "echo")

    assert isinstance(failed, PermanentError)
    assert (failed.code, str(failed)) == ("unreadable", "as told")
    assert facts(after) == {"bytes": "file 1"}


@pytest.mark.parametrize(
    ("act", "code", "message"),
    [
        ("segv", "worker_crashed", "the decoder died with this file in its hands (SIGSEGV)"),
        ("abort", "worker_crashed", "the decoder died with this file in its hands (SIGABRT)"),
        ("leave", "worker_crashed", "the decoder was killed with this file in its hands"),
        ("leave in anger", "worker_crashed", "the decoder died with this file in its hands (exit code 3)"),
        ("raise", "worker_crashed", "the decoder died with this file in its hands (exit code 1)"),
        ("hoard", "out_of_memory", "not enough memory to decode this file"),
        ("set", "internal", "its facts are no JSON: Type is not JSON serializable: set"),
        ("say no JSON", "worker_crashed", "the decoder answered nonsense"),
        ("say too much", "worker_crashed", "the decoder answered nonsense"),
        ("say a list", "worker_crashed", "the decoder answered nonsense"),
        ("say no samples", "worker_crashed", "the decoder answered nonsense"),
        ("say many samples", "worker_crashed", "the decoder answered nonsense"),
        ("say a place outside", "worker_crashed", "the decoder answered nonsense"),
        ("say a long number", "worker_crashed", "the decoder answered nonsense"),
        ("say an unknown error", "worker_crashed", "the decoder answered nonsense"),
    ],
)
def test_harm_costs_one_file(ask: Ask, act: str, code: str, message: str):
    answers = ask("echo", "echo", act, "echo", act, "echo")

    assert echoes(answers) == ["file 0", "file 1", code, "file 3", code, "file 5"]
    assert str(answers[2]) == message


@pytest.mark.parametrize(("act", "code"), [("compute", "timeout"), ("sleep", "timeout"), ("say a word", "timeout")])
def test_what_does_not_end_costs_one_file(ask: Ask, act: str, code: str):
    quick = Bounds(memory=256 << 20, seconds=0.3, samples=1000)

    answers = ask("echo", act, "echo", bounds=quick)

    assert echoes(answers) == ["file 0", code, "file 2"]


def test_more_samples_than_allowed_are_an_error(ask: Ask):
    answers = ask({"act": "many", "count": 1000}, {"act": "many", "count": 1001}, {"act": "many", "count": 3001})

    assert codes(answers) == ["read", "worker_crashed", "internal"]


def test_files_before_a_crash_are_not_read_again(ask: Ask):
    first, _, second, third = ask("look", "segv", "look", "look")

    assert facts(first)["pid"] != facts(second)["pid"] == facts(third)["pid"]


def test_a_decoder_stays(ask: Ask):
    assert pid_of(ask("look")) == pid_of(ask("look"))


def test_a_decoder_is_replaced_now_and_then(ask: Ask):
    before = pid_of(ask("look"))

    ask(*["echo"] * 600)

    assert pid_of(ask("look")) != before


def test_a_killed_decoder_is_not_held_against_the_file(ask: Ask):
    os.kill(pid_of(ask("look")), signal.SIGKILL)

    assert echoes(ask("echo")) == ["file 0"]


def test_a_killed_server_is_started_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PYTHONPATH", str(TOP))
    own = Sandbox("tests.unit.sandbox.probe")
    (tmp_path / "a").write_text("text")
    try:
        with (tmp_path / "a").open("rb") as file:
            wanted = [Wanted(file.fileno(), {"act": "echo"})]
            assert echoes(list(own.read(wanted, BOUNDS))) == ["text"]
            [server] = [one for one in psutil.Process().children() if "tests.unit.sandbox.probe" in one.cmdline()][-1:]
            server.kill()
            assert echoes(list(own.read(wanted, BOUNDS))) == ["text"]
    finally:
        own.close()


def test_answers_that_nobody_takes_are_not_those_of_the_next(box: Sandbox, ask: Ask, tmp_path: Path):
    (tmp_path / "a").write_text("other")
    with (tmp_path / "a").open("rb") as file:
        wanted = Wanted(file.fileno(), {"act": "echo"})
        answers = box.read([wanted] * 3, BOUNDS)
        next(answers)
        answers.close()

    assert echoes(ask("echo", "echo")) == ["file 0", "file 1"]


def test_a_second_reading_meanwhile_is_refused(box: Sandbox, ask: Ask, tmp_path: Path):
    (tmp_path / "a").write_text("other")
    with (tmp_path / "a").open("rb") as file:
        answers = box.read([Wanted(file.fileno(), {"act": "echo"})] * 2, BOUNDS)
        next(answers)

        with pytest.raises(RuntimeError, match="asked for something else already"):
            ask("echo")
        assert echoes(list(answers)) == ["other"]


def test_a_decoder_inherits_no_secret_and_no_open_file(ask: Ask):
    secret = os.open(__file__, os.O_RDONLY)
    os.set_inheritable(secret, True)  # noqa: FBT003 -- its only way
    try:
        found = facts(ask("look")[0])
    finally:
        os.close(secret)

    assert not any("canary" in value for value in found["environment"].values())
    assert not any(name.startswith(("SAMPLEMIND_", "ANTHROPIC")) for name in found["environment"])
    # Standard streams, the empty device, the channel, the shared memory, and the file itself.
    assert len(found["files"]) == 7
    assert not {"celery", "pymongo", "redis"} & set(found["modules"])


@pytest.mark.skipif(not CONFINED, reason="needs seccomp")
def test_a_decoder_can_do_nothing_but_read_compute_and_answer(ask: Ask):
    found = facts(ask("attempts")[0])

    assert len(found) == 15
    assert {name: error for name, error in found.items() if error != "PermissionError"} == {
        "write to the file": "OSError"
    }


@pytest.mark.skipif(not CONFINED, reason="needs seccomp")
def test_all_protections_hold_here(box: Sandbox):
    assert tuple(box.protections(BOUNDS)) == PROTECTIONS


_PARENT = """
import sys, time
from pathlib import Path
from samplemind_worker.sandbox import Bounds, Sandbox, Wanted
box = Sandbox("tests.unit.sandbox.probe")
bounds = Bounds(memory=256 << 20, seconds=1000.0, samples=1000)
with open(sys.argv[1], "rb") as file:
    answers = box.read([Wanted(file.fileno(), {"act": act}) for act in ("look", "compute")], bounds)
    print(next(answers).facts["pid"], flush=True)
    next(answers)
"""


@pytest.mark.skipif(not CONFINED, reason="the kernel of Linux ends it")
def test_a_busy_decoder_dies_with_its_worker(tmp_path: Path):
    path = tmp_path / "a"
    path.write_text("text")
    environment = {**os.environ, "PYTHONPATH": str(TOP)}
    with subprocess.Popen(
        [sys.executable, "-c", _PARENT, str(path)], env=environment, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        decoder = psutil.Process(int(parent.stdout.readline()))
        family = [decoder, *psutil.Process(parent.pid).children(recursive=True)]
        parent.kill()

        _, alive = psutil.wait_procs(family, timeout=20)

    assert len(family) == 4
    assert alive == []


def test_a_forked_process_has_a_decoder_of_its_own(ask: Ask, box: Sandbox, tmp_path: Path):
    before = pid_of(ask("look"))
    path = tmp_path / "a"
    path.write_text("text")
    read_end, write_end = os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            with path.open("rb") as file:
                [answer] = box.read([Wanted(file.fileno(), {"act": "look"})], BOUNDS)
                os.write(write_end, str(pid_of([answer])).encode())
            code = 0
        finally:
            os._exit(code)
    os.close(write_end)
    _, status = os.waitpid(child, 0)
    with os.fdopen(read_end) as pipe:
        other = int(pipe.read())

    assert status == 0
    assert other != before == pid_of(ask("look"))


def test_signals_that_end_a_worker_leave_the_decoder_alone(ask: Ask):
    pid = pid_of(ask("look"))
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGQUIT, signal.SIGHUP):
        os.kill(pid, number)
    time.sleep(0.1)

    assert pid_of(ask("look")) == pid


def test_a_decoder_writes_into_the_file_that_it_is_given_and_no_more_than_allowed(box: Sandbox, tmp_path: Path):
    given, output = tmp_path / "given", tmp_path / "output"
    given.write_text("one")
    bounds = Bounds(memory=256 << 20, seconds=5.0, samples=1, written=5000)
    acts = ({"act": "write", "count": 3000}, {"act": "write", "count": 10_000})

    with given.open("rb") as file, output.open("w+b") as written:
        wanted = [Wanted(file.fileno(), act, written.fileno()) for act in acts]
        answers = list(box.read([wanted[0], Wanted(file.fileno(), acts[0]), wanted[1]], bounds))

    assert [facts(answer)["written"] for answer in answers] == [3000, "no file", "OSError after 5000"]
    assert output.stat().st_size == 5000
