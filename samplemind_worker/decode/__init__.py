"""File bytes to float32 mono samples at 22.05 kHz, with loudness measured on the way.

The file is read once, in blocks, so memory does not depend on its length: of a long file the middle is kept for
analysis, the rest only passes through the loudness meter.

`structure` says from the container alone what the file promises and what of that is there. libsndfile (`sndfile`)
reads it first where it is known to do so rightly. What it refuses, or reads to another length than the container has,
goes to FFmpeg (`ffmpeg`).
"""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import BinaryIO, Final, Literal

import numpy as np
import numpy.typing as npt

from samplemind_worker.decode import ffmpeg
from samplemind_worker.decode.ffmpeg import FfmpegSound
from samplemind_worker.decode.limits import Limits
from samplemind_worker.decode.measure import Measured
from samplemind_worker.decode.sndfile import LibsndfileSound
from samplemind_worker.decode.structure import Structure, look
from samplemind_worker.dsp.bandwidth import bandwidth
from samplemind_worker.dsp.resample import resample
from samplemind_worker.dsp.units import SR
from samplemind_worker.dsp.waveform import waveform
from samplemind_worker.errors import (
    EmptyFileError,
    NotAudioError,
    PermanentError,
    UnreadableError,
    UnsupportedError,
    how_to_add,
)

__all__ = ["DecodedAudio", "Limits", "check", "decode", "warm_up"]

_INEXACT: Final = frozenset({"truncated", "damaged_frames"})
_PADDED: Final = frozenset(
    {"AAC", "AAC_LATM", "MPEG_LAYER_I", "MPEG_LAYER_II", "MPEG_LAYER_III", "AC3", "EAC3", "DCA", "WMAV1", "WMAV2"}
    | {"WMAPRO", "AMRNB", "AMRWB", "SPEEX"}
)
"""Codecs that put something around the sound."""
_CODEC_FRAMES: Final = 3 * 1152
"""What a decoder of MP3 may leave out or add at both ends."""

Sound = LibsndfileSound | FfmpegSound
_MAGIC: Final = (
    b"RIFF",
    b"RIFX",
    b"RF64",
    b"BW64",
    b"FORM",
    b"fLaC",
    b"OggS",
    b"ID3",
    b"caff",
    b".snd",
    b"riff",
    b"Crea",
)
_OTHER_RIFF: Final = (b"WEBP", b"AVI ")
_MISSES: Final = (EmptyFileError, NotAudioError, UnreadableError)
"""What one reader may say of a file that the other one can read."""
NEEDS_FFMPEG: Final = f"FFmpeg is needed to read it: add the extra with {how_to_add('ffmpeg')}"


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
    reader: Literal["libsndfile", "ffmpeg"]
    exact_length: bool
    """The file is known to begin and end where its sound does."""
    lead_seconds: float
    """What the codec put at the beginning of ``y``."""
    texts: Mapping[str, str]
    """Tags as FFmpeg gives them; none of what libsndfile reads."""
    loudness_lufs: float | None
    true_peak_dbtp: float | None
    audio_hash: str
    """Hash of all decoded samples, their channels and their rate."""
    bandwidth: float | None
    """As in `dsp.bandwidth`."""
    width: float | None
    """As in `Measured.width`."""
    waveform: bytes
    """Waveform of the whole file, as in `dsp.waveform`."""
    warnings: tuple[str, ...]


class _BrokenError(UnreadableError):
    """libsndfile opens it and then fails."""


@dataclass(frozen=True, slots=True)
class _Reading:
    sound: Sound
    measured: Measured
    is_whole: bool
    """All frames that the container promises came, and none that was damaged."""

    @property
    def is_broken(self) -> bool:
        """Something between its frames could not be decoded."""
        return bool(self.sound.broken) if isinstance(self.sound, LibsndfileSound) else self.sound.damaged > 0


