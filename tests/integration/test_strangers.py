"""Untrusted names and tags at every output (terminal, logs, CSV, JSON, reports) and in the record."""

import csv
import io
import json
import logging
import os
import pty
import re
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from loguru import logger

from config.settings import Settings
from samplemind_worker.documents.batch import Step
from samplemind_worker.logs import configure_logging
from samplemind_worker.packs import ingest
from samplemind_worker.pipeline import decode, features, store, summarize, tempo_key
from samplemind_worker.pipeline.workspace import Run, Workspace
from samplemind_worker.store import mongo, results
from samplemind_worker.submission import scan
from samplemind_worker.submission.dispatch import dispatch
from samplemind_worker.submission.listing import Listing
from samplemind_worker.submission.options import SubmitOptions
from tests import chunks, zips
from tests.command import Cli
from training import signals

pytestmark = [pytest.mark.services, pytest.mark.usefixtures("chroma")]

NASTY = [
    b"=cmd()|' C calc'!A0",
    b"+1+2",
    b"-dash",
    b"@SUM(A1)",
    b"\ttab",
    b"\rreturn",
    b"two\nlines",
    b"esc\x1b[31m\x1b]0;title\x07",
    "c1\u009b31m\u0085".encode(),
    "bidi\u202egpj\u2066.exe\u200f".encode(),
    "line\u2028end\u2029".encode(),
    "tag\U000e0041".encode(),
    b"[bold red]markup[blink] {extra} %s <red>",
    "emoji \U0001f941 日本".encode(),
    b"caf\xe9 \xff",
    b"a;=1+1",
    b"quo\"te',=2",
    b" space ",
    b"x" * 200,
    b"$where.{'$gt': ''}",
    b"<img src=x onerror=alert(1)>&amp;",
]
"""Names of files and, where they are text, titles of samples."""
TEXTS = [name.decode() for name in NASTY if b"\xff" not in name]
STEPS = {
    Step.DECODE: decode.run,
    Step.FEATURES: features.run,
    Step.TEMPO_KEY: tempo_key.run,
    Step.SUMMARIZE: summarize.run,
    Step.STORE: store.run,
}


@pytest.fixture
def kit(tmp_path: Path) -> Path:
    """A sound and a broken file for each name; the title and the genre of the sound are hostile, too."""
    folder = tmp_path / "kit"
    folder.mkdir()
    for number, name in enumerate(NASTY):
        title = TEXTS[number % len(TEXTS)]
        tags = chunks.id3({"TIT2": title, "TCON": title, "TBPM": f"120{title}"}, custom={title: title})
        data = chunks.riff(signals.sine(200.0 + number, 0.2), [(b"id3 ", tags)])
        (folder / os.fsdecode(name + b".wav")).write_bytes(data)
        (folder / os.fsdecode(b"broken" + name + b".wav")).write_bytes(b"RIFF\x10\0\0\0WAVE" + name[:20])
    return folder


def analysed(settings: Settings, folder: Path, **options: Any) -> str:
    """Record a folder, do the workers' part in this process, and return the batch."""
    workspace = Workspace(settings)
    workspace.connect(create_indexes=True)
    job = scan.submit(Listing([folder]), SubmitOptions(**options), settings=settings)
    while True:
        published: list[tuple[str, Step]] = []
        dispatch(settings, workspace.board, lambda parcel, step, _, to=published: to.append((parcel, step)))
        if not published:
            break
        for parcel, first in published:
            for step in list(Step)[list(Step).index(first) :]:
                if not STEPS[step](workspace, Run(parcel, f"{parcel}-{step}.0")):
                    break
    workspace.close()
    mongo.close()
    return job.id


def steers(text: str) -> list[str]:
    """The characters that could steer a terminal, or break a line in two."""
    return [letter for letter in text.replace("\n", "") if not letter.isprintable()]


def printable(name: bytes) -> str:
    return name.decode(errors="backslashreplace")


