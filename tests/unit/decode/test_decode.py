import io
import struct
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf

from samplemind_worker.decode import DecodedAudio, Limits, decode
from samplemind_worker.errors import (
    EmptyFileError,
    NotAudioError,
    PermanentError,
    TooLargeError,
    TooLongError,
    UnreadableError,
    UnsupportedError,
)
from training import signals


def _decode(path: Path, limits: Limits | None = None) -> DecodedAudio:
    with path.open("rb") as file:
        return decode(file, limits=limits or Limits())


def _write(path: Path, y: npt.NDArray[np.float32], sr: int = 44100, subtype: str | None = None) -> Path:
    sf.write(path, y, sr, subtype=subtype)
    return path


@pytest.mark.parametrize("sr", [22050, 44100, 48000, 96000])
def test_any_rate_gives_the_same_signal(tmp_path: Path, sr: int):
    audio = _decode(_write(tmp_path / "a.wav", signals.sine(1000.0, 1.0, sr=sr), sr, "FLOAT"))
    assert (audio.sr, audio.sample_rate, audio.duration) == (22050, sr, 1.0)
    assert audio.y.dtype == np.float32
    assert len(audio.y) == pytest.approx(22050, abs=1)
    middle = slice(2000, 20000)
    np.testing.assert_allclose(audio.y[middle], signals.sine(1000.0, 1.0, sr=22050)[middle], atol=1e-3)


@pytest.mark.parametrize(
    ("ending", "form", "subtype", "tolerance"),
    [
        ("wav", "WAV", "PCM_24", 1e-4),
        ("flac", "FLAC", "PCM_16", 1e-4),
        ("aiff", "AIFF", "PCM_16", 1e-4),
        ("ogg", "OGG", "VORBIS", 0.02),
        ("mp3", "MP3", "MPEG_LAYER_III", 0.02),
    ],
)
def test_formats(tmp_path: Path, ending: str, form: str, subtype: str, tolerance: float):
    y = signals.sine(440.0, 2.0) * np.hanning(88200).astype(np.float32)
    path = _write(tmp_path / f"a.{ending}", signals.widen(y), 44100, subtype)
    audio = _decode(path)
    assert (audio.format, audio.subtype, audio.channels) == (form, subtype, 2)
    reference = signals.sine(440.0, 2.0, sr=22050) * np.hanning(44100).astype(np.float32) * 0.9
    n = min(len(audio.y), len(reference))
    assert audio.duration == pytest.approx(2.0, abs=0.06)
    assert np.abs(audio.y[:n] - reference[:n]).max() < tolerance + 0.002
    assert audio.warnings == ()


@pytest.mark.parametrize(
    ("ending", "subtype"), [("wav", "PCM_16"), ("aiff", "PCM_16"), ("caf", "PCM_16"), ("wav", "PCM_24")]
)
def test_samples_are_those_of_libsndfile(tmp_path: Path, ending: str, subtype: str):
    y = signals.noise(7.0, sr=22050, level=3.0)  # over full scale, and longer than a block
    path = _write(tmp_path / f"a.{ending}", y, 22050, subtype)
    np.testing.assert_array_equal(_decode(path).y, sf.read(path, dtype="float32")[0])


def test_loudness_is_that_of_the_whole_file(tmp_path: Path):
    y = np.concatenate([signals.sine(997.0, 10.0, sr=48000, level=0.1), signals.sine(997.0, 30.0, sr=48000, level=0.5)])
    audio = _decode(_write(tmp_path / "a.wav", y, 48000, "FLOAT"), Limits(excerpt_seconds=5.0))
    # The quiet quarter lies above the relative gate (-10 LU) of the rest by nothing: -14 dB is gated away.
    assert audio.loudness_lufs == pytest.approx(-3.01 - 6.02, abs=0.1)
    assert audio.true_peak_dbtp == pytest.approx(-6.02, abs=0.05)


def test_of_a_long_file_the_middle_is_kept(tmp_path: Path):
    sr = 22050
    y = np.repeat(np.arange(10, dtype=np.float32) / 10, 2 * sr)
    audio = _decode(_write(tmp_path / "a.wav", y, sr, "FLOAT"), Limits(excerpt_seconds=4.0))
    assert (audio.duration, audio.excerpt_start) == (20.0, 8.0)
    np.testing.assert_array_equal(audio.y, y[8 * sr : 12 * sr])


def test_channels_are_averaged(tmp_path: Path):
    left, right = signals.sine(300.0, 0.5, sr=22050), signals.sine(900.0, 0.5, sr=22050)
    audio = _decode(_write(tmp_path / "a.wav", np.stack([left, right], axis=1), 22050, "FLOAT"))
    np.testing.assert_allclose(audio.y, (left + right) / 2, atol=1e-6)


