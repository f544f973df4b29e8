import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.metadata.names import key_of, read

C, CIS, D, E, F, FIS, G, A, B = 0, 1, 2, 4, 5, 6, 7, 9, 11


def said(name: str) -> set[tuple[str, float | str, str | None, str, str]]:
    return {(source, one.value, one.mode, one.clarity, one.about) for source, one in read(name)}


def of(name: str, about: str) -> list[tuple[float | str, str | None, str]]:
    return [(one.value, one.mode, one.clarity) for _, one in read(name) if one.about == about]


def test_a_full_name_says_all_that_there_is_to_say():
    assert said("Vendor/Drum Loops/Bass_Loop_F#min_128bpm.wav") == {
        ("filename", 128.0, None, "clear", "tempo"),
        ("filename", FIS, "minor", "clear", "key"),
        ("filename", "loop", None, "clear", "kind"),
        ("filename", "bass", None, "likely", "instrument"),
    }


@pytest.mark.parametrize(
    ("name", "tempo"),
    [
        ("Loop 128bpm.wav", 128.0),
        ("Loop128BPM.wav", 128.0),
        ("loop_128 BPM_x.wav", 128.0),
        ("127.5bpm groove.wav", 127.5),
        ("127,5 bpm.wav", 127.5),
        ("bpm_90-loop.wav", 90.0),
        ("Loop_01-128bpm.wav", 128.0),
        ("128bpm and again 128 BPM.wav", 128.0),
        ("909 kit 174bpm 44100.wav", 174.0),
        ("caf\\xe9128bpm.wav", 128.0),
    ],
)
def test_a_number_beside_bpm_is_a_tempo(name: str, tempo: float):
    assert of(name, "tempo") == [(tempo, None, "clear")]


@pytest.mark.parametrize(
    ("name", "tempo"),
    [("loop_120.wav", 120.0), ("Pad_128_Am.wav", 128.0), ("x_174_.wav", 174.0), ("x-120-y-120.wav", 120.0)],
)
def test_a_bare_number_is_a_weak_tempo(name: str, tempo: float):
    assert of(name, "tempo") == [(tempo, None, "weak")]


@pytest.mark.parametrize(
    "name",
    [
        "kick 808.wav",
        "TR-909 Snare.wav",
        "TB303_line.wav",
        "SH-101 Bass.wav",
        "Juno 106.wav",
        "1999.wav",
        "song 2024.wav",
        "render_44100.wav",
        "render_48000_24.wav",
        "96kHz.wav",
        "96 kHz 24bit.wav",
        "192_khz.wav",
        "Vol 120.wav",
        "volume_99.wav",
        "Kit_77_hit.wav",
        "take 64.wav",
        "vel_127.wav",
        "64 bars.wav",
        "100 percent.wav",
        "90 min tape.wav",
        "CAT-0128.wav",
        "001_kick.wav",
        "007.wav",
        "174.wav",
        "01_174_.wav",
        "120-128bpm.wav",
        "120 to 140 bpm.wav",
        "90bpm or 100bpm.wav",
        "loop_100_120.wav",
        "12bpm.wav",
        "999bpm.wav",
        "1280bpm.wav",
        "bpmaster.wav",
        "abc128def.wav",
    ],
)
def test_other_numbers_are_no_tempi(name: str):
    assert of(name, "tempo") == []


@pytest.mark.parametrize(
    ("name", "tonic", "mode"),
    [
        ("Pad_Am_120.wav", A, "minor"),
        ("Bass Loop Am 128.wav", A, "minor"),
        ("x_Am.wav", A, "minor"),
        ("F#min_pad.wav", FIS, "minor"),
        ("F♯min_pad.wav", FIS, "minor"),
        ("lead C#m.wav", CIS, "minor"),
        ("lead Dbm.wav", CIS, "minor"),
        ("chords Ebmaj.wav", 3, "major"),
        ("E♭ major chords.wav", 3, "major"),
        ("Piano C Major.wav", C, "major"),
        ("piano A minor 90bpm.wav", A, "minor"),
        ("Strings_Gmin_140.wav", G, "minor"),
        ("Loop_12_Am_128bpm.wav", A, "minor"),
        ("GSharp.wav", G, "x"),
        ("Gsharpmin.wav", 8, "minor"),
        ("Bflatmajor.wav", 10, "major"),
        ("guitar Dm Dm.wav", D, "minor"),
    ],
)
def test_a_letter_with_its_mode_is_a_key(name: str, tonic: int, mode: str):
    expected = [] if mode == "x" else [(tonic, mode, "clear")]

    assert of(name, "key") == expected