def decode(file: BinaryIO, *, limits: Limits) -> DecodedAudio:
    """Decode an open file.

    The bytes decide what it is. The warnings about its structure are

    - ``truncated``: frames that the file promises are missing at its end;
    - ``damaged_frames``: frames between others could not be decoded, or are gone;
    - ``unknown_length``: the header does not tell how long it is, and all that is there was read;
    - ``chained``: several recordings one after the other, read as one;
    - ``leading_bytes``, ``trailing_bytes``: something that is no sound stands before or behind it.

    The others are ``non_finite_samples`` (NaN, infinity or absurd values became 0) and ``opposite_phase`` (the channels
    cancel each other: the first one is analysed).

    Raises
    ------
    EmptyFileError, NotAudioError, UnreadableError, UnsupportedError, TooLongError, TooLargeError
        Where there is nothing to analyse; the message leaves the name of the file to those who know it.
    """
    structure = _look(file, limits)
    best: _Reading | None = None
    is_broken = False
    promised = structure.frames
    errors: list[PermanentError] = []
    for open_sound in _readers(file, structure, limits):
        try:
            reading = open_sound()
        except _MISSES as error:
            errors.append(error)
            is_broken |= isinstance(error, _BrokenError)
            continue
        # Of Ogg, libsndfile gives up at what others read; a page that is damaged is known by its checksum.
        is_broken = reading.is_broken or (is_broken and not (structure.format == "OGG" and reading.is_whole))
        if structure.suits_libsndfile and isinstance(reading.sound, LibsndfileSound):
            promised = promised or reading.sound.frames
        frames = reading.measured.frames
        if best is None or frames > best.measured.frames or frames == structure.frames != best.measured.frames:
            best = reading
        if reading.is_whole:
            break
    if best is None:
        raise _why(file, structure, errors)
    if not _is_enough(best, structure):
        raise UnsupportedError(NEEDS_FFMPEG)
    return _decoded(best, structure, promised, is_broken=is_broken)


def check(file: BinaryIO, *, limits: Limits) -> None:
    """Look whether a file's header asks for more than the limits; raises as `decode` does, and reads little."""
    structure = _look(file, limits)
    errors: list[PermanentError] = []
    if structure.suits_libsndfile or not structure.format:
        try:
            LibsndfileSound(file, structure.libsndfile_pieces, limits)
        except _MISSES as error:
            errors.append(error)
        else:
            return
    if ffmpeg.library() is not None:
        try:
            FfmpegSound(file, structure, limits)
        except _MISSES as error:
            errors.append(error)
        else:
            return
    raise _why(file, structure, errors)


def warm_up(wave: BinaryIO) -> None:
    """Load FFmpeg, where it is installed, and have it read an open WAV: a decoder can load nothing more."""
    if ffmpeg.library() is not None:
        _by_ffmpeg(wave, Structure("WAV"), Limits())
        ffmpeg.options(is_known=False)


def _look(file: BinaryIO, limits: Limits) -> Structure:
    if not os.fstat(file.fileno()).st_size:
        raise EmptyFileError("the file has no bytes")
    structure = look(file.fileno(), longest=limits.max_duration)
    if structure.is_too_long:
        raise limits.too_long()
    limits.check_channels(structure.channels)
    return structure


def _readers(file: BinaryIO, structure: Structure, limits: Limits) -> Iterator[Callable[[], _Reading]]:
    """Yield the readers in their order; who takes them stops at the first that reads the file whole."""
    suits = structure.suits_libsndfile or not structure.format
    if suits:
        yield lambda: _by_libsndfile(file, structure, limits)
    if ffmpeg.library() is not None:
        yield lambda: _by_ffmpeg(file, structure, limits)
    if not suits:
        yield lambda: _by_libsndfile(file, structure, limits)


def _is_enough(reading: _Reading, structure: Structure) -> bool:
    """Whether what was read is all, as far as it can be known: without FFmpeg much would be cut in silence."""
    if ffmpeg.library() is not None or structure.suits_libsndfile or not structure.format:
        return True
    counted = structure.counted
    return counted is not None and abs(reading.measured.frames - counted) <= _CODEC_FRAMES


def _by_libsndfile(file: BinaryIO, structure: Structure, limits: Limits) -> _Reading:
    sound = LibsndfileSound(file, structure.libsndfile_pieces, limits)
    measured = Measured(sound, limits)
    if measured.frames == 0:
        if sound.broken:
            raise _BrokenError(f"cannot be decoded: {sound.broken}")
        raise EmptyFileError("the file has a header, but no audio")
    promised = {frames for frames in (sound.frames, structure.frames) if frames is not None}
    left_over = sound.unread > structure.tag_bytes
    return _Reading(sound, measured, not sound.broken and not left_over and promised <= {measured.frames})


