"""Common and awkward files for `benchmarks.formats`: each with its sound, and with what is to be said of it."""

import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf

from tests import awkward
from training import signals

F32 = npt.NDArray[np.float32]
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
    command = ["ffmpeg", "-v", "error", *arguments]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


class Encoder:
    """Encodes one sound in many ways, each once."""

    def __init__(self, folder: Path, y: F32, tag: str) -> None:
        self.folder, self.tag = folder, tag
        self.source = folder / f"{tag}.source.wav"
        sf.write(self.source, y, _RATE, subtype="PCM_16")
        self.frames = len(y)
        self._made: dict[tuple[str, ...], bytes] = {}

    def __call__(self, ending: str, *options: str) -> bytes:
        """Return a file."""
        key = (ending, *options)
        if key not in self._made:
            target = self.folder / f"{self.tag}.out.{ending}"
            target.unlink(missing_ok=True)
            ffmpeg("-y", "-i", str(self.source), *options, str(target))
            self._made[key] = target.read_bytes()
        return self._made[key]


MP3 = ("-c:a", "libmp3lame", "-id3v2_version", "0")
XINGLESS = ("-write_xing", "0")
OPUS = ("-c:a", "libopus", "-ar", "48000")
_PICTURES = ("-f", "lavfi", "-i", "testsrc=d=3:s=64x64:r=10")

PLAIN: dict[str, tuple[str, ...]] = {
    "wav": (
        "", "-c:a pcm_u8", "-c:a pcm_s24le", "-c:a pcm_s32le", "-c:a pcm_f32le", "-c:a pcm_f64le", "-c:a pcm_alaw",
        "-c:a pcm_mulaw", "-c:a adpcm_ms", "-c:a adpcm_ima_wav", "-c:a mp2", "-c:a ac3", "-c:a flac", "-c:a wmav2",
        "-c:a g726 -ar 8000 -ac 1", "-c:a libmp3lame", "-rf64 always", "-ar 8000", "-ar 96000",
    ),
    "w64": ("",),
    "au": ("",),
    "aiff": ("", "-c:a pcm_s24be", "-c:a pcm_f32be"),
    "aifc": ("-f aiff -c:a pcm_s16le", "-f aiff -c:a adpcm_ima_qt"),
    "caf": ("", "-c:a pcm_s24le", "-c:a alac", "-c:a adpcm_ima_qt", "-c:a libmp3lame", "-c:a libopus -ar 48000"),
    "flac": ("", "-sample_fmt s32", "-compression_level 0", "-ar 96000", "-ac 1"),
    "ogg": ("-c:a libvorbis", "-c:a libvorbis -q:a 8", "-c:a flac", "-c:a libvorbis -ar 22050"),
    "opus": ("-c:a libopus -ar 48000",),
    "spx": ("-c:a libspeex -ar 32000",),
    "mp3": (
        "-c:a libmp3lame -id3v2_version 0 -b:a 192k", "-c:a libmp3lame -id3v2_version 0 -q:a 2",
        "-c:a libmp3lame -id3v2_version 0 -b:a 128k -ac 1", "-c:a libmp3lame -id3v2_version 0 -b:a 64k -ar 22050",
        "-c:a libmp3lame -id3v2_version 0 -b:a 320k -ar 48000",
        "-c:a libmp3lame -id3v2_version 0 -b:a 192k -write_xing 0",
        "-c:a libmp3lame -id3v2_version 0 -q:a 2 -write_xing 0",
        "-c:a libmp3lame -id3v2_version 0 -q:a 7 -write_xing 0",
    ),
    "mp2": ("-c:a mp2",),
    "m4a": ("-c:a aac", "-c:a alac", "-c:a aac -movflags faststart", "-c:a aac -ar 48000", "-c:a alac -ac 1"),
    "mp4": ("-c:a aac", "-c:a aac -movflags frag_keyframe+empty_moov"),
    "mov": ("-c:a pcm_s16be", "-c:a aac"),
    "3gp": ("-c:a aac",),
    "aac": ("-c:a aac",),
    "wma": ("-c:a wmav2", "-c:a wmav1"),
    "mka": ("-c:a aac", "-c:a flac", "-c:a pcm_s16le", "-c:a libmp3lame"),
    "webm": ("-c:a libopus -ar 48000", "-c:a libvorbis"),
    "ac3": ("-c:a ac3",),
    "eac3": ("-c:a eac3",),
    "dts": ("-c:a dca -strict -2",),
    "tta": ("-c:a tta",),
    "wv": ("-c:a wavpack",),
    "voc": ("",),
    "avi": ("-c:a libmp3lame", "-c:a pcm_s16le"),
    "ts": ("-c:a aac",),
    "nut": ("-c:a flac",),
    "mpg": ("-c:a mp2",),
    "flv": ("-c:a libmp3lame",),
}  # fmt: skip