@pytest.mark.parametrize(
    "name",
    [
        "I Am.wav",
        "I_Am_Legend.wav",
        "Who Am I.wav",
        "Am I Wrong.wav",
        "Here I Am.wav",
        "4 Am.wav",
        "4 Am Drive.wav",
        "5_Am_Vibes.wav",
        "5 AM.wav",
        "3am kick.wav",
        "10 Cm.wav",
        "10_Cm_ruler.wav",
        "Give Em Hell.wav",
        "Sunset Am.wav",
        "A Kick.wav",
        "Kick A.wav",
        "Loop_A.wav",
        "Plan B.wav",
        "Vitamin C.wav",
        "A Minor Threat.wav",
        "a minor problem.wav",
        "A Major Problem.wav",
        "FM Bell.wav",
        "GM Piano.wav",
        "Chord_Cmaj7.wav",
        "Am7 stab.wav",
        "Loop_Am_Cm.wav",
        "Ambient pad.wav",
        "Emu.wav",
        "Gminus.wav",
        "BMaJ.wav",
        "C4_explosion.wav",
        "8A.wav",
    ],
)
def test_other_letters_are_no_keys(name: str):
    assert of(name, "key") == []


@pytest.mark.parametrize(("name", "tonic"), [("lead_F#_140.wav", FIS), ("Bb loop.wav", 10), ("pad_key_A.wav", A)])
def test_a_tonic_alone_is_a_weak_key(name: str, tonic: int):
    assert of(name, "key") == [(tonic, None, "weak")]


@pytest.mark.parametrize(
    ("name", "tonic"), [("Bass_C2.wav", C), ("synth F#3 long.wav", FIS), ("G#4.wav", 8), ("piano Bb1.wav", 10)]
)
def test_a_note_of_an_instrument_is_a_pitch(name: str, tonic: int):
    assert of(name, "pitch") == [(tonic, None, "likely")]


@pytest.mark.parametrize(
    "name", ["C4_explosion.wav", "B2B.wav", "A1.wav", "Kick_D1.wav", "E10 bass.wav", "Bass C2 to G2.wav", "mp3 f4.wav"]
)
def test_other_letters_with_numbers_are_no_pitches(name: str):
    assert of(name, "pitch") == []


@pytest.mark.parametrize(
    ("name", "kind"),
    [
        ("Drum Loop 1.wav", "loop"),
        ("DrumLoop.wav", "loop"),
        ("LOOP_3.wav", "loop"),
        ("loops.wav", "loop"),
        ("Kick one shot.wav", "one_shot"),
        ("Kick_OneShot_01.wav", "one_shot"),
        ("ONESHOT.wav", "one_shot"),
        ("one-shots.wav", "one_shot"),
    ],
)
def test_a_name_says_the_kind(name: str, kind: str):
    assert of(name, "kind") == [(kind, None, "clear")]


@pytest.mark.parametrize(
    "name", ["Looper.wav", "floop.wav", "loophole.wav", "Loop one shot.wav", "headshot.wav", "one.wav"]
)
def test_a_name_says_no_kind(name: str):
    assert of(name, "kind") == []


