"""What folders and names of recordings say."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from samplemind_worker.dsp.instrument import CLASSES
from training import oneshots, programs, sources

NAMED = {source.name: source for source in sources.SOURCES}


@pytest.mark.parametrize(
    ("stem", "midi"),
    [("cello_As3_1_forte_normal", 58.0), ("D#4vL", 63.0), ("A0vH", 21.0), ("C4", 60.0), ("E2_s1_01", 40.0)],
)
def test_the_note_in_a_name_is_read(stem: str, midi: float):
    assert sources.midi_of(stem) == midi


@pytest.mark.parametrize("stem", ["kick", "12_Snare", "bass-drum__05_forte_struck", "Hat4"])
def test_a_name_without_a_note_has_none(stem: str):
    assert sources.midi_of(stem) is None


@pytest.mark.parametrize(
    ("source", "path", "label"),
    [
        ("philharmonia", "philharmonia/audio/saxophone/saxophone_A4_1_forte_normal.mp3", ("sax", 69.0)),
        ("philharmonia", "philharmonia/audio/saxophone/saxophone_A4_phrase_forte_legato.mp3", None),
        (
            "philharmonia",
            "philharmonia/audio/double bass/double-bass_E2_1_forte_pizz-normal.mp3",
            ("bass", 40.0),
        ),
        ("opendrums", "open-source-drumkit/snare/snare-top-off12.wav", None),
        ("opendrums", "open-source-drumkit/sidestick/sidestick2.wav", ("rim", programs.UNKNOWN)),
        ("muldjord", "muldjord/samples/HihatOpen/21-HihatOpen.flac", ("hat_open", programs.UNKNOWN)),
        ("rooms", "moodist/public/sounds/things/ceiling-fan.mp3", ("ambience", programs.UNKNOWN)),
    ],
)
def test_folders_and_names_tell_the_class(source: str, path: str, label: tuple[str, float] | None):
    assert NAMED[source].label(Path(path)) == label


def test_recordings_are_stored_with_what_they_are(tmp_path: Path):
    place = tmp_path / "corpus/upright-kw/samples"
    place.mkdir(parents=True)
    tone = 0.5 * np.sin(2.0 * np.pi * 440.0 * np.arange(44100) / 44100)
    soundfile.write(place / "A4vH.flac", tone, 44100)
    (place / "C4vH.flac").write_bytes(b"")
    sources.make(tmp_path / "corpus", tmp_path / "sounds")
    ((y, truth),) = oneshots.read(tmp_path / "sounds")
    assert len(y) == pytest.approx(22050, abs=50)
    assert (truth["name"], truth["midi"], truth["font"]) == ("piano", 69.0, "upright")
    assert truth["name"] in CLASSES
