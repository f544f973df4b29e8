import pytest

from samplemind_worker.interchange.tags import key_text, tags_of
from tests.factories import analysis_facts, audio_facts


@pytest.mark.parametrize(
    ("tonic", "mode", "expected"),
    [
        (9, "minor", ("Am", "8A", "1m")),
        (0, "major", ("C", "8B", "1d")),
        (3, "major", ("Eb", "5B", "10d")),
        (6, "minor", ("F#m", "11A", "4m")),
        (10, "minor", ("Bbm", "3A", "8m")),
        (11, "major", ("B", "1B", "6d")),
    ],
)
def test_keys_are_spelled_in_three_ways(tonic: int, mode: str, expected: tuple[str, ...]):
    assert tuple(key_text(tonic, mode, notation) for notation in ("musical", "camelot", "open-key")) == expected


def test_what_is_not_sure_is_left_out():
    analysis = analysis_facts(
        "a" * 64,
        kind="loop",
        kind_confidence=0.9,
        tempo=120.0,
        tempo_confidence=0.4,
        beats_in_loop=8,
        key="A",
        mode="minor",
        key_confidence=0.6,
        instrument="bass",
        instrument_confidence=0.49,
    )
    found = tags_of(audio_facts("a" * 64), analysis)
    assert (found.kind, found.tempo, found.beats, found.key, found.instrument) == ("loop", None, None, "Am", None)
    assert tags_of(audio_facts("a" * 64), analysis, least=0.4).tempo == 120.0
    assert tags_of(audio_facts("a" * 64), analysis, least=0.7).key is None