def test_opposite_channels_do_not_cancel(tmp_path: Path):
    y = signals.sine(300.0, 0.5, sr=22050)
    audio = _decode(_write(tmp_path / "a.wav", np.stack([y, -y], axis=1), 22050, "FLOAT"))
    assert audio.warnings == ("opposite_phase",)
    np.testing.assert_array_equal(audio.y, y)


def test_samples_that_are_no_numbers_become_silence(tmp_path: Path):
    y = signals.sine(300.0, 0.5, sr=22050)
    y[100], y[200], y[300] = np.nan, np.inf, -np.inf
    audio = _decode(_write(tmp_path / "a.wav", y, 22050, "FLOAT"))
    assert audio.warnings == ("non_finite_samples",)
    assert audio.y[[100, 200, 300]].tolist() == [0.0, 0.0, 0.0]
    assert np.isfinite(audio.y).all()
    assert audio.loudness_lufs is not None


def test_silence_has_no_loudness(tmp_path: Path):
    audio = _decode(_write(tmp_path / "a.wav", signals.silence(1.0)))
    assert (audio.loudness_lufs, audio.true_peak_dbtp) == (None, None)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3", "aiff"])
def test_a_truncated_file_is_read_as_far_as_it_goes(tmp_path: Path, ending: str):
    path = _write(tmp_path / f"a.{ending}", signals.noise(8.0))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) * 6 // 10])
    audio = _decode(path)
    assert 2.0 < audio.duration < 6.0
    assert np.abs(audio.y).max() > 0.1
    if ending in {"wav", "flac", "aiff"}:  # their headers say how long they should be
        assert audio.warnings == ("truncated",)


@pytest.mark.parametrize("ending", ["wav", "flac", "ogg", "mp3"])
def test_a_file_of_no_frames_is_empty(tmp_path: Path, ending: str):
    path = _write(tmp_path / f"a.{ending}", np.zeros(0, np.float32))
    with pytest.raises((EmptyFileError, UnreadableError)):
        _decode(path)


def test_no_bytes_are_empty(tmp_path: Path):
    path = tmp_path / "a.wav"
    path.touch()
    with pytest.raises(EmptyFileError, match=r"^the file has no bytes$"):
        _decode(path)


@pytest.mark.parametrize(
    "data",
    [
        b"just a note, no sound\n" * 50,
        "a note in UTF-16".encode("utf-16") * 50,
        b"\x00" * 5000,
        b"\xff",
        b"%PDF-1.7\n" + b"x" * 5000,
        b"\xff\xd8\xff\xe0\x00\x10JFIF\x00" + bytes(range(256)) * 20,
        b"RIFF\x00\x10\x00\x00WEBPVP8 " + bytes(5000),
    ],
)
def test_what_is_no_audio_says_so(tmp_path: Path, data: bytes):
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(NotAudioError, match=r"^not an audio file of any known kind$"):
        _decode(path)


@pytest.mark.parametrize(
    "data",
    [
        b"RIFF\x00\x10\x00\x00WAVEjunk" + bytes(range(256)) * 4,
        b"RIFF\x00\x10",
        b"fLaC" + bytes(500),
        b"OggS" + bytes(500),
        b"ID3\x04" + bytes(500),
        b"FORM\x00\x00\x00\x10AIFF" + bytes(16),
        b"\xff\xfb\x90\x64" + b"\xaa" * 200,
    ],
)
def test_a_broken_header_is_unreadable(tmp_path: Path, data: bytes):
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with pytest.raises(UnreadableError, match=r"^cannot be decoded: "):
        _decode(path)


@pytest.mark.parametrize("head", [b"\x00\x00\x00\x20ftypM4A ", b"\x30\x26\xb2\x75\x8e\x66\xcf\x11"])
def test_a_header_with_nothing_behind_it_is_unreadable(tmp_path: Path, head: bytes):
    path = tmp_path / "a.m4a"
    path.write_bytes(head + bytes(4000))
    with pytest.raises(UnreadableError, match=r"^cannot be decoded: "):
        _decode(path)


def test_a_long_file_is_refused_by_its_header(tmp_path: Path):
    path = _write(tmp_path / "a.flac", signals.silence(30.0, sr=8000), 8000)
    with pytest.raises(TooLongError, match="over 20 s long"):
        _decode(path, Limits(max_duration=20.0))


def test_a_header_that_claims_hours_is_refused_without_reading(tmp_path: Path):
    path = _write(tmp_path / "a.flac", signals.noise(1.0))
    data = bytearray(path.read_bytes())
    # STREAMINFO: the last 36 bits before the MD5 sum are the number of samples.
    data[21] |= 0x0F
    data[22:26] = struct.pack(">I", 0xFFFFFFFE)
    path.write_bytes(data)
    with pytest.raises(TooLongError):
        _decode(path)


