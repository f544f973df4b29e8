"""Files as they come: every one is read whole, and what is said of it is true."""

import io
from collections.abc import Callable
from tempfile import TemporaryFile

import numpy as np
import numpy.typing as npt
import pytest
import soundfile as sf

from samplemind_worker.decode import DecodedAudio, Limits, decode
from samplemind_worker.decode.structure.ogg import checksum
from samplemind_worker.errors import NotAudioError
from tests import awkward, encoders
from training import signals

RATE = 44100
LOOP = signals.widen(signals.drum_loop(165.0, bars=1, sr=RATE))
HIT = signals.kick(0.1, sr=RATE)


def _read(data: bytes) -> DecodedAudio:
    with TemporaryFile() as file:
        file.write(data)
        file.flush()
        return decode(file, limits=Limits())


def _frames(audio: DecodedAudio) -> int:
    return round(audio.duration * audio.sample_rate)


def _written(form: str, subtype: str = "PCM_16", y: npt.NDArray[np.float32] = LOOP) -> bytes:
    file = io.BytesIO()
    sf.write(file, y, RATE, format=form, subtype=subtype)
    return file.getvalue()


WAV, FLAC, AIFF, AU, CAF, W64, RF64 = (_written(form) for form in ("WAV", "FLAC", "AIFF", "AU", "CAF", "W64", "RF64"))
WAV_24 = _written("WAV", "PCM_24")
MP3 = encoders.encode(LOOP, "mp3", "libmp3lame", options={"b": "192k"})
VBR = encoders.encode(LOOP, "mp3", "libmp3lame", options=encoders.VBR, container_options={"write_xing": "0"})


@pytest.mark.parametrize("off_by", [1, -1, 2, 8, 44, -8, 100_000, -len(WAV)])
def test_the_size_of_a_riff_says_nothing(off_by: int):
    audio = _read(awkward.with_riff_size(WAV, off_by))
    assert (_frames(audio), audio.warnings, audio.reader) == (len(LOOP), (), "libsndfile")


@pytest.mark.parametrize("size", [0, 2**32 - 1, 2**31 - 1, 0x7FFFF000 - 36])
def test_a_wav_that_does_not_say_how_long_it_is(size: int):
    audio = _read(awkward.with_data_size(WAV, size, riff=size))
    assert (_frames(audio), audio.warnings) == (len(LOOP), ("unknown_length",))


@pytest.mark.parametrize(
    "data",
    [
        awkward.with_format_behind(WAV),
        awkward.with_chunk(WAV, b"LIST", awkward.info_comment(b"(should be louder)")),
        awkward.with_chunk(WAV, b"bext", awkward.bext(length=100)),
        awkward.with_chunk(WAV, b"bext", awkward.bext(length=603)),
        awkward.with_chunk(WAV, b"junk", bytes(7)),
        WAV + b"\0",
        awkward.id3v2() + WAV,
        awkward.as_bw64(RF64),
        awkward.unpadded(WAV, b"LIST", awkward.info_comment(b"abc")[:-1]),
        awkward.unpadded(WAV, b"bext", awkward.bext(length=603)),
        awkward.unpadded(WAV, b"junk", bytes(7)),
        awkward.unpadded(AIFF, b"ANNO", b"hello", before=b"SSND"),
        awkward.with_chunk(WAV, b"data", b""),
        awkward.with_chunk(WAV + b"inst\x07\0\0\0" + bytes(7), b"smpl", bytes(36)),
        WAV + b"inst\x07\0\0\0" + bytes(7) + b"smpl\x24\0\0\0" + bytes(36),
        awkward.wide(WAV_24),
        AU + awkward.id3v1(),
        AIFF + awkward.ape(),
        WAV + awkward.id3v2(),
        awkward.with_aiff_chunk(AIFF, b"ANNO", b"x" * (1 << 20)),
        awkward.with_aiff_chunk(AIFF, b"ANNO", b"(should be 44100)"),
        FLAC + awkward.id3v1(),
        FLAC + awkward.ape(),
        FLAC + awkward.lyrics(),
        FLAC + awkward.id3v2_behind(),
        awkward.id3v2() + FLAC,
    ],
)
def test_what_is_whole_has_no_warning(data: bytes):
    audio = _read(data)
    assert (_frames(audio), audio.warnings) == (len(LOOP), ())
    assert _alike(audio.y, _read(WAV).y)


@pytest.mark.parametrize("whole", [WAV, FLAC, AIFF, AU, W64], ids=["WAV", "FLAC", "AIFF", "AU", "W64"])
@pytest.mark.parametrize("behind", [bytes(3000), awkward.junk(3000), awkward.junk(200_001)], ids=["0", "junk", "more"])
def test_what_stands_behind_is_told_and_costs_nothing(whole: bytes, behind: bytes):
    audio = _read(whole + behind)
    assert (_frames(audio), audio.warnings) == (len(LOOP), ("trailing_bytes",))
    np.testing.assert_array_equal(audio.y, _read(whole).y)


