"""Samples for playing: 16 bits, as they are in the file, whatever its form."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf

from samplemind_worker.decode import Limits, playback
from samplemind_worker.errors import EmptyFileError, PermanentError, TooLongError
from training import signals


def written(path: Path, output: Path, limits: Limits | None = None) -> tuple[playback.Copy, npt.NDArray[np.int16]]:
    with path.open("rb") as file, output.open("w+b") as to:
        copy = playback.write(file, to.fileno(), at=44, limits=limits or Limits())
    samples = np.frombuffer(output.read_bytes()[44:], "<i2")
    return copy, samples[: copy.frames * copy.channels].reshape(-1, copy.channels)


@pytest.mark.parametrize("subtype", ["PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE"])
def test_samples_are_those_of_the_file(tmp_path: Path, subtype: str):
    y = np.stack([signals.snare(), signals.snare()[::-1]], axis=1)
    sf.write(tmp_path / "a.caf", y, 48_000, subtype=subtype)

    copy, samples = written(tmp_path / "a.caf", tmp_path / "copy")

    assert copy == playback.Copy(48_000, 2, len(y), subtype)
    assert np.abs(samples / 32768.0 - y).max() < 1.0 / 32768.0


def test_floats_beyond_full_scale_and_no_numbers_do_no_harm(tmp_path: Path):
    y = np.array([0.0, 5.0, -5.0, np.nan, np.inf, 0.5], np.float32)
    sf.write(tmp_path / "a.wav", y, 44_100, subtype="FLOAT")

    _, samples = written(tmp_path / "a.wav", tmp_path / "copy")

    assert samples[:, 0].tolist() == [0, 32767, -32768, 0, 0, 16384]


def test_a_truncated_file_is_played_as_far_as_it_goes(tmp_path: Path):
    path = tmp_path / "a.aiff"
    sf.write(path, signals.sine(440.0, 1.0), 44_100)
    path.write_bytes(path.read_bytes()[:40_000])

    copy, samples = written(path, tmp_path / "copy")

    assert 19_000 < copy.frames == len(samples) < 20_000


@pytest.mark.parametrize("content", [b"", b"no audio at all", b"RIFF\x10\0\0\0WAVEjunk", b"FORM\0\0\0\4AIFF"])
def test_what_is_no_audio_is_refused(tmp_path: Path, content: bytes):
    (tmp_path / "a").write_bytes(content)

    with pytest.raises(PermanentError):
        written(tmp_path / "a", tmp_path / "copy")


def test_limits_hold(tmp_path: Path):
    sf.write(tmp_path / "a.wav", signals.sine(440.0, 3.0), 44_100)
    sf.write(tmp_path / "none.wav", np.zeros(0), 44_100)

    with pytest.raises(TooLongError):
        written(tmp_path / "a.wav", tmp_path / "copy", Limits(max_duration=2.0))
    with pytest.raises(EmptyFileError):
        written(tmp_path / "none.wav", tmp_path / "copy")