def test_the_terminal_gets_nothing_that_steers_it(cli: Cli, kit: Path, settings: Settings):
    batch_id = analysed(settings, kit, name=TEXTS[7])
    _, out, _ = cli("files", batch_id, "--json")
    items = [json.loads(line) for line in out.splitlines()]
    done = [item for item in items if item["state"] == "completed"]
    assert (len(items), len(done)) == (2 * len(NASTY), len(NASTY))
    lines = {"status": 2, "files": 2 * len(NASTY) + 1}

    for arguments in (
        ["status"],
        ["status", batch_id],
        ["status", batch_id, "--watch"],
        ["files", batch_id],
        ["show", done[7]["file_id"]],
        ["similar", done[7]["file_id"], "--limit", "50"],
        ["export", batch_id, "--format", "json"],
        ["export", "--all", "--format", "json"],
        ["analyze", str(kit)],
        ["submit", str(kit), "--dry-run"],
        ["show", TEXTS[7]],
        ["similar", TEXTS[7]],
        ["status", TEXTS[7]],
        [TEXTS[7]],
        ["--debug", "show", TEXTS[6]],
        ["submit", str(kit / TEXTS[7])],
        ["submit", str(kit), "--force", "--name", TEXTS[9]],
    ):
        _, out, err = cli(*arguments)
        assert steers(out + err) == [], arguments
        if arguments in (["status"], ["files", batch_id]):
            assert len(out.splitlines()) == lines[arguments[0]], arguments


def test_json_gives_each_name_and_title_back(cli: Cli, kit: Path, settings: Settings):
    batch_id = analysed(settings, kit)

    _, out, _ = cli("export", batch_id, "--format", "json")
    reports = [one for one in json.loads(out) if one["status"] == "analyzed"]

    assert out.isascii()
    assert {one["filename"] for one in reports} == {printable(name + b".wav") for name in NASTY}
    # Only the white space around a title is lost, as with all readers of tags.
    assert {one["metadata"]["id3"]["title"] for one in reports} == {text.strip() for text in TEXTS}
    for report in reports:
        assert {key for key in report["metadata"]["id3"] if not re.fullmatch(r"[a-z0-9_]+", key)} == set()
        assert [one for one in report["stated"] if one["about"] == "tempo"] == []


def test_csv_holds_no_formula(cli: Cli, kit: Path, settings: Settings, tmp_path: Path):
    batch_id = analysed(settings, kit)
    cli("export", batch_id, "--format", "csv", "-o", str(tmp_path / "out.csv"))
    text = (tmp_path / "out.csv").read_bytes().decode()

    rows = list(csv.DictReader(io.StringIO(text, newline="")))

    assert len(rows) == 2 * len(NASTY)
    assert {row["filename"] for row in rows if row["filename"]} == {
        ("'" if name.startswith((b"=", b"+", b"-", b"@", b"\t", b"\r")) else "")
        + printable(name + b".wav").replace(";=", ";'=")
        for name in NASTY
    }
    # Whatever separates the cells, none begins a formula.
    for separator in ",;":
        for row in csv.reader(io.StringIO(text, newline=""), delimiter=separator):
            for cell in row:
                assert not cell.startswith(("=", "+", "@", "\t", "\r")), cell
                assert not cell.startswith("-") or re.fullmatch(r"-[\d.e-]+", cell), cell


def test_the_record_has_names_and_tags_as_they_are(kit: Path, settings: Settings):
    analysed(settings, kit)
    Workspace(settings).connect()

    recorded = {audio.filename: audio for audio, _ in results.iterate()}
    raw = mongo.run(mongo.database()["file_locations"].find({"raw_path": {"$ne": None}}).to_list())
    mongo.close()

    assert set(recorded) == {printable(name + b".wav") for name in NASTY}
    assert sorted(bytes(row["raw_path"]) for row in raw) == [b"brokencaf\xe9 \xff.wav", b"caf\xe9 \xff.wav"]
    title = recorded[printable(NASTY[7] + b".wav")].metadata["id3"]["title"]
    assert title == TEXTS[7]