@pytest.mark.parametrize("count", range(1, 9))
def test_a_short_flac_with_bytes_behind(count: int):
    audio = _read(_written("FLAC", y=HIT) + awkward.junk(count, seed=count))
    assert (_frames(audio), audio.warnings) == (len(HIT), ("trailing_bytes",))


@pytest.mark.parametrize("whole", [WAV, FLAC, MP3, VBR], ids=["WAV", "FLAC", "MP3", "VBR"])
@pytest.mark.parametrize("front", [b"\0", awkward.junk(7), awkward.junk(1044), bytes(70_000), awkward.junk(70_000)])
def test_what_stands_in_front_is_told_and_costs_nothing(whole: bytes, front: bytes):
    audio = _read(front + whole)
    assert (_frames(audio), audio.warnings) == (_frames(_read(whole)), ("leading_bytes",))
    assert _alike(audio.y, _read(whole).y)


@pytest.mark.parametrize(
    ("data", "unknown"),
    [
        (awkward.with_au_size(AU, 0), True),
        (awkward.with_au_size(AU, 2**32 - 1), True),
        (awkward.with_caf_size(CAF, -1), True),
        (awkward.with_ds64_size(RF64, 2**64 - 1), True),
        (awkward.with_wave64_size(W64, 0), True),
        (awkward.with_wave64_size(W64, 24), True),
        (awkward.with_wave64_size(W64, 2**64 - 1), True),
        (awkward.with_aiff_size(AIFF, 8), True),
        (awkward.without_flac_length(FLAC), True),
        (awkward.without_flac_length(FLAC) + awkward.id3v1(), True),
    ],
)
def test_streams_do_not_tell_their_length(data: bytes, *, unknown: bool):
    audio = _read(data)
    assert (_frames(audio), audio.warnings) == (len(LOOP), ("unknown_length",) if unknown else ())


@pytest.mark.parametrize(
    "behind", [awkward.id3v1(), awkward.ape(), awkward.lyrics(), b"", awkward.ape() + awkward.id3v1()]
)
@pytest.mark.parametrize("whole", [MP3, VBR], ids=["Xing", "none"])
def test_an_mp3_with_tags_at_its_end(whole: bytes, behind: bytes):
    audio = _read(whole + behind)
    assert (_frames(audio), audio.warnings) == (_frames(_read(whole)), ())


def test_an_mp3_of_variable_rate_without_its_first_frame_is_read_to_its_end():
    audio = _read(VBR)
    # What the encoder put around it cannot be known: 1,105 frames in front, up to 2,304 behind.
    assert len(LOOP) + 1105 <= _frames(audio) <= len(LOOP) + 1105 + 2304
    assert (audio.reader, audio.warnings) == ("ffmpeg", ())


