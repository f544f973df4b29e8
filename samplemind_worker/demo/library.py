"""Writes a labelled library of synthesized audio: its files, and a ``manifest.csv`` that says what they are."""

import csv
import io
import shutil
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy.typing as npt
import soundfile as sf

from samplemind_worker.errors import UsageError
from samplemind_worker.pitches import PITCH_CLASSES

COLUMNS = ("path", "set", "kind", "bpm", "key_tonic", "key_mode", "duration_s", "source", "notes")
MANIFEST = "manifest.csv"
_SUBTYPES = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}
_BLOCK = 1 << 16  # libsndfile's Vorbis encoder crashes on minutes of audio in one call


@dataclass(frozen=True, slots=True)
class Item:
    """One file: its label, and how to make it.

    ``make`` returns samples from -1 to 1 at ``sr`` Hz, (n,) or (n, channels). ``tonic`` is a pitch class, 0 for C.
    """

    path: str
    set: str
    kind: str
    make: Callable[[], npt.NDArray[Any]]
    seconds: float
    bpm: float | None = None
    tonic: int | None = None
    mode: str = ""
    sr: int = 44100
    notes: str = ""

    def row(self) -> dict[str, str]:
        """Give the line of the manifest."""
        return {
            "path": self.path,
            "set": self.set,
            "kind": self.kind,
            "bpm": "" if self.bpm is None else f"{self.bpm:g}",
            "key_tonic": "" if self.tonic is None else PITCH_CLASSES[self.tonic],
            "key_mode": self.mode,
            "duration_s": f"{self.seconds:.4f}",
            "source": "generated",
            "notes": self.notes,
        }


def write(folder: Path, items: Sequence[Item], *, jobs: int = 1) -> int:
    """Write a library with ``jobs`` processes, and return the number of files that were written.

    A new library appears at once, when it is complete: its files are written beside ``folder``, which is put in place
    in one step. What a library that is there already lacks is written.

    Raises
    ------
    UsageError
        If the folder holds something else.
    """
    manifest = _manifest(items)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        if not _holds(folder, manifest):
            raise UsageError(f"{folder} holds something else; remove it or name another folder")
        missing = [item for item in items if not (folder / item.path).exists()]
        for item in missing:
            _write_item(folder, item)
        return len(missing)
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        if jobs == 1:
            for item in items:
                _write_item(partial, item)
        else:
            with ProcessPoolExecutor(jobs) as pool:
                list(pool.map(_write_item, [partial] * len(items), items, chunksize=32))
        (partial / MANIFEST).write_text(manifest, encoding="utf-8")
        partial.chmod(0o755)
        partial.replace(folder)  # over an empty folder too
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return len(items)


def _manifest(items: Sequence[Item]) -> str:
    text = io.StringIO()
    lines: csv.DictWriter[str] = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    lines.writeheader()
    lines.writerows(item.row() for item in items)
    return text.getvalue()


def _holds(folder: Path, manifest: str) -> bool:
    try:
        return (folder / MANIFEST).read_text(encoding="utf-8") == manifest
    except (OSError, UnicodeDecodeError):
        return False


def _write_item(root: Path, item: Item) -> None:
    y = item.make()
    path = root / item.path
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = path.suffix[1:]
    draft = path.with_name(f".{path.name}.part")
    with sf.SoundFile(
        draft,
        "w",
        samplerate=item.sr,
        channels=1 if y.ndim == 1 else y.shape[1],
        format=ending.upper(),
        subtype=_SUBTYPES[ending],
    ) as sound:
        for first in range(0, len(y), _BLOCK):
            sound.write(y[first : first + _BLOCK])
    draft.replace(path)
