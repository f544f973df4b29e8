"""The first reader: libsndfile. Fast, and right about whatever `structure` says that it suits."""

import os
from collections.abc import Iterator
from contextlib import suppress
from typing import BinaryIO, Final, cast

import numpy as np
import soundfile as sf

from samplemind_worker.decode.limits import Limits
from samplemind_worker.decode.measure import Block
from samplemind_worker.decode.structure import Piece, View
from samplemind_worker.errors import EmptyFileError, UnreadableError

_BLOCK_SAMPLES: Final = 1 << 17
_UNKNOWN_FRAMES: Final = 1 << 62  # libsndfile says 2^63 - 1 where a header does not tell the length


class _Stream(sf.SoundFile):
    """A file that is read on and on: soundfile seeks after each read otherwise, which fails at a damaged file's end."""

    def seekable(self) -> bool:
        """Say no, as of a pipe."""
        return False


class LibsndfileSound:
    """A file that libsndfile opens."""

    reader: Final = "libsndfile"

    def __init__(self, file: BinaryIO, pieces: tuple[Piece, ...], limits: Limits) -> None:
        """Open a file whose header asks for nothing beyond the limits.

        Raises
        ------
        EmptyFileError, UnreadableError, UnsupportedError, TooLongError, TooLargeError
        """
        self._file, self._pieces = file, pieces
        self.broken = ""
        """Why libsndfile gave up before the end."""
        self.unread = 0
        """Of FLAC, bytes that it has not asked for."""
        self._unused: sf.SoundFile | None = self._open()
        sound = self._unused
        self.rate, self.channels = sound.samplerate, sound.channels
        self.format, self.subtype = sound.format, sound.subtype
        limits.check_sound(self.rate, self.channels)
        frames = sound.frames
        if frames == 0:
            raise EmptyFileError("the file has a header, but no audio")
        self.frames = frames if frames < _UNKNOWN_FRAMES else None
        if self.frames is not None:
            limits.check_duration(self.frames, self.rate)
        else:
            self._look_beyond(sound, limits)
            self._unused = None

    def _look_beyond(self, sound: sf.SoundFile, limits: Limits) -> None:
        """Look whether there is a frame beyond the longest duration.

        Reading up to there would take seconds, as a few kilobytes of FLAC may unpack to hours. A seek that finds
        nothing ruins its handle.
        """
        beyond = int(limits.max_duration * self.rate)
        with suppress(sf.LibsndfileError):
            sound.seek(beyond)
            limits.check_duration(beyond + len(sound.read(2)), self.rate)

    def _open(self) -> sf.SoundFile:
        try:
            if self._pieces:
                return _Stream(cast("BinaryIO", View(self._file.fileno(), self._pieces)))
            os.lseek(self._file.fileno(), 0, os.SEEK_SET)
            return _Stream(self._file.fileno(), closefd=False)
        except sf.LibsndfileError as error:
            raise UnreadableError(f"cannot be decoded: {error.error_string}") from error

    def blocks(self) -> Iterator[Block]:
        """Yield its samples, as far as they can be read; never asks for more frames than there are."""
        self.broken = ""
        opened, self._unused = self._unused or self._open(), None
        left = _UNKNOWN_FRAMES if self.frames is None else self.frames
        with opened as sound:
            # Turning whole numbers into floats takes libsndfile four times as long as reading them; not so in FLAC.
            whole = self.subtype == "PCM_16" and self.format != "FLAC"
            length = min(max(1, _BLOCK_SAMPLES // self.channels), left)
            buffer = np.empty((length, self.channels), np.int16 if whole else np.float32)
            while left > 0:
                wanted = min(length, left)
                try:
                    block = cast("Block", sound.read(out=buffer[:wanted]))
                except sf.LibsndfileError as error:
                    self.broken = error.error_string or "damaged"
                    return
                if len(block):
                    yield block
                left -= len(block)
                if len(block) < wanted:
                    break
            if self.format == "FLAC" and not self._pieces:
                size = os.fstat(self._file.fileno()).st_size
                self.unread = max(0, size - os.lseek(self._file.fileno(), 0, os.SEEK_CUR))
