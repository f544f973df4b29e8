import hashlib
import re
from pathlib import Path

import numpy as np
import pytest

from config.settings import Settings
from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.documents.versions import CPU_STEPS, VERSIONS
from samplemind_worker.errors import (
    InternalError,
    NotAudioError,
    OutOfMemoryError,
    ServiceUnavailableError,
    TooLongError,
    attempt,
)
from samplemind_worker.pipeline.engine import judge, measure
from samplemind_worker.pipeline.signals import identify, limits, read_signal
from tests.factories import write_audio
from training import signals

SETTINGS = Settings(_env_file=None)


def test_one_file_through_the_engine_is_analysed(tmp_path: Path):
    path = write_audio(tmp_path / "loop.wav", signals.drum_loop(120.0, bars=4))

    with path.open("rb") as file:
        signal = read_signal(file, name=b"loop.wav", file_id=identify(file), limits=limits(SETTINGS))
    facts, analysis = judge(measure(signal))

    assert (facts.filename, facts.file_size, facts.format) == ("loop.wav", path.stat().st_size, "WAV")
    assert facts.file_id == analysis.file_id == hashlib.sha256(path.read_bytes()).hexdigest()
    assert analysis.tempo == pytest.approx(120.0, rel=0.01)
    assert (analysis.time_signature, analysis.beats_in_loop) == ((4, 4), 16)
    assert analysis.versions == {step: VERSIONS[step] for step in CPU_STEPS}
    assert list(analysis.seconds) == ["decode", "features", "tempo_key"]
    assert analysis.vector_version == VERSIONS["store"]


def test_times_of_a_long_track_are_those_of_the_file(tmp_path: Path):
    # The middle two minutes of 150 s are analysed.
    music = signals.track(0, "minor", 120.0, 150.0, pattern="house", sr=22050)
    path = write_audio(tmp_path / "track.wav", music, sr=22050)

    with path.open("rb") as file:
        signal = read_signal(file, name=b"track.wav", file_id=identify(file), limits=limits(SETTINGS))
    facts, analysis = judge(measure(signal))

    assert facts.excerpt_start == 15.0
    assert 15.0 <= analysis.beats[0] <= 15.6
    assert analysis.sections is not None
    assert (analysis.sections[0].start, analysis.sections[-1].end) == (15.0, 135.0)
    # Neither the beginning nor the end of the file is among it.
    assert {one.kind for one in analysis.sections} & {"intro", "outro"} == set()
    for points in analysis.loop_points or ():
        assert 15.0 <= points.start < points.end <= 135.0


def test_a_loop_has_slices_and_a_rhythm(tmp_path: Path):
    path = write_audio(tmp_path / "loop.wav", signals.drum_loop(120.0, bars=4, pattern="house"))

    with path.open("rb") as file:
        signal = read_signal(file, name=b"loop.wav", file_id=identify(file), limits=limits(SETTINGS))
    _, analysis = judge(measure(signal))

    assert (analysis.sections, analysis.loop_points) == (None, None)
    times = np.array([one.time for one in analysis.slices or ()])
    assert 32 <= len(times) <= 36
    assert np.abs(np.arange(32)[:, None] * 0.25 - times).min(axis=1).max() < 0.008
    assert analysis.rhythm is not None
    assert (analysis.rhythm.feel, analysis.rhythm.density, len(analysis.rhythm.groove)) == (
        "straight",
        pytest.approx(2.0, abs=0.3),
        16,
    )


def test_silence_through_the_engine_has_no_answers_and_no_vector(tmp_path: Path):
    path = write_audio(tmp_path / "silence.wav", signals.silence(2.0))

    with path.open("rb") as file:
        signal = read_signal(file, name=b"silence.wav", file_id=identify(file), limits=limits(SETTINGS))
    _, analysis = judge(measure(signal))

    assert (analysis.tempo, analysis.key, analysis.mode, analysis.instrument) == (None, None, None, None)
    assert (analysis.vector, analysis.vector_version) == (None, None)
    assert analysis.provenance == {}


def test_limits_are_those_of_the_settings(tmp_path: Path):
    path = write_audio(tmp_path / "long.wav", signals.silence(2.0))
    short = SETTINGS.model_copy(update={"max_duration": 1.5})

    with path.open("rb") as file, pytest.raises(TooLongError, match=r"over 1.5 s long"):
        read_signal(file, name=b"long.wav", file_id="0", limits=limits(short))


def test_names_that_are_no_utf8_are_shown_as_text(tmp_path: Path):
    path = write_audio(tmp_path / "tone.wav", signals.sine(440.0, 0.1))

    with path.open("rb") as file:
        signal = read_signal(file, name=b"caf\xe9.wav", file_id="0", limits=limits(SETTINGS))

    assert signal.facts.filename == "caf\\xe9.wav"


def fail(error: BaseException) -> None:
    raise error


def test_attempt_returns_the_result():
    assert attempt(lambda: 7) == 7


def test_attempt_returns_the_reason_why_a_file_fails():
    error = NotAudioError("no")

    assert attempt(lambda: fail(error)) is error


def test_attempt_stores_a_fault_of_ours_with_its_type():
    error = attempt(lambda: fail(KeyError("mode")))

    assert isinstance(error, InternalError)
    assert re.fullmatch(r"KeyError: 'mode' \(test_engine\.py:\d+\)", str(error))


def test_attempt_tells_lack_of_memory():
    error = attempt(lambda: fail(MemoryError()))

    assert isinstance(error, OutOfMemoryError)


@pytest.mark.parametrize("error", [ServiceUnavailableError("away"), KeyboardInterrupt(), SystemExit(1)])
def test_attempt_lets_pass_what_is_no_fault_of_the_file(error: BaseException):
    with pytest.raises(type(error)):
        attempt(lambda: fail(error))


@pytest.mark.parametrize("silence", [20, 66, 441])
def test_milliseconds_of_silence_in_front_change_no_answer(tmp_path: Path, silence: int):
    hit = signals.snare(sr=22050)
    plain, late = (
        heard(write_audio(tmp_path / f"{lead}.wav", np.concatenate([np.zeros(lead, np.float32), hit]), sr=22050))
        for lead in (0, silence)
    )
    assert (late.kind, late.instrument, late.instrument_confidence) == (
        plain.kind,
        plain.instrument,
        plain.instrument_confidence,
    )
    assert late.vector == plain.vector
    assert late.vector is not None


def test_beats_and_slices_of_a_loop_that_begins_late_are_those_of_the_file(tmp_path: Path):
    loop = signals.drum_loop(120.0, bars=2, pattern="house", sr=22050)
    late = heard(write_audio(tmp_path / "late.wav", np.roll(loop, 220), sr=22050))
    assert late.tempo == pytest.approx(120.0, rel=0.001)
    slices = np.array([one.time for one in late.slices or ()])
    assert np.abs(220 / 22050 + np.arange(16)[:, None] * 0.25 - slices).min(axis=1).max() < 0.008
    beats = np.array(late.beats)
    assert np.abs(np.arange(len(beats)) * 0.5 + 0.01 - beats).max() < 0.02


def heard(path: Path) -> AnalysisFacts:
    """What is answered of a file by its sound alone."""
    with path.open("rb") as file:
        signal = read_signal(file, name=b"sound", file_id=identify(file), limits=limits(SETTINGS))
    return judge(measure(signal), stated_evidence=False)[1]
