"""Bad files: `analyze`, `submit` and `ingest` give each its answer, within its limits, and touch nothing else."""

import math
import os
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.hostile import sounds
from tests.hostile.conftest import Town
from tests.hostile.stage import DECODE_BYTES, HostileCommand, Measured, is_clean, listing, peak_of

Reports = dict[str, dict[str, Any]]
Listing = dict[str, tuple[int, ...]]

SPARSE = ("six hours.wav", "larger than is opened.wav")  # no pack has them: a copy would take the room they claim


@dataclass(frozen=True)
class Run:
    """A command over all bad files, and its reports by the names below the strangers' folder."""

    done: Measured
    reports: Reports
    peaks: list[int]


def printable(path: bytes) -> str:
    return path.decode(errors="backslashreplace")


def by_name(lines: list[dict[str, Any]], folder: Path) -> Reports:
    reports = {line["path"].removeprefix(f"{folder}/"): line for line in lines}
    assert len(reports) == len(lines), "a file has two results"
    return reports


def answer(report: dict[str, Any]) -> tuple[str, ...]:
    """What was said of a file, as `sounds` has it."""
    if report["status"] == "analyzed":
        return ("analyzed", *report["warnings"])
    if report["status"] == "rejected":
        return (report["error"]["code"],)
    return (report["skip_reason"],)


@pytest.fixture(scope="module")
def before(town: Town, samplemind: HostileCommand, files: dict[str, sounds.Answer], names: dict[bytes, str]) -> Listing:
    assert samplemind.supervisor
    assert files
    assert names
    return town.neighbours()


@pytest.fixture(scope="module")
def analyzed(samplemind: HostileCommand, town: Town, before: Listing) -> Run:
    assert before
    done = samplemind("analyze", town.strangers, "--json")
    return Run(done, by_name(done.lines, town.strangers), [done.peak_bytes])


@pytest.fixture(scope="module")
def submitted(samplemind: HostileCommand, town: Town, before: Listing) -> Run:
    assert before
    with peak_of([samplemind.supervisor], named="--role cpu") as peaks:
        # All of them anew: where tests are shared out, this may be the second time in this home.
        done = samplemind("submit", town.strangers, "--force", "--wait", "--json")
    exported = samplemind("export", done.object["batch_id"], "--format", "json")
    return Run(done, by_name(exported.object, town.strangers), peaks)


@pytest.fixture(scope="module")
def ingested(samplemind: HostileCommand, town: Town, submitted: Run) -> Run:
    """A folder with all of them as a pack, beside a good one; what is known was analysed by the batch before."""
    assert submitted.reports
    pack = town.inbox / "everything"
    shutil.copytree(town.strangers, pack, symlinks=True, ignore=_ignore)
    (town.inbox / "z good").mkdir()
    (town.inbox / "z good" / "kick.wav").write_bytes(sounds.encode("WAV", sounds.beat(0.4)))
    with peak_of([samplemind.supervisor], named="--role cpu") as peaks:
        done = samplemind("ingest", town.inbox, "--wait", "--json")
    reports: Reports = {}
    for outcome in done.object["outcomes"]:
        if outcome["batch_id"]:
            lines = samplemind("export", outcome["batch_id"], "--format", "json").object
            reports |= by_name(lines, town.home / "library" / "unknown")
    return Run(done, reports, peaks)


def _ignore(_: str, entries: list[str]) -> set[str]:
    # A pack holds no pipes and sockets that could be copied.
    return {name for name in entries if name in {*SPARSE, "pipe.wav", "socket.wav"} or name.startswith("forbidden")}


@pytest.mark.parametrize("command", ["analyzed", "submitted"])
def test_each_file_gets_its_answer(command: str, files: dict[str, sounds.Answer], request: pytest.FixtureRequest):
    run: Run = request.getfixturevalue(command)

    said = {name: answer(run.reports[name]) for name in files}
    assert {name: one for name, one in said.items() if one != files[name]} == {}


def test_submit_says_what_names_and_specials_are(submitted: Run, names: dict[bytes, str]):
    said = {name: answer(submitted.reports[printable(b"names/" + name)])[0] for name in names}
    assert {name: one for name, one in said.items() if one != names[name]} == {}


def test_analyze_lists_what_is_not_skipped(analyzed: Run, names: dict[bytes, str]):
    reports = {name: analyzed.reports.get(printable(b"names/" + name)) for name in names}
    said = {name: answer(report)[0] for name, report in reports.items() if report is not None}
    assert said == {name: one for name, one in names.items() if one in {"analyzed", "permission"}}


def test_links_that_lead_round_or_out_are_not_followed(analyzed: Run, submitted: Run):
    for run in (analyzed, submitted):
        assert not [path for path in run.reports if path.startswith(("names/round and round/", "names/out/"))]


def test_a_batch_counts_every_file_once(submitted: Run, files: dict[str, sounds.Answer], names: dict[bytes, str]):
    batch = submitted.done.object
    failed = sum(said[0] != "analyzed" for said in files.values()) + 1
    expected = {"failed": failed, "skipped": sum(said not in {"analyzed", "permission"} for said in names.values())}

    assert {name: batch[name] for name in expected} == expected
    assert (
        batch["total_files"]
        == len(files) + len(names)
        == sum(batch[state] for state in ("completed", "failed", "skipped", "cancelled", "pending", "running"))
    )
    assert batch["errors"].get("internal", 0) == batch["errors"].get("worker_crashed", 0) == 0


