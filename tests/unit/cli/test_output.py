import contextlib
import json
import os
import pty
import subprocess
import sys
import termios
from pathlib import Path

import pytest

from samplemind_cli import output


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("kick 01.wav", "kick 01.wav"),
        ("日本 é.wav", "日本 é.wav"),
        ("[bold]x[/bold]", "[bold]x[/bold]"),
        ("a\x1b[31mred", "a\\x1b[31mred"),
        ("a\nb\tc\rd\x00", "a\\x0ab\\x09c\\x0dd\\x00"),
        ("c1 \x9b31m \x7f", "c1 \\x9b31m \\x7f"),
        ("rtl\u202egpj.exe\u2066", "rtl\\u202egpj.exe\\u2066"),
        ("line\u2028end", "line\\u2028end"),
        ("tag\U000e0041", "tag\\U000e0041"),
        ("\u0645\u06cc\u200c\u062e", "\u0645\u06cc\u200c\u062e"),
        (os.fsdecode(b"caf\xe9.wav"), "caf\\xe9.wav"),
        ("\ud800", "\\ud800"),
    ],
)
def test_clean_shows_what_could_steer_a_terminal(name: str, shown: str):
    assert output.clean(name) == shown


def test_every_character_is_cleaned_or_printable():
    joiners = {0x200C, 0x200D}
    for code in range(sys.maxunicode + 1):
        shown = output.clean(chr(code))
        if shown == chr(code) and code not in joiners:
            # What is left as it is moves no cursor: no control, format, surrogate or line separator.
            assert chr(code).isprintable() or not (code < 0x20 or 0x7F <= code < 0xA0 or 0x2028 <= code <= 0x202E)
        else:
            assert shown.isprintable() or code in joiners


def test_json_keeps_names_and_is_ascii():
    value = {"path": os.fsdecode(b"caf\xe9 \xe6\x97\xa5.wav"), "filename": "\x1b\x9b\u202e"}

    line = output.to_json(value)

    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line) == value
    assert os.fsencode(json.loads(line)["path"]) == b"caf\xe9 \xe6\x97\xa5.wav"


def test_json_refuses_numbers_that_are_none():
    with pytest.raises(ValueError, match="not JSON compliant"):
        output.to_json({"tempo": float("nan")})


def test_table_without_a_terminal_is_plain_columns(capsys: pytest.CaptureFixture[str]):
    output.table(("file", "n", "LUFS"), [("日本", 7, output.fixed(-9.25)), ("a\x1bb", 1200, None)])

    assert capsys.readouterr().out == "file       n  LUFS\n日本       7  -9.2\na\\x1bb  1200     -\n"


def test_empty_table_prints_nothing(capsys: pytest.CaptureFixture[str]):
    output.table(("file",), [])

    assert capsys.readouterr().out == ""


def test_pairs_leave_out_none_and_spread_lists(capsys: pytest.CaptureFixture[str]):
    output.pairs({"name": "x\ny", "none": None, "places": ["a", "b"], "empty": []})

    assert capsys.readouterr().out == "name    x\\x0ay\nplaces  a\n        b\n"


_ON_A_TERMINAL = """
from samplemind_cli import output
output.pairs({"file_id": "0123456789abcdef" * 4, "fl_studio_recommendations": ["of words " * 12], "path": "/kit/" * 20})
"""


def test_pairs_on_a_terminal_are_wrapped_at_words_and_keep_ids_whole():
    lines = on_terminal(_ON_A_TERMINAL)

    assert lines[:2] == ["file_id", "  " + "0123456789abcdef" * 4]
    assert lines[2].startswith("fl_studio_recommendations  of words of ")
    assert all(line.endswith(("of", "words", "/")) for line in lines[2:])
    assert max(map(len, lines)) <= 80


_SAYS = """
from samplemind_cli import output
output.say("a line of words for whoever reads it")
output.note("see `samplemind files last`, which says of each file why it failed")
"""


def test_lines_for_the_user_are_wrapped_at_words_on_a_terminal_alone():
    assert on_terminal(_SAYS, columns=30) == [
        "a line of words for whoever",
        "reads it",
        "see `samplemind files last`,",
        "which says of each file why it",
        "failed",
    ]
    piped = subprocess.run([sys.executable, "-c", _SAYS], capture_output=True, text=True, check=True)
    assert (piped.stdout.count("\n"), piped.stderr.count("\n")) == (1, 1)


def on_terminal(program: str, *, columns: int = 80) -> list[str]:
    """Run a program on a terminal of that width, and return the lines that it wrote there."""
    ours, theirs = pty.openpty()
    termios.tcsetwinsize(theirs, (24, columns))
    environment = {name: value for name, value in os.environ.items() if name not in {"COLUMNS", "LINES"}}
    with subprocess.Popen([sys.executable, "-c", program], stdout=theirs, stderr=theirs, env=environment) as process:
        os.close(theirs)
        written = b""
        # At the end Linux gives an error, others nothing.
        with contextlib.suppress(OSError):
            while part := os.read(ours, 4096):
                written += part
        os.close(ours)
    assert process.returncode == 0
    return written.decode().splitlines()


def test_note_is_one_clean_line_on_stderr(capsys: pytest.CaptureFixture[str]):
    output.note("bad\nname \x1b[2J")

    assert capsys.readouterr() == ("", "bad\\x0aname \\x1b[2J\n")


@pytest.mark.parametrize(
    ("seconds", "shown"), [(0, "0:00"), (9.4, "0:09"), (59.6, "1:00"), (3723, "1:02:03"), (360_000, "100:00:00")]
)
def test_clock(seconds: float, shown: str):
    assert output.clock(seconds) == shown


@pytest.mark.parametrize(
    ("count", "shown"),
    [(0, "0 bytes"), (999, "999 bytes"), (1000, "1.0 kB"), (6_276_389, "6.3 MB"), (2e15, "2000.0 TB")],
)
def test_in_bytes(count: float, shown: str):
    assert output.in_bytes(count) == shown


_WRITER = """
from samplemind_cli import output
for number in range(100_000):
    output.emit({"number": number})
output.flush()
print("not reached", file=__import__("sys").stderr)
"""


def test_a_closed_pipe_ends_quietly():
    with subprocess.Popen([sys.executable, "-c", _WRITER], stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stderr is not None
        first = process.stdout.readline()
        process.stdout.close()
        said = process.stderr.read()

    assert (first, said, process.returncode) == (b'{"number": 0}\n', b"", 0)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a device that is always full")
def test_a_full_disk_is_told():
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "samplemind_cli", "--version"], check=False, stdout=full, stderr=subprocess.PIPE
        )

    assert done.returncode == 3
    assert done.stderr == b"samplemind: error: cannot write to standard output: No space left on device\n"
