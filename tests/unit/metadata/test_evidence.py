from typing import Any

import pytest

from samplemind_worker.metadata.evidence import collect

ACID: dict[str, Any] = {"one_shot": False, "root_note": None, "beats": 16, "meter": [4, 4], "tempo": 120.0}


def of(metadata: dict[str, Any], named: str = "", *, duration: float = 8.0) -> list[tuple[Any, ...]]:
    found = collect(metadata, named, duration=duration, sample_rate=44100)
    return [(one.source, one.about, one.said.value, one.said.mode, one.said.clarity, one.note) for one in found]


def test_a_loop_of_acid_says_tempo_and_kind():
    assert of({"acid": ACID}) == [
        ("acid", "kind", "loop", None, "likely", None),
        ("acid", "tempo", 120.0, None, "clear", None),
    ]


def test_a_one_shot_of_acid_says_no_tempo():
    assert of({"acid": ACID | {"one_shot": True}}) == [("acid", "kind", "one_shot", None, "clear", None)]


@pytest.mark.parametrize("tempo", [None, 12.0, 1000.0])
def test_a_tempo_that_nobody_plays_is_none(tempo: float | None):
    assert [one[1] for one in of({"acid": ACID | {"tempo": tempo}})] == ["kind"]


def test_a_root_note_of_acid_is_a_weak_tonic_and_middle_c_is_a_default():
    assert of({"acid": ACID | {"beats": 0, "root_note": 57}}) == [("acid", "key", 9, None, "weak", None)]
    assert of({"acid": ACID | {"beats": 0, "root_note": 60}}) == []


def test_an_apple_loop_says_tempo_by_its_beats_and_key_with_its_mode():
    loop = {"beats": 16, "root_note": 57, "mode": "minor", "meter": [4, 4], "type": 0}

    assert of({"apple_loop": loop}) == [
        ("apple_loop", "tempo", 120.0, None, "clear", None),
        ("apple_loop", "key", 9, "minor", "clear", None),
    ]
    assert of({"apple_loop": loop | {"beats": 0, "mode": None}}) == []


@pytest.mark.parametrize(
    ("root", "loops", "clarity"),
    [
        (57, [], "likely"),
        (60, [], "weak"),
        (69, [{"start": 0, "end": 1002}], "clear"),  # ten periods of 440 Hz
        (69, [{"start": 0, "end": 1047}], "likely"),  # 10.45 periods
        (69, [{"start": 0, "end": 100_000}], "likely"),  # so many that any note would fit
        (69, [{"start": 500, "end": 0}], "likely"),
    ],
)
def test_a_root_note_is_proven_by_a_loop_of_whole_periods(root: int, loops: list[dict[str, int]], clarity: str):
    chunk = {"root_note": root, "cents": 0.0, "loops": loops}

    assert of({"smpl": chunk}) == [("smpl", "pitch", root % 12, None, clarity, root)]


def test_the_sampler_goes_before_the_instrument():
    smpl, inst = {"root_note": 57, "cents": 0.0, "loops": []}, {"root_note": 36}

    assert [one[0] for one in of({"smpl": smpl, "inst": inst})] == ["smpl"]
    assert [one[0] for one in of({"smpl": smpl | {"root_note": None}, "inst": inst})] == ["inst"]


@pytest.mark.parametrize("source", ["id3", "vorbis", "info"])
@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"bpm": "128"}, [("tempo", 128.0, None, "clear")]),
        ({"tempo": " 93.5 BPM "}, [("tempo", 93.5, None, "clear")]),
        ({"bpm": "0"}, []),
        ({"bpm": "fast"}, []),
        ({"bpm": "nan"}, []),
        ({"bpm": "inf"}, []),
        ({"bpm": "120; 128"}, []),
        ({"initial_key": "8A"}, [("key", 9, "minor", "likely")]),
        ({"initialkey": "F#"}, [("key", 6, None, "weak")]),
        ({"key": "o"}, []),
        ({"title": "128bpm Am"}, []),
    ],
)
def test_tags_say_tempo_and_key_in_their_own_fields(source: str, fields: dict[str, str], expected: list[Any]):
    assert of({source: fields}) == [(source, *one, None) for one in expected]


def test_the_name_is_read_last():
    assert [one[0] for one in of({"acid": ACID}, "F#min/x_128bpm.wav")] == ["acid", "acid", "filename", "folder"]


def test_nothing_says_nothing():
    assert of({}) == []
