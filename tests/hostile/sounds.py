"""Files that strangers send, each made by script, and what is said of them.

Every maker writes one file. The first word of an answer is ``analyzed`` or the code of an error; a warning that the
record has may follow.
"""

import io
import os
import socket
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf

from tests import awkward, encoders
from training import signals

Maker = Callable[[Path], object]
Answer = tuple[str, ...]

SR = 44100
HOURS = 3600 * SR
_FRAMES_IN_FLAC = 65535
_LONGEST = 2**36 - 1  # frames that a FLAC may claim

# Format to subtype and ending, of all that libsndfile writes and that sample libraries hold.
FORMATS: Mapping[str, tuple[str, str, str]] = {
    "WAV": ("WAV", "PCM_16", ".wav"),
    "FLAC": ("FLAC", "PCM_16", ".flac"),
    "MP3": ("MP3", "MPEG_LAYER_III", ".mp3"),
    "OGG": ("OGG", "VORBIS", ".ogg"),
    "Opus": ("OGG", "OPUS", ".opus"),
    "AIFF": ("AIFF", "PCM_16", ".aiff"),
    "CAF": ("CAF", "PCM_16", ".caf"),
    "W64": ("W64", "PCM_16", ".w64"),
    "RF64": ("RF64", "PCM_16", ".rf64"),
    "AU": ("AU", "PCM_16", ".au"),
}


BY_FFMPEG = (
    (".m4a", "ipod", "aac"),
    (".m4a", "ipod", "alac"),
    (".aac", "adts", "aac"),
    (".3gp", "3gp", "aac"),
    (".wma", "asf", "wmav2"),
    (".mka", "matroska", "aac"),
    (".mka", "matroska", "flac"),
    (".webm", "webm", "libopus"),
    (".wv", "wv", "wavpack"),
    (".tta", "tta", "tta"),
    (".ac3", "ac3", "ac3"),
    (".mp2", "mp2", "mp2"),
    (".ogg", "ogg", "flac"),
    (".caf", "caf", "alac"),
    (".caf", "caf", "adpcm_ima_qt"),
    (".wav", "wav", "mp2"),
    (".wav", "wav", "ac3"),
)
"""Ending, container and codec of what FFmpeg alone reads."""


def by_ffmpeg(container: str, codec: str, seconds: float = 1.0) -> bytes:
    """Return the bytes of a file of which libsndfile knows nothing."""
    sr = 48000 if codec == "libopus" else SR
    return encoders.encode(beat(seconds, sr=sr), container, codec, sr=sr)


def beat(seconds: float = 1.0, *, sr: int = SR) -> npt.NDArray[np.float32]:
    """Some drums, the same ones each time."""
    return np.resize(signals.drum_loop(120.0, bars=1, sr=sr), round(seconds * sr))


def encode(name: str, y: npt.NDArray[np.floating], *, sr: int = SR, subtype: str | None = None) -> bytes:
    """Return the bytes of a file of one of the formats."""
    kind, usual, _ = FORMATS[name]
    file = io.BytesIO()
    sf.write(file, y, 48000 if usual == "OPUS" and sr == SR else sr, format=kind, subtype=subtype or usual)
    return file.getvalue()


def _write(data: Callable[[], bytes]) -> Maker:
    return lambda path: path.write_bytes(data())


def _sound(
    y: Callable[[], npt.NDArray[np.floating]], *, name: str = "WAV", sr: int = SR, subtype: str | None = None
) -> Maker:
    return _write(lambda: encode(name, y(), sr=sr, subtype=subtype))


def wav_header(*, rate: int = SR, channels: int = 1, bits: int = 16, kind: int = 1, data_bytes: int = 0) -> bytes:
    """The 44 bytes that most WAV files begin with, saying what they are told to."""
    align = channels * bits // 8
    form = struct.pack("<HHLLHH", kind, channels, rate, min(rate * align, 2**32 - 1), align, bits)
    size = struct.pack("<L", min(data_bytes, 2**32 - 1))
    riff = struct.pack("<L", min(36 + data_bytes, 2**32 - 1))
    return b"RIFF" + riff + b"WAVEfmt " + struct.pack("<L", len(form)) + form + b"data" + size


