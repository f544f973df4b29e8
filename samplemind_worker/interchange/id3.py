"""Edits ID3v2 tags (2.2, 2.3 and 2.4) frame by frame: frames that are not named keep every byte.

mutagen would decode and encode all frames anew, which other programs' frames (``GEOB`` of Serato and Native
Instruments) need not survive byte for byte.

Source: M. Nilsson, "ID3 tag version 2.3.0" (1999), "2.4.0 - Main Structure" (2000), and "ID3 tag version 2" (1998).
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Self

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.fields import Name

HEADER: Final = 10
_PADDING: Final = 1024
"""Bytes for the next tagger, in a tag of a file whose samples would otherwise have to move."""
_UNSYNCHRONISED, _EXTENDED, _FOOTER = 0x80, 0x40, 0x10
_FRAMES: Final[dict[Name, tuple[str, str]]] = {
    "tempo": ("TBPM", ""),
    "key": ("TKEY", ""),
    "comment": ("COMM", ""),
    "root_note": ("TXXX", "ROOT_NOTE"),
    "instrument": ("TXXX", "INSTRUMENT"),
    "gain": ("TXXX", "REPLAYGAIN_TRACK_GAIN"),
    "peak": ("TXXX", "REPLAYGAIN_TRACK_PEAK"),
    "mark": ("TXXX", "SAMPLEMIND"),
}
_IN_V2: Final = {"TBPM": "TBP", "TKEY": "TKE", "COMM": "COM", "TXXX": "TXX"}
_ENCODINGS: Final = ("latin-1", "utf-16", "utf-16-be", "utf-8")


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame: its name, its body as far as this module reads it (None for others), and all of its bytes."""

    name: bytes
    body: bytes | None
    raw: bytes


