"""The local describer on any facts at all: nothing is said that no number stands for."""

import math
import re
from collections.abc import Iterator
from dataclasses import astuple

from hypothesis import given, settings
from hypothesis import strategies as st

from samplemind_worker import reference
from samplemind_worker.documents.facts import KeyCandidate, TempoCandidate
from samplemind_worker.documents.samples import Sample
from samplemind_worker.dsp.character import MEASURES
from tests.descriptions import INSTRUMENTS, NOTES, all_text, describe, make_sample

_any_float = st.one_of(st.none(), st.floats())
_score = st.one_of(st.none(), st.floats(0.0, 1.0))
_means = {
    "rms": st.floats(0.0, 1.0),
    "zero_crossing_rate": st.floats(0.0, 1.0),
    "centroid_hz": st.floats(30.0, 11000.0),
    "rolloff_hz": st.floats(30.0, 11000.0),
    "flatness": st.floats(0.0, 1.0),
    "mfcc": st.lists(st.floats(-200.0, 200.0), min_size=20, max_size=20),
    "chroma": st.lists(st.floats(0.0, 1.0), min_size=12, max_size=12),
}
_odd = st.one_of(_any_float, st.lists(st.floats(), max_size=20), st.just("Zyzzyx"))
_features = st.fixed_dictionaries(
    {},
    optional={
        name: st.fixed_dictionaries({"mean": st.one_of(mean, mean, mean, _odd), "std": _odd})
        for name, mean in _means.items()
    },
)
_ranges = {"_seconds": 4.0, "_db": 40.0, "_hz": 11000.0}
_character = st.one_of(
    st.just({}),
    st.fixed_dictionaries(
        {
            name: st.one_of(
                st.none(), st.floats(0.0, next((top for end, top in _ranges.items() if name.endswith(end)), 1.0))
            )
            for name in MEASURES
        }
    ),
)
_plausible = {
    "tempo": st.floats(30.0, 300.0),
    "duration": st.floats(0.0005, 3600.0),
    "level": st.floats(-70.0, 6.0),
    "cents": st.floats(-50.0, 50.0),
}


def _numbers(name: str) -> st.SearchStrategy[float | None]:
    """Mostly plausible numbers, sometimes none, sometimes any float at all."""
    return st.one_of(_plausible[name], _plausible[name], _any_float)


@st.composite
def samples(draw: st.DrawFn) -> Sample:
    candidate = st.builds(TempoCandidate, tempo=st.floats(), score=st.floats())
    key_candidate = st.builds(
        KeyCandidate,
        key=st.sampled_from((*NOTES, "Zyzzyx")),
        mode=st.sampled_from(("major", "minor")),
        score=st.floats(),
    )
    duration = draw(_numbers("duration"))
    return make_sample(
        {
            "duration": 0.0 if duration is None else duration,
            "loudness_lufs": draw(_numbers("level")),
            "true_peak_dbtp": draw(_numbers("level")),
            "sample_rate": draw(st.integers(1, 192000)),
            "channels": draw(st.integers(1, 64)),
            "warnings": draw(st.lists(st.sampled_from(("truncated", "chained", "unheard_of")), max_size=2)),
            "tags": ["Zyzzyx"],
            "metadata": {"artist": "Zyzzyx"},
        },
        kind=draw(st.sampled_from((None, "one_shot", "loop", "track"))),
        kind_confidence=draw(_score),
        tempo=draw(_numbers("tempo")),
        tempo_confidence=draw(_score),
        tempo_candidates=draw(st.lists(candidate, max_size=3)),
        time_signature=draw(st.sampled_from((None, (4, 4), (3, 4), (6, 8), (0, 4)))),
        key=draw(st.sampled_from((None, *NOTES, "Zyzzyx"))),
        mode=draw(st.sampled_from((None, "major", "minor"))),
        key_confidence=draw(_score),
        camelot=draw(st.sampled_from((None, "8A", "99X"))),
        beats=draw(st.lists(st.floats(), max_size=2)),
        key_candidates=draw(st.lists(key_candidate, max_size=3)),
        tuning_cents=draw(_numbers("cents")),
        pitch_midi=draw(st.one_of(st.none(), st.integers(-5, 200))),
        pitch_cents=draw(_numbers("cents")),
        pitch_confidence=draw(_score),
        instrument=draw(st.sampled_from((None, *INSTRUMENTS, "Zyzzyx"))),
        instrument_confidence=draw(_score),
        spectral_features=draw(_features),
        character=draw(_character),
    )


