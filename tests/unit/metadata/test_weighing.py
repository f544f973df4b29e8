from dataclasses import replace

import pytest

from samplemind_worker.dsp.types import Chord, Estimates
from samplemind_worker.metadata.evidence import Statement
from samplemind_worker.metadata.said import About, Clarity, Said
from samplemind_worker.metadata.weighing import Weighed, weigh

LOOP = Estimates(
    kind="loop",
    kind_confidence=0.9,
    tempo=120.0,
    tempo_confidence=0.8,
    tempo_candidates=((120.0, 0.8), (60.0, 0.3), (80.0, 0.1)),
    time_signature=(4, 4),
    beats=tuple(0.5 * beat for beat in range(16)),
    beats_in_loop=16,
    key="A",
    mode="minor",
    key_confidence=0.7,
    key_candidates=(("A", "minor", 0.7), ("C", "major", 0.2), ("E", "minor", 0.05)),
    camelot="8A",
    tuning_cents=0.0,
    pitch_midi=None,
    pitch_note=None,
    pitch_cents=None,
    pitch_confidence=None,
    instrument="music_loop",
    instrument_confidence=0.7,
)
DRUM_LOOP = replace(
    LOOP, key=None, mode=None, key_confidence=None, key_candidates=(), camelot=None, instrument="drum_loop"
)
PAD = replace(
    LOOP, tempo=None, tempo_confidence=None, tempo_candidates=(), time_signature=None, beats=(), beats_in_loop=None
)
NOTE = replace(
    PAD,
    kind="one_shot",
    kind_confidence=0.6,
    key=None,
    mode=None,
    key_confidence=None,
    key_candidates=(),
    camelot=None,
    pitch_midi=45,
    pitch_note="A2",
    pitch_cents=3.0,
    pitch_confidence=0.6,
    instrument="bass",
    instrument_confidence=0.5,
)
CHORD = replace(NOTE, pitch_midi=None, pitch_note=None, pitch_confidence=None, chord=Chord(9, "min", 9, 0.8))
SILENCE = replace(NOTE, kind=None, kind_confidence=None, pitch_midi=None, pitch_note=None, instrument=None)


def says(
    about: About,
    value: float | str,
    *,
    source: str = "filename",
    clarity: Clarity = "clear",
    mode: str | None = None,
    note: int | None = None,
) -> Statement:
    return Statement(source, Said(about, value, str(value), clarity, mode), note=note)


def judge(heard: Estimates, *statements: Statement, duration: float = 8.0, as_kind: Estimates = LOOP) -> Weighed:
    return weigh(heard, statements, duration=duration, hear_as=lambda kind: replace(as_kind, kind=kind))


def test_nothing_stated_changes_nothing():
    found = judge(LOOP)

    assert found == Weighed(LOOP, {"tempo": "audio", "key": "audio"}, ())


def test_a_tempo_that_agrees_makes_surer():
    found = judge(LOOP, says("tempo", 120.0))

    assert found.estimates.tempo == 120.0
    assert found.estimates.tempo_confidence == pytest.approx(0.8 * 9 / (0.8 * 9 + 0.2))
    assert found.provenance["tempo"] == "audio+filename"
    assert [believed for _, believed in found.verdicts] == [True]


def test_sources_that_agree_are_named_in_their_order():
    found = judge(LOOP, says("tempo", 120.0), says("tempo", 120.0, source="acid"), says("tempo", 120.0, source="id3"))

    assert found.provenance["tempo"] == "audio+acid+id3+filename"


@pytest.mark.parametrize(("heard", "stated", "chosen"), [(127.3, 128.0, 128.0), (60.4, 61.0, 61.0)])
def test_the_exact_number_is_taken_from_who_states_it(heard: float, stated: float, chosen: float):
    loose = replace(LOOP, tempo=heard, tempo_candidates=((heard, 0.8),), beats_in_loop=None)

    found = judge(loose, says("tempo", stated), duration=7.77)

    assert found.estimates.tempo == chosen


def test_a_loop_of_whole_beats_knows_its_tempo_better_than_a_rounded_name():
    # 16 beats in 7.53 s are 127.49 BPM.
    exact = 16 * 60.0 / 7.53
    loop = replace(LOOP, tempo=exact, tempo_candidates=((exact, 0.8),))

    found = judge(loop, says("tempo", 127.0), duration=7.53)

    assert found.estimates.tempo == exact
    assert found.provenance["tempo"] == "audio+filename"


