"""The hash of decoded audio: the same for one sound however it is packed, another one for any other sound."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf

from samplemind_worker.decode import Limits, decode
from tests.awkward import id3v1, id3v2
from training import signals

SECONDS = 4.0  # several blocks, which end elsewhere in each reader


def hash_of(path: Path) -> str:
    with path.open("rb") as file:
        return decode(file, limits=Limits()).audio_hash


def stereo() -> npt.NDArray[np.int16]:
    noise = np.random.default_rng(3).normal(0.0, 0.1, round(44100 * SECONDS)).astype(np.float32)
    return np.rint(signals.widen(noise) * 32767.0).astype(np.int16)


@pytest.fixture
def original(tmp_path: Path) -> str:
    sf.write(tmp_path / "original.wav", stereo(), 44100, subtype="PCM_16")
    return hash_of(tmp_path / "original.wav")


@pytest.mark.parametrize(
    ("form", "subtype"),
    [
        ("AIFF", "PCM_16"),
        ("FLAC", "PCM_16"),
        ("FLAC", "PCM_24"),
        ("WAV", "PCM_24"),
        ("WAV", "PCM_32"),
        ("WAV", "FLOAT"),
        ("CAF", "ALAC_16"),
        ("W64", "PCM_16"),
    ],
)
def test_lossless_containers_have_the_hash_of_the_sound(tmp_path: Path, original: str, form: str, subtype: str):
    path = tmp_path / "copy"
    # Whole numbers, as libsndfile would round floats on its own: those of 16 bits lie at the top of those of 32.
    samples = stereo() / np.float32(32768.0) if subtype == "FLOAT" else stereo().astype(np.int32) << 16
    sf.write(path, samples, 44100, format=form, subtype=subtype)
    assert hash_of(path) == original


def test_one_other_sample_gives_another_hash(tmp_path: Path, original: str):
    samples = stereo()
    samples[-1, 1] ^= 1
    sf.write(tmp_path / "a.wav", samples, 44100, subtype="PCM_16")
    assert hash_of(tmp_path / "a.wav") != original


@pytest.mark.parametrize("rate", [22050, 48000])
def test_another_rate_gives_another_hash(tmp_path: Path, original: str, rate: int):
    sf.write(tmp_path / "a.wav", stereo(), rate, subtype="PCM_16")
    assert hash_of(tmp_path / "a.wav") != original


@pytest.mark.parametrize("channels", [[0], [1, 0], [0, 1, 1], [0, 0]])
def test_other_channels_give_another_hash(tmp_path: Path, original: str, channels: list[int]):
    sf.write(tmp_path / "a.wav", stereo()[:, channels], 44100, subtype="PCM_16")
    assert hash_of(tmp_path / "a.wav") != original


def test_a_frame_of_silence_more_gives_another_hash(tmp_path: Path, original: str):
    samples = np.concatenate((stereo(), np.zeros((1, 2), np.int16)))
    sf.write(tmp_path / "a.wav", samples, 44100, subtype="PCM_16")
    assert hash_of(tmp_path / "a.wav") != original


def test_negative_zeros_are_zeros(tmp_path: Path):
    zeros = np.zeros((1000, 1), np.float32)
    sf.write(tmp_path / "plus.wav", zeros, 44100, subtype="FLOAT")
    sf.write(tmp_path / "minus.wav", -zeros, 44100, subtype="FLOAT")
    assert hash_of(tmp_path / "plus.wav") == hash_of(tmp_path / "minus.wav")


def test_tags_do_not_change_the_hash_of_an_mp3(tmp_path: Path):
    plain = tmp_path / "plain.mp3"
    sf.write(plain, stereo(), 44100, format="MP3")
    (tmp_path / "tagged.mp3").write_bytes(id3v2() + plain.read_bytes() + id3v1())
    assert hash_of(tmp_path / "tagged.mp3") == hash_of(plain)
