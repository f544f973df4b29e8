"""The second reader: FFmpeg, through PyAV. It reads what libsndfile refuses, cuts or is known to get wrong.

FFmpeg sees the file through `structure.View` and opens nothing itself. It has the decoders of sound alone and runs
them in this thread.
"""

import importlib
import os
from collections.abc import Iterator
from functools import cache
from types import ModuleType
from typing import Any, BinaryIO, Final

import numpy as np
import numpy.typing as npt
import soxr

from samplemind_worker.decode.limits import Limits
from samplemind_worker.decode.measure import Block
from samplemind_worker.decode.structure import Piece, Structure, View
from samplemind_worker.errors import NotAudioError, UnreadableError

_BLOCK_FRAMES: Final = 1 << 16
_BUFFER: Final = 1 << 16
_MOST_STREAMS: Final = 4
"""Streams of sound that are tried until one is audible."""
_MOST_FAULTS: Final = 64
"""Errors of a demuxer in a row, after which the file has ended."""
_MOST_PADDING: Final = 8192
"""Frames of padding that a codec may leave at the end."""

_CONTAINERS: Final = (
    "aac,ac3,adx,aiff,amr,amrnb,amrwb,ape,apc,apm,argo_asf,asf,ast,au,avi,bfstm,bonk,brstm,caf,codec2,dsf,dss,dts,dtshd,"
    "eac3,flac,flv,gsm,hca,hcom,iff,ircam,kvag,loas,matroska,mmf,mov,mp3,mpc,mpc8,mpeg,mpegts,mlp,nistsphere,nut,ogg,oma,"
    "osq,pvf,qcp,qoa,rka,rm,rso,shn,smjpeg,sox,spdif,svs,swf,tak,truehd,tta,vag,voc,w64,wav,wavarc,wsaud,wsd,wv,xwma"
)
"""FFmpeg's demuxers of files that hold sound; none that opens another file."""

_NAMES: Final = {
    "mov": "MP4",
    "matroska": "MATROSKA",
    "aac": "ADTS",
    "wv": "WAVPACK",
    "mpegts": "MPEG_TS",
    "mpeg": "MPEG_PS",
    "asf": "ASF",
    "loas": "LOAS",
    "mp3": "MP3",
}
_SUBTYPES: Final = {
    "pcm_s16": "PCM_16",
    "pcm_s24": "PCM_24",
    "pcm_s32": "PCM_32",
    "pcm_u8": "PCM_U8",
    "pcm_s8": "PCM_S8",
    "pcm_f32": "FLOAT",
    "pcm_f64": "DOUBLE",
    "pcm_alaw": "ALAW",
    "pcm_mulaw": "ULAW",
    "mp3": "MPEG_LAYER_III",
    "mp2": "MPEG_LAYER_II",
    "mp1": "MPEG_LAYER_I",
    "adpcm_ima": "IMA_ADPCM",
    "adpcm_ms": "MS_ADPCM",
}
"""libsndfile's names for what FFmpeg's decoders are called, by how they begin."""
_PLANAR: Final = {"fltp": np.dtype(np.float32), "s16p": np.dtype(np.int16)}
"""How most codecs give their samples: one channel after the other."""


@cache
def library() -> ModuleType | None:
    """Return PyAV, or None where it is not installed."""
    try:
        av = importlib.import_module("av")
    except ImportError:
        return None
    av.logging.set_level(None)
    return av


@cache
def options(*, is_known: bool) -> dict[str, str]:
    """Return what FFmpeg may use: containers of the list above, and decoders of sound.

    Frames of MP3 and ADTS are seen in anything: where `structure` found none, there are none.
    """
    av = library()
    assert av is not None  # noqa: S101 -- asked before
    decoders: list[str] = []
    for name in sorted(av.codecs_available):
        try:
            codec = av.Codec(name, "r")
        except ValueError:  # it only encodes
            continue
        if codec.type == "audio":
            decoders.append(name)
    containers = [name for name in _CONTAINERS.split(",") if is_known or name not in {"mp3", "aac"}]
    return {
        "format_whitelist": ",".join(containers),
        "codec_whitelist": ",".join(decoders),
        "protocol_whitelist": "none",
    }


