"""The form of ``m3u``: an extended M3U playlist in UTF-8, as players and most DAWs read it.

There is no standard; ``#EXTM3U`` and ``#EXTINF`` are those of Winamp. Below the folder of the playlist, paths are
relative, so that both can be moved together.
"""

from pathlib import Path

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.fields import number
from samplemind_worker.interchange.lists import Entry, require_text


class Playlist:
    """An M3U playlist."""

    def require(self, path: Path) -> None:
        """Refuse what would break a line."""
        if any(letter in require_text(path) for letter in "\n\r"):
            raise NotWrittenError("its name has a line break, which a playlist cannot hold")

    def render(self, entries: list[Entry], *, folder: Path | None, before: bytes) -> bytes:
        """Return the playlist; what it held before is replaced."""
        del before
        lines = ["#EXTM3U"]
        for entry in entries:
            facts = [entry.tags.key, None if entry.tags.tempo is None else f"{number(entry.tags.tempo)} BPM"]
            title = " - ".join([entry.path.stem, *(fact for fact in facts if fact is not None)])
            lines.append(f"#EXTINF:{round(entry.tags.duration)},{title}")
            lines.append(_path(entry.path, folder))
        return ("\n".join(lines) + "\n").encode()


def _path(path: Path, folder: Path | None) -> str:
    if folder is None or not path.is_relative_to(folder):
        return str(path)
    relative = str(path.relative_to(folder))
    return f"./{relative}" if relative.startswith("#") else relative
