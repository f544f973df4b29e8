"""Any readable file as plain samples: 16-bit, mono or stereo, for programs that play only common formats, or exact.

Exact samples are float32 of all channels. They hold every format of up to 24 bits without any rounding.
"""

import errno
import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO, Final

import numpy as np
import numpy.typing as npt

from samplemind_worker.decode import ffmpeg
from samplemind_worker.decode.ffmpeg import FfmpegSound
from samplemind_worker.decode.limits import Limits
from samplemind_worker.decode.measure import Block
from samplemind_worker.decode.sndfile import LibsndfileSound
from samplemind_worker.decode.structure import Structure, look
from samplemind_worker.errors import (
    EmptyFileError,
    NotAudioError,
    OutOfMemoryError,
    PermanentError,
    TooLargeError,
    UnreadableError,
)

_STEREO: Final = 2
_MISSES: Final = (EmptyFileError, NotAudioError, UnreadableError)
Sound = LibsndfileSound | FfmpegSound


@dataclass(frozen=True, slots=True)
class Copy:
    """What was written: frames of ``channels`` numbers, little-endian, at ``rate`` Hz."""

    rate: int
    channels: int
    frames: int
    subtype: str
    """How the file holds its samples, as libsndfile names it."""


def write(file: BinaryIO, output: int, *, at: int, limits: Limits, exact: bool = False) -> Copy:
    """Write the samples of an open file into another one, from the byte ``at`` on, block by block.

    They are 16-bit integers, and more than two channels become one; if ``exact``, float32 of all channels. Both readers
    are tried as in `decode`, and the longer reading is kept. The first audible one of several streams of sound is
    taken.

    Raises
    ------
    NotAudioError, UnreadableError, UnsupportedError, TooLongError, TooLargeError, EmptyFileError
        If there is nothing to write, or it is more than may be written.
    """
    structure = look(file.fileno(), longest=limits.max_duration)
    if structure.is_too_long:
        raise limits.too_long()
    limits.check_channels(structure.channels)
    best: Copy | None = None
    best_reader = last_reader = None
    errors: list[PermanentError] = []
    for reader in _readers(file, structure, limits, exact=exact):
        try:
            copy, is_whole = reader(output, at)
        except _MISSES as error:
            errors.append(error)
            continue
        last_reader = reader
        if best is None or copy.frames > best.frames:
            best, best_reader = copy, reader
        if is_whole:
            break
    if best is None or best_reader is None:
        raise errors[0] if errors else NotAudioError("not an audio file of any known kind")
    return best if best_reader is last_reader else best_reader(output, at)[0]


_Reader = Callable[[int, int], tuple[Copy, bool]]
"""Writes a file's samples; returns what was written, and whether that is all that the container promises."""


def _readers(file: BinaryIO, structure: Structure, limits: Limits, *, exact: bool) -> list[_Reader]:
    def _by_libsndfile(output: int, at: int) -> tuple[Copy, bool]:
        sound = LibsndfileSound(file, structure.libsndfile_pieces, limits)
        copy, _ = _copy(sound, output, at, limits, exact=exact)
        promised = {frames for frames in (sound.frames, structure.frames) if frames is not None}
        return copy, not sound.broken and promised <= {copy.frames}

    def _by_ffmpeg(output: int, at: int) -> tuple[Copy, bool]:
        number, count = 0, 1
        while number < count:
            sound = FfmpegSound(file, structure, limits, stream=number)
            count, number = sound.streams, number + 1
            copy, is_audible = _copy(sound, output, at, limits, exact=exact)
            if is_audible or count == 1:
                return copy, not sound.damaged
        return _copy(FfmpegSound(file, structure, limits), output, at, limits, exact=exact)[0], True

    found: list[_Reader] = [_by_libsndfile]
    if ffmpeg.library() is not None:
        first = structure.suits_libsndfile or not structure.format
        found.insert(1 if first else 0, _by_ffmpeg)
    return found


def _copy(sound: Sound, output: int, at: int, limits: Limits, *, exact: bool) -> tuple[Copy, bool]:
    """Write all samples; return what was written, and whether any of it is not silent."""
    channels = sound.channels if exact or sound.channels <= _STEREO else 1
    frames, is_audible = 0, False
    for block in sound.blocks():
        samples = _exact(block) if exact else _whole(block, channels)
        is_audible = is_audible or bool(samples.any())
        _write(output, samples.data.cast("B"), at + frames * channels * samples.itemsize)
        frames += len(block)
        limits.check_duration(frames, sound.rate)
    if not frames:
        raise UnreadableError("cannot be decoded: none of its frames is whole")
    return Copy(sound.rate, channels, frames, sound.subtype), is_audible


def _exact(block: Block) -> npt.NDArray[np.float32]:
    """Return samples as float32; what is no number becomes 0."""
    samples = block.astype("<f4")
    if block.dtype == np.int16:
        samples *= np.float32(1.0 / 32768.0)
    return np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)


def _whole(block: Block, channels: int) -> npt.NDArray[np.int16]:
    """Return samples as 16-bit integers, with so many channels."""
    if block.dtype == np.int16 and block.shape[1] == channels:
        return np.ascontiguousarray(block, "<i2")
    samples = block.astype(np.float32)
    if block.dtype != np.int16:
        samples *= np.float32(32768.0)
    if block.shape[1] != channels:
        samples = samples.mean(axis=1, keepdims=True, dtype=np.float32)
    samples = np.nan_to_num(samples, copy=False, nan=0.0, posinf=0.0, neginf=0.0)
    return np.clip(np.rint(samples), -32768.0, 32767.0).astype("<i2")


def _write(output: int, data: memoryview, at: int) -> None:
    done = 0
    while done < len(data):
        try:
            done += os.pwrite(output, data[done:], at + done)
        except OSError as error:
            if error.errno == errno.EFBIG:
                raise TooLargeError("decoded it is larger than what may be kept for playing") from error
            raise OutOfMemoryError("there is no room for the decoded samples") from error
