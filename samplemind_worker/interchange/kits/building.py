"""Writes a kit into a new folder: the samples under plain names, and one file per format."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import orjson

from config.settings import Settings
from samplemind_worker.errors import MissingFileError, UsageError
from samplemind_worker.interchange import samples
from samplemind_worker.interchange.kits.decent_sampler import DECENT_SAMPLER
from samplemind_worker.interchange.kits.folder import FOLDER
from samplemind_worker.interchange.kits.hydrogen import HYDROGEN
from samplemind_worker.interchange.kits.kit import Kit, Pad, Placed, Writer
from samplemind_worker.interchange.kits.mpc import MPC
from samplemind_worker.interchange.kits.sfz import SFZ
from samplemind_worker.interchange.naming import Names, plain_name
from samplemind_worker.interchange.staging import new_folder
from samplemind_worker.text import suggestion

_WRITERS: Final[dict[str, Writer]] = {
    "sfz": SFZ,
    "decent-sampler": DECENT_SAMPLER,
    "hydrogen": HYDROGEN,
    "mpc": MPC,
    "folder": FOLDER,
}
FORMATS: Final = tuple(_WRITERS)


def read_formats(text: str) -> tuple[str, ...]:
    """Read a list of formats, separated by commas.

    Raises
    ------
    UsageError
        If there is no such format.
    """
    wanted = [part.strip().lower() for part in text.split(",") if part.strip()]
    unknown = [each for each in wanted if each not in FORMATS]
    if unknown or not wanted:
        wrong = unknown[0] if unknown else text
        raise UsageError(f"--to {wrong!r} is none of {', '.join(FORMATS)}{suggestion(wrong, FORMATS)}")
    return tuple(dict.fromkeys(wanted))


def build(kit: Kit, target: Path, formats: Sequence[str], *, link: bool, settings: Settings) -> None:
    """Write a kit as a new folder.

    Samples are copied, or linked if ``link``; one that a format cannot read is converted to WAV without loss, and
    rounded to 24 bits where it holds no whole numbers.

    Raises
    ------
    UsageError
        If the folder is there already, or the folder above it is not.
    PermanentError
        If a sample cannot be read.
    OSError
        If something cannot be written.
    """
    writers = [_WRITERS[each] for each in formats]
    with new_folder(target) as folder:
        names = Names()
        placed = [
            Placed(pad, _place(pad, number, writers, names, folder, link=link, settings=settings))
            for number, pad in enumerate(kit.pads, start=1)
        ]
        for writer in writers:
            writer.write(kit, placed, folder)
        report = kit.report()
        pads = [{**pad, "file": each.file} for pad, each in zip(report["pads"], placed, strict=True)]
        (folder / "kit.json").write_bytes(
            orjson.dumps(_utf8({**report, "pads": pads}), option=orjson.OPT_INDENT_2) + b"\n"
        )


def _place(
    pad: Pad, number: int, writers: Sequence[Writer], names: Names, folder: Path, *, link: bool, settings: Settings
) -> str:
    """Put a pad's sample into the folder; return its name there."""
    stem = f"{number:02}_{pad.role.name}_{plain_name(pad.source.stem, instead='sample', most=60)}"
    ending = pad.source.suffix.lower()
    if _can_all_read(pad, ending, writers):
        name = names.free("", stem, ending)
        _copy(pad.source, folder / name, link=link)
        return name
    name = names.free("", stem, ".wav")
    with samples.read(pad.source, settings, folder=folder) as sound:
        subtype = sound.pcm if sound.pcm in {"PCM_16", "PCM_24"} else "PCM_24"
        samples.write(folder / name, sound.y, rate=sound.rate, subtype=subtype)
    return name


def _can_all_read(pad: Pad, ending: str, writers: Sequence[Writer]) -> bool:
    return all(
        ending in writer.endings and (writer.subtypes is None or pad.subtype in writer.subtypes) for writer in writers
    )


def _copy(source: Path, target: Path, *, link: bool) -> None:
    if link:
        target.symlink_to(source)
        return
    try:
        shutil.copy2(source, target)
    except FileNotFoundError as error:
        raise MissingFileError(f"the file is not there any more: {source}") from error


def _utf8(value: object) -> object:
    """Return a report whose texts are UTF-8: bytes of names that are not are written as numbers."""
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    if isinstance(value, dict):
        return {key: _utf8(each) for key, each in value.items()}  # pyright: ignore[reportUnknownVariableType]
    if isinstance(value, list):
        return [_utf8(each) for each in value]  # pyright: ignore[reportUnknownVariableType]
    return value