def sparse_wav(seconds: int, *, rate: int = SR) -> Maker:
    """A true WAV of silence, which takes no room on the disk."""

    def _make(path: Path) -> None:
        size = 2 * rate * seconds
        with path.open("wb") as file:
            file.write(wav_header(rate=rate, data_bytes=size))
            file.truncate(44 + size)

    return _make


def _sparse(size: int) -> Maker:
    def _make(path: Path) -> None:
        with path.open("wb") as file:
            file.write(wav_header(data_bytes=1000))
            file.truncate(size)

    return _make


def _table(polynomial: int, bits: int) -> list[int]:
    top, mask = 1 << bits - 1, (1 << bits) - 1
    table: list[int] = []
    for byte in range(256):
        value = byte << bits - 8
        for _ in range(8):
            value = (value << 1 ^ polynomial if value & top else value << 1) & mask
        table.append(value)
    return table


_CRC_8, _CRC_16 = _table(0x07, 8), _table(0x8005, 16)
_CRC_32 = _table(0x04C11DB7, 32)


def _crc(data: bytes, table: list[int], bits: int) -> int:
    value, mask = 0, (1 << bits) - 1
    for byte in data:
        value = (value << 8 & mask) ^ table[(value >> bits - 8) ^ byte]
    return value


def _stream_info(frames: int, *, channels: int = 2) -> bytes:
    packed = SR << 44 | (channels - 1) << 41 | 15 << 36 | frames
    info = struct.pack(">HH", _FRAMES_IN_FLAC, _FRAMES_IN_FLAC) + bytes(6) + packed.to_bytes(8, "big") + bytes(16)
    return b"fLaC\x80" + len(info).to_bytes(3, "big") + info


def _utf8(number: int) -> bytes:
    return chr(number).encode("utf-8", "surrogatepass")


