"""The local describer: says what the numbers say, and nothing else."""

import re
from typing import Any

import pytest

from samplemind_worker.documents.facts import KeyCandidate, TempoCandidate
from tests.descriptions import describe, make_sample


def spectrum(**means: float | None) -> dict[str, dict[str, float | None]]:
    return {name: {"mean": mean, "std": None} for name, mean in means.items()}


def test_drum_loop() -> None:
    sample = make_sample(
        {"loudness_lufs": -9.14, "true_peak_dbtp": -0.3},
        kind="loop",
        tempo=120.0,
        tempo_confidence=0.95,
        time_signature=(4, 4),
        instrument="drum_loop",
        spectral_features=spectrum(centroid_hz=3900.0, rolloff_hz=8000.0, flatness=0.05, zero_crossing_rate=0.1),
    )
    summary = describe(sample)
    assert summary.summary == (
        "A drum loop at 120 BPM, 4 bars of 4/4 in 8 s. "
        "It sounds bright: its spectrum centers on 3.9 kHz and mostly lies below 8.0 kHz. "
        "It is loud at -9.1 LUFS with a true peak of -0.3 dBTP, hardly dynamic. "
        "It fits projects at 120 or 60 BPM."
    )
    assert summary.production_tips == ()  # it repeats in time, and nothing else about it was measured
    assert summary.fl_studio_recommendations == (
        "Fruity Slicer: load it at 120 BPM, and the slices follow the project without stretching.",
        (
            "Sampler, Resample mode: fit it to the tempo from 120 BPM; the pitch moves with it, a semitone down at "
            "113.3 BPM, one up at 127.1 BPM."
        ),
        "Gross Beat: its buffer holds 2 bars, 4 s at 120 BPM; a half-speed slot for the last one makes a fill.",
    )
    assert summary.tags == ("loop", "drum-loop", "drums", "120-bpm", "loud")


def test_tips_tell_how_a_loop_swings_and_which_bars_of_a_track_repeat() -> None:
    swung = {"swing": 2.0, "swing_unit": 16, "density": 3.0, "feel": "shuffled", "syncopation": 0.0}
    loop = make_sample(kind="loop", tempo=120.0, tempo_confidence=0.95, instrument="drum_loop", rhythm=swung)
    points = [
        {"start": 31.2, "end": 47.2, "bars": 8, "score": 0.9},
        {"start": 8.0, "end": 16.0, "bars": 4, "score": 0.6},
    ]
    track = make_sample(kind="track", tempo=120.0, tempo_confidence=0.95, instrument="song", loop_points=points)

    assert "Its sixteenths swing at 2 to 1: give hits that you add 67 % swing." in describe(loop).production_tips
    assert (
        "Its best loop is 8 bars from 31.2 to 47.2 s: what follows is like what comes before."
        in describe(track).production_tips
    )


def test_melodic_loop_names_the_neighbors_of_its_key_and_an_idea_says_where_it_lands_when_repitched() -> None:
    sample = make_sample(
        {"duration": 13.714, "loudness_lufs": -18.0, "true_peak_dbtp": -3.0},
        kind="loop",
        tempo=140.0,
        time_signature=(4, 4),
        key="F#",
        mode="minor",
        camelot="11A",
        tuning_cents=-14.2,
        instrument="music_loop",
    )
    summary = describe(sample)
    assert summary.summary == (
        "A melodic loop at 140 BPM in F# minor (11A), 8 bars of 4/4 in 13.71 s, 14 cents flat. "
        "It is moderately loud at -18.0 LUFS with a true peak of -3.0 dBTP, dynamic. "
        "It goes with A major (11B), C# minor (12A), and B minor (10A), and fits projects at 140 or 70 BPM."
    )
    assert summary.production_tips[0] == (
        "It is 14 cents flat of concert pitch (A = 440 Hz): tune it up by as much before layering it."
    )
    assert (
        "Repitched instead of stretched, it goes up 1 semitone to 148.3 BPM in G minor (6A), up 2 semitones to "
        "157.1 BPM in G# minor (1A), down 1 semitone to 132.1 BPM in F minor (4A), or down 2 semitones to 124.7 BPM in "
        "E minor (9A)."
    ) in summary.creative_ideas
    assert summary.tags == ("loop", "music-loop", "melodic", "140-bpm", "f#-minor", "11a")


def test_long_low_note_is_spoken_of_as_an_808() -> None:
    sample = make_sample(
        {"duration": 1.4},
        kind="one_shot",
        instrument="bass",
        pitch_midi=33,
        pitch_cents=0.0,
        spectral_features=spectrum(centroid_hz=120.0, rolloff_hz=150.0),
    )
    summary = describe(sample)
    assert summary.summary.startswith("An 808-style bass one-shot on A1 (55 Hz), 1.4 s long. ")
    assert "808" in summary.tags