@pytest.mark.parametrize(
    ("name", "instrument", "clarity"),
    [
        ("Kick_01.wav", "kick", "clear"),
        ("KICK.wav", "kick", "clear"),
        ("deepKick3.wav", "kick", "clear"),
        ("Kicks.wav", "kick", "clear"),
        ("bass drum 2.wav", "kick", "clear"),
        ("Open Hat.wav", "hat_open", "clear"),
        ("hat_open.wav", "hat_open", "clear"),
        ("HiHat Closed.wav", "hat_closed", "clear"),
        ("hihat.wav", "hat", "clear"),
        ("CHH 4.wav", "hat_closed", "clear"),
        ("Ride.wav", "ride", "likely"),
        ("Rim Shot.wav", "rim", "clear"),
        ("Vox ah.wav", "vocal", "clear"),
        ("drum_loop.wav", "drum_loop", "clear"),
    ],
)
def test_a_word_says_the_instrument(name: str, instrument: str, clarity: str):
    assert of(name, "instrument") == [(instrument, None, clarity)]


@pytest.mark.parametrize(
    "name",
    ["Sidekick.wav", "Kickstart.wav", "Kick and Snare.wav", "Tomorrow.wav", "Clapham.wav", "Belly.wav", "x.wav", ""],
)
def test_other_words_are_no_instruments(name: str):
    assert of(name, "instrument") == []


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("Kicks/01.wav", {("folder", "kick", None, "clear", "instrument")}),
        ("Kick Stories/01.wav", set()),
        ("Pianos/01.wav", {("folder", "piano", None, "likely", "instrument")}),
        (
            "Drum Loops/x.wav",
            {("folder", "loop", None, "likely", "kind"), ("folder", "drum_loop", None, "likely", "instrument")},
        ),
        ("One Shots/x.wav", {("folder", "one_shot", None, "likely", "kind")}),
        ("Night 128 BPM/x.wav", {("folder", 128.0, None, "likely", "tempo")}),
        ("Am - 90bpm/x.wav", {("folder", 90.0, None, "likely", "tempo"), ("folder", A, "minor", "likely", "key")}),
        ("Loopmasters/x.wav", set()),
        ("Loop Sessions/x.wav", set()),
        ("test_finds_loop0/x.wav", set()),
        ("My Kick Collection/x.wav", set()),
        ("Loops and One Shots/x.wav", set()),
        ("2024/128/x.wav", set()),
    ],
)
def test_folders_are_read_with_more_caution(name: str, expected: set[object]):
    assert said(name) == expected


def test_the_nearer_name_counts():
    assert of("90bpm/100bpm/x 128bpm.wav", "tempo") == [(128.0, None, "clear")]
    assert of("90bpm/100bpm/x.wav", "tempo") == [(100.0, None, "likely")]
    # A weak reading does not silence a folder.
    assert of("90bpm/x_64.wav", "tempo") == [(64.0, None, "weak"), (90.0, None, "likely")]


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ("Am", (A, "minor")),
        ("am", (A, "minor")),
        (" F# minor ", (FIS, "minor")),
        ("Db", (CIS, None)),
        ("C major", (C, "major")),
        ("8A", (A, "minor")),
        ("8b", (C, "major")),
        ("1A", (8, "minor")),
        ("12B", (E, "major")),
        ("o", None),
        ("", None),
        ("13A", None),
        ("unknown", None),
        ("H minor", None),
    ],
)
def test_the_key_of_a_tag_is_read(text: str, key: tuple[int, str | None] | None):
    assert key_of(text) == key


@pytest.mark.parametrize(
    "name", ["", "/", "...", "\x00", "a" * 5000, "1" * 5000, "_" * 5000, "A-" * 2500, "128 " * 1250, "bpm" * 1700]
)
def test_strange_names_do_no_harm(name: str):
    assert isinstance(read(name), list)


@given(st.text(max_size=60), st.text(alphabet="AbmF#4 128bpm_-./loopKickI²\u0661♯", max_size=60))
def test_any_name_can_be_read(any_name: str, likely_name: str):
    for name in (any_name, likely_name):
        for _, one in read(name):
            assert one.about != "tempo" or 40.0 <= float(one.value) <= 300.0
