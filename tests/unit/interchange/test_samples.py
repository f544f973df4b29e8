from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from config.settings import Settings
from samplemind_worker.errors import UnreadableError, UsageError
from samplemind_worker.interchange import samples

SETTINGS = Settings(_env_file=None)


@pytest.mark.parametrize(
    ("name", "subtype", "bits", "channels"),
    [("a.wav", "PCM_16", 16, 2), ("a.wav", "PCM_24", 24, 6), ("a.flac", "PCM_24", 24, 1), ("a.aiff", "PCM_16", 16, 2)],
)
def test_reads_and_writes_whole_numbers_without_any_rounding(
    tmp_path: Path, name: str, subtype: str, bits: int, channels: int
):
    whole = np.random.default_rng(0).integers(-(2 ** (bits - 1)), 2 ** (bits - 1), (70_000, channels), dtype=np.int32)
    whole[0], whole[1] = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    sf.write(tmp_path / name, whole << (32 - bits), 48_000, subtype)

    with samples.read(tmp_path / name, SETTINGS) as sound:
        assert (sound.rate, sound.pcm) == (48_000, subtype)
        assert np.array_equal(sound.y.astype(np.float64) * 2.0 ** (bits - 1), whole)
        samples.write(tmp_path / "b.wav", sound.y, rate=sound.rate, subtype=sound.pcm)

    again, rate = sf.read(tmp_path / "b.wav", dtype="int32", always_2d=True)
    assert rate == 48_000
    assert np.array_equal(again, whole << (32 - bits))


def test_reads_floating_point_as_it_is(tmp_path: Path):
    y = np.array([[0.1], [-3.5], [1e-9]], np.float32)
    sf.write(tmp_path / "a.wav", y, 44_100, "FLOAT")

    with samples.read(tmp_path / "a.wav", SETTINGS) as sound:
        assert sound.pcm == "FLOAT"
        assert np.array_equal(sound.y, y)


def test_says_what_is_wrong_with_a_file(tmp_path: Path):
    (tmp_path / "a.wav").write_bytes(b"no audio at all")

    with pytest.raises(UnreadableError, match=r"a\.wav"), samples.read(tmp_path / "a.wav", SETTINGS):
        pass
    with pytest.raises(UsageError, match="no such file"), samples.read(tmp_path / "b.wav", SETTINGS):
        pass
    with pytest.raises(UsageError, match="is a folder"), samples.read(tmp_path, SETTINGS):
        pass


def test_overwrites_nothing(tmp_path: Path):
    (tmp_path / "a.wav").write_bytes(b"precious")

    with pytest.raises(FileExistsError):
        samples.write(tmp_path / "a.wav", np.zeros((1, 1), np.float32), rate=44_100, subtype="PCM_16")
    assert (tmp_path / "a.wav").read_bytes() == b"precious"
