"""The form of ``rekordbox``: a collection as XML, which rekordbox imports.

Source: AlphaTheta (Pioneer DJ), "rekordbox XML format list": names and units of the attributes. Few attributes are
written, so that our own lines do, without pyrekordbox and the database that it brings.
"""

import re
from pathlib import Path
from typing import Final
from urllib.parse import quote
from xml.sax.saxutils import quoteattr

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.lists import Entry, require_text

_KINDS: Final = {
    ".wav": "WAV File", ".wave": "WAV File", ".aif": "AIFF File", ".aiff": "AIFF File", ".mp3": "MP3 File",
    ".m4a": "M4A File", ".mp4": "M4A File", ".aac": "M4A File", ".flac": "FLAC File",
}  # fmt: skip
"""What rekordbox plays."""
_NO_XML: Final = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")
_PLAYLIST: Final = "SampleMind"


class Collection:
    """A rekordbox collection, with one playlist of all its tracks."""

    def require(self, path: Path) -> None:
        """Refuse what rekordbox does not play, and names that XML cannot hold."""
        if _NO_XML.search(require_text(path)):
            raise NotWrittenError("its name has characters that XML cannot hold")
        if path.suffix.lower() not in _KINDS:
            raise NotWrittenError(f"rekordbox does not play {path.suffix or 'such'} files")

    def render(self, entries: list[Entry], *, folder: Path | None, before: bytes) -> bytes:
        """Return the collection; what it held before is replaced."""
        del folder, before
        lines = [
            '<?xml version="1.0" encoding="UTF-8"?>',
            '<DJ_PLAYLISTS Version="1.0.0">',
            '  <PRODUCT Name="SampleMind" Version="1" Company="SampleMind"/>',
            f'  <COLLECTION Entries="{len(entries)}">',
        ]
        for number, entry in enumerate(entries, 1):
            lines += _track(number, entry)
        lines += [
            "  </COLLECTION>",
            "  <PLAYLISTS>",
            '    <NODE Type="0" Name="ROOT" Count="1">',
            f'      <NODE Name="{_PLAYLIST}" Type="1" KeyType="0" Entries="{len(entries)}">',
            *(f'        <TRACK Key="{number}"/>' for number in range(1, len(entries) + 1)),
            "      </NODE>",
            "    </NODE>",
            "  </PLAYLISTS>",
            "</DJ_PLAYLISTS>",
        ]
        return ("\n".join(lines) + "\n").encode()


def _track(number: int, entry: Entry) -> list[str]:
    tags = entry.tags
    attributes: dict[str, str] = {
        "TrackID": str(number),
        "Name": entry.path.stem,
        "Kind": _KINDS[entry.path.suffix.lower()],
        "Size": str(entry.size),
        "TotalTime": str(round(tags.duration)),
        "SampleRate": str(entry.sample_rate),
        "Location": "file://localhost" + quote(str(entry.path)),
    }
    if tags.tempo is not None:
        attributes["AverageBpm"] = f"{tags.tempo:.2f}"
    if tags.key is not None:
        attributes["Tonality"] = tags.key
    if tags.instrument is not None:
        attributes["Grouping"] = tags.instrument
    if tags.comment is not None:
        attributes["Comments"] = _NO_XML.sub("", tags.comment)
    opening = "    <TRACK " + " ".join(f"{name}={quoteattr(value)}" for name, value in attributes.items())
    if tags.tempo is None or entry.first_beat is None:
        return [opening + "/>"]
    metre = f"{tags.meter[0]}/{tags.meter[1]}"
    grid = f'Inizio="{entry.first_beat:.3f}" Bpm="{tags.tempo:.2f}" Metro="{metre}" Battito="1"'
    return [opening + ">", f"      <TEMPO {grid}/>", "    </TRACK>"]