@dataclass(slots=True)
class Id3:
    """A tag in memory."""

    version: int = 3
    revision: int = 0
    flags: int = 0
    frames: list[Frame] = field(default_factory=list[Frame])
    size: int = 0
    """Bytes that the tag had in the file, its padding included; 0 for a new one."""

    @classmethod
    def read(cls, data: bytes) -> Self:
        """Read a tag, which may be followed by other bytes.

        Raises
        ------
        NotWrittenError
            If it is damaged, or has features whose edit would not be safe.
        """
        version, revision, flags = data[3:6]
        size = _syncsafe(data[6:10])
        if size is None or len(data) < HEADER + size:
            raise NotWrittenError("its ID3 tag is damaged")
        if version not in (2, 3, 4) or flags & ~(_UNSYNCHRONISED | (0x20 if version > 2 else 0)):  # noqa: PLR2004 -- 2.2 has one flag
            raise NotWrittenError(f"its ID3 tag (2.{version}) has features that are not edited")
        body = data[HEADER : HEADER + size]
        if flags & _UNSYNCHRONISED and version < 4:  # noqa: PLR2004 -- from 2.4 on each frame says it
            body = body.replace(b"\xff\x00", b"\xff")
            flags &= ~_UNSYNCHRONISED
        tag = cls(version, revision, flags, size=HEADER + size)
        tag.frames = tag._read_frames(body)
        return tag

    def _read_frames(self, body: bytes) -> list[Frame]:
        length, header = (3, 6) if self.version == 2 else (4, 10)  # noqa: PLR2004 -- 2.2 has short frames
        frames: list[Frame] = []
        at = 0
        while at + header <= len(body) and body[at]:
            name = body[at : at + length]
            size = self._frame_size(body[at + length : at + 2 * length])
            if size is None or at + header + size > len(body) or not re.fullmatch(rb"[A-Z0-9 ]+", name):
                raise NotWrittenError("its ID3 tag is damaged")
            raw = body[at : at + header + size]
            # Compressed, encrypted, grouped or unsynchronised frames are other programs'.
            is_plain = header == 6 or raw[9] == 0  # noqa: PLR2004 -- frames of 2.2 have no flags
            frames.append(Frame(name, raw[header:] if is_plain else None, raw))
            at += len(raw)
        if body[at:].strip(b"\0"):
            raise NotWrittenError("its ID3 tag is damaged")
        return frames

    def _frame_size(self, data: bytes) -> int | None:
        return _syncsafe(data) if self.version == 4 else int.from_bytes(data, "big")  # noqa: PLR2004 -- only 2.4

    def get(self, name: Name) -> str | None:
        """Return the text of a field, or None."""
        found = self._find(name)
        return None if found is None else self._text(self.frames[found], name)

    def set(self, texts: Mapping[Name, str]) -> None:
        """Set fields, each in the place of its frame if there is one."""
        for name, text in texts.items():
            found = self._find(name)
            frame = self._made(name, text)
            if found is None:
                self.frames.append(frame)
            else:
                self.frames[found] = frame

    def _find(self, name: Name) -> int | None:
        wanted, description = self._id(name), _FRAMES[name][1]
        for number, frame in enumerate(self.frames):
            if frame.name == wanted and frame.body:
                parts = _parts(frame.body, wanted)
                if parts is not None and parts[0].casefold() == description.casefold():
                    return number
        return None

    def _id(self, name: Name) -> bytes:
        frame = _FRAMES[name][0]
        return (_IN_V2[frame] if self.version == 2 else frame).encode()  # noqa: PLR2004 -- 2.2 has short names

    def _text(self, frame: Frame, name: Name) -> str | None:
        parts = None if frame.body is None else _parts(frame.body, self._id(name))
        return None if parts is None else parts[1].split("\0")[0]

    def _made(self, name: Name, text: str) -> Frame:
        frame, description = self._id(name), _FRAMES[name][1]
        encoding = 0 if text.isascii() else (3 if self.version == 4 else 1)  # noqa: PLR2004 -- UTF-8 came with 2.4
        end = b"\0\0" if encoding == 1 else b"\0"
        body = bytes([encoding])
        if frame in (b"COMM", b"COM"):
            body += b"eng" + (b"\xff\xfe" if encoding == 1 else b"") + end
        elif frame in (b"TXXX", b"TXX"):
            body += _encoded(description, encoding) + end
        body += _encoded(text, encoding)
        if self.version == 2:  # noqa: PLR2004 -- 2.2 has short frames
            return Frame(frame, body, frame + len(body).to_bytes(3, "big") + body)
        size = _to_syncsafe(len(body)) if self.version == 4 else len(body).to_bytes(4, "big")  # noqa: PLR2004 -- only 2.4
        return Frame(frame, body, frame + size + b"\0\0" + body)

    def packed(self, *, padding: bool) -> bytes:
        """Return the tag as bytes; with ``padding`` it is not shorter than before, and roomy if it has grown."""
        body = b"".join(frame.raw for frame in self.frames)
        room = max(0, self.size - HEADER - len(body))
        if not room and padding:
            room = _PADDING
        flags = self.flags
        return (
            b"ID3" + bytes([self.version, self.revision, flags]) + _to_syncsafe(len(body) + room) + body + bytes(room)
        )


def _encoded(text: str, encoding: int) -> bytes:
    return (b"\xff\xfe" + text.encode("utf-16-le")) if encoding == 1 else text.encode(_ENCODINGS[encoding])


def _parts(body: bytes, frame: bytes) -> tuple[str, str] | None:
    """Return description (empty for a frame without) and text of a text frame; None if it cannot be read."""
    encoding, rest = body[0], body[1:]
    if encoding >= len(_ENCODINGS):
        return None
    codec, width = _ENCODINGS[encoding], 2 if encoding in (1, 2) else 1
    if frame[:3] not in (b"COM", b"TXX"):
        return "", _decoded(rest, codec)
    if frame[:3] == b"COM":
        rest = rest[3:]
    end = 0
    while end + width <= len(rest) and rest[end : end + width] != bytes(width):
        end += width
    return _decoded(rest[:end], codec), _decoded(rest[end + width :], codec)


def _decoded(data: bytes, codec: str) -> str:
    if codec == "utf-16" and data[:2] not in (b"\xff\xfe", b"\xfe\xff"):
        codec = "utf-16-le"
    return data.decode(codec, errors="replace").rstrip("\0")


def _syncsafe(data: bytes) -> int | None:
    if any(byte & 0x80 for byte in data):
        return None
    value = 0
    for byte in data:
        value = value << 7 | byte
    return value


def _to_syncsafe(value: int) -> bytes:
    if value >= 1 << 28:
        raise NotWrittenError("its ID3 tag would be too large")
    return bytes(value >> shift & 0x7F for shift in (21, 14, 7, 0))