def test_one_event_is_one_line_of_the_log(capsys: pytest.CaptureFixture[str], settings: Settings):
    for as_json in (False, True):
        configure_logging(settings.model_copy(update={"log_json": as_json}), "cpu")
        for name in NASTY:
            text = os.fsdecode(name)
            logger.warning("file.failed", fields={"item": text, "message": text})
            logger.warning("file.failed", fields=text)
            logging.getLogger("library").warning("%s", text)
            try:
                raise ValueError(text)
            except ValueError:
                logging.getLogger("library").exception("failed")
        _, err = capsys.readouterr()
        assert len(err.splitlines()) == 4 * len(NASTY)
        assert steers(err) == []
        if as_json:
            records = [json.loads(line)["record"] for line in err.splitlines()]
            assert [record["extra"]["fields"] for record in records[1::4]] == [os.fsdecode(name) for name in NASTY]
    logger.remove()


def test_reports_of_packs_are_clean(settings: Settings, tmp_path: Path):
    own = settings.model_copy(
        update={"inbox": tmp_path / "inbox", "library_root": tmp_path / "library", "inbox_settle_seconds": 0.0}
    )
    for number, name in enumerate(NASTY):
        pack = tmp_path / "inbox" / os.fsdecode(b"p" + name[:60] if number % 2 else name[:60])
        pack.mkdir(parents=True)
        (pack / os.fsdecode(name + b".wav")).write_bytes(zips.wav(number))
    (tmp_path / "inbox" / os.fsdecode(NASTY[7] + b".txt")).write_text("left alone")
    (tmp_path / "inbox" / os.fsdecode(NASTY[7] + b".zip")).write_bytes(b"no archive")
    said: list[str] = []
    Workspace(own).connect(create_indexes=True)

    report = ingest.ingest(own, inbox=None, say=said.append)

    mongo.close()
    assert report is not None
    assert (report.count("taken"), report.count("refused")) == (len(NASTY), 1)
    path = report.write(tmp_path / "reports")
    text = path.with_suffix(".txt").read_text(encoding="utf-8")
    assert steers(text) == []
    # Besides what it says of the packs: nine lines, one of them on what was left alone.
    assert len(text.splitlines()) == len(report.outcomes) + 9
    assert path.read_text(encoding="utf-8").isascii()
    assert {one["pack"] for one in json.loads(path.read_text())["outcomes"]} == {
        outcome.pack for outcome in report.outcomes
    }


def test_progress_on_a_terminal_is_clean(kit: Path, tmp_path: Path):
    """The bar names the file that is worked on; it needs a terminal."""
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm", "NO_COLOR": "1", "PYTHONUTF8": "1"}
    arguments = [sys.executable, "-m", "samplemind_cli", "analyze", str(kit), "--json"]
    with (tmp_path / "out.txt").open("wb") as out:
        command = subprocess.Popen(arguments, stdout=out, stderr=follower, env=environment)
    os.close(follower)
    said = b""
    with suppress(OSError):  # how a terminal ends that no process holds any more
        while part := os.read(leader, 1 << 16):
            said += part
    os.close(leader)
    command.wait()

    lines = (tmp_path / "out.txt").read_text(encoding="utf-8")
    assert (lines.isascii(), len(lines.splitlines())) == (True, 2 * len(NASTY))
    shown = said.decode()
    # What moves the bar itself: the cursor up, lines erased, cursor hidden and shown.
    rest = re.sub(r"\x1b\[(\d*[AKJm]|2K|\?25[lh])|\r", "", shown)
    assert "working on" in shown
    assert steers(rest) == []


def test_two_copies_have_one_analysis_and_it_says_by_which_name(settings: Settings, cli: Cli, tmp_path: Path):
    data = chunks.riff(signals.drum_loop(120.0, bars=4), [])
    for name in ("a 120bpm.wav", "b 97bpm.wav"):
        path = tmp_path / "kit" / name
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(data)
    analysed(settings, tmp_path / "kit")
    Workspace(settings).connect()

    [(_, analysis)] = results.iterate()
    mongo.close()

    names: list[Any] = [(one.text, one.name, one.believed) for one in analysis.stated]
    assert names == [("120bpm", f"{tmp_path.name}/kit/a 120bpm.wav", True)]
    assert analysis.provenance["tempo"] == "audio+filename"
    code, out, _ = cli("show", analysis.file_id, "--all")
    assert code == 0
    assert f"tempo 120.00 by filename (120bpm in {tmp_path.name}/kit/a 120bpm.wav), believed" in out
