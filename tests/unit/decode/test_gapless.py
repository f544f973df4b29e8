"""The same sound in many formats: the same answers, and the length as evidence only where it is known."""

from io import BufferedReader
from tempfile import TemporaryFile
from typing import cast

import numpy as np
import pytest

from config.settings import Settings
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.pipeline.engine import judge, measure
from samplemind_worker.pipeline.signals import limits, read_signal
from tests import awkward, encoders
from training import signals

BPM = 93.7
LOOP = signals.drum_loop(BPM, bars=2, sr=44100)
NO_XING = {"write_xing": "0"}
FORMATS = {
    "FLAC": ("flac", "flac", {}, {}),
    "MP3 CBR": ("mp3", "libmp3lame", {"b": "192000"}, {}),
    "MP3 VBR": ("mp3", "libmp3lame", encoders.VBR, {}),
    "AAC": ("ipod", "aac", {"b": "192000"}, {}),
    "ALAC": ("ipod", "alac", {}, {}),
    "Opus": ("ogg", "libopus", {"b": "128000"}, {}),
    "MP3 CBR no Xing": ("mp3", "libmp3lame", {"b": "192000"}, NO_XING),
    "MP3 VBR no Xing": ("mp3", "libmp3lame", encoders.VBR, NO_XING),
    "ADTS": ("adts", "aac", {"b": "192000"}, {}),
}
PADDED = {"MP3 CBR no Xing": 1105, "MP3 VBR no Xing": 1105, "ADTS": 1024}
"""How many samples encoder and decoder put in front where the container does not tell of it."""


def _made(name: str) -> bytes:
    container, codec, options, container_options = FORMATS[name]
    rate = 48000 if codec == "libopus" else 44100
    y = signals.drum_loop(BPM, bars=2, sr=rate)
    return encoders.encode(y, container, codec, sr=rate, options=options, container_options=container_options)


def _analyzed(data: bytes) -> tuple[AudioFacts, AnalysisFacts]:
    with TemporaryFile() as file:
        file.write(data)
        file.seek(0)
        allowed = limits(Settings())
        return judge(measure(read_signal(cast("BufferedReader", file), name=b"", file_id="", limits=allowed)))


@pytest.mark.parametrize("name", FORMATS)
def test_a_loop_is_the_same_in_every_format(name: str):
    facts, analysis = _analyzed(_made(name))
    assert (analysis.kind, analysis.instrument) == ("loop", "drum_loop")
    assert analysis.tempo == pytest.approx(BPM, rel=1e-3)
    assert facts.exact_length == (name not in PADDED)
    assert facts.lead_seconds == pytest.approx(PADDED.get(name, 0) / 44100)
    if name not in PADDED:
        assert facts.duration == pytest.approx(len(LOOP) / 44100, abs=1e-4)
        assert analysis.beats_in_loop == 8


def test_beats_count_from_the_beginning_of_the_file():
    plain, padded = _analyzed(_made("FLAC"))[1], _analyzed(_made("MP3 CBR no Xing"))[1]
    shift = np.median(np.array(padded.beats[:8]) - np.array(plain.beats[:8]))
    assert shift == pytest.approx(1105 / 44100, abs=0.008)


def test_mpg123_leaves_out_its_own_delay_behind_any_xing_frame():
    data = _made("MP3 CBR")
    tag = data.index(b"Info")
    lame = tag + 8 + 4 + 4 + 100 + 4  # behind the flags: frames, bytes, places to seek to, quality
    facts, _ = _analyzed(data[:lame] + bytes(36) + data[lame + 36 :])
    assert (facts.reader, facts.exact_length) == ("libsndfile", False)
    assert facts.lead_seconds == pytest.approx(576 / 44100)


def test_what_comes_before_an_onset_does_not_hide_the_delay():
    # The codec spreads a loud onset over what is before it.
    y = np.random.default_rng(0).normal(size=22050) * np.exp(-np.arange(22050) / 2205.0)
    data = encoders.encode(0.2 * y, "mp3", "libmp3lame", sr=44100, options={"b": "64000"}, container_options=NO_XING)
    assert _analyzed(data)[0].lead_seconds == pytest.approx(1105 / 44100)


def test_the_length_of_what_is_cut_is_no_evidence():
    facts, _ = _analyzed(awkward.cut(_made("FLAC"), 0.7))
    assert (facts.warnings, facts.exact_length) == (["truncated"], False)


def test_tags_of_containers_that_ffmpeg_reads_are_evidence():
    tags = {"title": "Break", "BPM": "93.7", "initialkey": "Am", "genre": "Funk"}
    facts, analysis = _analyzed(encoders.encode(LOOP, "matroska", "flac", metadata=tags))
    assert facts.metadata == {"tags": {"title": "Break", "bpm": "93.7", "initial_key": "Am", "genre": "Funk"}}
    assert facts.tags == ["Funk"]
    assert analysis.provenance["tempo"] == "audio+tags"
