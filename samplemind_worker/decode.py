"""File bytes to float32 mono samples at 22.05 kHz, with loudness measured on the way.

The file is read once, in blocks, so memory does not depend on its length: of a long file the middle is kept for
analysis, the rest only passes through the loudness meter.
"""

import os
from contextlib import suppress
from dataclasses import dataclass
from typing import BinaryIO, cast

import numpy as np
import numpy.typing as npt
import soundfile as sf

from samplemind_worker.dsp.loudness import LOUDEST, LoudnessMeter
from samplemind_worker.dsp.resample import resample
from samplemind_worker.dsp.units import SR
from samplemind_worker.errors import (
    EmptyFileError,
    NotAudioError,
    TooLargeError,
    TooLongError,
    UnreadableError,
    UnsupportedError,
)

_BLOCK_SAMPLES = 1 << 17
_LOWEST_RATE = 1_000
_UNKNOWN_FRAMES = 1 << 62  # libsndfile says 2^63 - 1 where a header does not tell the length

_AUDIO_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"FORM", b"fLaC", b"OggS", b"ID3", b"caff", b".snd", b"riff", b"Crea")
_OTHER_RIFF = (b"WEBP", b"AVI ")
_SNIFF = 16
_OGG_PAGE = 27 + 255 + 255 * 255  # bytes, at most: header, lengths of segments, segments
_LAST_PAGE = 4  # its flag in a page's header


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may ask for."""

    max_duration: float = 3600.0
    """Longest file in seconds."""
    max_channels: int = 64
    max_sample_rate: int = 768_000
    excerpt_seconds: float = 120.0
    """Longest stretch that is kept for analysis."""


@dataclass(frozen=True, slots=True)
class DecodedAudio:
    """One decoded file."""

    y: npt.NDArray[np.float32]
    """Mono, shape (n,), at ``sr``: the whole file, or the middle of a long one."""
    sr: int
    duration: float
    """Seconds of the source, all of it."""
    excerpt_start: float
    """Where ``y`` begins in the source, in seconds."""
    sample_rate: int
    channels: int
    format: str
    subtype: str
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    warnings: tuple[str, ...]


def decode(file: BinaryIO, *, limits: Limits) -> DecodedAudio:
    """Decode an open file.

    The bytes decide what it is. Warnings are ``truncated`` (fewer frames than the header says, or no end),
    ``non_finite_samples`` (NaN, infinity or absurd values became 0) and ``opposite_phase`` (the channels cancel each
    other: the first one is analysed).

    Raises
    ------
    EmptyFileError, NotAudioError, UnreadableError, UnsupportedError, TooLongError, TooLargeError
        Where there is nothing to analyse; the message leaves the name of the file to those who know it.
    """
    with _open_within(file, limits) as sound:
        reader = _Reader(sound, limits)
        reader.run()
        if sound.format == "OGG" and "truncated" not in reader.warnings and _ogg_is_cut(file):
            reader.warnings.append("truncated")
        y = resample(reader.mono(), sr=sound.samplerate)
        if y.size == 0:
            y = np.zeros(1, np.float32)
        return DecodedAudio(
            y=y,
            sr=SR,
            duration=reader.frames / sound.samplerate,
            excerpt_start=reader.start / sound.samplerate,
            sample_rate=sound.samplerate,
            channels=sound.channels,
            format=sound.format,
            subtype=sound.subtype,
            loudness_lufs=reader.meter.integrated_lufs(),
            true_peak_dbtp=reader.meter.true_peak_dbtp(),
            warnings=tuple(reader.warnings),
        )


def check(file: BinaryIO, *, limits: Limits) -> None:
    """Look whether a file's header asks for more than the limits; raises as `decode` does, and reads little."""
    _open_within(file, limits).close()


class _Stream(sf.SoundFile):
    """A file that does not say how long it is: soundfile seeks after each read, which fails at such a file's end."""

    def seekable(self) -> bool:
        """Say no, as of a pipe."""
        return False


