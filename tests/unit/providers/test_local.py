"""The local describer: says what the numbers say, and nothing else."""

import math
import re
from dataclasses import astuple
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from config.ai import AiTask
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts, TempoCandidate
from samplemind_worker.providers.base import Sample, Summary
from samplemind_worker.providers.local import LocalProvider
from samplemind_worker.usage import NOTHING_USED

FILE_ID = "0" * 64
NOTES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
DRUMS = ("kick", "snare", "clap", "rim", "hat_closed", "hat_open", "tom", "crash", "ride", "shaker", "cowbell", "perc")
OTHERS = ("bass", "synth", "piano", "guitar", "strings", "brass", "flute", "organ", "bell", "vocal", "fx")
INSTRUMENTS = (*DRUMS, *OTHERS, "drum_loop", "music_loop", "song")


def make_sample(audio: dict[str, Any] | None = None, **analysis: Any) -> Sample:
    facts: dict[str, Any] = {
        "file_id": FILE_ID, "filename": "Zyzzyx_999BPM.wav", "file_size": 1, "duration": 8.0, "sample_rate": 44100,
        "channels": 2, "format": "WAV", "subtype": "PCM_16",
    }  # fmt: skip
    return Sample(AudioFacts(**(facts | (audio or {}))), AnalysisFacts(file_id=FILE_ID, **analysis))


def spectrum(**means: float | None) -> dict[str, dict[str, float | None]]:
    return {name: {"mean": mean, "std": None} for name, mean in means.items()}


def describe(sample: Sample) -> Summary:
    [summary] = LocalProvider().describe(AiTask.AUDIO_ANALYSIS, [sample]).summaries
    assert summary is not None
    return summary


def all_text(summary: Summary) -> str:
    return " | ".join(
        [summary.summary, *summary.production_tips, *summary.creative_ideas, *summary.fl_studio_recommendations]
    )


def test_drum_loop() -> None:
    sample = make_sample(
        {"loudness_lufs": -9.14, "true_peak_dbtp": -0.3},
        kind="loop", tempo=120.0, tempo_confidence=0.95, time_signature=(4, 4), instrument="drum_loop",
        spectral_features=spectrum(centroid_hz=3900.0, rolloff_hz=8000.0, flatness=0.05, zero_crossing_rate=0.1),
    )  # fmt: skip
    summary = describe(sample)
    assert summary.summary == (
        "A drum loop at 120 BPM, 16 beats (4 bars of 4/4) in 8 s. "
        "It sounds very bright and noisy: its spectrum centres on 3.9 kHz and mostly lies below 8.0 kHz. "
        "It is loud at -9.1 LUFS with a true peak of -0.3 dBTP, moderately dynamic."
    )
    assert summary.production_tips == (
        "Its true peak of -0.3 dBTP leaves little headroom: turn it down by 0.7 dB before mixing or encoding it.",
        "It is cut to 16 beats: at 120 BPM it repeats in time as it is.",
    )
    assert summary.tags == ("loop", "drum-loop", "drums", "120-bpm", "very-bright", "noisy", "loud")
    assert summary.fl_studio_recommendations[0] == (
        "Slicex or Fruity Slicer: load it with its tempo at 120 BPM, so that the slices follow the project."
    )


def test_melodic_loop_names_the_neighbours_of_its_key_and_its_tuning() -> None:
    sample = make_sample(
        {"duration": 13.714, "loudness_lufs": -18.0, "true_peak_dbtp": -3.0},
        kind="loop", tempo=140.0, time_signature=(4, 4), key="F#", mode="minor", camelot="11A", tuning_cents=-14.2,
        instrument="bass",
    )  # fmt: skip
    summary = describe(sample)
    assert summary.summary == (
        "A bass loop at 140 BPM in F# minor, 32 beats (8 bars of 4/4) in 13.71 s, tuned 14 cents flat. "
        "It is moderately loud at -18.0 LUFS with a true peak of -3.0 dBTP, dynamic."
    )
    assert summary.production_tips == (
        "It is 14 cents flat of concert pitch (A = 440 Hz): tune it up by as much before layering it.",
        "F# minor (11A) mixes with A major (11B), C# minor (12A) and B minor (10A).",
        "It is cut to 32 beats: at 140 BPM it repeats in time as it is.",
        "It also sits at half time, over 70 BPM.",
    )
    assert "Channel pitch knob: +14 cents." in summary.fl_studio_recommendations
    assert summary.tags == ("loop", "bass", "140-bpm", "f#-minor", "dynamic")


