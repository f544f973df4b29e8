"""Finds the audio files below a path or a prefix. The command line runs it, so it needs the standard library only."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from config.locations import Location, ObjectPath
from samplemind_worker.errors import UsageError
from samplemind_worker.text import plural

_OF_LIBSNDFILE: Final = frozenset(
    {".wav", ".wave", ".bwf", ".rf64", ".bw64", ".w64", ".aif", ".aiff", ".aifc", ".caf", ".au", ".snd"}
    | {".flac", ".mp3", ".ogg", ".oga", ".opus"}
)
FFMPEG_SUFFIXES: Final = frozenset(
    {".m4a", ".m4b", ".m4r", ".mp4", ".aac", ".3gp", ".3g2", ".wma", ".asf", ".mka", ".webm", ".weba", ".spx", ".mp2"}
    | {".mpga", ".voc", ".wv", ".ape", ".tta", ".tak", ".mpc", ".ac3", ".eac3", ".dts", ".amr", ".dsf"}
)
"""Names of files that need FFmpeg, which is an extra."""
AUDIO_SUFFIXES: Final = _OF_LIBSNDFILE | FFMPEG_SUFFIXES


@dataclass(frozen=True, slots=True)
class Found:
    """A file, or a folder that is not entered; ``skip_reason`` says why it is skipped, None that it is audio."""

    path: bytes
    """The full path, or the key of an object."""
    size: int
    mtime_ns: int
    ctime_ns: int
    """Time of the last change of the file's entry; for an object, a digest of its ETag."""
    skip_reason: str | None


def walk(place: Location) -> Iterator[Found]:
    """Yield the entries at or below a place, sorted by name: of a folder folder by folder, with absolute paths.

    Hidden folders and links to folders are yielded, but not entered. A link to a file is followed if its target lies
    below the given path. If the path is a file, it counts as audio whatever its name.

    Raises
    ------
    UsageError
        If the path does not exist or cannot be read.
    BucketNotReachedError, TransientError
        If a bucket cannot be listed.
    """
    if isinstance(place, ObjectPath):
        yield from _walk_objects(place)
        return
    top, status = _look_at_top(place)
    if stat.S_ISDIR(status.st_mode):
        yield from _walk_folder(top, os.path.realpath(top))
    else:
        reason = None if stat.S_ISREG(status.st_mode) else "special"
        yield Found(top, status.st_size, status.st_mtime_ns, status.st_ctime_ns, reason)


def require_readable(place: Location) -> None:
    """Check that a place can be walked.

    Raises
    ------
    UsageError
        If it does not exist or cannot be read.
    BucketNotReachedError, TransientError
        If a bucket cannot be listed.
    """
    if not isinstance(place, ObjectPath):
        _look_at_top(place)
        return
    from samplemind_worker.store import objects  # noqa: PLC0415 -- slow import

    if not objects.require(place) and objects.look(place) is None:
        raise UsageError(f"no such object or prefix: {place}")


def _look_at_top(path: Path) -> tuple[bytes, os.stat_result]:
    top = os.fsencode(os.path.abspath(path))  # noqa: PTH100 -- bytes, and links stay as they are
    try:
        status = os.stat(top)  # noqa: PTH116 -- bytes
        if stat.S_ISDIR(status.st_mode):
            with os.scandir(top):
                pass
    except FileNotFoundError as error:
        raise UsageError(f"no such file or folder: {os.fsdecode(top)}") from error
    except OSError as error:
        raise UsageError(f"cannot read {os.fsdecode(top)}: {error.strerror}") from error
    return top, status


def _walk_folder(folder: bytes, real_top: bytes) -> Iterator[Found]:
    stack = [folder]
    while stack:
        current = stack.pop()
        try:
            with os.scandir(current) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except FileNotFoundError:  # it vanished since its parent was read
            continue
        except OSError:
            # Its files are unknown, so the folder itself is listed, and nothing is left out silently.
            yield Found(current, 0, 0, 0, "unreadable_folder")
            continue
        folders: list[bytes] = []
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                if entry.name.startswith(b"."):
                    yield Found(entry.path, 0, 0, 0, "hidden_folder")
                else:
                    folders.append(entry.path)
            else:
                found = _look(entry, real_top)
                if found is not None:
                    yield found
        stack.extend(reversed(folders))


