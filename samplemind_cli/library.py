"""Files of the library: found by an id or a path, and reported with the places where they lie."""

import os
import shlex
import stat
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from posixpath import basename
from typing import TYPE_CHECKING

from config.locations import Location, ObjectPath
from config.settings import Settings
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.report import Reporter, analyzed, rejected
from samplemind_worker.documents.states import State
from samplemind_worker.errors import OutsideRootsError, PermanentError, UsageError
from samplemind_worker.finding.reports import Report, gone_at, reports_of
from samplemind_worker.store import library, places, results
from samplemind_worker.store.places import Place
from samplemind_worker.submission.walk import is_audio

if TYPE_CHECKING:
    from samplemind_worker.store.objects import Listed

_LOOK_BACK = 10  # batches in which `show` looks for the failure of a path
_ID_LENGTH = 64  # hex digits of a whole file id


def results_of_all(
    report: Reporter = analyzed, *, since: datetime | None = None, until: datetime | None = None
) -> Iterator[Report]:
    """Yield the result of each living place in the library, in the order of the paths.

    Only of contents that were analysed for the first time since then, and before ``until``.
    """
    for page in places.by_path():
        added = results.added_between(list({place.file_id for place in page}), since, until)
        found = results.load(sorted(added))
        for place in page:
            if place.file_id in found:
                yield report(place.shown, *found[place.file_id])


def id_of(text: str) -> str | None:
    """Return the file id for an id or the beginning of one; None for a path.

    Raises
    ------
    UsageError
        If it looks like an id and there is none such, or more than one.
    """
    if not text:
        raise UsageError("a file id or a path is needed, and this one is empty")
    is_hex = all(letter in "0123456789abcdef" for letter in text)
    return results.resolve(text) if is_hex and (len(text) == _ID_LENGTH or not exists(text)) else None


def place_of(path: str, settings: Settings) -> Place | None:
    """Return what the record knows of a path."""
    return places.at(*library.locate(library.where(path), settings.roots))


def has_changed(path: str, place: Place) -> bool:
    """Tell whether another file lies at a path than the one that is recorded; not if it cannot be looked at."""
    where = library.where(path)
    if isinstance(where, ObjectPath):
        found = _object_at(where)
        return found is not None and (found.size, found.tag) != (place.size, place.ctime_ns)
    try:
        status = where.stat()
    except OSError:
        return False
    return not stat.S_ISREG(status.st_mode) or (status.st_size, status.st_mtime_ns) != (place.size, place.mtime_ns)


def find_file(text: str, settings: Settings) -> str | None:
    """Return the file id for an id, the beginning of one or a path; None for a path that the library does not know.

    It does not know what was overwritten since it was analysed.

    Raises
    ------
    UsageError
        If it looks like an id and there is none such, or more than one.
    """
    file_id = id_of(text)
    if file_id is not None:
        return file_id
    place = place_of(text, settings)
    return None if place is None or place.gone_at is not None or has_changed(text, place) else place.file_id


def exists(text: str) -> bool:
    """Return whether there is anything at a path; there is nothing at one that no file can have."""
    where = library.where(text)
    if isinstance(where, ObjectPath):
        return _object_at(where) is not None
    try:
        return where.exists()
    except OSError:
        return False


def _object_at(place: ObjectPath) -> "Listed | None":
    from samplemind_worker.store import objects  # noqa: PLC0415 -- slow import

    return objects.look(place)


def path_on_disk(file_id: str, shown: str, settings: Settings) -> Path:
    """Return where a content lies on this machine: at the place that is ``shown``, or else at any other.

    Raises
    ------
    UsageError
        If it lies nowhere here.
    """
    living = places.of([file_id]).get(file_id, ())
    for place in sorted(living, key=lambda place: place.shown != shown):
        try:
            folder = library.folder_of(place.root, settings.roots)
        except OutsideRootsError:
            continue
        path = Path(os.fsdecode(os.path.join(os.fsencode(folder), place.path)))  # noqa: PTH118 -- bytes
        if path.is_file():
            return path
    raise UsageError(f"{shown} is not on this machine, or its drive is away")


def facts_of(file_id: str) -> tuple[AudioFacts, AnalysisFacts] | None:
    """Return what is known of a content; None if it is not analysed."""
    return results.load([file_id]).get(file_id)