def test_too_many_channels_are_refused(tmp_path: Path):
    path = _write(tmp_path / "a.wav", np.zeros((100, 12), np.float32))
    with pytest.raises(TooLargeError, match="12 channels; at most 8"):
        _decode(path, Limits(max_channels=8))


def test_absurd_rates_are_refused(tmp_path: Path):
    data = bytearray(_write(tmp_path / "a.wav", signals.noise(0.1), 44100, "PCM_16").read_bytes())
    for rate, error in ((100, UnsupportedError), (2_000_000_000, TooLargeError)):
        data[24:28] = struct.pack("<I", rate)
        (tmp_path / "b.wav").write_bytes(data)
        with pytest.raises(error, match=f"{rate} samples per second"):
            _decode(tmp_path / "b.wav")


def test_the_name_decides_nothing(tmp_path: Path):
    path = _write(tmp_path / "a.flac", signals.noise(0.5))
    path.rename(tmp_path / "a.mp3")
    assert _decode(tmp_path / "a.mp3").format == "FLAC"


def _damaged(data: bytes, rng: np.random.Generator) -> Iterator[bytes]:
    for _ in range(25):
        broken = bytearray(data)
        for place in rng.integers(0, len(data), 20):
            broken[place] = int(rng.integers(256))
        yield bytes(broken[: int(rng.integers(1, len(data)))])


@pytest.mark.parametrize("form", ["WAV", "FLAC", "AIFF"])
def test_damaged_files_end_in_an_answer_or_an_error_of_ours(tmp_path: Path, form: str):
    buffer = io.BytesIO()
    sf.write(buffer, signals.noise(0.3), 44100, format=form)
    for k, data in enumerate(_damaged(buffer.getvalue(), np.random.default_rng(7))):
        path = tmp_path / f"{k}.bin"
        path.write_bytes(data)
        try:
            audio = _decode(path, Limits(max_duration=60.0))
        except PermanentError as error:
            assert error.code in {"unreadable", "empty", "not_audio", "too_long", "too_large", "unsupported"}  # noqa: PT017 -- either outcome is right, and both are checked
        else:
            assert np.isfinite(audio.y).all()


def test_an_ogg_without_its_end_is_truncated(tmp_path: Path):
    whole, cut = tmp_path / "whole.ogg", tmp_path / "cut.ogg"
    sf.write(whole, signals.drum_loop(120.0, bars=2, sr=44100), 44100)
    data = whole.read_bytes()
    cut.write_bytes(data[: len(data) // 2])

    assert _decode(whole).warnings == ()
    assert _decode(cut).warnings == ("truncated",)


def test_a_flac_that_does_not_say_how_long_it_is(tmp_path: Path):
    path = tmp_path / "streamed.flac"
    sf.write(path, signals.drum_loop(120.0, bars=2, sr=44100), 44100)
    data = bytearray(path.read_bytes())
    data[21:26] = bytes([data[21] & 0xF0, 0, 0, 0, 0])
    path.write_bytes(data)

    assert _decode(path).duration == 4.0
    assert _decode(path).warnings == ("unknown_length",)
    with pytest.raises(TooLongError, match="over 3 s long"):
        _decode(path, Limits(max_duration=3.0))


@pytest.mark.parametrize("level", [1e30, float(np.finfo(np.float32).max)])
def test_absurd_samples_are_none(tmp_path: Path, level: float):
    path = tmp_path / "absurd.wav"
    y = signals.kick(sr=44100)
    y[100] = level
    sf.write(path, y, 44100, subtype="FLOAT")

    audio = _decode(path)

    assert audio.warnings == ("non_finite_samples",)
    assert np.abs(audio.y).max() < 2.0


@pytest.mark.parametrize("sr", [22050, 44100, 96000])
def test_width_is_what_the_channels_do_not_share(tmp_path: Path, sr: int):
    left, right = signals.noise(2.0, sr=sr, seed=1), signals.noise(2.0, sr=sr, seed=2)

    def width(*channels: npt.NDArray[np.float32]) -> float | None:
        return _decode(_write(tmp_path / "a.wav", np.stack(channels, axis=1), sr)).width

    assert width(left) is None
    assert width(left, left) == 0.0
    assert width(left, 0.3 * left) == pytest.approx(0.0, abs=1e-4)
    assert width(left, right) == pytest.approx(0.5, abs=0.02)
    assert width(left, -left) == pytest.approx(1.0, abs=1e-4)
    assert width(left, 0.0 * left) == 0.0
    assert width(left, right, left) is None