# What is a name and no measured number, or fixed by convention.
_NAMES = re.compile(
    r"FL Studio|Parametric EQ 2|Reeverb 2|Delay 3|\(21\.2 or later\)|\(A = 440 Hz\)|Alt\+[A-Z]|\b808\b|band 1\b|"
    r"cut group 1|each 2 steps|\b1[0-2]?[AB]\b|\b[2-9][AB]\b|\b[A-G]#?-?\d+\b|of \d+/4|-3, 0, and \+4|"
    r"than \d+ %|by 20 dB|first 30 ms|\b(?:63|200|635) Hz|\b(?:2|6\.4) kHz|under 1 %|under 1 ms|\b200 and 635 Hz|"
    r"\b(?:from |between )(?:2|200) (?:to|and) (?:6\.4|635)|from 635 Hz to 2 kHz|"
    r"every (?:4|8|16) bars|(?:4|8|16) bars last|buffer holds 2 bars"
)
_NUMBER = re.compile(r"(?<![\d.])-?\d+(?:\.\d+)?")
_THOUSANDS = re.compile(r"(?<=\d),(?=\d{3}(?!\d))")
_FIXED = (120.0, -1.0, -14.0, -18.0, 1.0)  # Hz or BPM, dBTP, LUFS, LUFS, a dB of room


def measured(sample: Sample) -> Iterator[float]:
    """Give the measures of its character, in each unit that they may be printed in."""
    for value in reference.measures_of(sample.audio, sample.analysis).values():
        yield from (value, 100.0 * value, 1000.0 * value, value / 1000.0)
    shares = {name: value or 0.0 for name, value in sample.analysis.character.items() if name.endswith("_share")}
    names = [f"{name}_share" for name in ("sub", "low", "low_mid", "mid", "high", "air")]
    for first in range(6):
        for last in range(first, 6):
            yield 100.0 * sum(shares.get(name, 0.0) for name in names[first : last + 1])