def plain(encode: Encoder) -> Iterator[Case]:
    for ending, written in ((ending, written) for ending, all_written in PLAIN.items() for written in all_written):
        options = written.split()
        data = encode(ending, *options)
        name = f"plain {written.replace('-c:a ', '')}.{ending}"
        exact = ending in {"m4a", "mp4", "mov", "3gp"} and "frag" not in name and "aac" in options
        rate = int(options[options.index("-ar") + 1]) if "-ar" in options else _RATE
        frames = -(-encode.frames * rate // _RATE) if exact else None
        yield Case(name, data, (data,), frames=frames, slack=2 if rate != _RATE else 1)


def _waves(encode: Encoder) -> Iterator[Case]:
    for title, options in (
        ("16", ()),
        ("24", ("-c:a", "pcm_s24le")),
        ("float", ("-c:a", "pcm_f32le")),
        ("ms", ("-c:a", "adpcm_ms")),
        ("mono", ("-ac", "1")),
    ):
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
            ("one byte", b"x", ("trailing_bytes",)),
            ("zeros", bytes(5000), ("trailing_bytes",)),
            ("ten zeros", bytes(10), ("trailing_bytes",)),
            ("junk", awkward.junk(3000), ("trailing_bytes",)),
            ("much junk", awkward.junk(200_000), ("trailing_bytes",)),
            ("ID3v1", awkward.id3v1(), ()),
            ("APE", awkward.ape(), ()),
            ("APE and ID3v1", awkward.ape() + awkward.id3v1(), ()),
            ("Lyrics3", awkward.lyrics(), ()),
        ):
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
            yield Case(
                f"FLAC {title}, holed at {place}.flac", holed, (holed,), ("damaged_frames",), slack=9216, is_alike=False
            )
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
    for ending, form in (
        ("wav", "wav"),
        ("aiff", "aiff"),
        ("flac", "flac"),
        ("au", "au"),
        ("caf", "caf"),
        ("w64", "w64"),
    ):
        if form == "caf":
            continue
        streamed = ffmpeg("-i", "-", "-f", form, "-", data=encode("wav"))
        yield Case(
            f"streamed by FFmpeg.{ending}", streamed, (encode("wav"),), ("unknown_length",) if form != "w64" else None
        )
    rf64 = encode("wav", "-rf64", "always", "-bitexact")
    yield Case("BW64.wav", awkward.as_bw64(rf64), (rf64,))
    yield Case("BW64 junk behind.wav", awkward.as_bw64(rf64) + awkward.junk(999), (rf64,), ("trailing_bytes",))