def test_kick_one_shot_has_no_tempo_and_no_key() -> None:
    sample = make_sample(
        {"duration": 0.42, "true_peak_dbtp": 0.5, "loudness_lufs": -14.0},
        kind="one_shot", tempo=120.0, instrument="kick", spectral_features=spectrum(centroid_hz=200.0, flatness=0.0001),
    )  # fmt: skip
    summary = describe(sample)
    assert summary.summary == (
        "A kick one-shot, 0.42 s long. It sounds very dark and tonal: its spectrum centres on 200 Hz. "
        "It measures -14.0 LUFS with a true peak of 0.5 dBTP."
    )
    assert summary.production_tips == (
        "Its true peak of 0.5 dBTP is over full scale: turn it down by 1.5 dB before mixing or encoding it.",
        "Give the kick its own room: high-pass what plays with it, or duck the bass when it hits.",
    )
    assert summary.tags == ("one-shot", "kick", "drums", "very-dark", "tonal")


def test_pitched_one_shot_gives_the_root_note_in_fl_studios_octaves() -> None:
    sample = make_sample(
        {"duration": 1.2, "true_peak_dbtp": -12.0},
        kind="one_shot", instrument="piano", pitch_midi=60, pitch_note="C4", pitch_cents=6.2,
    )  # fmt: skip
    summary = describe(sample)
    assert summary.summary == (
        "A piano one-shot pitched at C4, 1.2 s long, tuned 6 cents sharp. Its true peak is -12.0 dBTP."
    )
    assert summary.production_tips == (
        "It peaks at -12.0 dBTP: 11.0 dB of gain brings it to -1.0 dBTP.",
        "It is 6 cents sharp of concert pitch (A = 440 Hz): tune it down by as much before layering it.",
        # C4 is 261.6 Hz; half an octave below it 185 Hz, of which two digits are kept (even wins a tie).
        "A high-pass at 180 Hz clears the low end for kick and bass and leaves the sound alone.",
    )
    assert summary.fl_studio_recommendations[0] == (
        "Channel Sampler: set the root note to MIDI 60, which FL Studio calls C5."
    )


def test_track() -> None:
    sample = make_sample(
        {"duration": 205.0, "true_peak_dbtp": -1.1, "loudness_lufs": -8.0},
        kind="track", tempo=174.3, time_signature=(4, 4), key="A", mode="minor", camelot="8A", instrument="song",
    )  # fmt: skip
    summary = describe(sample)
    assert summary.summary == (
        "A track at 174.3 BPM in A minor, 3:25 min long. It is loud at -8.0 LUFS with a true peak of -1.1 dBTP, steady."
    )
    assert summary.production_tips == (
        "A minor (8A) mixes with C major (8B), E minor (9A) and D minor (7A).",
        "It also sits at half time, over 87.15 BPM.",
        "Its true peak lies 6.9 dB over its loudness: it is dense already, and a compressor has little left to do.",
    )


def test_silence() -> None:
    summary = describe(make_sample({"duration": 2.0}, kind="one_shot", spectral_features=spectrum(rms=None)))
    assert summary.summary == "Silence, 2 s long."
    assert summary.tags == ("silence",)
    assert summary.creative_ideas == ()
    assert summary.fl_studio_recommendations == ()


def test_nothing_measured_claims_nothing() -> None:
    summary = describe(make_sample())
    assert summary.summary == "A sample, 8 s long."
    assert summary.tags == ()
    assert summary.production_tips == ()


def test_guesses_are_called_guesses_and_give_no_tags() -> None:
    sample = make_sample(
        kind="loop", kind_confidence=0.4, tempo=120.0, tempo_confidence=0.3, key="C", mode="major", key_confidence=0.2,
        camelot="8B", instrument="synth", instrument_confidence=0.1, tuning_cents=30.0,
    )  # fmt: skip
    summary = describe(sample)
    assert summary.summary == (
        "Probably a loop (perhaps synth) probably at 120 BPM probably in C major, 16 beats in 8 s."
    )
    assert summary.production_tips == (
        "C major (8B) mixes with A minor (8A), G major (9B) and F major (7B). Check the key by ear first.",
        "120 BPM is a guess: check it against a metronome before stretching the sample.",
    )
    assert summary.tags == ()


