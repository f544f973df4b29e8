import os
import stat
import threading
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from samplemind_worker.errors import TransientError
from samplemind_worker.store.scratch import Scratch

Y = np.arange(100, dtype=np.float32)


@pytest.fixture
def scratch(tmp_path: Path) -> Scratch:
    return Scratch(tmp_path / "scratch", budget=1_000_000)


def age(scratch: Scratch, name: str, seconds: float) -> None:
    path = scratch.folder / name
    then = path.stat().st_mtime - seconds
    os.utime(path, (then, then))


def test_copies_count_in_the_budget_and_wait_for_room(scratch: Scratch):
    assert scratch.put("a", {}, {"y": np.zeros(100_000, np.float32)})
    with scratch.room("b", 500_000):
        assert scratch.used() > 900_000
        assert not scratch.put("c", {}, {"y": np.zeros(100_000, np.float32)})
        with pytest.raises(TransientError, match="SAMPLEMIND_SCRATCH_BYTES"), scratch.room("d", 200_000):
            pytest.fail("there is no room")
    assert names(scratch) == ["a"]
    with scratch.room("d", 200_000):
        pass
    assert names(scratch) == ["a"]


def test_a_copy_larger_than_the_budget_is_alone(scratch: Scratch):
    with scratch.room("a", 5_000_000):
        with pytest.raises(TransientError), scratch.room("b", 5_000_000):
            pytest.fail("there is no room")
        with pytest.raises(TransientError), scratch.room("c", 10):
            pytest.fail("there is no room")
    with scratch.room("b", 5_000_000):
        assert scratch.used() == 5_000_000


def test_what_a_dead_process_held_for_copies_is_swept(scratch: Scratch):
    with scratch.room("dead", 10), scratch.room("alive", 10):
        for name in names(scratch):
            age(scratch, name, 60.0)
        assert scratch.sweep(lambda parcels: {"alive"} & set(parcels), age=30.0) == 1
        assert [name.partition(".")[0] for name in names(scratch)] == ["alive"]


def test_a_folder_that_cannot_be_used_counts_nothing(tmp_path: Path):
    (tmp_path / "file").touch()
    scratch = Scratch(tmp_path / "file" / "scratch", budget=1)
    with scratch.room("a", 10), scratch.room("b", 10):
        assert scratch.used() == 0


def names(scratch: Scratch) -> list[str]:
    return sorted(path.name for path in scratch.folder.iterdir())


@hypothesis_settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    arrays=st.dictionaries(
        st.text(max_size=5),
        hnp.arrays(
            st.sampled_from([np.float32, np.float64, np.int16, np.int64, np.uint8, np.bool_]),
            hnp.array_shapes(min_dims=0, max_dims=3, min_side=0, max_side=9),
        ),
        max_size=4,
    )
)
def test_arrays_come_back_as_they_were(scratch: Scratch, arrays: dict[str, npt.NDArray[np.generic]]):
    assert scratch.put("p.signal", {"n": 1}, arrays) is True

    found = scratch.get("p.signal")
    assert found is not None
    meta, back = found
    assert meta == {"n": 1}
    assert {key: (value.dtype, value.shape) for key, value in back.items()} == {
        key: (value.dtype, value.shape) for key, value in arrays.items()
    }
    assert [value.tobytes() for value in back.values()] == [value.tobytes() for value in arrays.values()]


def test_arrays_that_are_views_come_back_as_they_were(scratch: Scratch):
    grid = np.arange(12, dtype=np.float64).reshape(3, 4)
    scratch.put("p.signal", {}, {"columns": grid.T, "every_second": grid[:, ::2]})

    found = scratch.get("p.signal")
    assert found is not None
    assert found[1]["columns"].tolist() == grid.T.tolist()
    assert found[1]["every_second"].tolist() == grid[:, ::2].tolist()


def test_arrays_that_come_back_are_writable_and_aligned(scratch: Scratch):
    scratch.put("p.signal", {"text": "x" * 7}, {"flags": np.ones(3, np.bool_), "y": Y})

    found = scratch.get("p.signal")
    assert found is not None
    found[1]["y"][0] = 7.0
    assert found[1]["y"][0] == 7.0
    assert found[1]["y"].flags.aligned is True


def test_put_replaces_what_was_kept_under_the_name(scratch: Scratch):
    scratch.put("p.signal", {"n": 1}, {"y": Y})
    scratch.put("p.signal", {"n": 2}, {"y": Y[:3]})

    found = scratch.get("p.signal")
    assert found is not None
    assert (found[0], len(found[1]["y"])) == ({"n": 2}, 3)
    assert names(scratch) == ["p.signal"]


def test_get_of_what_is_not_kept_is_none(scratch: Scratch):
    assert scratch.get("p.signal") is None


def test_what_another_release_has_kept_is_not_read(scratch: Scratch, monkeypatch: pytest.MonkeyPatch):
    with monkeypatch.context() as older:
        older.setattr("samplemind_worker.store.scratch._VERSIONS", {"decode": 1, "features": 1, "tempo_key": 1})
        scratch.put("p.signal", {}, {"y": Y})

    assert scratch.get("p.signal") is None
    assert scratch.put("p.signal", {"n": 2}, {"y": Y}) is True
    assert scratch.get("p.signal") is not None


def test_drop_forgets_and_does_not_mind_what_is_gone(scratch: Scratch):
    scratch.put("p.signal", {}, {"y": Y})

    scratch.drop(["p.signal", "q.signal"])

    assert scratch.get("p.signal") is None
    assert scratch.used() == 0


