"""Keys on the Camelot wheel, notes, repitched tempi, note lengths."""

import pytest

from samplemind_worker.describer import theory
from samplemind_worker.describer.theory import Key
from samplemind_worker.pitches import PITCH_CLASSES, midi_to_hz, note_name

# The wheel as printed by Mixed In Key: hour to (minor, major).
WHEEL = {
    1: ("G#", "B"),
    2: ("D#", "F#"),
    3: ("A#", "C#"),
    4: ("F", "G#"),
    5: ("C", "D#"),
    6: ("G", "A#"),
    7: ("D", "F"),
    8: ("A", "C"),
    9: ("E", "G"),
    10: ("B", "D"),
    11: ("F#", "A"),
    12: ("C#", "E"),
}


@pytest.mark.parametrize("hour", WHEEL)
def test_every_key_mixes_with_its_camelot_neighbors(hour: int) -> None:
    up, down = hour % 12 + 1, (hour - 2) % 12 + 1
    minor, major = (
        Key(PITCH_CLASSES.index(name), mode) for name, mode in zip(WHEEL[hour], ("minor", "major"), strict=True)
    )
    assert minor.code == f"{WHEEL[hour][0]} minor ({hour}A)"
    assert major.code == f"{WHEEL[hour][1]} major ({hour}B)"
    assert [key.code for key in minor.neighbours()] == [
        major.code,
        f"{WHEEL[up][0]} minor ({up}A)",
        f"{WHEEL[down][0]} minor ({down}A)",
    ]
    assert [key.code for key in major.neighbours()] == [
        minor.code,
        f"{WHEEL[up][1]} major ({up}B)",
        f"{WHEEL[down][1]} major ({down}B)",
    ]


def test_triads() -> None:
    assert Key(9, "minor").triad() == ("A", "C", "E")
    assert Key(10, "major").triad() == ("A#", "D", "F")


def test_notes_in_two_countings() -> None:
    assert (note_name(60), theory.note_in_fl(60)) == ("C4", "C5")
    assert (note_name(69), theory.note_in_fl(69)) == ("A4", "A5")
    assert midi_to_hz(69) == 440.0
    assert midi_to_hz(57.0) == 220.0


def test_an_octave_of_pitch_is_twice_the_tempo() -> None:
    assert theory.repitched(87.0, 12) == 174.0
    assert theory.repitched(174.0, -12) == 87.0
    # The twelfth root of two is 1.0594631.
    assert theory.repitched(100.0, 1) == pytest.approx(105.94631, abs=1e-5)


@pytest.mark.parametrize(("bpm", "octaves"), [(120.0, (60.0,)), (174.0, (87.0,)), (70.0, (140.0,))])
def test_half_and_double_stay_where_projects_are(bpm: float, octaves: tuple[float, ...]) -> None:
    assert theory.octaves_of_tempo(bpm) == octaves


def test_note_lengths() -> None:
    assert theory.note_length(120.0, 1.0) == 0.5
    assert theory.note_length(120.0, 0.75) == 0.375


def test_scales() -> None:
    assert Key(9, "minor").scale() == Key(0, "major").scale() == frozenset("CDEFGAB")
    assert Key(7, "major").scale() == frozenset("GABCDE") | {"F#"}