@pytest.mark.parametrize(
    ("duration", "tip"),
    [
        (8.1, "Its 8.1 s are 16.2 beats at 120 BPM: cut it to 16 beats (8 s)."),
        (7.9, "Its 7.9 s are 15.8 beats at 120 BPM: pad it to 16 beats (8 s)."),
        (8.22, "Its 8.22 s are 16.44 beats at 120 BPM: cut it to whole beats before looping it."),
        (8.02, "It is cut to 16 beats: at 120 BPM it repeats in time as it is."),
    ],
)
def test_loop_length_against_the_tempo(duration: float, tip: str) -> None:
    assert describe(make_sample({"duration": duration}, kind="loop", tempo=120.0)).production_tips == (tip,)


def test_bars_need_a_meter_that_counts_quarters_and_divides_the_beats() -> None:
    texts = [
        describe(make_sample(kind="loop", tempo=120.0, time_signature=meter)).summary
        for meter in ((4, 4), (3, 4), (6, 8), (0, 4), None)
    ]
    assert (
        texts == ["A loop at 120 BPM, 16 beats (4 bars of 4/4) in 8 s."] + ["A loop at 120 BPM, 16 beats in 8 s."] * 4
    )


def test_other_octave_of_the_tempo_is_mentioned_when_nearly_as_likely() -> None:
    candidates = [TempoCandidate(tempo=85.0, score=0.8), TempoCandidate(tempo=170.0, score=0.9)]
    sample = make_sample(kind="track", tempo=170.0, tempo_candidates=candidates)
    assert describe(sample).production_tips == ("It can be counted at 85 BPM as well: try both before stretching it.",)


def test_every_key_mixes_with_its_camelot_neighbours() -> None:
    # The wheel as printed by Mixed In Key: hour to (minor, major).
    wheel = {
        1: ("G#", "B"), 2: ("D#", "F#"), 3: ("A#", "C#"), 4: ("F", "G#"), 5: ("C", "D#"), 6: ("G", "A#"),
        7: ("D", "F"), 8: ("A", "C"), 9: ("E", "G"), 10: ("B", "D"), 11: ("F#", "A"), 12: ("C#", "E"),
    }  # fmt: skip
    for hour, names in wheel.items():
        for letter, mode, other, other_mode in (("A", "minor", "B", "major"), ("B", "major", "A", "minor")):
            column, other_column = "AB".index(letter), "AB".index(other)
            up, down = hour % 12 + 1, (hour - 2) % 12 + 1
            sample = make_sample(kind="track", key=names[column], mode=mode, camelot=f"{hour}{letter}")
            assert describe(sample).production_tips == (
                (
                    f"{names[column]} {mode} ({hour}{letter}) mixes with "
                    f"{names[other_column]} {other_mode} ({hour}{other}), "
                    f"{wheel[up][column]} {mode} ({up}{letter}) and {wheel[down][column]} {mode} ({down}{letter})."
                ),
            )


@pytest.mark.parametrize("warning", ["truncated", "non_finite_samples", "opposite_phase"])
def test_each_warning_of_the_decoder_gives_one_tip(warning: str) -> None:
    assert len(describe(make_sample({"warnings": [warning]})).production_tips) == 1


def test_low_sample_rate_gives_a_tip() -> None:
    assert describe(make_sample({"sample_rate": 22050})).production_tips == (
        "At 22050 Hz it holds nothing above 11.0 kHz: layer it where air is wanted.",
    )


def test_cymbals_may_be_high_passed_and_notes_below_their_fundamental() -> None:
    hat = describe(make_sample(kind="one_shot", instrument="hat_closed"))
    assert "Fruity Parametric EQ 2: high-pass at 250 Hz." in hat.fl_studio_recommendations
    # A4 is 440 Hz; half an octave below it are 311 Hz.
    note = describe(make_sample(kind="one_shot", pitch_midi=69))
    assert "Fruity Parametric EQ 2: high-pass at 310 Hz." in note.fl_studio_recommendations
    bass = describe(make_sample(kind="one_shot", pitch_midi=33, instrument="bass"))
    assert not [text for text in bass.fl_studio_recommendations if "high-pass" in text]


def test_a_parcel_is_answered_in_order() -> None:
    samples = [make_sample({"duration": float(k)}) for k in range(1, 6)]
    reply = LocalProvider().describe(AiTask.AUDIO_ANALYSIS, samples)
    summaries = [summary for summary in reply.summaries if summary is not None]
    assert [summary.summary for summary in summaries] == [f"A sample, {k} s long." for k in range(1, 6)]
    assert {(summary.provider, summary.model) for summary in summaries} == {("local", None)}
    assert reply.usage == NOTHING_USED