def test_a_loop_whose_length_was_rounded_to_frames_takes_the_stated_number():
    near = 127.9985
    loop = replace(LOOP, tempo=near, tempo_candidates=((near, 0.8),))

    assert judge(loop, says("tempo", 128.0), duration=16 * 60 / near).estimates.tempo == 128.0


def test_a_stated_octave_is_chosen_and_beats_follow():
    found = judge(LOOP, says("tempo", 60.0, source="acid")).estimates

    assert (found.tempo, found.beats_in_loop, found.time_signature) == (60.0, 8, (4, 4))
    assert found.beats == tuple(float(beat) for beat in range(8))
    assert found.tempo_confidence == pytest.approx(0.3 * 9 / (0.3 * 9 + 0.8 + 0.2))


def test_a_stated_octave_that_was_heard_as_unlikely_is_chosen_as_one_that_was_not_heard():
    half = replace(LOOP, tempo=85.0, tempo_candidates=((85.0, 0.9), (170.0, 0.01)), tempo_confidence=0.9)

    assert judge(half, says("tempo", 170.0)).estimates.tempo == 170.0
    assert judge(half, says("tempo", 170.0, clarity="weak")).estimates.tempo == 85.0


def test_an_octave_that_was_not_among_the_candidates_is_from_its_source_alone():
    found = judge(LOOP, says("tempo", 240.0))

    assert found.estimates.tempo == 240.0
    assert found.estimates.beats_in_loop == 32
    assert found.estimates.beats == pytest.approx([0.25 * beat for beat in range(32)])
    assert found.provenance["tempo"] == "filename"


def test_a_weak_statement_moves_no_sure_octave():
    found = judge(LOOP, says("tempo", 60.0, clarity="weak"))

    assert found.estimates.tempo == 120.0
    assert found.provenance["tempo"] == "audio"
    assert [believed for _, believed in found.verdicts] == [False]


def test_a_triplet_relative_loses_the_bar():
    unsure = replace(LOOP, tempo_confidence=0.5, tempo_candidates=((120.0, 0.5), (80.0, 0.1)))

    found = judge(unsure, says("tempo", 80.0)).estimates

    assert (found.tempo, found.time_signature) == (80.0, None)
    # 80 BPM for 8 s are 10 2/3 beats: no loop of whole beats.
    assert found.beats_in_loop is None


@pytest.mark.parametrize("sources", [("filename",), ("filename", "acid"), ("filename", "acid", "id3", "info")])
def test_what_contradicts_clear_audio_is_shown_and_not_believed(sources: tuple[str, ...]):
    found = judge(LOOP, *(says("tempo", 97.0, source=source) for source in sources))

    assert found.estimates.tempo == 120.0
    assert found.estimates.tempo_confidence is not None
    assert found.estimates.tempo_confidence < 0.8
    assert found.provenance["tempo"] == "audio"
    assert [believed for _, believed in found.verdicts] == [False] * len(sources)


@pytest.mark.parametrize(
    ("duration", "tempo"),
    [
        (12 * 60.0 / 114.0, 114.0),  # three bars at 114
        (13 * 60.0 / 114.0, 120.0),
    ],
)
def test_a_clear_tempo_at_which_the_loop_is_whole_bars_is_believed_against_another(duration: float, tempo: float):
    assert judge(LOOP, says("tempo", 114.0), duration=duration).estimates.tempo == tempo


def test_what_contradicts_a_guess_is_believed():
    guess = replace(LOOP, tempo_confidence=0.1, tempo_candidates=((120.0, 0.1),))

    found = judge(guess, says("tempo", 97.0))

    assert (found.estimates.tempo, found.provenance["tempo"]) == (97.0, "filename")


def test_statements_that_contradict_each_other_are_weighed_too():
    found = judge(LOOP, says("tempo", 120.0, source="acid"), says("tempo", 60.0, clarity="likely"))

    assert found.estimates.tempo == 120.0
    assert found.provenance["tempo"] == "audio+acid"
    assert [believed for _, believed in found.verdicts] == [True, False]


def test_a_loop_without_a_pulse_takes_a_clear_tempo():
    found = judge(PAD, says("tempo", 120.0))

    assert (found.estimates.tempo, found.provenance["tempo"]) == (120.0, "filename")
    assert (found.estimates.beats_in_loop, found.estimates.beats) == (16, ())
    # Eight seconds are four whole bars, which speaks for it.
    assert found.estimates.tempo_confidence == pytest.approx(0.15 * 20 / (0.15 * 20 + 1))
    assert judge(PAD, says("tempo", 120.0), duration=8.3).estimates.tempo_confidence == pytest.approx(1.35 / 2.35)


