from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.errors import UsageError
from samplemind_worker.interchange.naming import MOST_BYTES, folded
from samplemind_worker.interchange.organizing.layout import Layout, read_pattern, values_of

ROW: dict[str, Any] = {"_id": "f" * 64, "kind": "loop", "instrument": "bass", "key": 9, "mode": "minor", "tempo": 123.6}


def nothing(_: Path) -> bool:
    return False


def test_a_pattern_is_filled_with_what_is_known():
    values = values_of({**ROW, "camelot": "8A", "pitch": 45, "packs": ["Deep"]}, Path("/a/Dark Bass.wav"))
    layout = Layout(Path("/top"), "{kind}/{camelot} {key}/{pack}-{pitch}/{tempo}_{name}_{id}")

    path, _ = layout.place(values, ".wav", nothing)
    assert str(path) == "/top/loop/8A Am/Deep-A2/124_Dark Bass_ffffffffffff.wav"


def test_what_is_not_known_is_named_so():
    values = values_of({"_id": "f" * 64}, Path("x.wav"))

    assert (values["kind"], values["key"], values["tempo"], values["pack"]) == (
        "unknown kind", "no key", "no tempo", "no pack",
    )  # fmt: skip


@given(st.lists(st.text(max_size=30), min_size=1, max_size=8), st.text(max_size=300))
def test_no_value_leads_out_of_the_folder_and_no_two_paths_are_equal(stems: list[str], pack: str):
    layout = Layout(Path("/top"), "{pack}/{name}")
    values = [values_of(ROW, Path("x.wav")) | {"name": stem, "pack": pack} for stem in stems]
    paths = [layout.place(each, ".wav", nothing)[0] for each in values]

    assert len({folded(str(path)) for path in paths}) == len(stems)
    assert all(path.parts[:2] == ("/", "top") and len(path.parts) == 4 for path in paths)
    assert ".." not in paths[0].parts
    assert all(len(part.encode()) <= MOST_BYTES for path in paths for part in path.parts)


def test_a_name_that_is_there_is_left_and_one_without_case_is_another_one(tmp_path: Path):
    (tmp_path / "Kicks").mkdir()
    (tmp_path / "Kicks" / "DEEP.wav").write_bytes(b"")
    layout = Layout(tmp_path, "kicks/{name}")

    first = layout.place({"name": "deep"}, ".wav", nothing)
    ours = layout.place({"name": "deep"}, ".wav", lambda path: path.name == "DEEP.wav")

    assert first == (tmp_path / "Kicks" / "deep (2).wav", False)
    assert ours == (tmp_path / "Kicks" / "DEEP.wav", True)


@pytest.mark.parametrize("pattern", ["", "/{name}", "../{name}", "a//{name}", "{name}/", "./{name}"])
def test_a_pattern_that_leads_elsewhere_is_refused(pattern: str):
    with pytest.raises(UsageError, match="leads out of its folder"):
        read_pattern(pattern)


@pytest.mark.parametrize("pattern", ["{nope}", "{name.__class__}", "{name[0]}", "{name!r}", "{name:>9}", "{}", "{name"])
def test_a_pattern_that_asks_for_anything_else_is_refused(pattern: str):
    with pytest.raises(UsageError, match="may hold"):
        read_pattern(pattern)