def test_note_gives_the_root_in_fl_studios_octaves_and_its_tuning() -> None:
    sample = make_sample(
        {"duration": 1.2, "true_peak_dbtp": -12.0},
        kind="one_shot",
        instrument="piano",
        pitch_midi=60,
        pitch_note="C4",
        pitch_cents=16.2,
    )
    summary = describe(sample)
    assert summary.summary == (
        "A piano one-shot on C4 (264 Hz), 1.2 s long, 16 cents sharp. "
        "Once tuned, C is the root of C minor (5A) and C major (8B), and the fifth of F minor (4A)."
    )
    assert summary.production_tips == (
        "It peaks at -12.0 dBTP: 11.0 dB of gain brings it to -1.0 dBTP.",
        "It is 16 cents sharp of concert pitch (A = 440 Hz): tune it down by as much before layering it.",
    )
    assert summary.fl_studio_recommendations == (
        "Sampler, Misc tab: set the root note to C5, FL Studio's name for MIDI 60.",
    )


def test_track() -> None:
    sample = make_sample(
        {"duration": 205.0, "true_peak_dbtp": -1.1, "loudness_lufs": -8.0},
        kind="track",
        tempo=174.3,
        time_signature=(4, 4),
        key="A",
        mode="minor",
        camelot="8A",
        instrument="song",
    )
    summary = describe(sample)
    assert summary.summary == (
        "A track at 174.3 BPM in A minor (8A), 3:25 min long. "
        "It is loud at -8.0 LUFS with a true peak of -1.1 dBTP, squashed. "
        "It goes with C major (8B), E minor (9A), and D minor (7A), and fits projects at 174.3 or 87.2 BPM."
    )
    assert summary.production_tips == (
        "Services that play at -14 LUFS turn it down by 6.0 dB: do the same before you compare a mix with it.",
        "Its true peak lies 6.9 dB over its loudness: it is squashed already, and a compressor has little left to do.",
    )
    # 16 bars * 4 beats * 60 s / 174.3
    assert "Cut it by sections: 16 bars last 22.03 s at 174.3 BPM." in summary.creative_ideas


def test_silence() -> None:
    summary = describe(make_sample({"duration": 2.0}, kind="one_shot", spectral_features=spectrum(rms=None)))
    assert summary.summary == "Silence, 2 s long: no signal was found in the file."
    assert summary.tags == ("silence",)
    assert summary.creative_ideas == ()
    assert summary.fl_studio_recommendations == ()


def test_nothing_measured_claims_nothing() -> None:
    summary = describe(make_sample())
    assert summary.summary == "A sample, 8 s long."
    assert summary.tags == ()
    assert (summary.production_tips, summary.creative_ideas, summary.fl_studio_recommendations) == ((), (), ())


def test_guesses_are_called_guesses_and_nothing_follows_from_them() -> None:
    sample = make_sample(
        kind="loop",
        kind_confidence=0.4,
        tempo=120.0,
        tempo_confidence=0.3,
        key="C",
        mode="major",
        key_confidence=0.2,
        camelot="8B",
        instrument="synth",
        instrument_confidence=0.1,
        tuning_cents=30.0,
    )
    summary = describe(sample)
    assert summary.summary == "Perhaps a loop, perhaps at 120 BPM, 8 s long."
    assert summary.production_tips == (
        "It may be a single long sound and no loop: listen to it before you slice or stretch it.",
        "120 BPM is a guess: check it against a metronome before stretching it.",
    )
    assert summary.tags == ()


@pytest.mark.parametrize(
    ("confidence", "opening"),
    [
        (0.9, "A clap one-shot, "),
        (0.6, "Probably a clap one-shot, "),
        (0.4, "A one-shot (perhaps a clap), "),
    ],
)
def test_the_instrument_is_hedged_by_its_confidence(confidence: float, opening: str) -> None:
    sample = make_sample(kind="one_shot", instrument="clap", instrument_confidence=confidence)
    assert describe(sample).summary.startswith(opening)


def test_a_key_with_a_rival_names_both() -> None:
    rivals = [KeyCandidate(key="A", mode="minor", score=0.5), KeyCandidate(key="C", mode="major", score=0.4)]
    sample = make_sample(kind="track", key="A", mode="minor", key_confidence=0.6, key_candidates=rivals)
    summary = describe(sample)
    assert summary.summary.startswith("A track, likely in A minor (8A) or C major (8B), 8 s long.")
    assert "Check the key by ear: C major (8B) is nearly as likely as A minor (8A)." in summary.production_tips


@pytest.mark.parametrize(
    ("duration", "tip"),
    [
        (8.1, "Its 8.1 s are 16.2 beats at 120 BPM: cut it to 16 beats (8 s)."),
        (7.9, "Its 7.9 s are 15.8 beats at 120 BPM: pad it to 16 beats (8 s)."),
        (8.22, "Its 8.22 s are 16.44 beats at 120 BPM: cut it to 16 beats (8 s) before looping it."),
        (9.76, "Its 9.76 s are 19.52 beats at 120 BPM: cut it to 16 beats (8 s) before looping it."),
    ],
)
def test_loop_length_against_the_tempo(duration: float, tip: str) -> None:
    assert describe(make_sample({"duration": duration}, kind="loop", tempo=120.0)).production_tips[0] == tip