def _look(entry: "os.DirEntry[bytes]", real_top: bytes) -> Found | None:
    try:
        if entry.is_symlink():
            if entry.is_dir():
                return Found(entry.path, 0, 0, 0, "linked_folder")
            real = os.path.realpath(entry.path)
            if os.path.commonpath([real_top, real]) != real_top:
                return Found(entry.path, 0, 0, 0, "link_outside_root")
        status = entry.stat()
    except FileNotFoundError:
        return Found(entry.path, 0, 0, 0, "broken_link") if entry.is_symlink() else None
    except OSError:
        return Found(entry.path, 0, 0, 0, "broken_link")
    reason = None
    if not stat.S_ISREG(status.st_mode):
        reason = "special"
    elif entry.name.startswith(b"."):
        reason = "hidden"
    elif not is_audio(os.fsdecode(entry.name)):
        reason = "not_audio_type"
    return Found(entry.path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, reason)


def is_audio(name: str) -> bool:
    """Return whether a file is audio by its name."""
    return os.path.splitext(name)[1].lower() in AUDIO_SUFFIXES  # noqa: PTH122 -- a name may hold anything


def _walk_objects(place: ObjectPath) -> Iterator[Found]:
    """Yield the objects at or below a prefix, in the order of their keys; one listing, whatever its length.

    What lies below a hidden folder follows each other, and stands for that folder once. So do keys with ``..`` in
    them, which are names like any other in a bucket, and would be paths to elsewhere on a disk.
    """
    from samplemind_worker.store import objects  # noqa: PLC0415 -- slow import

    itself = objects.look(place) if place.key else None
    if itself is not None:
        yield Found(itself.key.encode(), itself.size, itself.mtime_ns, itself.tag, None)
        return
    hidden = ""
    for each in objects.listed(place):
        if hidden and each.key.startswith(hidden):
            continue
        hidden = _hidden_above(each.key, below=place.prefix)
        name = each.key.rpartition("/")[2]
        if hidden:
            yield Found(hidden[:-1].encode(), 0, 0, 0, "hidden_folder")
        elif name or each.size:  # without either it marks a folder that may be empty
            reason = "hidden" if name.startswith(".") else None if is_audio(name) else "not_audio_type"
            yield Found(each.key.encode(), each.size, each.mtime_ns, each.tag, reason)


def _hidden_above(key: str, *, below: str) -> str:
    """Return the prefix of the highest hidden folder of a key; empty if it lies in none."""
    folders = key[len(below) :].split("/")[:-1]
    count = next((at for at, name in enumerate(folders, 1) if name.startswith(".")), 0)
    return f"{below}{'/'.join(folders[:count])}/" if count else ""


_NOT_TAKEN: Final[Mapping[str, tuple[str, str]]] = {
    "linked_folder": ("link to a folder", "links to folders"),
    "link_outside_root": ("link that leads out of it", "links that lead out of it"),
    "broken_link": ("broken link", "broken links"),
    "hidden_folder": ("hidden folder", "hidden folders"),
    "unreadable_folder": ("folder that cannot be read", "folders that cannot be read"),
}
"""Singular and plural names of entries by the reason for which they are skipped; the rest are `other files`."""

_LINKS: Final = ("linked_folder", "link_outside_root")


def nothing_found(paths: Sequence[Location], skipped: Mapping[str, int]) -> str:
    """Return the message that there is no audio, with a count of what there is instead."""
    where = ", ".join(str(path) for path in paths)
    other = sum(count for reason, count in skipped.items() if reason not in _NOT_TAKEN)
    parts = [(skipped.get(reason, 0), *names) for reason, names in _NOT_TAKEN.items()]
    held = [plural(count, one, several) for count, one, several in parts if count]
    held += [plural(other, "other file")] if other else []
    hint = "; links are not followed: name the folders that they lead to" if any(map(skipped.get, _LINKS)) else ""
    return f"no audio files in {where} ({', '.join(held) or 'it is empty'}){hint}"