def sound_of(text: str, settings: Settings) -> tuple[AudioFacts, AnalysisFacts]:
    """Return what is known of a file of the library, or analyse the file at a path.

    Raises
    ------
    UsageError
        If there is no such file.
    PermanentError
        If it cannot be analysed.
    """
    file_id = find_file(text, settings)
    facts = None if file_id is None else facts_of(file_id)
    if facts is not None:
        return facts
    if not exists(text):
        if file_id is not None:
            raise UsageError(f"{text} is not analysed; `samplemind submit` its folder")
        raise UsageError(f"{text} is no file, no id of one, and no place that the library knows")
    where = library.where(text)
    if isinstance(where, Path) and where.is_dir():
        raise UsageError(f"{text} is a folder; name one file of it")
    from samplemind_worker.pipeline.audio_sandbox import audio_sandbox  # noqa: PLC0415 -- slow import

    # It loads while this process does.
    audio_sandbox().start()
    from samplemind_worker.pipeline.analyze import analyze_file  # noqa: PLC0415 -- slow import

    try:
        return analyze_file(where, settings)
    except PermanentError as error:
        raise type(error)(f"{error}: {text}") from error


def report_at(path: str, settings: Settings) -> Report:
    """Return what is known of the file at a path, headed by that path, or why it could not be analysed.

    Raises
    ------
    UsageError
        If nothing is known of what lies there, or it is gone.
    """
    place = place_of(path, settings)
    if place is not None and place.gone_at is None and not has_changed(path, place):
        report = reports_of([place.file_id]).get(place.file_id)
        if report is not None:
            others = [path for path in report["places"] if path != place.shown]
            return report | {"path": place.shown, "filename": basename(place.shown), "places": [place.shown, *others]}
    if place is not None and place.gone_at is not None and not exists(path):
        raise UsageError(_farewell(path, place))
    if place is not None and has_changed(path, place) and place.gone_at is None:
        # A failure that is recorded is that of the file before.
        raise UsageError(f"{path} has changed since it was analysed; `samplemind submit` takes it in again")
    rejection = rejection_of(library.where(path), settings)
    if rejection is not None:
        return rejection
    if place is None:
        raise UsageError(_unknown(path))
    if place.gone_at is not None:
        why = "has changed since it was analysed" if has_changed(path, place) else "was taken out of the library"
        raise UsageError(f"{path} {why}; `samplemind submit` takes it in again")
    raise UsageError(f"{path} is not analysed yet; `samplemind status` shows how its batch stands")


def _unknown(path: str) -> str:
    """Return what to say of a path that the library does not know."""
    if not exists(path):
        return f"{path} is no file, no id of one, and no place that the library knows"
    where = library.where(path)
    if isinstance(where, Path) and where.is_dir():
        return f"{path} is a folder; name one file of it"
    if not is_audio(where.name):
        return f"{path} is not in the library, and by its name it is no audio file"
    return f"{path} is not in the library; `samplemind submit {shlex.quote(path)}` adds it"


def _farewell(path: str, place: Place) -> str:
    report = reports_of([place.file_id]).get(place.file_id)
    said = f"{path} is gone since {gone_at(place)}"
    if report is None:
        return said
    now = f"; the same file lies at {report['places'][0]}" if report["places"] else "; its analysis is kept for a while"
    return f"{said}{now}: `samplemind show {place.file_id[:12]}`"


def rejection_of(path: Location, settings: Settings) -> Report | None:
    """Return why a path failed, if it did in one of the last batches."""
    from samplemind_worker.store import batches  # noqa: PLC0415 -- slow import

    root, relative = library.locate(path, settings.roots)
    name, _ = library.printable(relative)
    candidates = [{"root": root, "path": name}]
    if not settings.roots and isinstance(path, Path):
        # The root of an item is the folder that was submitted: any of those above the file.
        full = Path(root, name)
        candidates = [{"root": str(folder), "path": str(full.relative_to(folder))} for folder in full.parents]
    for job in batches.recent(_LOOK_BACK) if candidates else ():
        error = results.last_error_at({"batch_id": job.id, "state": State.FAILED.value, "$or": candidates})
        if error is not None:
            return rejected(str(path), code=error["code"], message=error["message"])
    return None
