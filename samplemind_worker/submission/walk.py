"""Finds the audio files below a path. The command line runs it, so it needs the standard library only."""

import os
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from samplemind_worker.errors import UsageError

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
    size: int
    mtime_ns: int
    ctime_ns: int
    skip_reason: str | None


def walk(path: Path) -> Iterator[Found]:
    """Yield the entries at or below a path, sorted by name, folder by folder, with absolute paths.

    Hidden folders and links to folders are yielded, but not entered. A link to a file is followed if its target lies
    below the given path. If the path is a file, it counts as audio whatever its name.

    Raises
    ------
    UsageError
        If the path does not exist or cannot be read.
    """
    top, status = _look_at_top(path)
    if stat.S_ISDIR(status.st_mode):
        yield from _walk_folder(top, os.path.realpath(top))
    else:
        reason = None if stat.S_ISREG(status.st_mode) else "special"
        yield Found(top, status.st_size, status.st_mtime_ns, status.st_ctime_ns, reason)


def require_readable(path: Path) -> None:
    """Check that a path can be walked.

    Raises
    ------
    UsageError
        If it does not exist or cannot be read.
    """
    _look_at_top(path)


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
    elif os.fsdecode(os.path.splitext(entry.name)[1]).lower() not in AUDIO_SUFFIXES:  # noqa: PTH122 -- bytes
        reason = "not_audio_type"
    return Found(entry.path, status.st_size, status.st_mtime_ns, status.st_ctime_ns, reason)


_NOT_TAKEN: Final[Mapping[str, tuple[str, str]]] = {
    "linked_folder": ("link to a folder", "links to folders"),
    "link_outside_root": ("link that leads out of it", "links that lead out of it"),
    "broken_link": ("broken link", "broken links"),
    "hidden_folder": ("hidden folder", "hidden folders"),
    "unreadable_folder": ("folder that cannot be read", "folders that cannot be read"),
}
"""Singular and plural names of entries by the reason for which they are skipped; the rest are `other files`."""

_LINKS: Final = ("linked_folder", "link_outside_root")


def nothing_found(paths: Sequence[Path], skipped: Mapping[str, int]) -> str:
    """Return the message that there is no audio, with a count of what there is instead."""
    where = ", ".join(str(path) for path in paths)
    other = sum(count for reason, count in skipped.items() if reason not in _NOT_TAKEN)
    parts = [(skipped.get(reason, 0), *names) for reason, names in _NOT_TAKEN.items()]
    held = [f"{count:,} {one if count == 1 else several}" for count, one, several in parts if count]
    held += [f"{other:,} other file" + "s" * (other != 1)] if other else []
    hint = "; links are not followed: name the folders that they lead to" if any(map(skipped.get, _LINKS)) else ""
    return f"no audio files in {where} ({', '.join(held) or 'it is empty'}){hint}"