def _open(file: BinaryIO, kind: type[sf.SoundFile] = sf.SoundFile) -> sf.SoundFile:
    try:
        return kind(file.fileno(), closefd=False)
    except sf.LibsndfileError as error:
        head = os.pread(file.fileno(), _SNIFF, 0)
        if not head:
            raise EmptyFileError("the file has no bytes") from error
        if head[4:8] == b"ftyp" or head.startswith(b"\x30\x26\xb2\x75") or _is_adts(head):
            raise UnsupportedError("AAC, ALAC and WMA are not supported; convert it to FLAC or WAV") from error
        if _looks_like_audio(head):
            raise UnreadableError(f"cannot be decoded: {error.error_string}") from error
        raise NotAudioError("not an audio file of any known kind") from error


def _is_adts(head: bytes) -> bool:
    """Tell frames of AAC by their mark; MPEG audio has the same one, but no layer 0."""
    return head[0] == 0xFF and len(head) > 1 and head[1] & 0xF6 == 0xF0  # noqa: PLR2004 -- sync of ADTS, layer 0


def _looks_like_audio(head: bytes) -> bool:
    """Tell a damaged audio file from a file of another kind."""
    if head.startswith(_AUDIO_MAGIC):
        return head[8:12] not in _OTHER_RIFF
    # The byte order mark of UTF-16 would be layer I.
    return head[0] == 0xFF and len(head) > 1 and head[1] >= 0xE0 and head[1] & 6 in {2, 4}  # noqa: PLR2004 -- MPEG sync, layer II or III


def _check_header(sound: sf.SoundFile, limits: Limits) -> None:
    if sound.samplerate > limits.max_sample_rate:
        raise TooLargeError(f"{sound.samplerate} samples a second; at most {limits.max_sample_rate} are taken")
    if sound.samplerate < _LOWEST_RATE:
        raise UnsupportedError(f"{sound.samplerate} samples a second; at least {_LOWEST_RATE} are needed")
    if sound.channels > limits.max_channels:
        raise TooLargeError(f"{sound.channels} channels; at most {limits.max_channels} are taken")
    if sound.frames == 0:
        raise EmptyFileError("the file has a header, but no audio")
    if sound.frames < _UNKNOWN_FRAMES:
        _check_duration(sound.frames, sound.samplerate, limits)


def _check_duration(frames: int, rate: int, limits: Limits) -> None:
    if frames > limits.max_duration * rate:
        raise TooLongError(f"over {limits.max_duration:g} s long; raise SAMPLEMIND_MAX_DURATION to take it")


def _open_within(file: BinaryIO, limits: Limits) -> sf.SoundFile:
    """Open a file whose header asks for nothing beyond the limits.

    Where the header does not tell the length, look whether there is a frame beyond the longest: reading up to there
    would take seconds, as a few kilobytes of FLAC may unpack to hours. A seek that finds nothing ruins its handle.
    """
    sound = _open(file)
    try:
        _check_header(sound, limits)
        if sound.frames < _UNKNOWN_FRAMES:
            return sound
        beyond = int(limits.max_duration * sound.samplerate)
        with suppress(sf.LibsndfileError):
            sound.seek(beyond)
            _check_duration(beyond + len(sound.read(2)), sound.samplerate, limits)
    except BaseException:
        sound.close()
        raise
    sound.close()
    file.seek(0)
    return _open(file, _Stream)


def _ogg_is_cut(file: BinaryIO) -> bool:
    """Whether the end of an Ogg stream is missing: its last page says that it is the last."""
    size = os.fstat(file.fileno()).st_size
    tail = os.pread(file.fileno(), _OGG_PAGE, max(0, size - _OGG_PAGE))
    at = tail.rfind(b"OggS")
    return at < 0 or not tail[at + 5 : at + 6] or not tail[at + 5] & _LAST_PAGE


