"""``demo``: a library of synthesized sounds, analysed, and five questions to it."""

import csv
import os
import shlex
import shutil
import sys
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath
from typing import Annotated

import typer

from samplemind_cli import options, output
from samplemind_worker.errors import SetupError, UsageError
from samplemind_worker.text import plural

MARK = ".samplemind-demo"
"""The file by which a folder of a demonstration is known; it has the folder's inode."""
_DEFAULT = "samplemind-demo"


def demo(
    folder: Annotated[
        Path | None,
        typer.Argument(
            metavar="FOLDER",
            help="A new folder; ~/samplemind-demo if not given.",
            parser=options.path,
            show_default=False,
        ),
    ] = None,
    *,
    remove: Annotated[bool, typer.Option("--remove", help="Remove its sounds and its record.")] = False,
) -> None:
    """Make a small library, analyse it, and ask it five questions.

    The sounds are synthesized, and their record is apart from yours. On a terminal enter goes on and q ends.
    """
    place = (folder or Path.home() / _DEFAULT).absolute()
    if remove:
        _remove(place)
        return
    if place.exists() and not place.is_dir():
        raise UsageError(f"{place} is no folder")
    if place.exists() and not _is_demonstration(place) and any(place.iterdir()):
        raise UsageError(f"{place} holds other files: name a new folder")
    from samplemind_cli import tour  # noqa: PLC0415 -- slow import
    from samplemind_worker import kernel_cache  # noqa: PLC0415 -- slow import
    from samplemind_worker.demo import library, plan  # noqa: PLC0415 -- slow import

    place.mkdir(parents=True, exist_ok=True)
    mark(place)
    output.note(f"the demonstration is in {place}")
    output.note("`samplemind demo --remove` takes it away again")
    if written := library.write(place / tour.LIBRARY, plan.items()):
        output.note(f"synthesized {plural(written, 'sound')}")
    if not any(kernel_cache.prepare().rglob("*.nbi")):
        output.note("the first analysis on this machine takes longer: it is compiled for this processor")
    pauses = sys.stdin.isatty() and output.on_terminal()
    with _services(place / tour.RECORD):
        code = tour.walk(
            place, (tour.FIRST, *tour.STOPS), environment=tour.environment(place, os.environ), pauses=pauses
        )
    if code:
        raise typer.Exit(code)
    output.note(f"ask more of these sounds after: export SAMPLEMIND_HOME={shlex.quote(str(place / tour.RECORD))}")
    output.note("analyse your own with `samplemind submit FOLDER --wait`; `samplemind help` lists all commands")


def mark(place: Path) -> None:
    """Mark a folder as a demonstration that was made here.

    The services load what lies in its record. A folder out of a stranger's archive cannot know which inode it gets.
    """
    (place / MARK).write_text(_inode(place), encoding="ascii")


def _is_demonstration(place: Path) -> bool:
    found = place / MARK
    return found.is_file() and not found.is_symlink() and found.read_bytes() == _inode(place).encode()


def _inode(place: Path) -> str:
    return f"{place.stat().st_ino}\n"


@contextmanager
def _services(record: Path) -> Generator[None]:
    """Stop the private services of the demonstration at the end, unless another command uses them."""
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import stop  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.home import Home  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.users import Users  # noqa: PLC0415 -- slow import

    own = get_settings().model_copy(update={"home": record})
    home = Home(record)
    home.make_folders()
    with Users(home, say=output.note) as users:
        users.join()
        try:
            yield
        finally:
            if users.alone():
                stop(own)


def _remove(place: Path) -> None:
    from config.settings import get_settings  # noqa: PLC0415 -- slow import
    from samplemind_cli import tour  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services import stop  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.home import Home  # noqa: PLC0415 -- slow import
    from samplemind_worker.local_services.users import Users  # noqa: PLC0415 -- slow import

    if not _is_demonstration(place):
        raise UsageError(f"there is no demonstration in {place}")
    record = place / tour.RECORD
    if record.is_dir():
        home = Home(record)
        home.make_folders()
        with Users(home, say=output.note) as users:
            if not users.alone():
                raise SetupError(f"another command uses the demonstration in {place}: end that first")
            stop(get_settings().model_copy(update={"home": record}))
            shutil.rmtree(record)
    _remove_sounds(place / tour.LIBRARY)
    (place / MARK).unlink()
    with suppress(OSError):
        place.rmdir()
    output.note(f"{place} is kept, as it holds other files" if place.exists() else f"removed {place}")


def _remove_sounds(folder: Path) -> None:
    """Remove what was written, by the manifest, and the folders that are then empty."""
    from samplemind_worker.demo.library import MANIFEST  # noqa: PLC0415 -- slow import

    manifest = folder / MANIFEST
    if folder.is_symlink() or not manifest.is_file():
        return
    with manifest.open(encoding="utf-8", newline="") as lines:
        names = [PurePosixPath(row["path"]) for row in csv.DictReader(lines)]
    for name in names:
        if not name.is_absolute() and ".." not in name.parts:
            (folder / name).unlink(missing_ok=True)
    manifest.unlink()
    for each in [*{folder / name.parent for name in names}, folder]:
        with suppress(OSError):  # it holds other files
            each.rmdir()