class FfmpegSound:
    """A file that FFmpeg opens: the links of a chain one after the other, all brought to the first one's rate."""

    reader: Final = "ffmpeg"

    def __init__(self, file: BinaryIO, structure: Structure, limits: Limits, *, stream: int = 0) -> None:
        """Open a file; ``stream`` counts its streams of sound.

        Raises
        ------
        NotAudioError, UnreadableError, UnsupportedError, TooLargeError
        """
        self._descriptor = file.fileno()
        self._links: tuple[tuple[Piece, ...], ...] = structure.links or (((0, os.fstat(self._descriptor).st_size),),)
        self._limits, self._stream = limits, stream
        self._skip, self._keep = structure.skip, structure.keep
        self._is_known = bool(structure.format)
        self.damaged = 0
        """Packets that could not be decoded, but for the last one."""
        with self._open(self._links[0]) as container:
            found = container.streams.audio[stream]
            context = found.codec_context
            self.streams = min(len(container.streams.audio), _MOST_STREAMS)
            self.rate, self.channels = self._first_frame(container, found)
            limits.check_sound(self.rate, self.channels)
            if self._keep is not None and structure.keep_rate not in {0, self.rate}:
                # HE-AAC counts at half of its rate; other ticks are too coarse to cut by.
                is_half = 2 * structure.keep_rate == self.rate
                self._keep = 2 * self._keep if is_half else None
            self.knows_padding = self._keep is not None or structure.is_gapless
            limits.check_duration(structure.frames or self._keep or 0, self.rate)
            name = str(container.format.name).partition(",")[0]
            self.format: str = structure.format or _NAMES.get(name, name.upper())
            self.subtype = _subtype(context.name, self.format, context)
            self.texts: dict[str, str] = {**container.metadata, **found.metadata}
            self.frames = structure.frames or self._keep or _length(container, found, self.rate, len(self._links))

    def _open(self, link: tuple[Piece, ...]) -> Any:
        av = library()
        assert av is not None  # noqa: S101 -- asked before
        try:
            container = av.open(
                View(self._descriptor, link),
                "r",
                container_options=options(is_known=self._is_known),
                buffer_size=_BUFFER,
                metadata_errors="replace",
            )
        except (av.error.FFmpegError, ValueError) as error:
            raise UnreadableError("cannot be decoded: FFmpeg finds no sound in it") from error
        if len(container.streams.audio) <= self._stream:
            container.close()
            raise NotAudioError("there is no sound in it")
        return container

    def _first_frame(self, container: Any, stream: Any) -> tuple[int, int]:
        """Return the rate and the channels of what is decoded first: a header may tell others."""
        context = stream.codec_context
        if context is None:
            raise UnreadableError("cannot be decoded: FFmpeg has no decoder for it")
        # What is too much must not be decoded at all.
        if context.sample_rate:
            self._limits.check_sound(context.sample_rate, context.channels)
        for frame in self._decoded(container, stream):
            return frame.rate, frame.layout.nb_channels
        raise UnreadableError("cannot be decoded: none of its frames is whole")

    def _decoded(self, container: Any, stream: Any) -> Iterator[Any]:
        """Yield all frames that can be decoded; what is between them is counted."""
        av = library()
        assert av is not None  # noqa: S101 -- asked before
        stream.codec_context.thread_count = 1
        faults = pending = 0
        is_at_end = False
        while not is_at_end and faults < _MOST_FAULTS:
            try:
                for packet in container.demux(stream):
                    faults = 0
                    try:
                        frames = packet.decode()
                    except av.error.FFmpegError:
                        pending += packet.size > 0
                        continue
                    for frame in frames:
                        self.damaged += pending + bool(frame.is_corrupt)
                        pending = 0
                        if frame.samples:
                            yield frame
                is_at_end = True
            except av.error.EOFError:
                is_at_end = True
            except av.error.FFmpegError:
                faults += 1
                pending += 1

    def blocks(self) -> Iterator[Block]:
        """Yield its samples, without the padding that its container tells of."""
        self.damaged = 0
        skip, left = self._skip, self._keep
        padding: list[Block] = []
        for block in self._joined():
            kept = block[skip:]
            skip = max(0, skip - len(block))
            if left is not None:
                padding.append(kept[left:])
                kept = kept[:left]
                left -= len(kept)
                if sum(map(len, padding)) > _MOST_PADDING:  # the container means something else
                    kept, left = np.concatenate([kept, *padding]), None
            if len(kept):
                yield np.ascontiguousarray(kept)

    def _joined(self) -> Iterator[Block]:
        """Yield blocks of some length."""
        waiting: list[Block] = []
        count = 0
        for link in self._links:
            try:
                container = self._open(link)
            except (NotAudioError, UnreadableError):
                self.damaged += 1
                continue
            with container:
                fit = _Fitting(self.rate, self.channels, self._limits)
                for frame in self._decoded(container, container.streams.audio[self._stream]):
                    block = fit.take(frame)
                    if waiting and block.dtype != waiting[0].dtype:
                        yield np.concatenate(waiting)
                        waiting, count = [], 0
                    waiting.append(block)
                    count += len(block)
                    if count >= _BLOCK_FRAMES:
                        yield np.concatenate(waiting)
                        waiting, count = [], 0
                if len(rest := fit.end()):
                    waiting.append(rest.astype(waiting[0].dtype) if waiting else rest)
        if waiting:
            yield np.concatenate(waiting)


