"""Files through the sandbox: what comes back is what decoding in this process gives."""

import os
import subprocess
import sys
from contextlib import ExitStack
from pathlib import Path

import numpy as np
import pytest

from config.settings import Settings
from samplemind_worker.errors import PermanentError
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.reader import Source, bounds, read_signals
from samplemind_worker.pipeline.signals import Signal, identify, limits, read_signal
from samplemind_worker.sandbox import Wanted
from tests.factories import write_audio
from tests.hostile import sounds
from training import signals

SETTINGS = Settings(_env_file=None)
SR = 44100


def read(paths: list[Path], settings: Settings = SETTINGS) -> list[Signal | PermanentError]:
    with ExitStack() as files:
        opened = [files.enter_context(path.open("rb")) for path in paths]
        sources = [
            Source(file, os.fsencode(path.name), identify(file)) for path, file in zip(paths, opened, strict=True)
        ]
        return list(read_signals(sources, settings))


def here(path: Path) -> Signal:
    with path.open("rb") as file:
        return read_signal(file, name=os.fsencode(path.name), file_id=identify(file), limits=limits(SETTINGS))


@pytest.mark.parametrize("ending", ["wav", "flac", "aiff", "ogg", "mp3", "caf", "w64", "au"])
def test_a_signal_is_the_same_as_decoded_here(tmp_path: Path, ending: str):
    path = write_audio(tmp_path / f"loop.{ending}", signals.widen(signals.drum_loop(120.0, bars=1, sr=SR)))

    [found] = read([path])

    expected = here(path)
    assert isinstance(found, Signal)
    assert found.facts == expected.facts
    assert found.sr == expected.sr
    np.testing.assert_array_equal(found.y, expected.y)
    assert 0.0 < found.seconds < 60.0


@pytest.mark.parametrize(("ending", "container", "codec"), sounds.BY_FFMPEG)
def test_what_ffmpeg_reads_is_the_same_as_decoded_here(tmp_path: Path, ending: str, container: str, codec: str):
    path = tmp_path / f"loop{ending}"
    path.write_bytes(sounds.by_ffmpeg(container, codec))

    [found] = read([path])

    assert isinstance(found, Signal)
    assert found.facts == here(path).facts
    assert found.facts.reader == "ffmpeg"
    np.testing.assert_array_equal(found.y, here(path).y)


def test_samples_may_be_written_to(tmp_path: Path):
    [found] = read([write_audio(tmp_path / "a.wav", signals.sine(440.0, 0.1))])

    assert isinstance(found, Signal)
    found.y[0] = 1.0


def test_names_that_are_no_utf8_stay_what_they_are(tmp_path: Path):
    path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9.wav"))
    write_audio(path, signals.sine(440.0, 0.1))

    [found] = read([path])

    assert isinstance(found, Signal)
    assert found.facts.filename == "caf\\xe9.wav"


def test_each_file_has_its_answer(tmp_path: Path):
    good = [write_audio(tmp_path / f"{number}.wav", signals.sine(200.0 + number, 0.1)) for number in range(70)]
    (tmp_path / "note.wav").write_text("a note, no sound")
    (tmp_path / "broken.flac").write_bytes(b"fLaC" + bytes(500))

    found = read([*good[:40], tmp_path / "note.wav", tmp_path / "broken.flac", *good[40:]])

    assert [one.code for one in found if isinstance(one, PermanentError)] == ["not_audio", "unreadable"]
    names = [one.facts.filename for one in found if isinstance(one, Signal)]
    assert names == [path.name for path in good]


@pytest.mark.parametrize(
    ("cap", "value", "code"),
    [("max_duration", 0.5, "too_long"), ("max_channels", 1, "too_large"), ("max_sample_rate", 22050, "too_large")],
)
def test_caps_come_from_the_settings(tmp_path: Path, cap: str, value: float, code: str):
    path = write_audio(tmp_path / "a.wav", signals.widen(signals.sine(440.0, 1.0)))

    [found] = read([path], Settings.model_validate({cap: value}))

    assert isinstance(found, PermanentError)
    assert found.code == code


def test_a_file_that_needs_more_memory_than_allowed_fails_alone(tmp_path: Path):
    wide = np.zeros((768_000 * 60, 1), np.int16)
    small = write_audio(tmp_path / "small.wav", signals.sine(440.0, 0.1))
    large = write_audio(tmp_path / "large.wav", wide, sr=768_000)

    found = read([small, large, small], Settings.model_validate({"decode_memory_bytes": 2**27}))

    assert [one.code if isinstance(one, PermanentError) else "read" for one in found] == [
        "read",
        "out_of_memory",
        "read",
    ]


def test_a_fault_of_ours_is_told_with_its_place(tmp_path: Path):
    path = write_audio(tmp_path / "a.wav", signals.sine(440.0, 0.1))
    with path.open("rb") as file:
        wanted = Wanted(file.fileno(), {"name": "a.wav", "limits": {"unknown": 1}})
        [found] = audio_sandbox().read([wanted], bounds(SETTINGS))

    assert isinstance(found, PermanentError)
    assert found.code == "internal"
    assert str(found).startswith(
        "TypeError: Limits.__init__() got an unexpected keyword argument 'unknown' (reader.py:"
    )


_READS = """
import sys
sys.modules["scipy"] = None  # who only uses us has none, and numba would load parts of NumPy for it
from samplemind_worker.pipeline import reader
reader.warm_up()
loaded = set(sys.modules)
for name in sys.argv[1:]:
    with open(name, "rb") as file:
        reader.read(file, {"name": "", "limits": {"max_duration": 60.0, "max_channels": 8, "max_sample_rate": 192000}})
print(sorted(set(sys.modules) - loaded))
"""


def test_a_decoder_has_loaded_all_that_it_needs(tmp_path: Path):
    rates = (8000, 22050, 44100, 48000, 96000)
    files = [write_audio(tmp_path / f"{rate}.wav", signals.sine(220.0, 0.5, sr=rate), sr=rate) for rate in rates]

    done = subprocess.run([sys.executable, "-c", _READS, *files], check=False, capture_output=True, text=True)

    assert (done.returncode, done.stdout, done.stderr) == (0, "[]\n", "")