class _Reader:
    """One pass over an open file: measures all of it, keeps a mono mix of its middle."""

    def __init__(self, sound: sf.SoundFile, limits: Limits) -> None:
        self._sound = sound
        self._limits = limits
        self._keep = max(1, round(limits.excerpt_seconds * sound.samplerate))
        known = sound.frames if sound.frames < _UNKNOWN_FRAMES else 0
        self.start = max(0, (known - self._keep) // 2)
        self._parts: list[npt.NDArray[np.float32]] = []
        self._channel_energy = 0.0
        self.frames = 0
        self._mix = np.full(sound.channels, 1.0 / sound.channels, np.float32)
        self.meter = LoudnessMeter(sr=sound.samplerate, channels=sound.channels)
        self.warnings: list[str] = []

    def run(self) -> None:
        """Read to the end, or to where the file breaks off."""
        sound = self._sound
        broken: sf.LibsndfileError | None = None
        # One frame more than a short file has: one read then takes all of it, and sees its end.
        block_frames = min(max(1, _BLOCK_SAMPLES // sound.channels), sound.frames + 1)
        # Turning whole numbers into floats takes libsndfile four times as long as reading them; not so in FLAC.
        whole = sound.subtype == "PCM_16" and sound.format != "FLAC"
        buffer = np.empty((block_frames, sound.channels), np.int16 if whole else np.float32)
        while True:
            try:
                block = cast("npt.NDArray[np.float32] | npt.NDArray[np.int16]", sound.read(out=buffer))
            except sf.LibsndfileError as error:
                broken = error
                break
            if len(block) == 0:
                break
            self._take(block)
            _check_duration(self.frames, sound.samplerate, self._limits)
            if len(block) < block_frames:
                break
        if self.frames == 0:
            if broken is not None:
                raise UnreadableError(f"cannot be decoded: {broken.error_string}") from broken
            raise EmptyFileError("the file has a header, but no audio")
        claimed = sound.frames < _UNKNOWN_FRAMES and self.frames < sound.frames
        if broken is not None or claimed or "(should be" in sound.extra_info:
            self.warnings.append("truncated")

    def _take(self, block: npt.NDArray[np.float32] | npt.NDArray[np.int16]) -> None:
        samples, replaced = self.meter.update(block)
        if replaced and "non_finite_samples" not in self.warnings:
            self.warnings.append("non_finite_samples")
        first, last = max(self.start - self.frames, 0), min(self.start + self._keep - self.frames, len(block))
        if first < last:
            kept = samples[:, first:last]
            if len(kept) == 1:
                self._parts.append(kept[0])
            else:
                self._parts.append(self._mix @ kept)
                self._channel_energy += sum(float(np.dot(row, row)) for row in kept) / len(kept)
        self.frames += len(block)

    def mono(self) -> npt.NDArray[np.float32]:
        """Give the kept stretch, mixed to one channel."""
        if not self._parts:  # cut short before the middle that its header promised
            self.start = max(0, (self.frames - self._keep) // 2)
            return self._first_channel()
        y = self._parts[0] if len(self._parts) == 1 else np.concatenate(self._parts)
        self._parts.clear()
        # -40 dB: what is left after two channels cancel is not what anyone hears.
        if self._sound.channels > 1 and float(np.dot(y, y)) < 1e-4 * self._channel_energy:
            self.warnings.append("opposite_phase")
            return self._first_channel()
        return y

    def _first_channel(self) -> npt.NDArray[np.float32]:
        """Read the stretch again, and only its first channel."""
        try:
            self._sound.seek(self.start)
            count = min(self._keep, self.frames - self.start)
            parts: list[npt.NDArray[np.float32]] = []
            while count > 0:
                block = self._sound.read(min(count, 1 << 16), dtype="float32", always_2d=True)
                if len(block) == 0:
                    break
                first = np.asarray(block[:, 0], dtype=np.float32)
                parts.append(np.where(np.abs(first) < LOUDEST, first, np.float32(0.0)))
                count -= len(block)
        except sf.LibsndfileError as error:
            raise UnreadableError(f"cannot be decoded: {error.error_string}") from error
        return np.concatenate(parts) if parts else np.zeros(1, np.float32)
