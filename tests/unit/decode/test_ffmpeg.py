"""What FFmpeg reads, how long it takes it to be, and what it is not let do."""

import struct
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryFile

import numpy as np
import pytest

from samplemind_worker.decode import DecodedAudio, Limits, decode
from samplemind_worker.errors import NotAudioError, PermanentError, TooLargeError, TooLongError, UnreadableError
from tests import awkward, encoders
from tests.hostile import sounds
from training import signals

RATE = 44100
LOOP = signals.drum_loop(165.0, bars=1, sr=RATE)


def _read(data: bytes, limits: Limits | None = None) -> DecodedAudio:
    with TemporaryFile() as file:
        file.write(data)
        file.flush()
        return decode(file, limits=limits or Limits())


@pytest.mark.parametrize(
    ("container", "codec", "form", "subtype"),
    [
        ("ipod", "aac", "MP4", "AAC"),
        ("ipod", "alac", "MP4", "ALAC"),
        ("3gp", "aac", "MP4", "AAC"),
        ("mov", "pcm_s16be", "MP4", "PCM_16"),
        ("matroska", "flac", "MATROSKA", "FLAC"),
        ("webm", "libopus", "WEBM", "OPUS"),
        ("caf", "alac", "CAF", "ALAC"),
        ("ogg", "flac", "OGG", "FLAC"),
        ("wv", "wavpack", "WAVPACK", "WAVPACK"),
        ("tta", "tta", "TTA", "TTA"),
        ("avi", "pcm_s16le", "AVI", "PCM_16"),
    ],
)
def test_a_loop_has_its_exact_length(container: str, codec: str, form: str, subtype: str):
    rate = 48000 if codec == "libopus" else RATE
    audio = _read(encoders.encode(LOOP, container, codec, sr=rate))
    assert (audio.format, audio.subtype, audio.reader, audio.warnings) == (form, subtype, "ffmpeg", ())
    assert round(audio.duration * rate) == len(LOOP)
    if rate == RATE:
        n = min(len(audio.y), len(LOOP) // 2)
        wanted = signals.drum_loop(165.0, bars=1, sr=RATE)
        assert float(np.corrcoef(audio.y[:n], wanted[: 2 * n : 2])[0, 1]) > 0.9


@pytest.mark.parametrize(("container", "codec"), [("mp3", "libmp3lame"), ("ogg", "libopus")])
def test_what_libsndfile_reads_right_it_reads(container: str, codec: str):
    rate = 48000 if codec == "libopus" else RATE
    audio = _read(encoders.encode(LOOP, container, codec, sr=rate))
    assert (audio.reader, round(audio.duration * rate), audio.warnings) == ("libsndfile", len(LOOP), ())


@pytest.mark.parametrize(("container", "codec"), [("adts", "aac"), ("ac3", "ac3"), ("wav", "mp2"), ("wav", "ac3")])
def test_what_tells_no_padding_is_read_with_it(container: str, codec: str):
    audio = _read(encoders.encode(LOOP, container, codec))
    assert audio.warnings == ()
    assert 0 <= round(audio.duration * RATE) - len(LOOP) < 2 * 1536


def test_apples_comment_tells_where_the_sound_ends():
    data = encoders.encode(LOOP, "ipod", "aac", metadata={"comment": "x" * 150})
    told = f" 00000000 00000400 000001F4 {len(LOOP) - 300:016X}".encode().ljust(150)
    comment = data.index(b"x" * 150)
    data = data[:comment] + b"iTunSMPB" + told[:142] + data[comment + 150 :]
    assert round(_read(data).duration * RATE) == len(LOOP) - 300


@pytest.mark.parametrize(
    ("front", "warnings"),
    [(awkward.id3v2(), ()), (awkward.junk(900), ("leading_bytes",)), (bytes(70_000), ("leading_bytes",))],
)
@pytest.mark.parametrize(("container", "codec"), [("ipod", "aac"), ("matroska", "flac")])
def test_what_does_not_begin_at_its_beginning(container: str, codec: str, front: bytes, warnings: tuple[str, ...]):
    audio = _read(front + encoders.encode(LOOP, container, codec))
    assert (round(audio.duration * RATE), audio.warnings) == (len(LOOP), warnings)


def test_an_edit_list_may_begin_with_a_wait():
    audio = _read(awkward.with_wait(encoders.encode(LOOP, "ipod", "aac")))
    assert (round(audio.duration * RATE), audio.exact_length) == (len(LOOP), True)


def test_an_m4a_that_is_cut_is_truncated():
    options = {"movflags": "empty_moov", "frag_duration": "100000"}
    audio = _read(awkward.cut(encoders.encode(LOOP, "ipod", "aac", container_options=options), 0.6))
    assert audio.warnings == ("truncated",)
    assert 0.2 * len(LOOP) < audio.duration * RATE < 0.9 * len(LOOP)


def test_the_first_stream_that_is_audible_is_read():
    silence, other = np.zeros(RATE, np.float32), signals.sine(440.0, 0.5)
    audio = _read(encoders.encode_streams([silence, LOOP, other], "matroska", "flac"))
    assert round(audio.duration * RATE) == len(LOOP)
    silent = _read(encoders.encode_streams([silence, silence], "matroska", "flac"))
    assert (silent.duration, silent.loudness_lufs) == (1.0, None)


def test_pictures_alone_are_no_audio():
    data = encoders.pictures("matroska", "mpeg4")
    with pytest.raises(NotAudioError, match="there is no sound in it"):
        _read(data)


def test_channels_and_rates_beyond_the_limits_are_refused():
    data = encoders.encode(np.stack([LOOP] * 6, axis=1), "matroska", "flac")
    with pytest.raises(TooLargeError, match="6 channels; at most 2"):
        _read(data, Limits(max_channels=2))
    with pytest.raises(TooLargeError, match="44100 samples per second; at most 8000"):
        _read(data, Limits(max_sample_rate=8000))


@pytest.mark.parametrize("channels", [65, 1025, 65535])
def test_more_channels_than_any_decoder_takes_are_too_many(channels: int):
    wav = sounds.wav_header(channels=channels, bits=8, data_bytes=channels) + bytes(channels)
    au = b".snd" + struct.pack(">5L", 24, 2 * channels, 3, RATE, channels) + bytes(2 * channels)
    for data in (wav, au):
        with pytest.raises(TooLargeError, match=f"{channels} channels; at most 64"):
            _read(data)


@pytest.mark.parametrize(("container", "codec"), [("ipod", "aac"), ("adts", "aac"), ("matroska", "flac")])
def test_what_is_too_long_is_refused(container: str, codec: str):
    with pytest.raises(TooLongError, match="over 1 s long"):
        _read(encoders.encode(LOOP, container, codec), Limits(max_duration=1.0))


def test_the_middle_of_a_long_file_is_kept():
    y = np.concatenate([signals.sine(200.0, 4.0), signals.sine(1000.0, 2.0), signals.sine(200.0, 4.0)])
    audio = _read(encoders.encode(y, "ipod", "aac"), Limits(excerpt_seconds=1.0))
    assert (audio.duration, audio.excerpt_start) == (10.0, 4.5)
    spectrum = np.abs(np.fft.rfft(audio.y))
    assert int(np.argmax(spectrum)) / (len(audio.y) / audio.sr) == pytest.approx(1000.0, abs=2.0)


def test_opposite_channels_leave_the_first_one():
    y = signals.sine(440.0, 1.0)
    audio = _read(encoders.encode(np.stack([y, -y], axis=1), "matroska", "flac"))
    assert audio.warnings == ("opposite_phase",)
    assert float(np.abs(audio.y).max()) == pytest.approx(0.5, abs=0.02)


@pytest.mark.parametrize(
    "text", [b"#EXTM3U\n/etc/passwd\n", b"ffconcat version 1.0\nfile /etc/passwd\n", b"[playlist]\n"]
)
def test_lists_of_other_files_are_no_audio(text: bytes):
    with pytest.raises(NotAudioError):
        _read(text)


def test_a_header_without_anything_behind_it_is_unreadable():
    head = struct.pack(">L4s4sL4s4s", 24, b"ftyp", b"M4A ", 0, b"M4A ", b"mp42") + struct.pack(">L4s", 8, b"mdat")
    with pytest.raises(UnreadableError):
        _read(head)


NO_XING = {"write_xing": "0"}
LOUD_FIRST = np.concatenate([signals.noise(0.5), signals.sine(100.0, 3.0, level=0.1)])
NEEDS_IT = (
    "unsupported FFmpeg is needed to read it: add the extra with "
    "`.tools/bin/uv sync --locked --inexact --no-dev --extra ffmpeg` in the project's folder\n"
)


@pytest.mark.parametrize(
    ("data", "said"),
    [
        (encoders.encode(LOOP, "ipod", "aac"), NEEDS_IT),
        (2 * encoders.encode(LOOP, "ogg", "libopus", sr=48000), NEEDS_IT),
        (
            encoders.encode(LOUD_FIRST, "mp3", "libmp3lame", options=encoders.VBR, container_options=NO_XING),
            NEEDS_IT,
        ),
        (encoders.encode(LOOP, "mp3", "libmp3lame", options={"b": "192000"}, container_options=NO_XING), "read\n"),
        (encoders.encode(LOOP, "mp3", "libmp3lame"), "read\n"),
        (encoders.encode(LOOP, "flac", "flac"), "read\n"),
    ],
    ids=["M4A", "chain", "VBR", "CBR", "Xing", "FLAC"],
)
def test_without_the_extra_nothing_is_cut_in_silence(tmp_path: Path, data: bytes, said: str):
    path = tmp_path / "sound"
    path.write_bytes(data)
    code = (
        "import sys; sys.modules['av'] = None\n"
        "from samplemind_worker.decode import Limits, decode\n"
        "from samplemind_worker.errors import PermanentError\n"
        "try: decode(open(sys.argv[1], 'rb'), limits=Limits()); print('read')\n"
        "except PermanentError as error: print(error.code, error)\n"
    )
    done = subprocess.run([sys.executable, "-c", code, str(path)], capture_output=True, text=True, check=True)
    assert done.stdout == said


@pytest.mark.parametrize("container", ["ipod", "matroska", "adts", "wv", "avi", "caf"])
def test_damaged_files_end_in_an_answer_or_an_error_of_ours(container: str):
    codec = {"wv": "wavpack", "avi": "libmp3lame", "caf": "alac", "matroska": "aac"}.get(container, "aac")
    whole = encoders.encode(LOOP[: RATE // 2], container, codec)
    rng = np.random.default_rng(3)
    for _ in range(30):
        data = bytearray(whole)
        for place in rng.integers(0, len(data), 12):
            data[place] = int(rng.integers(256))
        try:
            audio = _read(bytes(data[: int(rng.integers(len(data) // 2, len(data) + 1))]), Limits(max_duration=60.0))
        except PermanentError as error:
            assert error.code in {"unreadable", "empty", "not_audio", "too_long", "too_large", "unsupported"}  # noqa: PT017 -- either outcome is right, and both are checked
        else:
            assert np.isfinite(audio.y).all()
