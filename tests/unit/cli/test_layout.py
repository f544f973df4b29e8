"""Tables and texts as they fit a screen."""

import pytest

from samplemind_cli import layout, tables
from samplemind_cli.commands import user
from samplemind_cli.layout import Column

BATCH = "20261129-124444-3860d4"


def lines(columns: tuple[Column, ...], *rows: tuple[str, ...], width: int | None = 80) -> list[str]:
    return list(layout.table(columns, rows, [False] * len(columns), width=width))


def batch(name: str, count: str = "42") -> tuple[str, ...]:
    return (BATCH, name, "processing", count, count, "1", "41", "0", "2026-11-29 12:44:44")


@pytest.mark.parametrize("count", ["42", "1,000,000"])
@pytest.mark.parametrize("name", ["kit", "A rather long name of a folder", "an_underscored_folder_name_2024", "x" * 60])
def test_batches_keep_ids_and_states_whole_at_80_columns(name: str, count: str):
    shown = lines(tables.BATCH_COLUMNS, batch(name, count), batch("other"))

    assert max(map(len, shown)) <= 80
    assert [line.split()[0] for line in shown if line.startswith("2")] == [BATCH, BATCH]
    assert sum("processing" in line for line in shown) == 2
    assert all(word in shown[0].split() for word in ("batch", "name", "status", "files", "done", "failed"))


@pytest.mark.parametrize("count", ["42", "1,000,000"])
@pytest.mark.parametrize("name", ["kit", "A rather long name of a folder", "an_underscored_folder_name_2024"])
@pytest.mark.parametrize("state", ["completed", "processing"])
def test_batches_keep_ids_and_states_whole_at_60_columns(name: str, count: str, state: str):
    row = (BATCH, name, state, count, count, "1,234", "41", "0", "2026-11-29 12:44")

    shown = lines(tables.BATCH_COLUMNS, row, width=60)

    assert max(map(len, shown)) <= 60
    assert shown[2].startswith(BATCH)
    assert state in shown[2]
    assert "1,234" in shown[2]


def test_users_keep_roles_and_states_whole_at_60_columns():
    user_row = ("annabelle-with-a-long-name", "producer", "drums, loops, vocals", "disabled", "2026-11-30 14:37")

    shown = lines(user.COLUMNS, user_row, width=60)

    assert max(map(len, shown)) <= 60
    assert "producer" in shown[2]
    assert "disabled" in shown[2]


@pytest.mark.parametrize(
    "path",
    [
        "/home/me/Samples/Drum Loops/loop_120.wav",
        "/library/Cymatics_Odyssey_Edition_Melody_Loop_Am_128bpm-processed.wav",
        "/library/" + "x" * 90 + ".wav",
        "/library/日本語の長いファイル名の例です/音/キック.wav",
    ],
)
def test_items_keep_file_ids_and_words_whole_at_80_columns(path: str):
    row = ("failed", "tempo_key", "1", "b114be6e6d55", path, "unreadable: neither a header nor samples were found")

    shown = lines(tables.ITEM_COLUMNS, row)

    assert max(map(layout.cell_len, shown)) <= 80
    assert shown[2].startswith("failed  b114be6e6d55  ")
    words = {word for line in shown[2:] for word in line.split()}
    assert {"unreadable:", "neither", "header", "samples", "found"} <= words


def test_a_wide_screen_keeps_every_column_and_one_line_a_row():
    shown = lines(tables.BATCH_COLUMNS, batch("A rather long name of a folder"), width=140)

    assert shown[0].split() == [
        "batch",
        "name",
        "status",
        "files",
        "done",
        "failed",
        "skipped",
        "left",
        "created",
    ]
    assert len(shown) == 3


def test_without_a_screen_nothing_is_cut():
    path = "/library/" + "folder/" * 30 + "kick.wav"

    assert (
        lines(tables.ITEM_COLUMNS, ("failed", "decode", "1", "-", path, "an error " * 20), width=None)[1].count(path)
        == 1
    )


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 10, ["short"]),
        ("a few words here", 9, ["a few", "words", "here"]),
        ("/one/two/three.wav", 9, ["/one/two/", "three.wav"]),
        ("/My Samples/Kick 01.wav", 12, ["/My Samples/", "Kick 01.wav"]),
        ("loop_120_am.wav", 9, ["loop_120_", "am.wav"]),
        ("abcdefghijklmnop", 7, ["abc…nop"]),
        ("日本語日本語", 7, ["日本…語"]),
        ("abcdefghijklmnop.wav", 9, ["abcd….wav"]),
        ("words and words ", 10, ["words and", "words"]),
        ("", 5, [""]),
    ],
)
def test_wrap(text: str, width: int, expected: list[str]):
    assert layout.wrap(text, width) == expected


@pytest.mark.parametrize(
    ("text", "width", "expected"),
    [
        ("short", 10, ["short"]),
        ("a few words here", 9, ["a few", "words", "here"]),
        ("see `samplemind files last`, and go on", 27, ["see", "`samplemind files last`,", "and go on"]),
        ("`samplemind show FILE` says it", 10, ["`samplemind show FILE`", "says it"]),
        ("at /a/path/that_is/longer now", 10, ["at", "/a/path/that_is/longer", "now"]),
        ("INFO    one two", 12, ["INFO    one", "two"]),
        ("日本語 日本語", 8, ["日本語", "日本語"]),
    ],
)
def test_a_sentence_is_wrapped_at_words_and_keeps_commands_whole(text: str, width: int, expected: list[str]):
    assert layout.sentence(text, width) == expected
