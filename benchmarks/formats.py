"""What is read of common and awkward files, against FFmpeg's own decoding of the sound that was put into them.

Needs the commands `ffmpeg` and, for nothing else than this, no others. Each case is a file that is made here, the files
whose decoding by FFmpeg it is compared with, and the warnings that are true of it. Printed are how many are read to
the same length, within a frame, and with samples that correlate above 0.99; and every file that is not.
"""

import argparse
import io
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from samplemind_worker.decode import Limits, decode
from samplemind_worker.dsp import SR
from samplemind_worker.errors import PermanentError
from tests import awkward, signals

F32 = npt.NDArray[np.float32]
_ALIKE = 0.99
_RATE = 44100


@dataclass(frozen=True)
class Case:
    """One file, what its sound is, and what is to be said of it."""

    name: str
    data: bytes
    like: tuple[bytes, ...]
    """Files that FFmpeg decodes; the sound is theirs, one after the other."""
    warnings: tuple[str, ...] | None = ()
    """None: whatever they are."""
    frames: int | None = None
    """Where the container tells the length more exactly than FFmpeg's command obeys."""
    slack: int = 1
    """Frames that the length may differ by."""
    is_alike: bool = True
    """The samples are compared, and not the length alone."""


def ffmpeg(*arguments: str, data: bytes | None = None) -> bytes:
    done = subprocess.run(["ffmpeg", "-v", "error", *arguments], input=data, capture_output=True, check=True)
    return done.stdout


class Encoder:
    """Encodes one sound in many ways, each once."""

    def __init__(self, folder: Path, y: F32, tag: str) -> None:
        self._folder, self.tag = folder, tag
        self._source = folder / f"{tag}.source.wav"
        sf.write(self._source, y, _RATE, subtype="PCM_16")
        self.frames = len(y)
        self._made: dict[tuple[str, ...], bytes] = {}

    def __call__(self, ending: str, *options: str) -> bytes:
        key = (ending, *options)
        if key not in self._made:
            target = self._folder / f"{self.tag}.out.{ending}"
            target.unlink(missing_ok=True)
            ffmpeg("-y", "-i", str(self._source), *options, str(target))
            self._made[key] = target.read_bytes()
        return self._made[key]

    def written(self, form: str, subtype: str) -> bytes:
        file = io.BytesIO()
        sf.write(file, sf.read(self._source)[0], _RATE, format=form, subtype=subtype)
        return file.getvalue()


MP3 = ("-c:a", "libmp3lame", "-id3v2_version", "0")
XINGLESS = ("-write_xing", "0")
OPUS = ("-c:a", "libopus", "-ar", "48000")
_PICTURES = ("-f", "lavfi", "-i", "testsrc=d=3:s=64x64:r=10")