_any_float = st.one_of(st.none(), st.floats())
_score = st.one_of(st.none(), st.floats(0.0, 1.0))
_features = st.dictionaries(
    st.sampled_from(("rms", "zero_crossing_rate", "centroid_hz", "bandwidth_hz", "rolloff_hz", "flatness", "mfcc")),
    st.fixed_dictionaries({"mean": st.one_of(_any_float, st.lists(st.floats(), max_size=3)), "std": _any_float}),
    max_size=7,
)  # fmt: skip
_plausible = {
    "tempo": st.floats(30.0, 300.0), "duration": st.floats(0.0005, 3600.0), "level": st.floats(-70.0, 6.0),
    "cents": st.floats(-50.0, 50.0),
}  # fmt: skip


def _numbers(name: str) -> st.SearchStrategy[float | None]:
    """Mostly plausible numbers, sometimes none, sometimes any float at all."""
    return st.one_of(_plausible[name], _plausible[name], _any_float)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    candidate = st.builds(TempoCandidate, tempo=st.floats(), score=st.floats())
    duration = draw(_numbers("duration"))
    return make_sample(
        {
            "duration": 0.0 if duration is None else duration,
            "loudness_lufs": draw(_numbers("level")), "true_peak_dbtp": draw(_numbers("level")),
            "sample_rate": draw(st.integers(1, 192000)), "channels": draw(st.integers(1, 64)),
            "warnings": draw(st.lists(st.sampled_from(("truncated", "opposite_phase", "unheard_of")), max_size=2)),
            "tags": ["Zyzzyx"], "metadata": {"artist": "Zyzzyx"},
        },
        kind=draw(st.sampled_from((None, "one_shot", "loop", "track"))), kind_confidence=draw(_score),
        tempo=draw(_numbers("tempo")), tempo_confidence=draw(_score),
        tempo_candidates=draw(st.lists(candidate, max_size=3)),
        time_signature=draw(st.sampled_from((None, (4, 4), (3, 4), (6, 8), (0, 4)))),
        key=draw(st.sampled_from((None, *NOTES, "Zyzzyx"))), mode=draw(st.sampled_from((None, "major", "minor"))),
        key_confidence=draw(_score), camelot=draw(st.sampled_from((None, "8A", "8B", "99X"))),
        tuning_cents=draw(_numbers("cents")),
        pitch_midi=draw(st.one_of(st.none(), st.integers(-5, 200))), pitch_cents=draw(_numbers("cents")),
        pitch_confidence=draw(_score),
        instrument=draw(st.sampled_from((None, *INSTRUMENTS, "Zyzzyx"))), instrument_confidence=draw(_score),
        spectral_features=draw(_features),
    )  # fmt: skip


@settings(max_examples=300, deadline=None)
@given(samples())
def test_no_sentence_without_its_number(sample: Sample) -> None:
    summary = describe(sample)
    text, audio, facts = all_text(summary), sample.audio, sample.analysis

    assert summary.summary
    assert not re.search(r"\b(None|nan|inf)\b|Zyzzyx|999|  |,,|\d{12}", text)
    assert all(part[0].isupper() or part[0].isdigit() for part in text.split(" | "))
    assert all(re.fullmatch(r"[a-z0-9#-]+", tag) for tag in summary.tags)
    assert len(set(summary.tags)) == len(summary.tags)

    def known(value: float | None) -> bool:
        return value is not None and math.isfinite(value)

    assert "BPM" not in text or (known(facts.tempo) and facts.kind != "one_shot")
    assert not re.search(r"\d LUFS", text) or known(audio.loudness_lufs)
    assert not re.search(r"\d dBTP", text) or known(audio.true_peak_dbtp)
    assert not re.search(r"\b(major|minor)\b", text) or (facts.key in NOTES and facts.mode is not None)
    assert "cents" not in text or known(facts.pitch_cents) or known(facts.tuning_cents)
    assert not re.search(r"\d+[AB]\b", text) or facts.camelot in {"8A", "8B"} or facts.pitch_midi is not None
    assert not re.search(r"MIDI|pitched", text) or facts.pitch_midi in range(128)
    assert "spectrum centres" not in text or known(facts.spectral_features.get("centroid_hz", {}).get("mean"))
    assert not re.search(r"\d beats?\b", text) or (facts.kind == "loop" and known(facts.tempo))
    assert "4/4" not in text or facts.time_signature == (4, 4)


@settings(max_examples=50, deadline=None)
@given(samples())
def test_same_numbers_same_words(sample: Sample) -> None:
    assert astuple(describe(sample)) == astuple(describe(sample))
