"""Exit codes and what is said, by the real command line in a process or interpreter of its own."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from config.settings import get_settings
from samplemind_cli.app import run
from samplemind_cli.examples import EXAMPLES
from tests.factories import write_audio
from training.signals import F32, sine


@pytest.fixture(autouse=True)
def _apart(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    """No settings from outside; a command that wrongly starts services would leave its home here."""
    for name in list(os.environ):
        if name.startswith("SAMPLEMIND_"):
            monkeypatch.delenv(name)
    monkeypatch.setenv("SAMPLEMIND_HOME", str(tmp_path / "home"))
    monkeypatch.chdir(tmp_path)
    get_settings.cache_clear()
    yield
    get_settings.cache_clear()


_EMPTY = "the text is empty; `.` is the current folder"


def samplemind(*arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "samplemind_cli", *arguments]
    return subprocess.run(command, check=False, capture_output=True, text=True, env={**os.environ, **environment})


def test_wrong_usage_is_one_line_and_exit_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "notes.txt").write_text("no audio")
    write_audio(tmp_path / "good.wav", tone())
    wrong = {
        ("bogus",): "No such command 'bogus'.",
        ("--bogus",): "No such option: --bogus",
        ("submit",): "Missing argument 'PATH'.",
        ("submit", "good.wav", "--priority", "now"): "Invalid value for '--priority': 'now' is not one of",
        ("submit", "good.wav", "--files-per-chain", "0"): "Invalid value for '--files-per-chain'",
        ("submit", "missing"): f"no such file or folder: {tmp_path}/missing",
        ("submit", "good.wav", "missing"): f"no such file or folder: {tmp_path}/missing",
        ("submit", "--dry-run", "missing"): f"no such file or folder: {tmp_path}/missing",
        ("submit", "empty"): "no audio files in empty (it is empty)",
        ("submit", "texts"): "no audio files in texts (1 other file)",
        ("analyze", "missing"): f"no such file or folder: {tmp_path}/missing",
        ("analyze", "empty"): "no audio files in empty (it is empty)",
        ("analyze", "mis\x1bsing"): f"no such file or folder: {tmp_path}/mis\\x1bsing",
        ("export",): "name a batch, or say --all for the whole library",
        ("export", "b1", "--all"): "name a batch, or say --all for the whole library",
        ("help", "bogus"): "No such command 'bogus'.",
        ("statsu",): "No such command 'statsu'. Did you mean 'status'?",
        ("ingest", "missing"): f"no such folder: {tmp_path}/missing",
        ("ingest", "good.wav"): f"no such folder: {tmp_path}/good.wav",
        ("ingest", "."): f"the inbox {tmp_path} and the library {tmp_path}/home/library must not lie in each other",
        ("watch", "missing"): f"no such folder: {tmp_path}/missing",
        ("watch",): "Missing argument 'FOLDER'.",
        ("watch", ""): f"Invalid value for 'FOLDER': {_EMPTY}",
        ("ingest", ""): f"Invalid value for 'INBOX': {_EMPTY}",
        ("submit", ""): f"Invalid value for 'PATH': {_EMPTY}",
        ("submit", "good.wav", ""): f"Invalid value for 'PATH': {_EMPTY}",
        ("analyze", ""): f"Invalid value for 'PATH': {_EMPTY}",
        ("forget", ""): f"Invalid value for 'PATH': {_EMPTY}",
        ("roots", "move", "", "good.wav"): f"Invalid value for 'OLD': {_EMPTY}",
        ("roots", "move", "old", ""): f"Invalid value for 'NEW': {_EMPTY}",
        ("export", "--all", "-o", ""): f"Invalid value for '--output' / '-o': {_EMPTY}",
        ("files",): "Missing argument 'BATCH'.",
    }
    for arguments, said in wrong.items():
        assert run(list(arguments)) == 2, arguments
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith(f"samplemind: error: {said}"), arguments
        assert err.count("\n") == 1, arguments
    assert not (tmp_path / "home").exists()


@pytest.mark.parametrize(
    ("line", "meant"),
    [
        (["statsu"], "'status'"),
        (["help", "statsu"], "'status'"),
        (["user", "ad"], "'add'"),
        (["export", "last", "--fromat", "csv"], "'--format'"),
        (["search", "kick", "-loop", "--sorte", "tempo"], "'--sort'"),
        (["--hlep"], "'--help'"),
        (["export", "last", "--format", "cvs"], "csv"),
        (["search", "kick", "--sort", "tmpo"], "tempo"),
        (["files", "last", "--state", "faild"], "failed"),
        (["user", "add", "anna", "--role", "admn"], "admin"),
        (["kit", "--to", "sf"], "sfz"),
        (["search", "--instrument", "kik"], "kick"),
        (["schema", "statsu"], "status"),
    ],
)
def test_what_was_mistyped_is_suggested(line: list[str], meant: str, capsys: pytest.CaptureFixture[str]):
    assert run(line) == 2
    out, err = capsys.readouterr()
    assert (out, err.count("\n")) == ("", 1)
    assert err.lower().rstrip("\n").endswith(f"did you mean {meant}?")


def test_nothing_is_suggested_for_what_is_like_nothing(capsys: pytest.CaptureFixture[str]):
    for line in (["--quux"], ["status", "--quux"], ["export", "last", "--format", "quux"]):
        assert run(line) == 2
        assert "mean" not in capsys.readouterr().err


def tone(seconds: float = 0.5) -> F32:
    return sine(220.0, seconds)


def test_a_bad_setting_is_one_line_and_exit_2():
    done = samplemind("status", SAMPLEMIND_ROOTS="nonsense")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == ("samplemind: error: SAMPLEMIND_ROOTS in the environment: wanted name=path, got 'nonsense'\n")


def test_a_process_without_services_says_what_to_set():
    done = samplemind("worker")

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert "samplemind up --detach" in done.stderr


def test_a_server_that_is_away_is_exit_3():
    done = samplemind(
        "status",
        SAMPLEMIND_MONGODB_URL="mongodb://127.0.0.1:1",
        SAMPLEMIND_REDIS_URL="redis://127.0.0.1:1/0",
        SAMPLEMIND_CHROMA_URL="http://127.0.0.1:1",
    )

    assert (done.returncode, done.stdout, done.stderr.count("\n")) == (3, "", 1)
    assert done.stderr.startswith("samplemind: error: MongoDB does not answer: ")


def test_debug_adds_the_traceback():
    done = samplemind("--debug", "analyze", "missing")

    assert done.returncode == 2
    assert done.stderr.startswith("Traceback (most recent call last):")
    assert done.stderr.splitlines()[-1].startswith("samplemind: error: no such file or folder")


def test_version_and_help_go_to_stdout():
    version, plain, asked = samplemind("--version"), samplemind(), samplemind("--help")

    assert (version.returncode, version.stdout.split()[0], version.stderr) == (0, "samplemind", "")
    assert (plain.returncode, plain.stderr) == (0, "")
    assert plain.stdout == asked.stdout
    commands = asked.stdout.split("Commands:\n")[1].splitlines()
    assert [line.split()[0] for line in commands] == [
        *("analyze", "submit", "status", "files", "retry", "cancel", "pause", "resume", "show"),
        *("search", "browse", "similar", "match", "duplicates", "library"),
        *("plan", "reanalyze", "reindex", "backup", "restore"),
        *("kit", "slice", "organize", "stems", "tag"),
        *("summarize", "export", "ingest", "watch", "forget"),
        *(
            "web",
            "demo",
            "up",
            "down",
            "doctor",
            "config",
            "worker",
            "beat",
            "flower",
            "exporter",
            "logs",
            "schema",
            "help",
            "roots",
            "user",
        ),
    ]
    assert max(map(len, asked.stdout.splitlines())) <= 80
    assert [line for line in commands if not line.endswith(".") or line.endswith("...")] == []


@pytest.mark.parametrize(("short", "whole"), [(["-h"], ["--help"]), (["-V"], ["--version"]), (["help"], ["--help"])])
def test_short_forms_say_the_same(short: list[str], whole: list[str], capsys: pytest.CaptureFixture[str]):
    assert run(whole) == 0
    expected = capsys.readouterr().out
    assert run(short) == 0
    assert capsys.readouterr().out == expected != ""


def test_help_of_a_command_is_that_of_the_command(capsys: pytest.CaptureFixture[str]):
    assert run(["status", "--help"]) == 0
    expected = capsys.readouterr().out
    for asked in (["help", "status"], ["status", "-h"]):
        assert run(asked) == 0
        assert capsys.readouterr().out == expected
    assert expected.startswith("Usage: samplemind status ")


@pytest.mark.parametrize("name", EXAMPLES)
def test_every_line_of_every_help_is_whole_at_80_columns(name: str, capsys: pytest.CaptureFixture[str]):
    assert run([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert max(map(len, shown.splitlines())) <= 80
    assert "..." not in shown.partition("\n")[2]


@pytest.mark.parametrize("name", EXAMPLES)
def test_no_help_names_a_type_of_python(name: str, capsys: pytest.CaptureFixture[str]):
    assert run([*name.split(), "--help"]) == 0
    shown = capsys.readouterr().out
    assert [each for each in re.findall("<[^>]*>", shown) if "|" not in each] == []
    assert "<=" not in shown


def test_help_says_what_a_value_is_and_within_which_limits(capsys: pytest.CaptureFixture[str]):
    assert run(["slice", "--help"]) == 0
    shown = " ".join(capsys.readouterr().out.split())
    for text in (
        "FILE A file. [required]",
        "--sensitivity N At onsets: 1 takes all, 0 the strongest. [default: 0.5; 0.0 to 1.0]",
        "--bars N Every N bars. [1 or more]",
        "--to <files|cues> New files",
        "-o, --output PATH The new folder.",
        "--pattern TEXT Names of files",
    ):
        assert text in shown


@pytest.mark.parametrize(
    ("shell", "environment"),
    [
        ("bash", {"COMP_WORDS": "samplemind sub", "COMP_CWORD": "1"}),
        ("zsh", {"_TYPER_COMPLETE_ARGS": "samplemind sub"}),
        ("fish", {"_TYPER_COMPLETE_ARGS": "samplemind sub", "_TYPER_COMPLETE_FISH_ACTION": "get-args"}),
    ],
)
def test_shells_complete_commands(shell: str, environment: dict[str, str]):
    done = samplemind(_SAMPLEMIND_COMPLETE=f"complete_{shell}", **environment)

    assert (done.returncode, done.stderr) == (0, "")
    assert "submit" in done.stdout
    assert "status" not in done.stdout


def test_completion_is_shown_for_the_shell_that_asks():
    script = f'"{sys.executable}" -m samplemind_cli --show-completion; exit $?'

    done = subprocess.run(["bash", "-c", script], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert "complete -o default -F _samplemind_completion samplemind" in done.stdout


def test_dry_run_counts_and_records_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    sizes = [write_audio(tmp_path / "kit" / name, tone()).stat().st_size for name in ("a.wav", "b.flac")]
    (tmp_path / "kit" / ".hidden.wav").write_bytes(b"")
    (tmp_path / "kit" / "cover.png").write_bytes(b"")

    assert run(["submit", "--dry-run", "--json", "kit"]) == 0

    assert json.loads(capsys.readouterr().out) == {
        "audio": 2,
        "bytes": sum(sizes),
        "skipped": {"hidden": 1, "not_audio_type": 1},
        "ai": None,
    }
    assert not (tmp_path / "home").exists()


def test_analyze_reports_each_file_in_order(tmp_path: Path):
    write_audio(tmp_path / "kit" / "b.wav", tone())
    write_audio(tmp_path / "kit" / "sub" / "a.wav", tone(0.7))
    (tmp_path / "kit" / "broken.wav").write_bytes(b"RIFF but nothing else" * 9)
    (tmp_path / "kit" / os.fsdecode(b"caf\xe9.wav")).write_bytes(b"")

    done = samplemind("analyze", "--json", "--jobs", "2", "kit")

    reports = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert [(Path(one["path"]).name, one["status"]) for one in reports] == [
        ("b.wav", "analyzed"),
        ("broken.wav", "rejected"),
        ("caf\\xe9.wav", "rejected"),
        ("a.wav", "analyzed"),
    ]
    *progress, last = done.stderr.splitlines()
    assert last == "4 files, 2 rejected"
    # A slow machine shows progress before.
    assert [line for line in progress if re.match(r"\d/4 files \(\d+ %\), .*, \d failed", line) is None] == []


def test_analyze_can_judge_the_sound_alone(tmp_path: Path):
    write_audio(tmp_path / "kit" / "Kick one shot.wav", tone())

    weighed = json.loads(samplemind("analyze", "--json", "kit").stdout)
    alone = json.loads(samplemind("analyze", "--json", "--audio-only", "kit").stdout)

    assert weighed["provenance"] == {"kind": "audio+filename", "instrument": "filename"}
    assert (alone["provenance"], alone["stated"]) == ({}, [])
    assert alone["kind"] == weighed["kind_audio"]


def test_analyze_prints_a_plain_table_without_a_terminal(tmp_path: Path):
    write_audio(tmp_path / "kit" / "\x1b[31m[red].wav", tone())
    (tmp_path / "kit" / "empty.wav").write_bytes(b"")

    done = samplemind("analyze", "kit")

    lines = done.stdout.splitlines()
    assert done.returncode == 1
    assert lines[0].split() == ["file", "kind", "tempo", "key", "instrument", "LUFS"]
    assert lines[1].split()[:4] == ["\\x1b[31m[red].wav", "one_shot", "-", "A3"]
    assert lines[2:4] == ["", f"{'failed':{len(str(tmp_path)) + 14}}  error  message"]
    assert lines[4].split()[:2] == [f"{tmp_path}/kit/empty.wav", "empty"]


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_analyze_interrupted_leaves_no_process(tmp_path: Path, number: signal.Signals, code: int):
    first = write_audio(tmp_path / "kit" / "000.wav", tone(4.0))
    for index in range(1, 400):
        (tmp_path / "kit" / f"{index:03}.wav").hardlink_to(first)
    with subprocess.Popen(
        [sys.executable, "-m", "samplemind_cli", "analyze", "--json", "--jobs", "2", "kit"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        process.stdout.readline()
        children = psutil.Process(process.pid).children(recursive=True)
        began = time.monotonic()
        os.killpg(process.pid, number)
        process.communicate(timeout=30)
        took = time.monotonic() - began

    assert process.returncode == code
    assert len(children) >= 2
    _, alive = psutil.wait_procs(children, timeout=5)
    assert alive == []
    assert took < 10


@pytest.mark.parametrize("closed", ["<&-", ">&-", "2>&-", "<&- >&- 2>&-"])
def test_a_closed_standard_stream_does_no_harm(closed: str):
    command = f'exec "{sys.executable}" -m samplemind_cli --version {closed}'

    done = subprocess.run(["sh", "-c", command], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("samplemind ") is (">&-" not in closed.replace("2>&-", ""))


def test_urls_that_are_none_are_one_line_without_their_password():
    for url in ("mongodb://me:se/cret@host/x", "mongodb://me:secret@host:99999"):
        done = samplemind(
            "status",
            SAMPLEMIND_MONGODB_URL=url,
            SAMPLEMIND_REDIS_URL="redis://127.0.0.1:1",
            SAMPLEMIND_CHROMA_URL="http://127.0.0.1:1",
        )

        assert done.returncode == 3, url
        assert done.stderr.count("\n") == 1
        assert "cret" not in done.stderr


def test_a_name_that_is_no_setting_is_told_once_beside_the_data():
    done = samplemind("doctor", "--json", SAMPLEMIND_CONCURENCY="3")

    assert json.loads(done.stdout)["checks"][0]["name"] == "python"
    assert done.stderr == (
        "samplemind: warning: SAMPLEMIND_CONCURENCY in the environment is not a setting; "
        "did you mean SAMPLEMIND_CONCURRENCY?\n"
    )
    assert samplemind("status", "--help", SAMPLEMIND_CONCURENCY="3").stderr == ""


def test_a_setting_that_is_refused_is_told_with_its_place(tmp_path: Path):
    (tmp_path / "given.env").write_text("SAMPLEMIND_NIGHTLY=3am\n")

    done = samplemind("status", SAMPLEMIND_ENV_FILE="given.env")

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == (
        f"samplemind: error: SAMPLEMIND_NIGHTLY in {tmp_path}/given.env: wanted HH:MM, from 00:00 to 23:59\n"
    )


SCRIPT = Path(sys.executable).with_name("samplemind")


@pytest.mark.parametrize(
    ("called", "path", "name"),
    [
        (str(SCRIPT), "/nowhere", str(SCRIPT)),
        (str(SCRIPT), str(SCRIPT.parent), "samplemind"),
        (os.path.relpath(SCRIPT, SCRIPT.parents[2]), "/nowhere", os.path.relpath(SCRIPT, SCRIPT.parents[2])),
    ],
    ids=["by its path", "by its name", "by its place in the project"],
)
def test_hints_name_the_command_as_it_can_be_called(called: str, path: str, name: str):
    done = subprocess.run(
        [called, "worker"],
        check=False,
        capture_output=True,
        text=True,
        cwd=SCRIPT.parents[2],
        env={**os.environ, "PATH": path},
    )

    assert done.returncode == 3
    assert f"`{name} up --detach`" in done.stderr


def test_analyze_needs_no_shared_memory(tmp_path: Path):
    names = ["a.wav", "b.wav"]
    for name in names:
        write_audio(tmp_path / name, tone())
    script = 'mount -t tmpfs -o ro tmpfs /dev/shm && exec "$@"'

    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", sys.executable, "-m", "samplemind_cli", "analyze", "--json"]
        + [str(tmp_path / name) for name in names],
        check=False,
        capture_output=True,
        text=True,
    )

    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip("this user may not mount")
    assert done.returncode == 0, done.stderr
    assert [json.loads(line)["filename"] for line in done.stdout.splitlines()] == names