@pytest.mark.parametrize("command", ["analyzed", "submitted"])
def test_every_number_is_finite(command: str, request: pytest.FixtureRequest):
    run: Run = request.getfixturevalue(command)
    for path, report in run.reports.items():
        assert not [number for number in numbers(report) if not math.isfinite(number)], path


def numbers(value: object) -> Iterator[float]:
    if isinstance(value, dict):
        for one in value.values():
            yield from numbers(one)
    elif isinstance(value, list):
        for one in value:
            yield from numbers(one)
    elif isinstance(value, float):
        yield value


@pytest.mark.parametrize("name", ["odd/silence.wav", "odd/silence of a minute.flac", "odd/nothing finite.wav"])
def test_silence_has_no_key_no_tempo_and_no_vector(samplemind: HostileCommand, submitted: Run, town: Town, name: str):
    report = submitted.reports[name]
    similar = samplemind("similar", town.strangers / name)

    assert (report["key"], report["mode"], report["tempo"], report["pitch_midi"]) == (None, None, None, None)
    assert (similar.code, similar.out, len(similar.err.splitlines())) == (2, "", 1)
    assert "is silent" in similar.err


def test_a_bad_file_fails_the_command_and_nothing_else(analyzed: Run, submitted: Run, ingested: Run):
    assert (analyzed.done.code, submitted.done.code, ingested.done.code) == (1, 1, 1)
    assert "Traceback" not in analyzed.done.err + submitted.done.err + ingested.done.err


@pytest.mark.parametrize("command", ["analyzed", "submitted", "ingested"])
def test_no_process_takes_more_memory_than_it_may(command: str, request: pytest.FixtureRequest):
    run: Run = request.getfixturevalue(command)

    assert 30 * 2**20 < max(run.peaks) < DECODE_BYTES


def test_ingest_takes_what_is_good_and_names_what_is_not(ingested: Run, files: dict[str, sounds.Answer]):
    outcomes = {outcome["pack"]: outcome for outcome in ingested.done.object["outcomes"]}
    said = {path.removeprefix("everything/"): answer(report) for path, report in ingested.reports.items()}

    assert {pack: outcome["status"] for pack, outcome in outcomes.items()} == {
        "everything": "taken",
        "z good": "taken",
    }
    for path, expected in files.items():
        if path.rpartition("/")[2] not in SPARSE:
            # What the batch before analysed is linked, not analysed again.
            assert said[path] == expected, path
    assert said["z good/kick.wav"] == ("analyzed",)


def test_what_was_taken_in_has_no_links_and_nothing_special(ingested: Run, town: Town):
    assert ingested.reports
    for path, (mode, *_) in listing(town.home / "library").items():
        assert mode & 0o170000 in {0o100000, 0o040000}, path


def test_no_neighbour_is_touched(before: Listing, analyzed: Run, submitted: Run, ingested: Run, town: Town):
    assert analyzed.reports
    assert submitted.reports
    assert ingested.reports
    assert town.neighbours() == before


@pytest.mark.parametrize(
    "arguments",
    [
        ("analyze", "NAMES"),
        ("files", "BATCH"),
        ("status", "BATCH"),
        ("export", "BATCH", "--format", "csv"),
        ("submit", "NAMES", "--wait"),
        ("submit", "NAMES", "--dry-run"),
    ],
    ids=" ".join,
)
def test_output_is_clean(samplemind: HostileCommand, town: Town, submitted: Run, arguments: tuple[str, ...]):
    words = {"NAMES": town.strangers / "names", "BATCH": submitted.done.object["batch_id"]}
    done = samplemind(*(words.get(word, word) for word in arguments))

    assert is_clean(done.err)
    # A spreadsheet keeps names as they are, between quotes.
    assert arguments[0] == "export" or is_clean(done.out)


@pytest.mark.parametrize("name", [b"new\nline.wav", b"bad \xff\xfe\x80.wav", b"pipe.wav", b"one.wav", b"forbidden.wav"])
def test_a_file_of_any_name_can_be_named(samplemind: HostileCommand, town: Town, names: dict[bytes, str], name: bytes):
    done = samplemind("analyze", "--", os.path.join(os.fsencode(town.strangers), b"names", name))  # noqa: PTH118 -- names need not be UTF-8

    assert done.code == {"analyzed": 0, "permission": 1}.get(names[name], 2)
    assert is_clean(done.out + done.err)
    assert len(done.err.splitlines()) == 1


def test_everything_that_was_said_is_clean(samplemind: HostileCommand, analyzed: Run, submitted: Run, ingested: Run):
    assert analyzed.reports
    assert submitted.reports
    assert ingested.reports
    for arguments, text in samplemind.said:
        assert arguments.startswith("export") or is_clean(text), arguments


def test_logs_have_one_event_a_line(samplemind: HostileCommand, submitted: Run, ingested: Run):
    assert submitted.reports
    assert ingested.reports
    logs = [path for path in (samplemind.home / "logs").iterdir() if path.name.startswith(("worker-", "supervisor"))]
    assert {path.name for path in logs} >= {"worker-cpu.log", "worker-io.log"}
    for path in logs:
        for line in path.read_text(encoding="utf-8").split("\n"):
            assert is_clean(line), path
            assert not line or re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", line), (path, line)
