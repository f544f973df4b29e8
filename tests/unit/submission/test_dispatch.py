import itertools
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.submission.dispatch import _expected_seconds, _pack

ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "path": st.sampled_from(["a.wav", "b.FLAC", "c.mp3", "d.xyz", "e"]),
            "size": st.integers(0, 50_000_000),
            "step": st.sampled_from(["decode", "decode", "decode", "summarize", "store"]),
            "alone": st.sampled_from([False, False, False, True]),
            "root": st.sampled_from(["packs", "packs", "packs", "loops"]),
        }
    ),
    min_size=1,
    max_size=20,
)


def row(
    seconds: float = 1.0, *, step: str = "decode", alone: bool = False, path: str = "a.wav", root: str = "packs"
) -> dict[str, Any]:
    return {"path": path, "size": round(seconds * 176_400), "step": step, "alone": alone, "root": root}


def parcels(rows: list[dict[str, Any]], *, seconds: float) -> list[list[dict[str, Any]]]:
    """All rows in the parcels that one dispatcher would make of them."""
    made: list[list[dict[str, Any]]] = []
    rest = rows
    while rest:
        parcel = list(_pack(rest, seconds=seconds))
        made.append(parcel)
        rest = rest[len(parcel) :]
    return made


@given(rows=ROWS, seconds=st.floats(0.1, 500.0))
def test_pack_takes_the_beginning_of_the_rows(rows: list[dict[str, Any]], seconds: float):
    parcel = list(_pack(rows, seconds=seconds))

    assert 1 <= len(parcel) <= len(rows)
    assert parcel == rows[: len(parcel)]


@given(rows=ROWS, seconds=st.floats(0.1, 500.0))
def test_pack_never_mixes_steps_or_roots(rows: list[dict[str, Any]], seconds: float):
    made = parcels(rows, seconds=seconds)

    assert {len({(one["step"], one["root"]) for one in parcel}) for parcel in made} == {1}


@given(rows=ROWS, seconds=st.floats(0.1, 500.0))
def test_pack_lets_travel_alone_what_shall(rows: list[dict[str, Any]], seconds: float):
    assert {len(parcel) for parcel in parcels(rows, seconds=seconds) if any(one["alone"] for one in parcel)} <= {1}


@given(rows=ROWS, seconds=st.floats(0.1, 500.0))
def test_pack_of_several_files_is_short(rows: list[dict[str, Any]], seconds: float):
    several = [parcel for parcel in parcels(rows, seconds=seconds) if len(parcel) > 1]

    long = [parcel for parcel in several if sum(map(_expected_seconds, parcel)) > seconds]
    # Only reading takes longer the longer a file is.
    assert {parcel[0]["step"] for parcel in long} <= {"summarize", "store"}


@given(rows=ROWS, seconds=st.floats(0.1, 500.0))
def test_pack_takes_as_much_as_it_may(rows: list[dict[str, Any]], seconds: float):
    made = parcels(rows, seconds=seconds)
    could_grow = [
        (parcel, following[0])
        for parcel, following in itertools.pairwise(made)
        if not parcel[0]["alone"]
        and not following[0]["alone"]
        and (following[0]["step"], following[0]["root"]) == (parcel[0]["step"], parcel[0]["root"])
        and sum(map(_expected_seconds, [*parcel, following[0]])) <= seconds
    ]

    assert could_grow == []


def test_pack_fills_the_time_exactly():
    assert [len(parcel) for parcel in parcels([row(20.0)] * 7, seconds=60.0)] == [3, 3, 1]


def test_pack_gives_a_long_file_a_parcel_of_its_own():
    made = parcels([row(1.0), row(300.0), row(1.0), row(1.0)], seconds=60.0)

    assert [len(parcel) for parcel in made] == [1, 1, 2]


def test_pack_cuts_before_a_file_that_travels_alone():
    made = parcels([row(), row(), row(alone=True), row(alone=True), row()], seconds=60.0)

    assert [len(parcel) for parcel in made] == [2, 1, 1, 1]


def test_pack_cuts_where_the_step_changes():
    made = parcels([row(), row(step="store"), row(step="store"), row()], seconds=60.0)

    assert [len(parcel) for parcel in made] == [1, 2, 1]


def test_expected_seconds_know_what_codecs_save():
    sizes = {"a.wav": 176_400, "A.FLAC": 100_000, "a.mp3": 24_000, "a.ogg": 20_000, "a.unknown": 176_400}

    assert {_expected_seconds({"path": path, "size": size * 10}) for path, size in sizes.items()} == {10.0}
