import pytest

from samplemind_worker.pitches import chord_mode, chord_name, numeral


@pytest.mark.parametrize(
    ("root", "quality", "bass", "name"),
    [(11, "min7", 6, "Bm7/F#"), (0, "maj", 0, "C"), (1, "dim", 1, "C#dim"), (4, "power", 4, "E5"), (9, "7", 9, "A7")],
)
def test_names_of_chords(root: int, quality: str, bass: int, name: str):
    assert chord_name(root, quality, bass) == name


@pytest.mark.parametrize(
    ("quality", "mode"),
    [("maj7", "major"), ("aug", "major"), ("min7", "minor"), ("dim", "minor"), ("sus4", None), ("power", None)],
)
def test_the_mode_follows_the_third(quality: str, mode: str | None):
    assert chord_mode(quality) == mode


@pytest.mark.parametrize(
    ("root", "quality", "tonic", "mode", "degree"),
    [
        (9, "min", 0, "major", "vi"),
        (7, "7", 0, "major", "V7"),
        (10, "maj", 0, "major", "bVII"),
        (9, "min", 9, "minor", "i"),
        (5, "maj7", 9, "minor", "VImaj7"),
        (11, "dim", 9, "minor", "ii°"),
        (4, "7", 9, "minor", "V7"),
    ],
)
def test_degrees_of_chords(root: int, quality: str, tonic: int, mode: str, degree: str):
    assert numeral(root, quality, tonic, mode) == degree
