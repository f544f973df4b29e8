"""Separates one file into a new folder of stems."""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from config.settings import Settings
from samplemind_worker.dsp.separation import separate as separate_by_medians
from samplemind_worker.interchange import samples
from samplemind_worker.interchange.naming import safe_name
from samplemind_worker.interchange.reports import StemsReport
from samplemind_worker.interchange.samples import F32, Samples
from samplemind_worker.interchange.staging import new_folder
from samplemind_worker.interchange.stems.model import Model

Method = Literal["medians", "model"]

PARTS: Final = ("drums", "bass", "other")


@dataclass(frozen=True, slots=True)
class Stems:
    """What a file was separated into."""

    method: Method
    names: Sequence[str]
    files: Sequence[str]
    rate: int
    """Hz."""
    frames: int
    model: str | None = None
    licence: str | None = None

    def report(self) -> StemsReport:
        """Return the stems as a JSON object."""
        return {
            "method": self.method,
            "model": self.model,
            "licence": self.licence,
            "sample_rate": self.rate,
            "frames": self.frames,
            "stems": [{"name": name, "file": file} for name, file in zip(self.names, self.files, strict=True)],
        }


def separate(file: Path, target: Path, method: Method, settings: Settings, *, dry_run: bool = False) -> Stems:
    """Separate a file into a new folder of 32-bit floating point WAV files, each as long as the file.

    Raises
    ------
    UsageError
        If there is no such file, the folder is there already, or no model is named.
    PermanentError
        If the file cannot be decoded, or has too many channels.
    SetupError
        If the model cannot be run.
    OSError
        If something cannot be written.
    """
    model = Model(settings) if method == "model" else None
    names = list(PARTS) if model is None else model.stems
    files = [safe_name(f"{file.stem} {name}", ending=".wav") for name in names]
    with samples.read(file, settings) as sound:
        if not dry_run:
            with new_folder(target) as folder:
                _write(sound, model, [folder / name for name in files])
        made = Stems(method, names, files, sound.rate, len(sound.y))
    if model is None:
        return made
    return Stems(method, names, files, made.rate, made.frames, model.path.name, model.licence)


def _write(sound: Samples, model: Model | None, paths: Sequence[Path]) -> None:
    channels = sound.y.shape[1]
    with ExitStack() as opened:
        adding = [
            opened.enter_context(samples.created(path, rate=sound.rate, channels=channels, subtype="FLOAT"))
            for path in paths
        ]
        for blocks in _blocks(sound, model):
            for add, block in zip(adding, blocks, strict=True):
                add(block)


def _blocks(sound: Samples, model: Model | None) -> Iterator[Sequence[F32]]:
    if model is None:
        yield from separate_by_medians(sound.y, sr=sound.rate)
    else:
        yield from model.separate(sound.y, sound.rate)