@pytest.mark.parametrize(
    ("clarity", "duration", "tempo"), [("weak", 8.0, None), ("likely", 8.3, None), ("likely", 8.0, 120.0)]
)
def test_a_loop_without_a_pulse_takes_a_vague_tempo_only_if_its_length_fits(
    clarity: Clarity, duration: float, tempo: float | None
):
    assert judge(PAD, says("tempo", 120.0, clarity=clarity), duration=duration).estimates.tempo == tempo


def test_a_one_shot_has_no_tempo_and_no_key_whatever_is_stated():
    found = judge(NOTE, says("tempo", 120.0), says("key", 9, mode="minor"))

    assert (found.estimates.tempo, found.estimates.key, found.provenance) == (None, None, {})
    assert [believed for _, believed in found.verdicts] == [False, False]


def test_a_key_that_agrees_makes_surer():
    found = judge(LOOP, says("key", 9, mode="minor"))

    assert (found.estimates.key, found.estimates.mode, found.provenance["key"]) == ("A", "minor", "audio+filename")
    assert found.estimates.key_confidence == pytest.approx(0.7 * 9 / (0.7 * 9 + 0.3))


@pytest.mark.parametrize(
    ("tonic", "mode", "key", "camelot", "provenance"),
    [
        (0, "major", "C", "8B", "audio+filename"),  # the relative key, and a candidate
        (9, "major", "A", "11B", "filename"),  # the parallel key
        (10, "major", "A", "8A", "audio"),  # neither
        (2, "minor", "A", "8A", "audio"),  # a fifth below
    ],
)
def test_a_related_key_is_chosen_and_another_is_not(tonic: int, mode: str, key: str, camelot: str, provenance: str):
    found = judge(LOOP, says("key", tonic, mode=mode))

    assert (found.estimates.key, found.estimates.camelot) == (key, camelot)
    assert found.provenance["key"] == provenance


def test_a_tonic_alone_speaks_for_the_candidate_that_has_it():
    found = judge(LOOP, says("key", 9, clarity="weak"))
    other = judge(LOOP, says("key", 6, clarity="weak"))

    assert found.provenance["key"] == "audio+filename"
    assert found.estimates.key_confidence == pytest.approx(0.7 * 1.5 / (0.7 * 1.5 + 0.3))
    assert other.estimates == LOOP
    assert [believed for _, believed in other.verdicts] == [False]


def test_a_key_too_unlikely_to_be_reported_is_given_if_it_is_stated():
    unlikely = replace(
        LOOP,
        key=None,
        mode=None,
        key_confidence=None,
        key_candidates=(("A", "minor", 0.3), ("C", "major", 0.25)),
        camelot=None,
    )
    said = judge(unlikely, says("key", 0, mode="major"))
    assert (said.estimates.key, said.estimates.mode) == ("C", "major")
    assert said.provenance["key"] == "audio+filename"
    unsaid = judge(unlikely, says("tempo", 120.0))
    assert unsaid.estimates.key is None
    assert len(unsaid.estimates.key_candidates) == 2


def test_a_key_makes_music_of_what_was_taken_for_drums():
    found = judge(DRUM_LOOP, says("key", 9, mode="minor"))

    assert (found.estimates.key, found.estimates.mode, found.estimates.camelot) == ("A", "minor", "8A")
    assert (found.estimates.instrument, found.provenance["key"]) == ("music_loop", "filename")


def test_a_key_in_the_name_of_drums_is_not_believed():
    found = judge(DRUM_LOOP, says("key", 9, mode="minor"), says("instrument", "drum_loop"))

    assert (found.estimates.key, found.estimates.instrument) == (None, "drum_loop")
    assert found.provenance["instrument"] == "audio+filename"


def test_a_stated_kind_decides_where_the_ear_is_unsure():
    found = judge(NOTE, says("kind", "loop"), says("tempo", 120.0))

    assert (found.estimates.kind, found.provenance["kind"]) == ("loop", "filename")
    assert found.estimates.kind_confidence == pytest.approx(0.4 * 9 / (0.4 * 9 + 0.6))
    # What was heard under that assumption counts then.
    assert (found.estimates.tempo, found.provenance["tempo"]) == (120.0, "audio+filename")


def test_a_stated_kind_does_not_move_a_sure_ear():
    short = replace(NOTE, kind_confidence=0.98)

    found = judge(short, says("kind", "loop"))

    assert (found.estimates.kind, found.provenance) == ("one_shot", {})
    assert [believed for _, believed in found.verdicts] == [False]