def _mpeg(encode: Encoder) -> Iterator[Case]:
    for title, options in (
        ("CBR", ("-b:a", "192k")),
        ("VBR", ("-q:a", "2")),
        ("CBR no Xing", ("-b:a", "192k", *XINGLESS)),
        ("VBR no Xing", ("-q:a", "2", *XINGLESS)),
        ("mono", ("-b:a", "96k", "-ac", "1")),
    ):
        data = encode("mp3", *MP3, *options)
        like = (data,)
        for size in (1, 7, 100, 1044, 7000, 70_000):
            yield Case(f"MP3 {title}, {size} of junk in front.mp3", awkward.junk(size) + data, like, ("leading_bytes",))
            yield Case(f"MP3 {title}, {size} zeros in front.mp3", bytes(size) + data, like, ("leading_bytes",))
        yield Case(f"MP3 {title}, half a frame in front.mp3", data[4000:4150] + data, like, ("leading_bytes",))
        yield Case(f"MP3 {title}, APE in front.mp3", awkward.ape() + data, like, None)
        yield Case(f"MP3 {title}, ID3v2 in front.mp3", awkward.id3v2() + data, like)
        yield Case(f"MP3 {title}, two ID3v2 in front.mp3", awkward.id3v2() + awkward.id3v2(50) + data, like)
        yield Case(f"MP3 {title}, ID3v2 and zeros.mp3", awkward.id3v2() + bytes(500) + data, like, ("leading_bytes",))
        for name, behind, warnings in (
            ("ID3v1", awkward.id3v1(), ()),
            ("APE", awkward.ape(), ()),
            ("Lyrics3", awkward.lyrics(), ()),
            ("one byte", b"x", ("trailing_bytes",)),
            ("zeros", bytes(5000), ("trailing_bytes",)),
            ("junk", awkward.junk(3000), ("trailing_bytes",)),
            ("much junk", awkward.junk(100_000, 3), ("trailing_bytes",)),
        ):
            yield Case(f"MP3 {title}, {name} behind.mp3", data + behind, like, warnings)
        chained = () if "no Xing" in title else ("chained",)
        yield Case(f"MP3 {title}, twice.mp3", data + data, (data, data), chained, slack=1 if chained else 3000)
        tagged = awkward.id3v2() + data + awkward.id3v1()
        yield Case(f"MP3 {title}, twice with tags.mp3", tagged + tagged, (data, data), ("chained",))
        half = awkward.cut(data, 0.5)
        yield Case(f"MP3 {title}, half.mp3", half, (half,), ("truncated",), slack=1200)
        for place in (0.3, 0.6):
            holed = awkward.with_hole(data, at=place)
            yield Case(
                f"MP3 {title}, holed at {place}.mp3", holed, (holed,), ("damaged_frames",), slack=6000, is_alike=False
            )
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
    source = str(encode.source)
    for ending, codecs in (
        ("ogv", ("-c:v", "libtheora", "-c:a", "libvorbis")),
        ("mp4", ("-c:v", "mpeg4", "-c:a", "aac")),
        ("webm", ("-c:v", "libvpx", "-c:a", "libvorbis")),
        ("mkv", ("-c:v", "mpeg4", "-c:a", "flac")),
        ("avi", ("-c:v", "mpeg4", "-c:a", "libmp3lame")),
    ):
        target = encode.folder / f"video.{ending}"
        ffmpeg("-y", *_PICTURES, "-i", source, *codecs, str(target))
        yield Case(
            f"with pictures.{ending}",
            target.read_bytes(),
            (target.read_bytes(),),
            frames=exact if ending == "mp4" else None,
        )
    streams = encode.folder / "streams.mka"
    ffmpeg(
        "-y", "-f", "lavfi", "-i", "anullsrc=d=2", "-i", source, "-map", "0", "-map", "1", "-c:a", "flac", str(streams)
    )
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
    """Make the same of a sound that is shorter than one block of most codecs."""
    flac = encode("flac", "-bitexact")
    for number in range(1, 9):
        yield Case(
            f"short FLAC, {number} bytes behind.flac", flac + awkward.junk(number, number), (flac,), ("trailing_bytes",)
        )
    yield Case("short FLAC, ID3v1 behind.flac", flac + awkward.id3v1(), (flac,))
    for title, ending, options in (
        ("MP3", "mp3", MP3),
        ("Vorbis", "ogg", ("-c:a", "libvorbis")),
        ("Opus", "opus", OPUS),
    ):
        data = encode(ending, *options)
        # FFmpeg's command leaves out the first block of a Vorbis file that has no other.
        frames = encode.frames if title == "Vorbis" else None
        yield Case(f"short {title}.{ending}", data, (data,), frames=frames)
        yield Case(f"short {title}, ID3v1 behind.{ending}", data + awkward.id3v1(), (data,), frames=frames)
    for ending, options in (
        ("m4a", ("-c:a", "aac")),
        ("m4a", ("-c:a", "alac")),
        ("wav", ()),
        ("aiff", ()),
        ("mp3", (*MP3, *XINGLESS)),
    ):
        data = encode(ending, *options)
        yield Case(
            f"short {' '.join(options)}.{ending}", data, (data,), frames=encode.frames if "aac" in options else None
        )


def _headers(encode: Encoder) -> Iterator[Case]:
    """Make headers that programs other than FFmpeg write, and those that recorders leave behind."""
    wav, aiff, w64 = encode("wav", "-bitexact"), encode("aiff", "-bitexact"), encode("w64")
    rf64 = encode("wav", "-rf64", "always", "-bitexact")
    like = (wav,)
    for name, data, warnings in (
        ("LIST unpadded", awkward.unpadded(wav, b"LIST", awkward.info_comment(b"abc")[:-1]), ()),
        ("bext unpadded", awkward.unpadded(wav, b"bext", awkward.bext(length=603)), ()),
        ("junk unpadded", awkward.unpadded(wav, b"junk", bytes(7)), ()),
        ("inst unpadded", wav + b"inst\x07\0\0\0" + bytes(7) + b"smpl\x24\0\0\0" + bytes(36), ()),
        ("no data, then data", awkward.with_chunk(wav, b"data", b""), ()),
        ("ID3v1 behind", wav + awkward.id3v1(), ()),
        ("APE behind", wav + awkward.ape(), ()),
        ("ID3v2 behind", wav + awkward.id3v2(), ()),
        ("RF64 of no size", awkward.with_ds64_size(rf64, 0), ("unknown_length",)),
        ("RF64 of size -1", awkward.with_ds64_size(rf64, 2**64 - 1), ("unknown_length",)),
    ):
        yield Case(f"WAV, {name}.wav", data, like, warnings)
    yield Case("WAV 24 in 32.wav", awkward.wide(encode("wav", "-c:a", "pcm_s24le", "-bitexact")), like)
    for name, data, warnings in (
        ("ANNO unpadded", awkward.unpadded(aiff, b"ANNO", b"hello", before=b"SSND"), ()),
        ("ID3v1 behind", aiff + awkward.id3v1(), ()),
        ("never filled in", awkward.with_aiff_size(aiff, 8), ("unknown_length",)),
        ("size -1", awkward.with_aiff_size(aiff, 2**32 - 1), ("unknown_length",)),
    ):
        yield Case(f"AIFF, {name}.aiff", data, like, warnings)
    for size in (0, 24, 2**64 - 1):
        yield Case(f"Wave64 of size {size}.w64", awkward.with_wave64_size(w64, size), (w64,), ("unknown_length",))
    yield Case("Wave64 junk behind.w64", w64 + awkward.junk(999), (w64,), ("trailing_bytes",))
    yield Case("Wave64 half.w64", awkward.cut(w64, 0.5), (awkward.cut(w64, 0.5),), ("truncated",))
    yield Case("Wave64 junk in front.w64", awkward.junk(77) + w64, (w64,), ("leading_bytes",))
    yield Case("Wave64 of floats.w64", encode("w64", "-c:a", "pcm_f32le"), like)