PLAIN: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("wav", ()), ("wav", ("-c:a", "pcm_u8")), ("wav", ("-c:a", "pcm_s24le")), ("wav", ("-c:a", "pcm_s32le")),
    ("wav", ("-c:a", "pcm_f32le")), ("wav", ("-c:a", "pcm_f64le")), ("wav", ("-c:a", "pcm_alaw")),
    ("wav", ("-c:a", "pcm_mulaw")), ("wav", ("-c:a", "adpcm_ms")), ("wav", ("-c:a", "adpcm_ima_wav")),
    ("wav", ("-c:a", "mp2")), ("wav", ("-c:a", "ac3")), ("wav", ("-c:a", "flac")), ("wav", ("-c:a", "wmav2")),
    ("wav", ("-c:a", "g726", "-ar", "8000", "-ac", "1")), ("wav", ("-c:a", "libmp3lame")), ("wav", ("-rf64", "always")),
    ("w64", ()), ("au", ()), ("aiff", ()), ("aiff", ("-c:a", "pcm_s24be")), ("aiff", ("-c:a", "pcm_f32be")),
    ("aifc", ("-f", "aiff", "-c:a", "pcm_s16le")), ("aifc", ("-f", "aiff", "-c:a", "adpcm_ima_qt")),
    ("caf", ()), ("caf", ("-c:a", "pcm_s24le")), ("caf", ("-c:a", "alac")), ("caf", ("-c:a", "adpcm_ima_qt")),
    ("caf", ("-c:a", "libmp3lame")), ("caf", OPUS), ("flac", ()), ("flac", ("-sample_fmt", "s32")),
    ("flac", ("-compression_level", "0")), ("ogg", ("-c:a", "libvorbis")), ("ogg", ("-c:a", "libvorbis", "-q:a", "8")),
    ("opus", OPUS), ("ogg", ("-c:a", "flac")), ("spx", ("-c:a", "libspeex", "-ar", "32000")),
    ("mp3", (*MP3, "-b:a", "192k")), ("mp3", (*MP3, "-q:a", "2")), ("mp3", (*MP3, "-b:a", "128k", "-ac", "1")),
    ("mp3", (*MP3, "-b:a", "64k", "-ar", "22050")), ("mp3", (*MP3, "-b:a", "320k", "-ar", "48000")),
    ("mp3", (*MP3, "-b:a", "192k", *XINGLESS)), ("mp3", (*MP3, "-q:a", "2", *XINGLESS)), ("mp3", (*MP3, "-q:a", "7", *XINGLESS)),
    ("mp2", ("-c:a", "mp2")), ("m4a", ("-c:a", "aac")), ("m4a", ("-c:a", "alac")), ("mp4", ("-c:a", "aac")),
    ("mov", ("-c:a", "pcm_s16be")), ("mov", ("-c:a", "aac")), ("m4a", ("-c:a", "aac", "-movflags", "faststart")),
    ("mp4", ("-c:a", "aac", "-movflags", "frag_keyframe+empty_moov")), ("3gp", ("-c:a", "aac")), ("aac", ("-c:a", "aac")),
    ("wma", ("-c:a", "wmav2")), ("wma", ("-c:a", "wmav1")), ("mka", ("-c:a", "aac")), ("mka", ("-c:a", "flac")),
    ("mka", ("-c:a", "pcm_s16le")), ("mka", ("-c:a", "libmp3lame")), ("webm", OPUS), ("webm", ("-c:a", "libvorbis")),
    ("ac3", ("-c:a", "ac3")), ("eac3", ("-c:a", "eac3")), ("dts", ("-c:a", "dca", "-strict", "-2")), ("tta", ("-c:a", "tta")),
    ("wv", ("-c:a", "wavpack")), ("voc", ()), ("avi", ("-c:a", "libmp3lame")), ("avi", ("-c:a", "pcm_s16le")),
    ("ts", ("-c:a", "aac")), ("nut", ("-c:a", "flac")), ("mpg", ("-c:a", "mp2")), ("flv", ("-c:a", "libmp3lame")),
    ("wav", ("-ar", "8000")), ("wav", ("-ar", "96000")), ("flac", ("-ar", "96000")), ("m4a", ("-c:a", "aac", "-ar", "48000")),
    ("ogg", ("-c:a", "libvorbis", "-ar", "22050")), ("flac", ("-ac", "1")), ("m4a", ("-c:a", "alac", "-ac", "1")),
)  # fmt: skip
_NO_COMPARING = {"libspeex"}


