"""Edits a block of Vorbis comments, as FLAC, Ogg Vorbis and Opus have them: other comments keep every byte.

Source: Xiph.Org, "Ogg Vorbis I format specification: comment field and header specification"; RFC 7845 for Opus.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.fields import Name

KEYS: Final[dict[Name, str]] = {
    "tempo": "BPM",
    "key": "INITIALKEY",
    "comment": "COMMENT",
    "root_note": "ROOT_NOTE",
    "instrument": "INSTRUMENT",
    "gain": "REPLAYGAIN_TRACK_GAIN",
    "peak": "REPLAYGAIN_TRACK_PEAK",
    "mark": "SAMPLEMIND",
}


@dataclass(slots=True)
class Comments:
    """A block in memory."""

    vendor: bytes = b"SampleMind"
    comments: list[bytes] = field(default_factory=list[bytes])
    rest: bytes = b""
    """What follows the comments: the framing bit of Vorbis, padding or binary data of Opus."""
    keys: Mapping[Name, str] = field(default_factory=lambda: KEYS)

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read a block.

        Raises
        ------
        NotWrittenError
            If it is damaged.
        """
        vendor, at = _string(data, 0)
        count = int.from_bytes(data[at : at + 4], "little")
        at += 4
        if count > len(data):
            raise NotWrittenError("its comments are damaged")
        comments: list[bytes] = []
        for _ in range(count):
            comment, at = _string(data, at)
            comments.append(comment)
        return cls(vendor, comments, data[at:])

    def get(self, name: Name) -> str | None:
        """Return the text of a field, or None."""
        found = self._find(name)
        return None if found is None else self.comments[found].partition(b"=")[2].decode(errors="replace")

    def set(self, texts: Mapping[Name, str]) -> None:
        """Set fields, each in the place of its comment if there is one."""
        for name, text in texts.items():
            comment = f"{self.keys[name]}={text}".encode()
            found = self._find(name)
            if found is None:
                self.comments.append(comment)
            else:
                self.comments[found] = comment

    def _find(self, name: Name) -> int | None:
        key = self.keys[name].encode()
        return next((at for at, each in enumerate(self.comments) if each.partition(b"=")[0].upper() == key), None)

    def packed(self) -> bytes:
        """Return the block as bytes."""
        parts = [len(self.vendor).to_bytes(4, "little"), self.vendor, len(self.comments).to_bytes(4, "little")]
        for comment in self.comments:
            parts += [len(comment).to_bytes(4, "little"), comment]
        return b"".join(parts) + self.rest


def _string(data: bytes, at: int) -> tuple[bytes, int]:
    size = int.from_bytes(data[at : at + 4], "little")
    if at + 4 + size > len(data) or at + 4 > len(data):
        raise NotWrittenError("its comments are damaged")
    return data[at + 4 : at + 4 + size], at + 4 + size