def _more_containers(encode: Encoder) -> Iterator[Case]:
    """Make what tags, cuts and damage do to containers that FFmpeg reads, and the rarer ones of these."""
    for ending, options in (
        ("m4a", ("-c:a", "alac")),
        ("mov", ("-c:a", "pcm_s16be")),
        ("mka", ("-c:a", "flac")),
        ("webm", ("-c:a", "libopus", "-ar", "48000")),
        ("wma", ("-c:a", "wmav2")),
        ("caf", ("-c:a", "alac")),
        ("au", ()),
        ("wv", ("-c:a", "wavpack")),
        ("tta", ("-c:a", "tta")),
        ("ac3", ("-c:a", "ac3")),
    ):
        data = encode(ending, *options)
        yield Case(f"ID3v1 behind.{ending}", data + awkward.id3v1(), (data,))
        if ending in {"m4a", "mov", "mka", "webm", "wma", "caf"}:
            yield Case(f"junk in front.{ending}", awkward.junk(333) + data, (data,), None)
        if ending in {"wv", "tta"}:
            half = awkward.cut(data, 0.6)
            yield Case(f"0.6 of it.{ending}", half, (half,), ("truncated",), slack=50_000, is_alike=False)
    ac3 = encode("ac3", "-c:a", "ac3")
    yield Case("ID3v2 in front.ac3", awkward.id3v2() + ac3, (ac3,))
    for ending, options in (
        ("m2ts", ("-c:a", "ac3", "-mpegts_m2ts_mode", "1")),
        ("mka", ("-c:a", "libvorbis", "-live", "1")),
        ("mov", ("-c:a", "adpcm_ima_qt")),
        ("mov", ("-c:a", "pcm_f32le")),
        ("m4a", ("-c:a", "alac", "-movflags", "frag_keyframe+empty_moov")),
        ("adx", ()),
        ("rm", ("-c:a", "ac3")),
        ("sox", ()),
        ("ast", ("-f", "ast")),
        ("swf", ("-c:a", "libmp3lame")),
        ("spdif", ("-c:a", "ac3", "-f", "spdif")),
        ("wav", ("-c:a", "dca", "-strict", "-2")),
        ("wav", ("-c:a", "adpcm_yamaha")),
        ("aifc", ("-f", "aiff", "-c:a", "pcm_mulaw")),
        ("caf", ("-c:a", "pcm_f64le")),
    ):
        data = encode(ending, *options)
        yield Case(f"rarer {' '.join(options)}.{ending}", data, (data,), None)
    for title, ending, options in (("Opus", "opus", OPUS), ("FLAC", "ogg", ("-c:a", "flac"))):
        data = encode(ending, *options)
        # FFmpeg leaves out the page: what it is compared with is the whole sound.
        damaged = awkward.with_bad_page(data)
        yield Case(f"{title}, damaged page.{ending}", damaged, (data,), ("damaged_frames",), slack=9216, is_alike=False)
    opus = encode("opus", *OPUS)
    yield Case("Opus, no end.opus", awkward.without_end_of_stream(opus), (opus,), None, slack=1000)


def cases(folder: Path) -> Iterator[Case]:
    """Make all of them."""
    loop = Encoder(folder, signals.widen(signals.drum_loop(165.5, bars=2, sr=_RATE)), "loop")
    hit = Encoder(folder, signals.kick(0.12, sr=_RATE), "hit")
    for make in (plain, _waves, _lossless, _mpeg, _ogg, _boxes, _headers, _more_containers):
        yield from make(loop)
    yield from _short(hit)