def test_acid_can_make_a_one_shot_of_a_loop():
    found = judge(replace(LOOP, kind_confidence=0.6), says("kind", "one_shot", source="acid"), as_kind=NOTE)

    assert (found.estimates.kind, found.estimates.tempo) == ("one_shot", None)
    assert found.provenance == {"kind": "acid"}


def test_a_root_note_settles_the_octave():
    found = judge(NOTE, says("pitch", 9, source="smpl", clarity="clear", note=57))

    assert (found.estimates.pitch_midi, found.estimates.pitch_note, found.estimates.pitch_cents) == (57, "A3", 3.0)
    assert found.provenance["pitch"] == "smpl"


def test_a_root_note_that_agrees_makes_surer_and_one_that_does_not_is_shown():
    agrees = judge(NOTE, says("pitch", 9, source="smpl", clarity="likely", note=45))
    differs = judge(NOTE, says("pitch", 4, source="smpl", clarity="likely", note=52))

    assert (agrees.estimates.pitch_midi, agrees.provenance["pitch"]) == (45, "audio+smpl")
    assert agrees.estimates.pitch_confidence == pytest.approx(0.6 * 4 / (0.6 * 4 + 0.4))
    assert (differs.estimates.pitch_midi, differs.provenance) == (45, {})


def test_a_note_in_a_name_says_no_octave():
    found = judge(NOTE, says("pitch", 9, clarity="likely"))

    assert (found.estimates.pitch_midi, found.provenance["pitch"]) == (45, "audio+filename")


@pytest.mark.parametrize(("clarity", "pitch"), [("likely", None), ("clear", 60)])
def test_a_sound_without_pitch_takes_a_root_note_only_if_a_loop_proves_it(clarity: Clarity, pitch: int | None):
    unpitched = replace(NOTE, pitch_midi=None, pitch_note=None, pitch_cents=None, pitch_confidence=None)

    found = judge(unpitched, says("pitch", 0, source="smpl", clarity=clarity, note=60)).estimates

    assert found.pitch_midi == pitch


@pytest.mark.parametrize(
    ("heard", "confidence", "said", "instrument", "provenance"),
    [
        ("bass", 0.5, says("instrument", "bass", clarity="likely"), "bass", "audio+filename"),
        ("bass", 0.5, says("instrument", "snare"), "bass", None),
        ("bass", 0.32, says("instrument", "snare"), "snare", "filename"),
        # A kick is often taken for a bass, and a ride for an open hat.
        ("bass", 0.95, says("instrument", "kick"), "kick", "filename"),
        ("hat_open", 0.75, says("instrument", "ride", clarity="likely"), "ride", "filename"),
        ("hat_open", 0.85, says("instrument", "ride", clarity="likely"), "hat_open", None),
        ("hat_open", 0.5, says("instrument", "ride", clarity="weak"), "hat_open", None),
        ("strings", 0.9, says("instrument", "sax"), "sax", "filename"),
        (None, None, says("instrument", "kick"), "kick", "filename"),
        (None, None, says("instrument", "ride", clarity="likely"), "ride", "filename"),
        (None, None, says("instrument", "ride", clarity="weak"), None, None),
        ("hat_open", 0.5, says("instrument", "hat"), "hat_open", "audio+filename"),
        ("ride", 0.9, says("instrument", "hat"), "hat_closed", "filename"),
        (None, None, says("instrument", "hat"), "hat_closed", "filename"),
        ("bass", 0.5, says("instrument", "hat"), "bass", None),
        ("bass", 0.4, says("instrument", "drum_loop"), "bass", None),
    ],
)
def test_a_word_is_weighed_against_the_instrument_that_was_heard(
    heard: str | None, confidence: float | None, said: Statement, instrument: str | None, provenance: str | None
):
    sound = replace(NOTE, instrument=heard, instrument_confidence=confidence)

    found = judge(sound, said)

    assert found.estimates.instrument == instrument
    assert found.provenance.get("instrument") == provenance


def test_a_name_and_its_folder_that_agree_count_as_two_sources():
    sound = replace(NOTE, instrument="fx", instrument_confidence=0.8)
    name, folder = says("instrument", "snare"), says("instrument", "snare", source="folder")

    assert judge(sound, name).estimates.instrument == "fx"
    assert judge(sound, folder).estimates.instrument == "fx"
    assert judge(sound, name, folder).estimates.instrument == "snare"
    assert judge(sound, name, folder).provenance["instrument"] == "filename+folder"