class _Fitting:
    """Brings frames of any rate and number of channels to those that the file began with."""

    def __init__(self, rate: int, channels: int, limits: Limits) -> None:
        self._rate, self._channels, self._limits = rate, channels, limits
        self._from = rate
        self._resampler: soxr.ResampleStream | None = None

    def take(self, frame: Any) -> Block:
        """Give a frame's samples, (frames, channels)."""
        block = _samples(frame)
        if block.shape[1] == self._channels and frame.rate == self._rate and self._resampler is None:
            return block
        self._limits.check_sound(frame.rate, block.shape[1])
        y = block * np.float32(1.0 / 32768.0) if block.dtype == np.int16 else block
        if y.shape[1] != self._channels:
            y = np.repeat(y.mean(axis=1, keepdims=True, dtype=np.float32), self._channels, axis=1)
        y = np.ascontiguousarray(y, np.float32)
        if frame.rate != self._from:
            before = self.end()
            self._from = frame.rate
            if frame.rate != self._rate:
                self._resampler = soxr.ResampleStream(frame.rate, self._rate, self._channels, dtype="float32")
            return np.concatenate([before, self._resampled(y)])
        return self._resampled(y)

    def _resampled(self, y: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        return y if self._resampler is None else self._resampler.resample_chunk(y)

    def end(self) -> npt.NDArray[np.float32]:
        """Give what a resampler still holds."""
        rest = np.zeros((0, self._channels), np.float32)
        resampler, self._resampler, self._from = self._resampler, None, self._rate
        return rest if resampler is None else resampler.resample_chunk(rest, last=True)


def _samples(frame: Any) -> Block:
    """Return a frame's samples, (frames, channels): 16 bits as they are, all else as float32."""
    planar = _PLANAR.get(frame.format.name)
    if planar is not None:  # PyAV would copy it once more, and leave it in the other order
        block = np.empty((frame.samples, frame.layout.nb_channels), planar)
        for channel, plane in enumerate(frame.planes):
            block[:, channel] = np.frombuffer(plane, planar, frame.samples)
        return block
    array: npt.NDArray[Any] = frame.to_ndarray()
    array = array.T if frame.format.is_planar else array.reshape(frame.samples, -1)
    kind = array.dtype
    if kind in {np.dtype(np.int16), np.dtype(np.float32)}:
        return array
    if kind == np.uint8:
        return (array.astype(np.float32) - 128.0) * np.float32(1.0 / 128.0)
    if kind.kind == "i":
        return array.astype(np.float32) * np.float32(2.0 ** (1 - 8 * kind.itemsize))
    with np.errstate(over="ignore"):
        return array.astype(np.float32)


def _subtype(codec: str, audio_format: str, context: Any) -> str:
    if audio_format == "FLAC":
        bits = 16 if context.format is not None and context.format.name.startswith("s16") else 24
        return f"PCM_{bits}"
    return next((name for start, name in _SUBTYPES.items() if codec.startswith(start)), codec.upper())


def _length(container: Any, stream: Any, rate: int, links: int) -> int | None:
    """Return how many frames there may be: a guess, from which the middle of a long file is found."""
    if links == 1 and stream.duration and stream.time_base:
        return round(stream.duration * stream.time_base * rate)
    if links == 1 and container.duration:
        return round(container.duration * rate / 1_000_000)
    return None