def plain(encode: Encoder) -> Iterator[Case]:
    for ending, options in PLAIN:
        data = encode(ending, *options)
        name = f"plain {' '.join(options).replace('-c:a ', '')}.{ending}"
        exact = ending in {"m4a", "mp4", "mov", "3gp"} and "frag" not in name and "aac" in options
        rate = int(options[options.index("-ar") + 1]) if "-ar" in options else _RATE
        frames = -(-encode.frames * rate // _RATE) if exact else None
        yield Case(name, data, (data,), frames=frames, slack=2 if rate != _RATE else 1)


def _waves(encode: Encoder) -> Iterator[Case]:
    for title, options in (("16", ()), ("24", ("-c:a", "pcm_s24le")), ("float", ("-c:a", "pcm_f32le")), ("ms", ("-c:a", "adpcm_ms")), ("mono", ("-ac", "1"))):  # fmt: skip
        data = encode("wav", *options, "-bitexact")
        at = awkward.chunk_at(data, b"data")
        samples = data[at + 8 :]
        like = (data,)
        made: list[tuple[str, bytes, tuple[str, ...]]] = [
            *((f"RIFF size {off:+}", awkward.with_riff_size(data, off), ()) for off in (1, -1, 2, 8, 44, -8, 100_000)),
            ("RIFF size 0", awkward.with_riff_size(data, 8 - len(data)), ()),
            ("RIFF size unknown", data[:4] + b"\xff" * 4 + data[8:], ()),
            ("data size unknown", awkward.with_data_size(data, 2**32 - 1, riff=2**32 - 1), ("unknown_length",)),
            ("data size 0", awkward.with_data_size(data, 0, riff=0), ("unknown_length",)),
            ("data size 2^31", awkward.with_data_size(data, 2**31 - 1, riff=2**31 + 35), ("unknown_length",)),
            ("data size of sox", awkward.with_data_size(data, 0x7FFFF000 - 36, riff=0x7FFFF000), ("unknown_length",)),
            ("format behind", awkward.with_format_behind(data), ()),
            ("bext", awkward.with_chunk(data, b"bext", awkward.bext()), ()),
            ("long bext", awkward.with_chunk(data, b"bext", awkward.bext(text=b"A=PCM\r\n" * 9000, length=60_000)), ()),
            ("short bext", awkward.with_chunk(data, b"bext", awkward.bext(length=100)), ()),
            ("odd bext", awkward.with_chunk(data, b"bext", awkward.bext(length=603)), ()),
            ("comment", awkward.with_chunk(data, b"LIST", awkward.info_comment(b"(should be louder)")), ()),
            ("comment behind", awkward.with_chunk_behind(data, b"LIST", awkward.info_comment(b"(should be 12)")), ()),
            ("odd chunk", awkward.with_chunk(data, b"junk", bytes(7)), ()),
            ("chunk unpadded", awkward.with_riff_size(data + b"LIST\x05\0\0\0INFOx", 0), ()),
            ("ID3 behind", awkward.with_chunk_behind(data, b"id3 ", awkward.id3v2()), ()),
            ("junk behind", data + awkward.junk(5000), ("trailing_bytes",)),
            ("zeros behind", data + bytes(3000), ("trailing_bytes",)),
            ("pad byte behind", data + b"\0", ()),
            ("junk in front", awkward.junk(100) + data, ("leading_bytes",)),
            ("zeros in front", bytes(70_000) + data, ("leading_bytes",)),
            ("ID3v2 in front", awkward.id3v2() + data, ()),
            ("big", awkward.with_chunk(data, b"JUNK", bytes(300_000)), ()),
        ]
        for name, changed, warnings in made:
            yield Case(f"WAV {title}, {name}.wav", changed, like, warnings)
        less = data[:at] + b"data" + len(samples).to_bytes(4, "little") + samples[: len(samples) // 2]
        yield Case(f"WAV {title}, half.wav", less, (less,), ("truncated",), slack=1100 if title == "ms" else 1)


def _lossless(encode: Encoder) -> Iterator[Case]:
    flac = encode("flac", "-bitexact")
    mono = encode("flac", "-bitexact", "-ac", "1")
    for title, data in (("stereo", flac), ("mono", mono)):
        like = (data,)
        for name, behind, warnings in (
            ("one byte", b"x", ("trailing_bytes",)), ("zeros", bytes(5000), ("trailing_bytes",)), ("ten zeros", bytes(10), ("trailing_bytes",)),
            ("junk", awkward.junk(3000), ("trailing_bytes",)), ("much junk", awkward.junk(200_000), ("trailing_bytes",)),
            ("ID3v1", awkward.id3v1(), ()), ("APE", awkward.ape(), ()), ("APE and ID3v1", awkward.ape() + awkward.id3v1(), ()),
            ("Lyrics3", awkward.lyrics(), ()),
        ):  # fmt: skip
            yield Case(f"FLAC {title}, {name} behind.flac", data + behind, like, warnings)
        yield Case(f"FLAC {title}, ID3v2 in front.flac", awkward.id3v2() + data, like)
        yield Case(f"FLAC {title}, junk in front.flac", awkward.junk(900) + data, like, ("leading_bytes",))
        yield Case(f"FLAC {title}, no length.flac", awkward.without_flac_length(data), like, ("unknown_length",))
        streamed = awkward.without_flac_length(data) + awkward.id3v1()
        yield Case(f"FLAC {title}, no length and ID3v1.flac", streamed, like, ("unknown_length",))
        yield Case(f"FLAC {title}, twice.flac", data + data, (data, data), ("chained",))
        for part in (0.3, 0.5, 0.9):
            half = awkward.cut(data, part)
            yield Case(f"FLAC {title}, {part} of it.flac", half, (half,), ("truncated",), slack=4608, is_alike=False)
        for place in (0.3, 0.6):
            holed = awkward.with_hole(data, at=place)
            yield Case(f"FLAC {title}, holed at {place}.flac", holed, (holed,), ("damaged_frames",), slack=9216, is_alike=False)  # fmt: skip
    au, caf, aiff = encode("au"), encode("caf"), encode("aiff", "-bitexact")
    yield Case("AU size 0.au", awkward.with_au_size(au, 0), (au,), ("unknown_length",))
    yield Case("AU size unknown.au", awkward.with_au_size(au, 2**32 - 1), (au,), ("unknown_length",))
    yield Case("AU junk behind.au", au + awkward.junk(3000), (au,), ("trailing_bytes",))
    yield Case("CAF size unknown.caf", awkward.with_caf_size(caf, -1), (caf,), ("unknown_length",))
    yield Case("AIFF bytes behind.aiff", aiff + awkward.junk(3001), (aiff,), ("trailing_bytes",))
    yield Case("AIFF zeros behind.aiff", aiff + bytes(64), (aiff,), ("trailing_bytes",))
    yield Case("AIFF long annotation.aiff", awkward.with_aiff_chunk(aiff, b"ANNO", b"x" * (1 << 20)), (aiff,))
    yield Case("AIFF comment.aiff", awkward.with_aiff_chunk(aiff, b"ANNO", b"(should be 44100)"), (aiff,))
    yield Case("AIFF FORM size off.aiff", aiff[:4] + b"\0\0\0\x2e" + aiff[8:], (aiff,))
    half = awkward.cut(aiff, 0.5)
    yield Case("AIFF half.aiff", half, (half,), ("truncated",))
    for ending, form in (("wav", "wav"), ("aiff", "aiff"), ("flac", "flac"), ("au", "au"), ("caf", "caf"), ("w64", "w64")):
        if form == "caf":
            continue
        streamed = ffmpeg("-i", "-", "-f", form, "-", data=encode("wav"))
        yield Case(f"streamed by FFmpeg.{ending}", streamed, (encode("wav"),), ("unknown_length",) if form != "w64" else None)
    rf64 = encode("wav", "-rf64", "always", "-bitexact")
    yield Case("BW64.wav", awkward.as_bw64(rf64), (rf64,))
    yield Case("BW64 junk behind.wav", awkward.as_bw64(rf64) + awkward.junk(999), (rf64,), ("trailing_bytes",))


def _mpeg(encode: Encoder) -> Iterator[Case]:
    for title, options in (
        ("CBR", ("-b:a", "192k")), ("VBR", ("-q:a", "2")), ("CBR no Xing", ("-b:a", "192k", *XINGLESS)),
        ("VBR no Xing", ("-q:a", "2", *XINGLESS)), ("mono", ("-b:a", "96k", "-ac", "1")),
    ):  # fmt: skip
        data = encode("mp3", *MP3, *options)
        like = (data,)
        for size in (1, 7, 100, 1044, 7000, 70_000):
            yield Case(f"MP3 {title}, {size} of junk in front.mp3", awkward.junk(size) + data, like, ("leading_bytes",))
            yield Case(f"MP3 {title}, {size} zeros in front.mp3", bytes(size) + data, like, ("leading_bytes",))
        yield Case(f"MP3 {title}, half a frame in front.mp3", data[-200:] + data, like, ("leading_bytes",))
        yield Case(f"MP3 {title}, APE in front.mp3", awkward.ape() + data, like, None)
        yield Case(f"MP3 {title}, ID3v2 in front.mp3", awkward.id3v2() + data, like)
        yield Case(f"MP3 {title}, two ID3v2 in front.mp3", awkward.id3v2() + awkward.id3v2(50) + data, like)
        yield Case(f"MP3 {title}, ID3v2 and zeros.mp3", awkward.id3v2() + bytes(500) + data, like, ("leading_bytes",))
        for name, behind, warnings in (
            ("ID3v1", awkward.id3v1(), ()), ("APE", awkward.ape(), ()), ("Lyrics3", awkward.lyrics(), ()),
            ("one byte", b"x", ("trailing_bytes",)), ("zeros", bytes(5000), ("trailing_bytes",)),
            ("junk", awkward.junk(3000), ("trailing_bytes",)), ("much junk", awkward.junk(100_000, 3), ("trailing_bytes",)),
        ):  # fmt: skip
            yield Case(f"MP3 {title}, {name} behind.mp3", data + behind, like, warnings)
        chained = () if "no Xing" in title else ("chained",)
        yield Case(f"MP3 {title}, twice.mp3", data + data, (data, data), chained, slack=1 if chained else 3000)
        tagged = awkward.id3v2() + data + awkward.id3v1()
        yield Case(f"MP3 {title}, twice with tags.mp3", tagged + tagged, (data, data), ("chained",))
        half = awkward.cut(data, 0.5)
        yield Case(f"MP3 {title}, half.mp3", half, (half,), ("truncated",), slack=1200)
        for place in (0.3, 0.6):
            holed = awkward.with_hole(data, at=place)
            yield Case(f"MP3 {title}, holed at {place}.mp3", holed, (holed,), ("damaged_frames",), slack=6000, is_alike=False)  # fmt: skip
    cbr = encode("mp3", *MP3, "-b:a", "192k")
    yield Case("MP3 first frame lost.mp3", awkward.without_xing(cbr), (awkward.without_xing(cbr),))
    for title, options in (("aac", ("-c:a", "aac")),):
        data = encode("aac", *options)
        yield Case(f"{title}, junk in front.aac", awkward.junk(500) + data, (data,), ("leading_bytes",))
        yield Case(f"{title}, ID3v2 in front.aac", awkward.id3v2() + data, (data,))
        yield Case(f"{title}, ID3v1 behind.aac", data + awkward.id3v1(), (data,))
        yield Case(f"{title}, zeros behind.aac", data + bytes(900), (data,), ("trailing_bytes",))
        yield Case(f"{title}, half.aac", awkward.cut(data, 0.5), (awkward.cut(data, 0.5),), ("truncated",), slack=1100)


def _ogg(encode: Encoder) -> Iterator[Case]:
    for title, options in (("Vorbis", ("-c:a", "libvorbis")), ("Opus", OPUS), ("FLAC", ("-c:a", "flac"))):
        data = encode("ogg", *options)
        like = (data,)
        yield Case(f"{title}, twice.ogg", data + data, (data, data), ("chained",))
        yield Case(f"{title}, five times.ogg", data * 5, (data,) * 5, ("chained",))
        yield Case(f"{title}, ID3v2 in front.ogg", awkward.id3v2() + data, like)
        yield Case(f"{title}, junk in front.ogg", awkward.junk(3000) + data, like, ("leading_bytes",))
        yield Case(f"{title}, zeros in front.ogg", bytes(10) + data, like, ("leading_bytes",))
        yield Case(f"{title}, junk behind.ogg", data + awkward.junk(3000), like, ("trailing_bytes",))
        yield Case(f"{title}, ID3v1 behind.ogg", data + awkward.id3v1(), like)
        half = awkward.cut(data, 0.5)
        yield Case(f"{title}, half.ogg", half, (half,), ("truncated",), slack=9000, is_alike=False)
    vorbis = encode("ogg", "-c:a", "libvorbis")
    opus = encode("ogg", *OPUS)
    yield Case("Vorbis and Opus.ogg", vorbis + opus, (vorbis, opus), ("chained",), slack=8)


def _boxes(encode: Encoder) -> Iterator[Case]:
    aac = encode("m4a", "-c:a", "aac")
    exact = encode.frames
    yield Case("M4A junk behind.m4a", aac + awkward.junk(500), (aac,), None, frames=exact)
    fast = encode("m4a", "-c:a", "aac", "-movflags", "faststart")
    half = awkward.cut(fast, 0.5)
    yield Case("M4A half.m4a", half, (half,), ("truncated",), slack=1200)
    source = str(encode._source)  # noqa: SLF001 -- one more input
    for ending, codecs in (("ogv", ("-c:v", "libtheora", "-c:a", "libvorbis")), ("mp4", ("-c:v", "mpeg4", "-c:a", "aac")),
                           ("webm", ("-c:v", "libvpx", "-c:a", "libvorbis")), ("mkv", ("-c:v", "mpeg4", "-c:a", "flac")),
                           ("avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame"))):  # fmt: skip
        target = encode._folder / f"video.{ending}"  # noqa: SLF001 -- beside the others
        ffmpeg("-y", *_PICTURES, "-i", source, *codecs, str(target))
        yield Case(f"with pictures.{ending}", target.read_bytes(), (target.read_bytes(),), frames=exact if ending == "mp4" else None)  # fmt: skip
    streams = encode._folder / "streams.mka"  # noqa: SLF001 -- beside the others
    ffmpeg("-y", "-f", "lavfi", "-i", "anullsrc=d=2", "-i", source, "-map", "0", "-map", "1", "-c:a", "flac", str(streams))
    yield Case("silent first stream.mka", streams.read_bytes(), (encode("flac"),))
    for ending, options in (("mka", ("-c:a", "flac")), ("wma", ("-c:a", "wmav2"))):
        data = encode(ending, *options)
        half = awkward.cut(data, 0.5)
        yield Case(f"half.{ending}", half, (half,), ("truncated",), slack=9000, is_alike=False)
    wv, tta = encode("wv", "-c:a", "wavpack"), encode("tta", "-c:a", "tta")
    for title, data in (("wv", wv), ("tta", tta)):
        yield Case(f"ID3v1 behind.{title}", data + awkward.id3v1(), (data,), None)
        yield Case(f"APE behind.{title}", data + awkward.ape(), (data,), None)


def _short(encode: Encoder) -> Iterator[Case]:
    """The same of a sound that is shorter than one block of most codecs."""
    flac = encode("flac", "-bitexact")
    for number in range(1, 9):
        yield Case(f"short FLAC, {number} bytes behind.flac", flac + awkward.junk(number, number), (flac,), ("trailing_bytes",))  # fmt: skip
    yield Case("short FLAC, ID3v1 behind.flac", flac + awkward.id3v1(), (flac,))
    for title, ending, options in (("MP3", "mp3", MP3), ("Vorbis", "ogg", ("-c:a", "libvorbis")), ("Opus", "opus", OPUS)):
        data = encode(ending, *options)
        # FFmpeg's command leaves out the first block of a Vorbis file that has no other.
        frames = encode.frames if title == "Vorbis" else None
        yield Case(f"short {title}.{ending}", data, (data,), frames=frames)
        yield Case(f"short {title}, ID3v1 behind.{ending}", data + awkward.id3v1(), (data,), frames=frames)
    for ending, options in (("m4a", ("-c:a", "aac")), ("m4a", ("-c:a", "alac")), ("wav", ()), ("aiff", ()), ("mp3", (*MP3, *XINGLESS))):
        data = encode(ending, *options)
        yield Case(f"short {' '.join(options)}.{ending}", data, (data,), frames=encode.frames if "aac" in options else None)


def cases(folder: Path) -> Iterator[Case]:
    """Make all of them."""
    loop = Encoder(folder, signals.widen(signals.drum_loop(165.5, bars=2, sr=_RATE)), "loop")
    hit = Encoder(folder, signals.kick(0.12, sr=_RATE), "hit")
    for make in (plain, _waves, _lossless, _mpeg, _ogg, _boxes):
        yield from make(loop)
    yield from _short(hit)


def reference(like: Sequence[bytes], cache: dict[bytes, tuple[F32, int]]) -> tuple[F32, int]:
    """Decode files by FFmpeg's command: mono, and the rate of the first."""
    parts: list[F32] = []
    first = 0
    for data in like:
        if data not in cache:
            cache[data] = decoded_by_ffmpeg(data)
        y, rate = cache[data]
        first = first or rate
        parts.append(y if rate == first else soxr.resample(y, rate, first))
    return np.concatenate(parts), first


def decoded_by_ffmpeg(data: bytes) -> tuple[F32, int]:
    # From a file and to a file: many containers cannot be read from a pipe, and a WAV tells rate and channels.
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder, "source"), Path(folder, "target.wav")
        source.write_bytes(data)
        subprocess.run(
            ["ffmpeg", "-v", "quiet", "-i", str(source), "-map", "0:a:0", "-c:a", "pcm_f32le", str(target)], check=False
        )
        if not target.exists():
            return np.zeros(0, np.float32), 0
        y, rate = sf.read(target, dtype="float32", always_2d=True)
    return y.mean(axis=1), rate