def _by_ffmpeg(file: BinaryIO, structure: Structure, limits: Limits) -> _Reading:
    """Read the first stream of sound that is audible, or the first one if none is."""
    best: _Reading | None = None
    number, count = 0, 1
    while number < count:
        sound = FfmpegSound(file, structure, limits, stream=number)
        count, number = sound.streams, number + 1
        measured = Measured(sound, limits)
        whole = not sound.damaged and structure.frames in {None, measured.frames}
        if measured.frames and (best is None or measured.meter.true_peak_dbtp() is not None):
            best = _Reading(sound, measured, whole)
        if measured.meter.true_peak_dbtp() is not None:
            break
    if best is None:
        raise UnreadableError("cannot be decoded: none of its frames is whole")
    return best


def _decoded(reading: _Reading, structure: Structure, promised: int | None, *, is_broken: bool) -> DecodedAudio:
    sound, measured = reading.sound, reading.measured
    y = resample(measured.y, sr=measured.rate)
    if y.size == 0:
        y = np.zeros(1, np.float32)
    warnings = tuple(_warnings(reading, structure, promised, is_broken=is_broken))
    exact = _is_exact(sound, structure) and not _INEXACT.intersection(warnings)
    return DecodedAudio(
        y=y,
        sr=SR,
        duration=measured.frames / measured.rate,
        excerpt_start=measured.start / measured.rate,
        sample_rate=measured.rate,
        channels=measured.channels,
        format=sound.format,
        subtype=sound.subtype,
        reader=sound.reader,
        exact_length=exact,
        lead_seconds=_lead_seconds(y, structure, measured),
        texts=sound.texts if isinstance(sound, FfmpegSound) else {},
        loudness_lufs=measured.meter.integrated_lufs(),
        true_peak_dbtp=measured.meter.true_peak_dbtp(),
        audio_hash=measured.audio_hash(),
        bandwidth=bandwidth(measured.y, sr=measured.rate),
        width=measured.width,
        waveform=measured.waveform() or waveform(y, sr=SR),
        warnings=warnings,
    )


def _is_exact(sound: Sound, structure: Structure) -> bool:
    """Whether the codec puts nothing around the sound, or the container tells what."""
    knows_padding = sound.knows_padding if isinstance(sound, FfmpegSound) else structure.is_gapless
    return knows_padding or sound.subtype not in _PADDED


def _lead_seconds(y: npt.NDArray[np.float32], structure: Structure, measured: Measured) -> float:
    """Return how much of ``y`` the codec put in front; nothing if that were all of it."""
    begins = measured.start == 0 and len(y) > structure.lead_seconds * SR + 1.0
    return structure.lead_seconds if begins else 0.0


def _warnings(reading: _Reading, structure: Structure, promised: int | None, *, is_broken: bool) -> dict[str, None]:
    """Return what is to be said of the file, each once and in order."""
    sound, frames = reading.sound, reading.measured.frames
    said = dict.fromkeys(structure.warnings)
    left_over = isinstance(sound, LibsndfileSound) and sound.unread > structure.tag_bytes
    short = promised is not None and frames < promised
    if (short or is_broken) and "truncated" not in said:
        # Where the end is not known to be there, and less came than was promised, the end is what is missing.
        said["truncated" if short and not structure.ends else "damaged_frames"] = None
    if structure.format == "FLAC" and promised is not None:
        if frames > promised:
            said["chained"] = None
        elif frames == promised and (structure.has_loose_end or left_over):
            said["trailing_bytes"] = None
    return said | dict.fromkeys(reading.measured.warnings)


def _why(file: BinaryIO, structure: Structure, errors: list[PermanentError]) -> PermanentError:
    """Choose what is said of a file that no reader can read."""
    for error in errors:
        if isinstance(error, EmptyFileError):
            return error
    if structure.format and not structure.suits_libsndfile and ffmpeg.library() is None:
        return UnsupportedError(NEEDS_FFMPEG)
    head = os.pread(file.fileno(), 16, 0)
    if (structure.format and "leading_bytes" not in structure.warnings) or (
        head.startswith(_MAGIC) and head[8:12] not in _OTHER_RIFF
    ):
        # A container that holds pictures alone, or a damaged one.
        silent = next((error for error in errors if isinstance(error, NotAudioError)), None)
        return silent or errors[0]
    return NotAudioError("not an audio file of any known kind")