def derived(sample: Sample) -> Iterator[float]:
    """Give every number that follows from the facts, in each unit that it may be printed in."""
    audio, facts = sample.audio, sample.analysis
    hertz = [audio.sample_rate, audio.sample_rate / 2]
    duration = audio.duration if 0.001 <= audio.duration <= 1e7 else 0.0
    seconds = [duration]
    for name in ("centroid_hz", "rolloff_hz"):
        mean = facts.spectral_features.get(name, {}).get("mean")
        if isinstance(mean, float) and math.isfinite(mean):
            hertz += [mean, float(f"{min(max(mean / 10, 150.0), 600.0):.1e}")]
    if facts.pitch_midi is not None:
        cents = facts.pitch_cents if facts.pitch_cents is not None and abs(facts.pitch_cents) <= 100.0 else 0.0
        own = [440.0 * 2.0 ** ((facts.pitch_midi + c / 100.0 - 69) / 12) for c in (0.0, cents)]
        hertz += [f * k for f in own for k in (1, 2, 3)]
        hertz += [float(f"{f * k:.1e}") for f in own for k in (0.5**0.5, 2.5)]
        hertz += [440.0 * 2.0 ** ((facts.pitch_midi + k - 69) / 12) for k in (-5, -1, 1, 7)]
        yield facts.pitch_midi
    tempo = facts.tempo
    if tempo is not None and 20.0 <= tempo <= 500.0:
        yield from (tempo * 2.0 ** (k / 12) for k in (-12, -5, -3, -2, -1, 0, 1, 2, 3, 7, 12))
        yield from (-3, -2, 2, 3)  # the semitones that lead there
        beats = duration * tempo / 60.0
        yield from (beats, round(beats), round(beats) / 3, round(beats) / 4, 2 * round(beats), math.floor(beats))
        yield 4  # bars of a build
        whole_bars = [math.floor(beats) // bar * bar for bar in (3, 4)]
        yield from whole_bars
        quarters = (0.25, 1 / 3, 0.5, 0.75, 1.5, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, round(beats), *whole_bars)
        seconds += [q * 60.0 / tempo for q in quarters]
        yield from (candidate.tempo for candidate in facts.tempo_candidates)
    seconds += [beat for beat in facts.beats if 0.0 <= beat <= 1e7]
    yield from hertz
    yield from (f / 1000.0 for f in hertz)
    for length in seconds:
        yield from (length, 1000.0 * length, math.floor(length / 60.0), length % 60.0, round(length) // 60)
        yield round(length) % 60
    if duration > 0.0:
        yield from (math.floor(q * 60.0 / duration) for q in (0.25, 0.5, 1.0, 2.0, 4.0))
        yield duration * 120.0 / 240.0  # bars at 120 BPM
    levels = [x for x in (audio.loudness_lufs, audio.true_peak_dbtp) if x is not None]
    yield from (x - y for x in levels for y in (0.0, -1.0, -14.0, -18.0, *levels))
    yield from (y - x for x in levels for y in (-1.0, -18.0))
    yield from (abs(x) for x in (facts.tuning_cents, facts.pitch_cents) if x is not None)
    yield from (-abs(x) for x in (facts.tuning_cents, facts.pitch_cents) if x is not None)
    yield from measured(sample)
    yield from _FIXED


def is_known(value: float | None) -> bool:
    return value is not None and math.isfinite(value)


@settings(max_examples=200)
@given(samples())
def test_every_number_is_a_fact_or_follows_from_one(sample: Sample) -> None:
    text = _THOUSANDS.sub("", _NAMES.sub("", all_text(describe(sample))))
    known = [value for value in derived(sample) if math.isfinite(value)]
    for printed in _NUMBER.findall(text):
        decimals = len(printed.partition(".")[2])
        slack = 0.5001 * 10.0**-decimals + 1e-9 * abs(float(printed))
        assert any(abs(value - float(printed)) <= slack for value in known), (printed, text)


@settings(max_examples=200)
@given(samples())
def test_no_claim_without_its_fact(sample: Sample) -> None:
    summary = describe(sample)
    text, audio, facts = all_text(summary), sample.audio, sample.analysis

    assert summary.summary
    assert not re.search(r"\b(None|nan|inf)\b|Zyzzyx|(?<!\d)999(?!\d)|  |,,|\d{12}|\.\.| [.,;:]", text)
    sentences = [part for item in text.split(" | ") for part in re.split(r"(?<=\.) (?=\D)", item)]
    assert all(part[0].isupper() or part[0].isdigit() for part in sentences)
    assert all(item.endswith(".") for item in text.split(" | "))
    # An upper-case A may be the note.
    assert not re.search(r"(?:\ba|^A) (?:(?!one-shot)[aeio]|8\d*\b)|\b[Aa]n [^aeiou8]", text)
    assert not re.search(r"(?<![\d.])1 (?:beats|bars|cents|semitones|notes)\b", text)
    assert all(re.fullmatch(r"[a-z0-9#-]+", tag) for tag in summary.tags)
    assert len(set(summary.tags)) == len(summary.tags)

    long = facts.kind != "one_shot" and is_known(facts.tempo)
    timeless = re.sub(r"(?:up to|Up to|at 120|stays separate up to) ?\d* BPM|up to \d+ BPM", "", text)
    assert "BPM" not in timeless or long
    assert not re.search(r"\d LUFS", text) or is_known(audio.loudness_lufs)
    assert not re.search(r"\d dBTP", text) or is_known(audio.true_peak_dbtp)
    pitched = facts.kind == "one_shot" and facts.pitch_midi in range(128)
    assert not re.search(r"\b(major|minor)\b", text) or (facts.key in NOTES and facts.mode is not None) or pitched
    assert "cents" not in text or is_known(facts.pitch_cents) or is_known(facts.tuning_cents)
    assert not re.search(r"MIDI|[Ff]undamental at|\bon [A-G]#?-?\d", text) or pitched
    assert "center" not in text or is_known(facts.spectral_features.get("centroid_hz", {}).get("mean"))
    assert not re.search(r"\d beats?\b", text) or (facts.kind == "loop" and is_known(facts.tempo))
    assert "low end leads" not in text or "mfcc" in facts.spectral_features
    assert "trongest note" not in text or "chroma" in facts.spectral_features
    assert not re.search(r"of 3/4|bars of 4/4 in", text) or facts.time_signature in {(4, 4), (3, 4)}


@settings(max_examples=50)
@given(samples())
def test_same_numbers_same_words(sample: Sample) -> None:
    assert astuple(describe(sample)) == astuple(describe(sample))
