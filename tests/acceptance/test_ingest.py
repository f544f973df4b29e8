"""`ingest` and `watch` as their users run them, and a night that beat begins by itself."""

import json
import signal
import subprocess
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests import zips
from tests.acceptance.conftest import Command, Done

SETTLE = {"SAMPLEMIND_INBOX_SETTLE_SECONDS": "1"}


def everything(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def by_pack(report: dict[str, Any]) -> dict[str, str]:
    return {outcome["pack"]: outcome["status"] for outcome in report["outcomes"]}


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("ingest") / "inbox"


@pytest.fixture(scope="module")
def night(samplemind: Command, inbox: Path) -> Done:
    """Three good packs, one that is known, two that are hostile; one file of the good ones is no audio."""
    samplemind.environment |= SETTLE
    zips.good(inbox / "acme" / "known.zip", seed=1)
    assert samplemind("ingest", inbox).code == 0
    zips.good(inbox / "acme" / "one.zip", seed=2)
    zips.good(inbox / "known by another name.zip", seed=1)
    zips.write_zip(
        inbox / "two.zip", {"a.wav": zips.wav(70), "copy of a kick.wav": zips.wav(200), "bad.wav": b"no sound"}
    )
    (inbox / "three" / "Kicks").mkdir(parents=True)
    (inbox / "three" / "Kicks" / "a.wav").write_bytes(zips.wav(71))
    zips.HOSTILE["slip"][0](inbox / "acme" / "slip.zip")
    zips.bomb(inbox / "bomb.zip")
    return samplemind("ingest", inbox, "--wait", "--json")


def test_a_night_is_reported(night: Done, samplemind: Command) -> None:
    report = night.object

    assert night.code == 1
    assert by_pack(report) == {
        "acme/one.zip": "taken",
        "acme/slip.zip": "refused",
        "bomb.zip": "refused",
        "known by another name.zip": "known",
        "three": "taken",
        "two.zip": "taken",
    }
    assert report["packs"] == {"taken": 3, "known": 1, "refused": 2, "postponed": 0, "waiting": 0}
    names = ("files", "new", "known", "failed", "pending", "summary_spend_usd")
    assert {name: report[name] for name in names} == {
        "files": 6,
        "new": 5,
        "known": 1,
        "failed": 1,
        "pending": 0,
        "summary_spend_usd": 0.0,
    }
    kept = samplemind.home / "reports" / f"ingest-{report['run']}.json"
    assert json.loads(kept.read_text()) == report
    text = kept.with_suffix(".txt").read_text()
    assert "packs    3 taken, 1 known, 2 refused" in text
    assert "files    6: 5 new, 1 known" in text
    assert "so far   5 analysed or linked, 1 failed, 0 pending" in text
    assert "refused   acme/slip.zip: '../../escaped.wav' leads out of the pack" in text


def test_packs_are_where_they_belong(night: Done, samplemind: Command, inbox: Path) -> None:
    taken = {outcome["folder"] for outcome in night.object["outcomes"] if outcome["status"] == "taken"}
    library = samplemind.home / "library"

    assert taken == {"acme/one", "unknown/two", "unknown/three"}
    assert {str(path.relative_to(library)) for path in library.glob("*/*")} == {"acme/known", *taken}
    assert sorted(everything(inbox)) == [
        "done/acme/known.zip",
        "done/acme/one.zip",
        "done/known by another name.zip",
        "done/three/Kicks/a.wav",
        "done/two.zip",
        "refused/acme/slip.zip",
        "refused/acme/slip.zip.reason.txt",
        "refused/bomb.zip",
        "refused/bomb.zip.reason.txt",
    ]
    assert not list(inbox.parent.glob("escaped*"))


def test_what_was_taken_is_analysed(night: Done, samplemind: Command) -> None:
    batches = [outcome["batch_id"] for outcome in night.object["outcomes"] if outcome["status"] == "taken"]
    reports = [samplemind("status", batch_id, "--json").object for batch_id in batches]

    assert {report["name"]: report["completed"] + report["skipped"] for report in reports} == {
        "acme/one": 2,
        "unknown/two": 2,
        "unknown/three": 1,
    }
    shown = samplemind("show", samplemind.home / "library" / "acme" / "one" / "Kicks" / "kick 0.wav", "--json").object
    assert shown["kind"] == "one_shot"


@pytest.mark.usefixtures("night")
def test_a_second_run_changes_nothing(samplemind: Command, inbox: Path) -> None:
    before, batches = everything(inbox), samplemind("status", "--json").out
    library = everything(samplemind.home / "library")

    second = samplemind("ingest", inbox, "--json")

    assert second.code == 0
    assert second.object["outcomes"] == []
    assert everything(inbox) == before
    assert everything(samplemind.home / "library") == library
    assert samplemind("status", "--json").out == batches


def next_line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def test_watch_takes_what_appears_until_it_is_interrupted(samplemind: Command, tmp_path: Path) -> None:
    samplemind.environment |= SETTLE
    folder = tmp_path / "drop"
    zips.good(folder / "first.zip", seed=30)

    process = samplemind.start("watch", folder, "--json")
    try:
        first = next_line(process)
        zips.good(folder / "acme" / "second.zip", seed=31)
        zips.HOSTILE["link"][0](folder / "acme" / "third.zip")
        seen = by_pack(first)
        while len(seen) < 3:
            seen |= by_pack(next_line(process))
    finally:
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)

    assert seen == {"first.zip": "taken", "acme/second.zip": "taken", "acme/third.zip": "refused"}
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err
    assert "that begins in 1 s; Ctrl-C leaves all of it where it is" in err
    assert (samplemind.home / "library" / "acme" / "second").is_dir()


def test_beat_begins_a_night_that_was_missed(fresh_command: Callable[..., Command], tmp_path: Path) -> None:
    hours_ago = datetime.now().astimezone() - timedelta(hours=3)
    command = fresh_command(
        SAMPLEMIND_NIGHTLY=f"{hours_ago:%H:%M}",
        SAMPLEMIND_INBOX=str(tmp_path / "inbox"),
        SAMPLEMIND_CONCURRENCY="1",
        **SETTLE,
    )
    zips.good(tmp_path / "inbox" / "pack.zip", files=1)

    assert command("up", "--detach").code == 0
    deadline = time.monotonic() + 150
    while not list((command.home / "reports").glob("*.json")):
        assert time.monotonic() < deadline, "no report"
        time.sleep(0.5)

    [report] = [json.loads(path.read_text()) for path in (command.home / "reports").glob("*.json")]
    assert by_pack(report) == {"pack.zip": "taken"}
    ended = command("status", report["outcomes"][0]["batch_id"], "--watch", "--json")
    assert ended.lines[-1]["completed"] == 1