def test_put_refuses_what_goes_over_the_budget(tmp_path: Path):
    scratch = Scratch(tmp_path / "scratch", budget=2000)

    assert [scratch.put(f"{name}.signal", {}, {"y": Y}) for name in "abcd"] == [True, True, True, False]
    assert scratch.used() <= 2000
    assert names(scratch) == ["a.signal", "b.signal", "c.signal"]


def test_put_has_room_again_after_a_drop(tmp_path: Path):
    scratch = Scratch(tmp_path / "scratch", budget=1000)
    scratch.put("a.signal", {}, {"y": Y})
    assert scratch.put("b.signal", {}, {"y": Y}) is False

    scratch.drop(["a.signal"])

    assert scratch.put("b.signal", {}, {"y": Y}) is True


def test_put_with_no_budget_makes_no_folder(tmp_path: Path):
    scratch = Scratch(tmp_path / "scratch", budget=0)

    assert scratch.put("a.signal", {}, {"y": Y}) is False
    assert scratch.folder.exists() is False


def test_files_and_folder_are_closed_to_others(scratch: Scratch):
    scratch.put("p.signal", {}, {"y": Y})

    assert stat.S_IMODE(scratch.folder.stat().st_mode) == 0o700
    assert stat.S_IMODE((scratch.folder / "p.signal").stat().st_mode) == 0o600


def test_put_refuses_a_folder_of_another_user(tmp_path: Path):
    folder = Path("/")  # root's
    if os.getuid() == 0:
        folder = tmp_path / "foreign"
        folder.mkdir()
        os.chown(folder, 65534, 65534)

    assert Scratch(folder, budget=2**60).put("p.signal", {}, {"y": Y}) is False
    assert (folder / "p.signal").exists() is False


def test_put_refuses_a_folder_behind_a_link(tmp_path: Path):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "scratch").symlink_to("elsewhere")

    assert Scratch(tmp_path / "scratch", budget=1_000_000).put("p.signal", {}, {"y": Y}) is False
    assert list((tmp_path / "elsewhere").iterdir()) == []


def test_put_does_not_write_through_a_link(scratch: Scratch, tmp_path: Path):
    scratch.folder.mkdir(mode=0o700)
    (tmp_path / "victim").write_bytes(b"untouched")
    (scratch.folder / "p.partial").symlink_to(tmp_path / "victim")

    scratch.put("p.signal", {}, {"y": Y})

    assert (tmp_path / "victim").read_bytes() == b"untouched"


def test_readers_meet_all_of_a_file_or_nothing(scratch: Scratch):
    versions = [np.full(size, size, np.float32) for size in (10, 50_000)]
    stop = threading.Event()

    def write() -> None:
        while not stop.is_set():
            for y in versions:
                scratch.put("p.signal", {}, {"y": y})

    scratch.put("p.signal", {}, {"y": versions[0]})
    writer = threading.Thread(target=write)
    writer.start()
    try:
        found = [scratch.get("p.signal") for _ in range(300)]
    finally:
        stop.set()
        writer.join()

    sizes = [set(one[1]["y"].tolist()) == {float(one[1]["y"].size)} for one in found if one is not None]
    assert sizes == [True] * 300


def test_sweep_removes_old_files_of_dead_parcels_alone(scratch: Scratch):
    for name in ("dead.signal", "dead.features", "live.signal", "young.signal"):
        scratch.put(name, {}, {"y": Y})
    for name in ("dead.signal", "dead.features", "live.signal"):
        age(scratch, name, 60.0)
    asked: list[str] = []

    def live(parcels: Sequence[str]) -> set[str]:
        asked.extend(parcels)
        return {"live"}

    assert scratch.sweep(live, age=30.0) == 2
    assert names(scratch) == ["live.signal", "young.signal"]
    assert sorted(asked) == ["dead", "live"]


def test_sweep_removes_what_a_writer_left_that_died(scratch: Scratch):
    scratch.put("p.signal", {}, {"y": Y})
    (scratch.folder / "p.signal").rename(scratch.folder / "p.partial")
    age(scratch, "p.partial", 60.0)

    assert scratch.sweep(lambda _: set(), age=30.0) == 1
    assert names(scratch) == []


def test_partial_files_count_against_the_budget(scratch: Scratch):
    scratch.put("p.signal", {}, {"y": Y})
    kept = scratch.used()
    (scratch.folder / "p.signal").rename(scratch.folder / "p.partial")

    assert scratch.used() == kept


def test_sweep_of_nothing_asks_nobody(scratch: Scratch):
    def live(_: Sequence[str]) -> set[str]:
        raise AssertionError("asked")

    assert scratch.sweep(live, age=30.0) == 0


def test_older_than_knows_the_age_of_files(scratch: Scratch):
    assert scratch.older_than(30.0) is False
    scratch.put("p.signal", {}, {"y": Y})
    assert scratch.older_than(30.0) is False

    age(scratch, "p.signal", 31.0)

    assert scratch.older_than(30.0) is True


def test_a_folder_that_is_a_file_keeps_nothing(tmp_path: Path):
    (tmp_path / "file").touch()
    scratch = Scratch(tmp_path / "file", budget=1_000_000)

    assert scratch.put("p.signal", {}, {"y": Y}) is False
    assert scratch.get("p.signal") is None
    assert (scratch.used(), scratch.older_than(0.0)) == (0, False)
    scratch.drop(["p.signal"])