@pytest.mark.parametrize(
    "make",
    [
        lambda: FLAC,
        lambda: encoders.encode(LOOP, "ogg", "libopus", sr=48000),
        lambda: _written("OGG", "VORBIS"),
        lambda: MP3,
        lambda: awkward.id3v2() + MP3 + awkward.id3v1(),
        lambda: encoders.encode(LOOP, "ogg", "flac"),
    ],
    ids=["FLAC", "Opus", "Vorbis", "MP3", "tagged MP3", "Ogg FLAC"],
)
def test_a_chain_is_read_to_its_last_link(make: Callable[[], bytes]):
    once = make()
    single, double = _read(once), _read(once + once)
    assert (_frames(double), double.warnings) == (2 * _frames(single), ("chained",))
    assert _holds(double.y[len(double.y) // 2 - 100 :], single.y[: len(single.y) // 2])


def test_a_chain_of_other_rates_has_the_rate_of_its_first_link():
    vorbis, opus = _written("OGG", "VORBIS"), encoders.encode(LOOP[:, 0], "ogg", "libopus", sr=48000)
    audio = _read(vorbis + opus)
    assert (audio.sample_rate, audio.channels, audio.warnings) == (RATE, 2, ("chained",))
    assert _frames(audio) == pytest.approx(len(LOOP) + len(LOOP) * RATE / 48000, abs=2)


@pytest.mark.parametrize("part", [0.3, 0.5, 0.9])
@pytest.mark.parametrize("whole", [WAV, FLAC, AIFF, AU, MP3], ids=["WAV", "FLAC", "AIFF", "AU", "MP3"])
def test_what_is_cut_is_truncated_and_read_to_there(whole: bytes, part: float):
    audio = _read(awkward.cut(whole, part))
    assert audio.warnings == ("truncated",)
    assert _frames(audio) == pytest.approx(part * len(LOOP), rel=0.1, abs=5000)


@pytest.mark.parametrize("whole", [FLAC, MP3, VBR, _written("OGG", "VORBIS")], ids=["FLAC", "MP3", "VBR", "Vorbis"])
def test_what_is_before_and_behind_damage_is_read(whole: bytes):
    audio = _read(awkward.with_hole(whole, at=0.6))
    assert audio.warnings == ("damaged_frames",)
    sound = _read(whole).y
    assert _alike(audio.y[:10_000], sound[:10_000])
    # What follows is there, too, wherever it came to lie.
    assert _holds(audio.y[len(audio.y) // 2 :], sound[-6000:-2000])


def test_frames_that_the_header_does_not_count_are_read():
    fewer = _read(awkward.with_flac_length(FLAC, len(LOOP) // 2))
    assert (_frames(fewer), fewer.warnings) == (len(LOOP), ("unknown_length",))
    cut = _read(awkward.with_xing_frames(MP3, 10))
    assert _frames(cut) >= len(LOOP)
    assert (cut.reader, cut.exact_length) == ("ffmpeg", False)


@pytest.mark.parametrize(("container", "codec"), [("mp4", "aac"), ("matroska", "flac"), ("asf", "wmav2")])
def test_a_tag_behind_a_container_is_no_damage(container: str, codec: str):
    whole = encoders.encode(LOOP, container, codec)
    audio = _read(whole + awkward.id3v1())
    assert (_frames(audio), audio.warnings) == (_frames(_read(whole)), ())


@pytest.mark.parametrize("tags", [(awkward.id3v2(), b""), (b"", awkward.id3v1()), (awkward.id3v2(), awkward.ape())])
def test_a_tag_around_frames_without_a_container_is_no_damage(tags: tuple[bytes, bytes]):
    whole = encoders.encode(LOOP, "ac3", "ac3")
    audio = _read(tags[0] + whole + tags[1])
    assert (_frames(audio), audio.warnings) == (_frames(_read(whole)), ())


@pytest.mark.parametrize(("container", "codec"), [("wv", "wavpack"), ("tta", "tta")])
def test_lossless_files_tell_how_long_they_were(container: str, codec: str):
    whole = encoders.encode(np.tile(LOOP, (3, 1)), container, codec)
    assert (_frames(_read(whole)), _read(whole).warnings) == (3 * len(LOOP), ())
    assert _read(awkward.cut(whole, 0.6)).warnings == ("truncated",)


def test_opus_without_its_end_is_read_whole():
    whole = encoders.encode(LOOP, "ogg", "libopus", sr=48000)
    audio = _read(repaged(awkward.without_end_of_stream(whole)))
    assert audio.warnings == ("unknown_length",)
    assert _frames(audio) >= len(LOOP)


@pytest.mark.parametrize("codec", ["libopus", "flac"])
def test_a_damaged_page_costs_no_more_than_its_damage(codec: str):
    whole = encoders.encode(np.tile(LOOP[:, 0], 3), "ogg", codec, sr=48000)
    audio = _read(awkward.with_bad_page(whole))
    assert audio.warnings == ("damaged_frames",)
    assert _frames(audio) == pytest.approx(_frames(_read(whole)), abs=2 * 4608)


def repaged(data: bytes) -> bytes:
    """An Ogg with true checksums."""
    pages = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    parts = [data[at:end] for at, end in zip(pages, [*pages[1:], len(data)], strict=True)]
    return b"".join(part[:22] + checksum(part) + part[26:] for part in parts)


def test_floats_of_wave64_are_no_whole_numbers():
    audio = _read(encoders.encode(LOOP, "w64", "pcm_f32le"))
    assert (audio.reader, audio.warnings) == ("libsndfile", ())
    assert _alike(audio.y, _read(WAV).y)


def test_a_block_of_gsm_is_not_counted_twice():
    sound = _written("WAV", "GSM610", signals.kick(0.12, sr=RATE)[: 5 * 320])
    at = awkward.chunk_at(sound, b"data") + 4
    blocks = int.from_bytes(sound[at : at + 4], "little") // 65
    assert _frames(_read(sound)) == blocks * 320


def test_what_is_meant_for_a_digital_cable_is_no_samples():
    packed = encoders.encode(LOOP, "spdif", "ac3")
    disc = _written("WAV")
    at = awkward.chunk_at(disc, b"data")
    audio = _read(awkward.with_riff_size(disc[:at] + b"data" + len(packed).to_bytes(4, "little") + packed, 0))
    assert (audio.reader, audio.subtype) == ("ffmpeg", "AC3")
    assert _holds(audio.y, _read(WAV).y[2000:10_000])


def test_some_frames_in_a_row_are_chance_in_other_data():
    few = MP3[len(MP3) // 2 :][:5000]
    with pytest.raises(NotAudioError):
        _read(b"MOVI" + bytes(3000) + few + awkward.junk(60_000))


def test_a_comment_is_no_verdict():
    audio = _read(awkward.with_chunk_behind(WAV, b"LIST", awkward.info_comment(b"RIFF : 12 (should be 44)")))
    assert audio.warnings == ()


def _holds(y: npt.NDArray[np.float32], part: npt.NDArray[np.float32]) -> bool:
    """Whether a part is somewhere in a signal."""
    energy = np.convolve(y.astype(np.float64) ** 2, np.ones(len(part)), "valid") + 1e-12
    return float((np.correlate(y, part) / np.sqrt(energy)).max()) > 0.95 * float(np.linalg.norm(part))


def _alike(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> bool:
    n = min(len(one), len(other))
    return float(np.dot(one[:n], other[:n])) > 0.99 * float(np.linalg.norm(one[:n]) * np.linalg.norm(other[:n]))
