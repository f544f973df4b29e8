"""The card of one file, as `show` prints it."""

from typing import Any

import pytest

from samplemind_cli.card import print_card
from samplemind_worker import reference
from samplemind_worker.documents.report import analyzed
from tests.factories import FORM, analysis_facts, audio_facts, content_id

LOOP = {
    "kind": "loop",
    "kind_confidence": 0.971,
    "tempo": 120.0,
    "tempo_confidence": 0.62,
    "time_signature": (4, 4),
    "tempo_candidates": [{"tempo": 120.0, "score": 0.62}, {"tempo": 60.0, "score": 0.3}],
    "beats_in_loop": 16,
    "key": "A",
    "mode": "minor",
    "camelot": "8A",
    "key_confidence": 0.999,
    "key_candidates": [{"key": "A", "mode": "minor", "score": 0.999}, {"key": "C", "mode": "major", "score": 0.001}],
    "tuning_cents": -3.4,
    "instrument": "music_loop",
    "instrument_confidence": 0.7,
    "peaks": [100, 50, 1, 0] * 20,
    "provenance": {"kind": "audio+folder", "tempo": "audio"},
    "stated": [
        {"about": "key", "value": "F#", "mode": "minor", "source": "filename", "text": "F#m", "believed": False},
        {"about": "kind", "value": "loop", "source": "folder", "text": "loops", "believed": True},
    ],
}
TEXTS = {
    "ai_provider": "local",
    "ai_state": "local",
    "ai_summary": "A melodic loop, " + "warm and round, " * 12 + "at last.",
    "production_tips": ["Cut below 80 Hz. " * 8, "Double it."],
    "creative_ideas": ["Reverse it."],
}


CHORD = {"root": "B", "quality": "min7", "bass": "F#", "name": "Bm7/F#", "confidence": 0.8}


def card(capsys: pytest.CaptureFixture[str], *, duration: float = 8.0, **values: Any) -> list[str]:
    file_id = content_id(1)
    report = analyzed("kit/a.wav", audio_facts(file_id, duration=duration), analysis_facts(file_id, **values))
    print_card(report | {"places": ["/library/kit/a.wav", "/library/copy of a.wav"]})
    return capsys.readouterr().out.splitlines()


def test_card_begins_with_what_a_producer_asks(capsys: pytest.CaptureFixture[str]):
    shown = card(capsys, **LOOP)

    assert shown == [
        "a.wav",
        "█▄▁ " * 20,
        "",
        "kind         loop, 97 % sure, from the sound and its folder",
        "tempo        120.00 BPM in 4/4, 16 beats long, 62 % sure, from the sound, or",
        "             else 60.00 BPM",
        "key          A minor (8A), over 99 % sure, from the sound",
        "pitch        no single note; tuned -3 cents from A = 440 Hz",
        "instrument   music loop, 70 % sure, from the sound",
        "",
        "loudness     -14.2 LUFS, true peak -0.8 dBTP",
        "format       8.00 s, WAV PCM_16, 44.1 kHz, stereo, 1.4 MB",
        "place        /library/kit/a.wav",
        "             /library/copy of a.wav",
        "not believed key F# minor, which its name would have it (F#m)",
    ]


def test_card_of_a_note_has_its_pitch_and_says_what_there_is_not(capsys: pytest.CaptureFixture[str]):
    note = {"kind": "one_shot", "tempo": None, "key": None, "mode": None, "pitch_note": "A3", "pitch_cents": 4.6}

    shown = card(capsys, **note, pitch_confidence=0.8)

    assert "tempo        none: a one-shot has no tempo" in shown
    assert "key          none: a single note has a pitch, not a key" in shown
    assert "pitch        A3 +5 cents, 80 % sure, from the sound" in shown
    assert "instrument   not known" in shown
    assert shown[1] == ""  # an old record has no waveform


def test_card_has_the_words_that_the_sound_can_be_found_by(capsys: pytest.CaptureFixture[str]):
    steps = reference.load()["groups"]["kick"]["percentiles"]
    measures = {"brightness_hz": steps["brightness_hz"][0], "length_seconds": steps["length_seconds"][1]}
    kick = {"kind": "one_shot", "tempo": None, "key": None, "mode": None, "instrument": "kick"}

    shown = card(capsys, **kick, character=measures)

    assert shown[shown.index("instrument   kick, from the sound") + 1] == "sounds       dark, short"