def test_a_loop_that_repeats_in_time_needs_no_tip_about_its_length() -> None:
    assert describe(make_sample({"duration": 8.02}, kind="loop", tempo=120.0)).production_tips == ()


def test_bars_need_a_meter_that_counts_quarters_and_divides_the_beats() -> None:
    texts = [
        describe(make_sample(kind="loop", tempo=120.0, time_signature=meter)).summary.split(". ")[0]
        for meter in ((4, 4), (3, 4), (6, 8), (0, 4), None)
    ]
    assert texts == ["A loop at 120 BPM, 4 bars of 4/4 in 8 s"] + ["A loop at 120 BPM, 16 beats in 8 s"] * 4


def test_other_octave_of_the_tempo_is_mentioned_when_nearly_as_likely() -> None:
    candidates = [TempoCandidate(tempo=85.0, score=0.8), TempoCandidate(tempo=170.0, score=0.9)]
    sample = make_sample(kind="track", tempo=170.0, tempo_candidates=candidates)
    assert describe(sample).production_tips[0] == (
        "It can be counted at 85 BPM as well: try both before stretching it."
    )


@pytest.mark.parametrize(
    "warning",
    [
        "truncated",
        "damaged_frames",
        "chained",
        "unknown_length",
        "leading_bytes",
        "trailing_bytes",
        "non_finite_samples",
        "opposite_phase",
    ],
)
def test_each_warning_of_the_decoder_gives_one_tip(warning: str) -> None:
    assert len(describe(make_sample({"warnings": [warning]})).production_tips) == 1


def test_low_sample_rate_gives_a_tip() -> None:
    assert describe(make_sample({"sample_rate": 22050})).production_tips == (
        "At 22050 Hz it holds nothing above 11.0 kHz: layer it where air is wanted.",
    )


def test_a_drum_loop_without_low_end_is_a_top_loop() -> None:
    # Coefficient 1 is half a cosine over the bands: negative, it tilts the spectrum toward the top.
    tilted = {"mfcc": {"mean": [0.0, -60.0] + [0.0] * 18, "std": None}}
    flipped = {"mfcc": {"mean": [0.0, 60.0] + [0.0] * 18, "std": None}}
    openings = [
        describe(make_sample(kind="loop", instrument="drum_loop", spectral_features=features)).summary.split(",")[0]
        for features in (tilted, flipped, {})
    ]
    assert openings == ["A top loop", "A drum loop", "A drum loop"]


def test_only_notes_of_a_sure_key_are_built_upon() -> None:
    # B, A, and A# are strongest, of which A# is not in A minor.
    chroma = [0.1, 0.0, 0.2, 0.0, 0.5, 0.1, 0.0, 0.1, 0.0, 0.9, 0.8, 1.0]
    features: dict[str, Any] = {"chroma": {"mean": chroma, "std": None}}

    def ideas(confidence: float) -> str:
        sample = make_sample(
            kind="loop",
            key="A",
            mode="minor",
            key_confidence=confidence,
            instrument="music_loop",
            spectral_features=features,
        )
        return " ".join(describe(sample).creative_ideas)

    assert "B" in ideas(0.9)
    assert "A#" not in ideas(0.9)
    assert not re.search(r"\b[A-G]\b", ideas(0.3))


def test_a_summary_says_that_no_model_wrote_it() -> None:
    summary = describe(make_sample({"duration": 2.0}))

    assert (summary.summary, summary.provider, summary.model) == ("A sample, 2 s long.", "local", None)


CHORD = {"root": "A", "quality": "min", "bass": "A", "name": "Am7", "confidence": 0.9}


def _spans(*names: tuple[str, str], confidence: float = 0.9) -> list[dict[str, Any]]:
    return [
        CHORD | {"name": name, "numeral": degree, "start": k, "end": k + 1, "confidence": confidence}
        for k, (name, degree) in enumerate(names)
    ]


def test_the_chord_of_a_one_shot() -> None:
    stab = make_sample(kind="one_shot", tempo=None, key="A", mode="minor", key_confidence=0.9, chord=CHORD)
    assert "of the chord Am7" in describe(stab).summary
    guess = make_sample(kind="one_shot", tempo=None, key=None, mode=None, chord=CHORD | {"confidence": 0.45})
    assert "Am7" not in describe(guess).summary


def test_the_chords_of_a_loop() -> None:
    pair = (("Am", "i"), ("F", "VI"))
    loop: dict[str, Any] = {"kind": "loop", "key": "A", "mode": "minor", "key_confidence": 0.9}
    assert "Its chords are Am (i) and F (VI). " in describe(make_sample(**loop, chords=_spans(*pair, *pair))).summary
    assert "It stays on Am (i). " in describe(make_sample(**loop, chords=_spans(*pair[:1]))).summary
    assert "Am" not in describe(make_sample(**loop, chords=_spans(*pair, confidence=0.45))).summary