@pytest.mark.parametrize(
    ("loop", "said", "instrument", "believed"),
    [
        (LOOP, says("instrument", "drum_loop"), "drum_loop", True),
        (LOOP, says("instrument", "shaker"), "drum_loop", True),
        (LOOP, says("instrument", "hat"), "drum_loop", True),
        (LOOP, says("instrument", "bass", clarity="likely"), "music_loop", True),
        (LOOP, says("instrument", "drum_loop", clarity="weak"), "music_loop", False),
        (LOOP, says("instrument", "fx"), "music_loop", False),
        (DRUM_LOOP, says("instrument", "bass", clarity="likely"), "music_loop", True),
        (DRUM_LOOP, says("instrument", "clap", clarity="likely"), "drum_loop", True),
        (
            replace(DRUM_LOOP, instrument_confidence=0.99),
            says("instrument", "bass", clarity="likely"),
            "music_loop",
            True,
        ),
        (
            replace(DRUM_LOOP, instrument_confidence=0.99),
            says("instrument", "bass", clarity="weak"),
            "drum_loop",
            False,
        ),
    ],
)
def test_an_instrument_says_what_a_loop_is_made_of(
    loop: Estimates, said: Statement, instrument: str, *, believed: bool
):
    found = judge(loop, said)

    assert found.estimates.instrument == instrument
    assert [one for _, one in found.verdicts] == [believed]


def test_what_a_name_makes_a_drum_loop_has_no_key():
    found = judge(LOOP, says("instrument", "drum_loop"))

    assert (found.estimates.instrument, found.estimates.key, found.estimates.camelot) == ("drum_loop", None, None)
    assert found.provenance == {"tempo": "audio", "instrument": "filename"}


PAD_SHOT = replace(NOTE, pitch_midi=None, pitch_note=None, pitch_cents=None, pitch_confidence=None, instrument="synth")


def test_a_one_shot_that_is_no_single_note_takes_the_key_of_its_name():
    found = judge(PAD_SHOT, says("key", 0, mode="minor"))

    assert (found.estimates.key, found.estimates.mode, found.estimates.camelot) == ("C", "minor", "5A")
    assert found.provenance["key"] == "filename"


@pytest.mark.parametrize(
    ("sound", "statements"),
    [
        (NOTE, [says("key", 0, mode="minor")]),
        (CHORD, [says("key", 0, mode="minor")]),
        (replace(PAD_SHOT, instrument="snare"), [says("key", 0, mode="minor")]),
        (replace(PAD_SHOT, instrument="fx"), [says("key", 0, mode="minor")]),
        (replace(PAD_SHOT, instrument=None), [says("key", 0, mode="minor"), says("instrument", "kick")]),
        (PAD_SHOT, [says("key", 0, mode="minor", clarity="likely")]),
        (PAD_SHOT, [says("key", 0, clarity="weak")]),
    ],
)
def test_a_single_note_a_chord_a_drum_or_noise_takes_no_key(sound: Estimates, statements: list[Statement]):
    assert judge(sound, *statements).estimates.key is None


def test_a_root_note_makes_a_one_shot_of_what_could_be_a_loop():
    # As "Mighty Moog G1": a note that lasts has a key to the ear.
    found = judge(
        replace(LOOP, kind_confidence=0.8), says("kind", "one_shot"), says("pitch", 9, clarity="likely"), as_kind=NOTE
    )

    assert (found.estimates.kind, found.estimates.key, found.estimates.pitch_midi) == ("one_shot", None, 45)


def test_of_silence_nothing_is_believed():
    found = judge(SILENCE, says("tempo", 120.0), says("kind", "loop"), says("key", 0, mode="major"))

    assert (found.estimates, found.provenance) == (SILENCE, {})
    assert [believed for _, believed in found.verdicts] == [False, False, False]


def test_the_order_of_statements_does_not_matter():
    statements = [
        says("tempo", 60.0, source="id3"),
        says("tempo", 120.0, source="acid"),
        says("tempo", 60.5, source="folder", clarity="likely"),
        says("key", 0, mode="major", source="id3", clarity="likely"),
        says("key", 9, mode="minor"),
    ]

    one, other = judge(LOOP, *statements), judge(LOOP, *reversed(statements))

    assert (one.estimates, one.provenance) == (other.estimates, other.provenance)


def test_a_stated_note_is_no_pitch_of_a_chord():
    found = judge(CHORD, says("pitch", 9, source="smpl", clarity="clear", note=57))

    assert (found.estimates.pitch_midi, found.estimates.chord) == (None, CHORD.chord)