def compare(case: Case, cache: dict[bytes, tuple[F32, int]]) -> tuple[str, str]:
    """Return a verdict, and what was seen."""
    wanted, rate = reference(case.like, cache)
    try:
        with tempfile.TemporaryFile() as file:
            file.write(case.data)
            file.flush()
            audio = decode(file, limits=Limits())
    except PermanentError as error:
        return "rejected", f"{error.code}: {error}"
    frames = round(audio.duration * audio.sample_rate)
    expected = case.frames or len(wanted)
    seen = f"{frames} of {expected} frames, {audio.reader}, {', '.join(audio.warnings) or 'no warning'}"
    if audio.sample_rate != rate or abs(frames - expected) > case.slack:
        return "another length", seen
    alike = likeness(audio.y, soxr.resample(wanted[: case.frames], rate, SR))
    if case.is_alike and alike < _ALIKE:
        return "another sound", f"{seen}, correlation {alike:.4f}"
    if case.warnings is not None and audio.warnings != case.warnings:
        return "another warning", f"{seen}; true is {', '.join(case.warnings) or 'none'}"
    return "right", seen


def likeness(one: F32, other: F32) -> float:
    n = min(len(one), len(other))
    norm = float(np.linalg.norm(one[:n]) * np.linalg.norm(other[:n]))
    return float(np.dot(one[:n], other[:n])) / norm if norm else 1.0


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--keep", type=Path, help="a folder in which the files that are not read right are left")
    parser.add_argument("--only", default="", help="cases whose name has this in it")
    options = parser.parse_args()
    if shutil.which("ffmpeg") is None:
        print("ffmpeg is not installed: it makes the files and the reference", file=sys.stderr)
        return 2
    verdicts: Counter[str] = Counter()
    cache: dict[bytes, tuple[F32, int]] = {}
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        for case in cases(Path(folder)):
            if options.only not in case.name:
                continue
            verdict, seen = compare(case, cache)
            verdicts[verdict] += 1
            if verdict != "right":
                print(f"{verdict:16} {case.name}: {seen}", flush=True)
                if options.keep:
                    options.keep.mkdir(parents=True, exist_ok=True)
                    (options.keep / case.name.replace("/", "_")).write_bytes(case.data)
    print(f"{verdicts.total()} files: " + ", ".join(f"{count} {name}" for name, count in verdicts.most_common()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