def flac_bomb(frames: int, *, claimed: int = 0) -> bytes:
    """Silence that takes sixteen bytes for each second and a half; the header need not say how long it is."""
    parts = [_stream_info(claimed)]
    for number in range(-(-frames // _FRAMES_IN_FLAC)):
        # Stereo, 16 bits, 44.1 kHz, the block's length at the end of the header; then two constants.
        head = b"\xff\xf8\x79\x18" + _utf8(number) + struct.pack(">H", _FRAMES_IN_FLAC - 1)
        frame = head + bytes([_crc(head, _CRC_8, 8)]) + bytes(6)
        parts.append(frame + _crc(frame, _CRC_16, 16).to_bytes(2, "big"))
    return b"".join(parts)


def flac_that_claims(frames: int) -> bytes:
    """A second of drums whose header says that it is longer."""
    data = bytearray(encode("FLAC", beat()))
    data[21] = data[21] & 0xF0 | frames >> 32
    data[22:26] = (frames & 0xFFFFFFFF).to_bytes(4, "big")
    return bytes(data)


def ogg_that_claims(name: str, frames: int) -> bytes:
    """A second of drums whose last page says that it comes after so many frames."""
    data = bytearray(encode(name, beat()))
    at = data.rfind(b"OggS")
    data[at + 6 : at + 14] = struct.pack("<Q", frames)
    data[at + 22 : at + 26] = bytes(4)
    data[at + 22 : at + 26] = struct.pack("<L", _crc(bytes(data[at:]), _CRC_32, 32))
    return bytes(data)


def rf64_that_claims(frames: int) -> bytes:
    """An RF64 whose sizes, of 64 bits, are of so many frames."""
    data = bytearray(encode("RF64", beat()))
    at = data.find(b"ds64") + 8
    data[at : at + 24] = struct.pack("<QQQ", 2 * frames + 72, 2 * frames, frames)
    return bytes(data)


def w64_that_claims(frames: int) -> bytes:
    """A W64 whose data, by its chunk, has so many frames."""
    data = bytearray(encode("W64", beat()))
    data[16:24] = struct.pack("<Q", 2 * frames + 104)
    at = data.find(b"data\xf3\xac\xd3\x11") + 16
    data[at : at + 8] = struct.pack("<Q", 2 * frames + 24)
    return bytes(data)


def caf_that_claims(frames: int) -> bytes:
    """A CAF whose data, by its chunk, has so many frames."""
    data = bytearray(encode("CAF", beat()))
    at = data.find(b"data", 8) + 4
    data[at : at + 8] = struct.pack(">Q", 2 * frames + 4)
    return bytes(data)


def mp3_of_silence(seconds: int) -> bytes:
    """Silence of any length: the frames of a second, again and again, without the one that tells the length."""
    data = encode("MP3", np.zeros(20 * SR, np.float32))
    starts = [at for at in range(len(data) - 1) if data[at] == 0xFF and data[at + 1] & 0xE0 == 0xE0]
    begin, end = starts[len(starts) // 4], starts[3 * len(starts) // 4]
    frames = sum(begin <= at < end for at in starts)
    return data[begin:end] * max(1, round(seconds * SR / 1152 / frames))


def mp3_with_broken_frames() -> bytes:
    """Noise where some of its frames were."""
    data = bytearray(encode("MP3", beat(4.0)))
    third = len(data) // 3
    data[third : third + 600] = np.random.default_rng(0).bytes(600)
    return bytes(data)


def mp3_with_huge_id3(size: int = 8 << 20) -> bytes:
    """A tag of many megabytes, as with a picture that nobody made smaller."""
    body = b"APIC" + struct.pack(">L", size - 10) + bytes(2) + b"\0image/png\0\3\0" + bytes(size - 10 - 13)
    length = bytes(len(body) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x03\x00\x00" + length + body + encode("MP3", beat())


def mp3_with_lying_id3() -> bytes:
    """A tag that says it is longer than the file."""
    return b"ID3\x04\x00\x00\x7f\x7f\x7f\x7f" + encode("MP3", beat())


def m4a() -> bytes:
    """How an MPEG-4 file begins; of no other kind can anything be read from this."""
    return struct.pack(">L4s4sL4s4s", 24, b"ftyp", b"M4A ", 0, b"M4A ", b"mp42") + struct.pack(">L4s", 8, b"mdat")


def adts() -> bytes:
    """Frames of AAC without a container: headers that are true, and nothing in them."""
    frame = b"\xff\xf1\x50\x80\x02\x1f\xfc" + bytes(9)
    return frame * 50


def wma() -> bytes:
    """How a file of Windows Media begins."""
    return bytes.fromhex("3026b2758e66cf11a6d900aa0062ce6c") + bytes(200)


def _half(name: str) -> Maker:
    def _data() -> bytes:
        whole = encode(name, beat(4.0))
        return whole[: len(whole) // 2]

    return _write(_data)


def _holed(name: str) -> Maker:
    """The middle fifth is noise; what is before and after is whole."""

    def _data() -> bytes:
        data = bytearray(encode(name, beat(4.0)))
        start, length = 2 * len(data) // 5, len(data) // 5
        data[start : start + length] = np.random.default_rng(1).bytes(length)
        return bytes(data)

    return _write(_data)


def _beheaded(name: str) -> Maker:
    """So few bytes that no header is whole."""
    return _write(lambda: encode(name, beat())[:30])


def _with_non_finite() -> npt.NDArray[np.float32]:
    y = beat()
    y[100:200], y[300:310], y[400:410] = np.nan, np.inf, -np.inf
    return y


def _stereo(channels: int) -> Callable[[], npt.NDArray[np.float32]]:
    return lambda: np.stack([beat() * (1.0 - 0.1 * k) for k in range(channels)], axis=1)


TEXT = b"this is no music, whatever its name says\n" * 50
JPEG = b"\xff\xd8\xff\xe0\x00\x10JFIF\x00\x01\x01\x00\x00\x01\x00\x01\x00\x00" + bytes(range(256)) * 8
PNG = b"\x89PNG\r\n\x1a\n" + bytes(500)


def _bytes(data: bytes) -> Maker:
    return lambda path: path.write_bytes(data)


def _claims(make: Callable[[int], bytes], frames: int) -> Maker:
    return lambda path: path.write_bytes(make(frames))


# Name to (how it is made, what is said).
NOTHING: dict[str, tuple[Maker, Answer]] = {
    "no bytes.wav": (_bytes(b""), ("empty",)),
    "no bytes.mp3": (_bytes(b""), ("empty",)),
    "one byte.wav": (_bytes(b"R"), ("not_audio",)),
    "four bytes.wav": (_bytes(b"RIFF"), ("unreadable",)),
    "text.wav": (_bytes(TEXT), ("not_audio",)),
    "picture.wav": (_bytes(JPEG), ("not_audio",)),
    "picture.flac": (_bytes(PNG), ("not_audio",)),
    "zeros.aiff": (_bytes(bytes(100_000)), ("not_audio",)),
    "no rate.wav": (_bytes(wav_header(rate=0, data_bytes=1000) + bytes(1000)), ("unreadable",)),
    "no channels.wav": (_bytes(wav_header(channels=0, data_bytes=1000) + bytes(1000)), ("unreadable",)),
    "no bits.wav": (_bytes(wav_header(bits=0, data_bytes=1000) + bytes(1000)), ("unreadable",)),
    "much too fast.wav": (_bytes(wav_header(rate=2_000_000, data_bytes=1000) + bytes(1000)), ("too_large",)),
    "too fast to be a number.wav": (_bytes(wav_header(rate=2**32 - 1, data_bytes=1000) + bytes(1000)), ("unreadable",)),
    "too slow.wav": (_bytes(wav_header(rate=10, data_bytes=1000) + bytes(1000)), ("unsupported",)),
    "many channels.wav": (_bytes(wav_header(channels=1000, bits=8, data_bytes=9000) + bytes(9000)), ("too_large",)),
    "no frames.wav": (_bytes(wav_header()), ("empty",)),
    "no frames.aiff": (_sound(lambda: np.zeros(0), name="AIFF"), ("empty",)),
    "no frames.ogg": (_sound(lambda: np.zeros(0), name="OGG"), ("empty",)),
    "no frames.opus": (_sound(lambda: np.zeros(0), name="Opus"), ("unreadable",)),
    **{f"cut header {name}{FORMATS[name][2]}": (_beheaded(name), ("unreadable",)) for name in FORMATS if name != "AU"},
    "tag that lies.mp3": (_write(mp3_with_lying_id3), ("unreadable",)),
}

DAMAGED: dict[str, tuple[Maker, Answer]] = {
    "half.wav": (_half("WAV"), ("analyzed", "truncated")),
    "half.flac": (_half("FLAC"), ("analyzed", "truncated")),
    "half.mp3": (_half("MP3"), ("analyzed", "truncated")),
    "half.ogg": (_half("OGG"), ("analyzed", "truncated")),
    "half.opus": (_half("Opus"), ("analyzed", "truncated")),
    "half.aiff": (_half("AIFF"), ("analyzed", "truncated")),
    "half.au": (_half("AU"), ("analyzed", "truncated")),
    "half.caf": (_half("CAF"), ("analyzed", "truncated")),
    "half.w64": (_half("W64"), ("analyzed", "truncated")),
    "half.rf64": (_half("RF64"), ("analyzed", "truncated")),
    # Any two bytes are a sample: nobody can tell.
    "holed.wav": (_holed("WAV"), ("analyzed",)),
    "holed.flac": (_holed("FLAC"), ("analyzed", "damaged_frames")),
    "holed.mp3": (_holed("MP3"), ("analyzed", "damaged_frames")),
    "holed.ogg": (_holed("OGG"), ("analyzed", "damaged_frames")),
    "holed.opus": (_holed("Opus"), ("analyzed", "damaged_frames")),
    "broken frames.mp3": (_write(mp3_with_broken_frames), ("analyzed", "damaged_frames")),
    "claims too much.wav": (_bytes(wav_header(data_bytes=2**32 - 1) + bytes(SR)), ("analyzed", "unknown_length")),
    "claims too much.w64": (_claims(w64_that_claims, _LONGEST), ("analyzed", "truncated")),
    "claims too much.rf64": (_claims(rf64_that_claims, _LONGEST), ("analyzed", "truncated")),
    "claims too much.caf": (_claims(caf_that_claims, _LONGEST), ("analyzed", "truncated")),
}

ODD: dict[str, tuple[Maker, Answer]] = {
    "not finite.wav": (_sound(_with_non_finite, subtype="FLOAT"), ("analyzed", "non_finite_samples")),
    "nothing finite.wav": (
        _sound(lambda: np.full(SR, np.nan, np.float32), subtype="FLOAT"),
        ("analyzed", "non_finite_samples"),
    ),
    "not scaled.wav": (_sound(lambda: beat() * np.float32(2**31), subtype="FLOAT"), ("analyzed",)),
    "far too loud.wav": (
        _sound(lambda: beat() * np.float32(1e30), subtype="FLOAT"),
        ("analyzed", "non_finite_samples"),
    ),
    "as loud as can be.wav": (
        _sound(lambda: np.full(SR, np.finfo(np.float32).max), subtype="FLOAT"),
        ("analyzed", "non_finite_samples"),
    ),
    "as loud as a double can be.wav": (
        _sound(lambda: np.full(SR, 1e300), subtype="DOUBLE"),
        ("analyzed", "non_finite_samples"),
    ),
    "hardly there.wav": (_sound(lambda: beat() * np.float32(1e-40), subtype="FLOAT"), ("analyzed",)),
    "direct current.wav": (_sound(lambda: np.full(SR, 0.5)), ("analyzed",)),
    "clipped.wav": (_sound(lambda: np.sign(beat())), ("analyzed",)),
    "silence.wav": (_sound(lambda: np.zeros(SR)), ("analyzed",)),
    "silence of a minute.flac": (_bytes(flac_bomb(60 * SR, claimed=60 * SR)), ("analyzed",)),
    "one sample.wav": (_sound(lambda: np.full(1, 0.5)), ("analyzed",)),
    "two samples.flac": (_sound(lambda: np.full(2, 0.5), name="FLAC"), ("analyzed",)),
    **{
        f"{subtype}.wav": (_sound(beat, subtype=subtype), ("analyzed",))
        for subtype in ("PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "DOUBLE", "ULAW", "ALAW", "IMA_ADPCM")
    },
    **{
        f"{rate} Hz.wav": (_sound(lambda rate=rate: beat(sr=rate), sr=rate), ("analyzed",))
        for rate in (8000, 11025, 16000, 22050, 32000, 48000, 88200, 96000, 176400, 192000)
    },
    **{f"{count} channels.wav": (_sound(_stereo(count)), ("analyzed",)) for count in range(2, 9)},
    **{f"plain {name}{FORMATS[name][2]}": (_sound(beat, name=name), ("analyzed",)) for name in FORMATS},
    "huge tag.mp3": (_write(mp3_with_huge_id3), ("analyzed",)),
    "only a header.m4a": (_write(m4a), ("unreadable",)),
    "nothing in its frames.aac": (_write(adts), ("unreadable",)),
    "only a header.wma": (_write(wma), ("unreadable",)),
    **{
        f"{codec} in {container}{ending}": (_write(lambda c=container, k=codec: by_ffmpeg(c, k)), ("analyzed",))
        for ending, container, codec in BY_FFMPEG
    },
    "six channels.mka": (
        _write(lambda: encoders.encode(np.stack([beat()] * 6, axis=1), "matroska", "flac")),
        ("analyzed",),
    ),
    "silence and drums.mka": (
        _write(lambda: encoders.encode_streams([np.zeros(SR, np.float32), beat()], "matroska", "flac")),
        ("analyzed",),
    ),
    "pictures alone.mka": (_write(lambda: encoders.pictures("matroska", "mpeg4")), ("not_audio",)),
    "half.mka": (_write(lambda: awkward.cut(by_ffmpeg("matroska", "flac"), 0.5)), ("analyzed", "truncated")),
}

BOMBS: dict[str, tuple[Maker, Answer]] = {
    "claims 2^36 frames.flac": (_claims(flac_that_claims, _LONGEST), ("too_long",)),
    "claims 2^36 frames.ogg": (_claims(lambda frames: ogg_that_claims("OGG", frames), _LONGEST), ("too_long",)),
    "claims 2^36 frames.opus": (_claims(lambda frames: ogg_that_claims("Opus", frames), _LONGEST), ("too_long",)),
    "bomb.flac": (_write(lambda: flac_bomb(6 * HOURS)), ("too_long",)),
    "honest bomb.flac": (_write(lambda: flac_bomb(6 * HOURS, claimed=6 * HOURS)), ("too_long",)),
    "six hours.wav": (sparse_wav(6 * 3600), ("too_long",)),
    "six hours.mp3": (_write(lambda: mp3_of_silence(6 * 3600)), ("too_long",)),
    "larger than is opened.wav": (_sparse(5 << 30), ("too_large",)),
}

GROUPS = {"nothing": NOTHING, "damaged": DAMAGED, "odd": ODD, "bombs": BOMBS}

# Names of good files, and what is said: ``analyzed``, or why they are skipped.
NAMES: dict[bytes, str] = {
    **dict.fromkeys(
        [
            b"new\nline.wav",
            b"new\r\nline.wav",
            b"clear \x1b[2J\x1b[H\x1b]0;title\x07.wav",
            "eight bits \u009b31m.wav".encode(),
            b"tab\t and bell\x07.wav",
            b"delete\x7f\x08\x08.wav",
            "drum \U0001f941.wav".encode(),
            "family \U0001f468\u200d\U0001f469\u200d\U0001f467.wav".encode(),
            "cod\u202egpj.wav".encode(),
            "\u202a\u2066embedded\u2069\u202c.wav".encode(),
            "line\u2028separator.wav".encode(),
            "\ufeffmark.wav".encode(),
            "no\u200bwidth.wav".encode(),
            "\u0e33\u0e33\u0301\u0301\u0301.wav".encode(),
            b"-rf.wav",
            b"--json.wav",
            b"--.wav",
            b"long" + b"x" * 247 + b".wav",
            b"bad \xff\xfe\x80.wav",
            b"half \xc3.wav",
            b"latin caf\xe9.wav",
            b"surrogate \xed\xa0\x80.wav",
            b"[red]markup [bold link=https:x]x[reverse].wav",
            b"=cmd|'calc'!A0.wav",
            b"@SUM(1+1).wav",
            b"+1.wav",
            b"$(touch owned).wav",
            b"`touch owned`.wav",
            b"; touch owned;.wav",
            b"%s%n%x.wav",
            b"{0.__class__.__mro__}.wav",
            b"<img src=x onerror=alert(1)>.wav",
            b"'; db.dropDatabase(); '.wav",
            b"back\\slash.wav",
            b'"quoted".wav',
            b" space at both ends .wav",
            b"CON.wav",
            b"~.wav",
        ],
        "analyzed",
    ),
    b"._x.wav": "hidden",
    b".hidden.wav": "hidden",
    b"no ending": "not_audio_type",
}

# Things that are no files of audio, or not to be reached, and what is said.
SPECIALS: dict[bytes, str] = {
    b"pipe.wav": "special",
    b"socket.wav": "special",
    b"null.wav": "link_outside_root",
    b"one.wav": "broken_link",
    b"two.wav": "broken_link",
    b"nowhere.wav": "broken_link",
    b"outside.wav": "link_outside_root",
    b"up.wav": "link_outside_root",
    b"forbidden.wav": "permission",
    b"forbidden folder": "unreadable_folder",
    b"round and round": "linked_folder",
    b"out": "linked_folder",
    b"folder.wav/inside.wav": "analyzed",
}


def make_specials(folder: Path) -> None:
    """Make them; links to folders are followed by none, not even one that leads round in a circle."""
    os.mkfifo(folder / "pipe.wav")
    with socket.socket(socket.AF_UNIX) as listener:
        here = os.open(folder, os.O_RDONLY)
        try:  # by way of the folder's number, as the name of a socket has a hundred bytes at most
            listener.bind(f"/proc/self/fd/{here}/socket.wav")
        finally:
            os.close(here)
    (folder / "null.wav").symlink_to("/dev/null")
    (folder / "one.wav").symlink_to("two.wav")
    (folder / "two.wav").symlink_to("one.wav")
    (folder / "nowhere.wav").symlink_to("no such file.wav")
    (folder / "outside.wav").symlink_to("/etc/passwd")
    (folder / "up.wav").symlink_to("../../escaped.wav")
    (folder / "round and round").symlink_to(".")
    (folder / "out").symlink_to("/")
    (folder / "folder.wav").mkdir()
    (folder / "folder.wav" / "inside.wav").write_bytes(encode("WAV", beat(0.2)))
    (folder / "forbidden.wav").write_bytes(encode("WAV", beat(0.3)))
    (folder / "forbidden.wav").chmod(0)
    (folder / "forbidden folder").mkdir(mode=0)
