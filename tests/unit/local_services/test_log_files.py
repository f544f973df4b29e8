"""The logs of the private workers: in the order of time, searched, and followed over a rotation."""

import json
import threading
import time
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path

import pytest

from samplemind_worker.local_services import log_lines
from samplemind_worker.local_services.home import Home
from samplemind_worker.local_services.log_files import Wanted, existing, follow, of_batch, of_file, search

BATCH = "20261130-045324-87f957"
TASK = "0446cbde-09fa-4f85-8dad-24f8b6c9675b"


def parcel(number: int) -> str:
    return f"{number:024x}"


def line(seconds: float, text: str, *, of: int | None = None) -> str:
    ids = "" if of is None else f"{TASK} {parcel(of)} "
    return f"2026-11-30 04:53:{seconds:06.3f}Z INFO    cpu[1] {text} {ids}\n"


@pytest.fixture
def home(tmp_path: Path) -> Home:
    made = Home(tmp_path)
    made.logs.mkdir()
    return made


def found(home: Home, wanted: Wanted, **when: datetime) -> list[str]:
    return [one.decode().split("] ")[-1].split(" ")[0] for one in search(home, wanted, **when)]


def test_a_line_of_text_and_one_of_json_have_the_same_parts():
    text = (
        f"2026-11-30 04:53:01.500Z WARNING cpu[1] file.failed {TASK} {parcel(7)} "
        "{'path': 'a \\'b\\'.wav', 'code': 'empty'}   "
    )
    extra = {"process": "cpu[1]", "task": TASK, "parcel": parcel(7), "fields": {"path": "a 'b'.wav", "code": "empty"}}
    at = datetime(2026, 11, 30, 4, 53, 1, 500_000, tzinfo=UTC).timestamp()
    record = {"extra": extra, "level": {"name": "WARNING"}, "message": "file.failed", "time": {"timestamp": at}}
    as_json = json.dumps({"text": "...", "record": record})

    one, other = log_lines.read(text.rstrip().encode()), log_lines.read(as_json.encode())

    assert (one.pop("line"), other.pop("line")) == (text.rstrip(), as_json)
    assert (
        one
        == other
        == {
            "at": "2026-11-30T04:53:01.500Z",
            "level": "WARNING",
            "process": "cpu[1]",
            "event": "file.failed",
            "task": TASK,
            "parcel": parcel(7),
            "fields": {"path": "a 'b'.wav", "code": "empty"},
        }
    )


@pytest.mark.parametrize(
    ("text", "event"),
    [
        ("2026-11-30 04:53:01.500Z INFO    beat[1] ready to work   ", "ready to work"),
        ("2026-11-30 04:53:01.500Z ERROR   io[1] it failed    | Traceback | ValueError: {'a'}", "it failed"),
        (f"2026-11-30 04:53:01.500Z INFO    io[1] step {TASK} {parcel(1)} {{'a': <object>}}", "step"),
        ("Segmentation fault", None),
        ('{"half": ', None),
        ("", None),
    ],
)
def test_a_line_without_parts_is_kept_whole(text: str, event: str | None):
    made = log_lines.read(text.encode())

    assert (made["line"], made["event"], made["fields"]) == (text, event, {})
    assert (made["at"] is None) == (event is None)


def test_lines_of_all_processes_come_in_the_order_of_time_the_older_file_first(home: Home):
    home.log("worker-cpu").with_name("worker-cpu.log.1").write_text(line(1, "a") + line(4, "d"))
    home.log("worker-cpu").write_text(line(5, "e") + "a crash\nof two lines\n" + line(7, "g"))
    home.log("worker-io").write_text(line(2, "b") + line(3, "c") + line(6, "f"))
    home.log("mongod").write_text("not ours\n")

    assert found(home, Wanted()) == ["a", "b", "c", "d", "e", "a", "of", "f", "g"]
    assert len(existing(home)) == 3


def test_only_lines_between_two_times_are_found(home: Home):
    home.log("worker-cpu").write_text(line(1, "a") + line(3, "c") + "a crash\n" + line(5, "e"))
    home.log("worker-io").write_text(line(2, f"begun {BATCH}", of=1) + line(4, "d", of=1))
    at = [datetime(2026, 11, 30, 4, 53, second, tzinfo=UTC) for second in range(10)]

    assert found(home, Wanted(), since=at[3]) == ["c", "a", "d", "e"]
    assert found(home, Wanted(), since=at[2], until=at[4]) == ["begun", "c", "a"]
    # The batch is known from a line that is left out.
    assert found(home, of_batch(BATCH), since=at[3]) == ["d"]


def test_a_batch_is_found_with_all_lines_of_its_parcels_wherever_they_are(home: Home):
    home.log("worker-io").write_text(line(1, "early", of=1) + line(9, "late", of=1) + line(9.5, "another", of=2))
    home.log("worker-cpu").write_text(line(2, f"begun {BATCH}", of=1) + line(3, "other", of=3) + line(4, "ready"))

    assert found(home, of_batch(BATCH)) == ["early", "begun", "late"]
    assert found(home, of_batch(BATCH[:15])) == ["early", "begun", "late"]
    assert found(home, of_batch("20250101-000000")) == []


def test_a_file_is_found_without_the_failures_of_others_in_its_parcel(home: Home):
    mine, other = parcel(100), parcel(101)
    home.log("worker-cpu").write_text(
        line(1, f"begun {mine} {other}", of=1)
        + line(2, f"failed {{'item': '{other}'}}", of=1)
        + line(3, f"done {{'item': '{mine}'}}", of=1)
        + line(4, "step", of=1)
        + line(5, "else", of=2)
    )

    assert found(home, of_file([mine], [])) == ["begun", "done", "step"]


def test_a_file_that_failed_is_found_by_its_path_in_text_and_in_json(home: Home):
    place = ("/music/kit", "it's \u00e4.wav")
    text = line(1, f"failed {{'root': {place[0]!r}, 'path': {place[1]!r}}}", of=1)
    extra = {"parcel": parcel(2), "fields": {"root": place[0], "path": place[1]}}
    as_json = json.dumps({"text": "", "record": {"extra": extra, "time": {"timestamp": 1796014402.5}}}) + "\n"
    home.log("worker-cpu").write_text(text + as_json, encoding="utf-8")

    assert len(list(search(home, of_file([], [place])))) == 2
    assert list(search(home, of_file([], [("/music/kit", "\u00e4.wav")]))) == []


def test_rubbish_and_endless_lines_are_read_without_harm(home: Home):
    home.log("worker-cpu").write_bytes(
        b"\xff\xfe\0" * 10 + b"\n" + b"{" + b"x" * (3 * 2**20) + b"\n" + b"9999-99-99 half"
    )

    lines = list(search(home, Wanted()))

    assert len(lines) == 6
    assert max(map(len, lines)) == 2**20


def test_following_goes_on_over_a_rotation_and_waits_for_whole_lines(home: Home):
    log = home.log("worker-cpu")
    log.write_text(line(1, "old"))

    def write() -> None:
        with log.open("a") as file:
            file.write(line(2, "new"))
            file.write(line(3, "half")[:30])
            file.flush()
            time.sleep(0.7)
            file.write(line(3, "half")[30:])
        log.rename(log.with_name("worker-cpu.log.1"))
        log.write_text(line(4, "after"))
        home.log("worker-io").write_text(line(5, "another"))

    lines = follow(home, Wanted())
    started = threading.Timer(0.5, write)
    started.start()
    heard = [one.decode().split("] ")[1].split(" ")[0] for one in islice(lines, 4)]
    started.join()
    lines.close()

    assert heard == ["new", "half", "after", "another"]