def test_card_has_a_line_each_for_rhythm_slices_sections_and_loops(capsys: pytest.CaptureFixture[str]):
    shown = card(capsys, **LOOP, **FORM)

    after = next(at for at, line in enumerate(shown) if line.startswith("instrument")) + 1
    assert shown[after : after + 4] == [
        "rhythm       shuffled, eighths 1.98 to 1, 2.3 onsets per beat, half-time feel",
        "slices       2, from 0.000 to 7.500 s",
        "sections     A intro 0:00, B 0:31",
        "loops        8 bars from 31.200 to 47.200 s",
    ]


def test_card_wraps_texts_at_words(capsys: pytest.CaptureFixture[str]):
    shown = card(capsys, **LOOP, **TEXTS)

    start = shown.index(next(line for line in shown if line.startswith("summary")))
    assert max(map(len, shown)) <= 80
    assert " ".join(line[13:] for line in shown[start : start + 4]) == TEXTS["ai_summary"]
    assert shown[start + 4 : start + 6] == ["", "loudness     -14.2 LUFS, true peak -0.8 dBTP"]
    assert [line[:15] for line in shown[-6:]] == [
        "tips         - ",
        "               ",
        "               ",
        "             - ",
        "ideas        - ",
        "written by   th",
    ]
    assert shown[-1] == "written by   the local describer"


def test_card_of_silence(capsys: pytest.CaptureFixture[str]):
    nothing = {"kind": None, "tempo": None, "key": None, "mode": None}

    assert "kind         not known" in card(capsys, **nothing)


def test_card_names_the_commands_that_know_more(capsys: pytest.CaptureFixture[str]):
    file_id = content_id(1)
    print_card(analyzed("kit/a.wav", audio_facts(file_id), analysis_facts(file_id, **LOOP)))
    tonal = capsys.readouterr().err
    nothing = {"kind": "one_shot", "tempo": None, "key": None, "mode": None}
    print_card(analyzed("kit/a.wav", audio_facts(file_id), analysis_facts(file_id, **nothing)))
    drum = capsys.readouterr().err

    like = f"sounds like it: `samplemind similar {file_id[:12]}`"
    assert tonal.splitlines()[0] == f"{like}; fits it: `samplemind match {file_id[:12]}`"
    assert drum.splitlines() == [like, f"every value: `samplemind show {file_id[:12]} --all`"]


def test_the_chord_of_a_one_shot(capsys: pytest.CaptureFixture[str]):
    values = {"kind": "one_shot", "tempo": None, "key": "B", "mode": "minor", "camelot": "10A", "key_confidence": 0.8}
    lines = card(capsys, **values, chord=CHORD)
    assert "chord        Bm7/F#, 80 % sure, from the sound" in lines
    assert "key          B minor (10A), 80 % sure, from the sound" in lines


def test_a_chord_without_a_third_has_no_key(capsys: pytest.CaptureFixture[str]):
    lines = card(capsys, kind="one_shot", key=None, mode=None, chord=CHORD | {"quality": "sus4", "name": "Bsus4"})
    assert "key          none: its chord has no third" in lines


def test_the_first_chords_of_a_progression(capsys: pytest.CaptureFixture[str]):
    chords = [{**CHORD, "name": name, "numeral": degree, "start": 0.0, "end": 1.0} for name, degree in
              [("Am", "i"), ("F", "VI"), ("C", "III"), ("G", "VII")] * 3]  # fmt: skip
    lines = card(capsys, **LOOP, chords=chords)
    assert "chords       Am (i) F (VI) C (III) G (VII) Am (i) F (VI) C (III) G (VII) ..." in lines


def test_a_progression_shows_where_no_chord_was_heard(capsys: pytest.CaptureFixture[str]):
    spans = [("Am", "i", 0.0, 2.0), ("Am", "i", 4.0, 6.0), ("F", "VI", 6.0, 8.0)]
    chords = [
        {**CHORD, "name": name, "numeral": degree, "start": start, "end": end} for name, degree, start, end in spans
    ]
    lines = card(capsys, **LOOP, chords=chords)
    assert "chords       Am (i) N.C. Am (i) F (VI)" in lines


@pytest.mark.parametrize(("cents", "said"), [(-0.4, "tuned to A = 440 Hz"), (-3.4, "tuned -3 cents from A = 440 Hz")])
def test_the_tuning_of_music(capsys: pytest.CaptureFixture[str], cents: float, said: str):
    assert f"pitch        no single note; {said}" in card(capsys, **LOOP | {"tuning_cents": cents})
