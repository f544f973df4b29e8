"""Reads all samples of a file exactly, through the sandbox, without holding them in memory, and writes new files."""

import dataclasses
import errno
import os
import tempfile
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, cast

import numpy as np
import numpy.typing as npt
import soundfile as sf

from config.settings import Settings
from samplemind_worker.errors import EmptyFileError, PermanentError, UsageError, WorkerCrashedError
from samplemind_worker.pipeline.audio_sandbox import audio_sandbox
from samplemind_worker.pipeline.signals import limits
from samplemind_worker.sandbox import Bounds, Wanted
from samplemind_worker.store import library

F32 = npt.NDArray[np.float32]

_SAMPLE_BYTES: Final = 4
_MOST_BYTES: Final = 2**36
_BLOCK: Final = 1 << 16
_LOSSLESS: Final = frozenset({"PCM_S8", "PCM_U8", "PCM_16", "PCM_24", "ALAC_16", "ALAC_20", "ALAC_24"})
_SUBTYPES: Final = {
    "PCM_S8": "PCM_16",
    "PCM_U8": "PCM_16",
    "ALAC_16": "PCM_16",
    "ALAC_20": "PCM_24",
    "ALAC_24": "PCM_24",
}


@dataclass(frozen=True, slots=True)
class Samples:
    """The samples of a file."""

    y: F32
    """Shape (frames, channels), in a file that is mapped into memory."""
    rate: int
    """Hz."""
    subtype: str
    """How the file holds its samples, as libsndfile names it."""

    @property
    def pcm(self) -> str:
        """The subtype of a WAV or FLAC that holds these samples without loss; ``FLOAT`` where whole numbers do not."""
        return _SUBTYPES.get(self.subtype, self.subtype) if self.subtype in _LOSSLESS else "FLOAT"


@contextmanager
def read(path: Path, settings: Settings, *, folder: Path | None = None) -> Generator[Samples]:
    """Yield all samples of a file; they lie in a nameless file of ``folder``, by default of the temporary folder.

    Raises
    ------
    UsageError
        If there is no such file, or it lies outside the roots.
    PermanentError
        If it cannot be decoded, or is beyond the limits of the settings.
    """
    with open_source(path, settings) as source, tempfile.TemporaryFile(dir=folder) as output:
        request = {"limits": dataclasses.asdict(limits(settings)), "at": 0, "exact": True}
        bounds = Bounds(settings.decode_memory_bytes, settings.decode_seconds, samples=1, written=_MOST_BYTES)
        [answer] = audio_sandbox().read([Wanted(source.fileno(), request, output.fileno())], bounds)
        if isinstance(answer, PermanentError):
            raise type(answer)(f"{answer}: {path}")
        yield _mapped(output.fileno(), answer.facts)


def open_source(path: Path, settings: Settings) -> Any:
    """Open a file that a user names, for reading.

    Raises
    ------
    UsageError
        If there is no such file, it is a folder, or it lies outside the roots.
    PermanentError
        If it cannot be read.
    """
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name one file of it")
    if not path.exists():
        raise UsageError(f"no such file: {path}")
    if path.is_file() and path.stat().st_size == 0:
        raise EmptyFileError(f"the file has no bytes: {path}")
    root, relative = library.locate(Path(os.path.realpath(path)), settings.roots)
    try:
        return library.open_file(root, relative, roots=settings.roots, max_bytes=settings.max_file_bytes)
    except PermanentError as error:
        raise type(error)(f"{error}: {path}") from error


def _mapped(descriptor: int, facts: dict[str, Any]) -> Samples:
    """Map what a decoder has written; its answer is checked, as it is not trusted."""
    try:
        rate, channels, frames = (int(facts[name]) for name in ("rate", "channels", "frames"))
        subtype = str(facts["subtype"])
    except (KeyError, TypeError, ValueError) as error:
        raise WorkerCrashedError("the decoder answered nonsense") from error
    size = frames * channels * _SAMPLE_BYTES
    if not (channels > 0 and 0 < rate < 2**31 and 0 < size <= os.fstat(descriptor).st_size):
        raise WorkerCrashedError("the decoder answered nonsense")
    file = cast("Any", os.fdopen(os.dup(descriptor), "rb"))
    with file:
        y = np.memmap(file, "<f4", mode="r", shape=(frames, channels))
    return Samples(cast("F32", y), rate, subtype)


TEXTS: Final = ("title", "artist", "album", "genre", "date", "comment", "copyright", "tracknumber")
"""The texts that libsndfile writes into a file."""


def write(path: Path, y: F32, *, rate: int, subtype: str, texts: Mapping[str, str] | None = None) -> None:
    """Write samples as a new file of the format that its name says, block by block, with those of `TEXTS` given.

    Raises
    ------
    OSError
        If the file cannot be written, for instance because the disk is full.
    """
    with created(path, rate=rate, channels=y.shape[1], subtype=subtype, texts=texts) as add:
        for start in range(0, len(y), _BLOCK):
            add(y[start : start + _BLOCK])


@contextmanager
def created(
    path: Path, *, rate: int, channels: int, subtype: str, texts: Mapping[str, str] | None = None
) -> Generator[Callable[[F32], None]]:
    """Create a file, and yield what adds samples of shape (frames, channels) to it.

    Raises
    ------
    OSError
        If the file is there, or cannot be written.
    """
    scale = {"PCM_16": 32768.0, "PCM_24": 8388608.0}.get(subtype)
    try:
        with (
            path.open("xb") as file,
            sf.SoundFile(file.fileno(), "w", rate, channels, subtype, format=path.suffix[1:], closefd=False) as sound,
        ):
            for name in TEXTS:
                if texts and texts.get(name):
                    setattr(sound, name, texts[name])
            yield lambda block: sound.write(block if scale is None else _integers(block, scale))
    except sf.LibsndfileError as error:
        free = os.statvfs(path.parent)
        is_full = free.f_bavail * free.f_frsize < _BLOCK
        reason = os.strerror(errno.ENOSPC) if is_full else f"cannot write {path.name}: {error.error_string}"
        raise OSError(errno.ENOSPC if is_full else errno.EIO, reason) from error


def _integers(block: F32, scale: float) -> npt.NDArray[np.int32]:
    """Return samples as libsndfile takes integers: in the upper bits of 32. Its own scaling of floats loses a bit."""
    whole = np.clip(np.rint(block.astype(np.float64) * scale), -scale, scale - 1.0)
    return (whole * (2147483648.0 / scale)).astype(np.int32)
