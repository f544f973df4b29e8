"""Audio files with chunks and tags in them, written by hand: what DAWs, samplers and taggers leave in samples."""

import base64
import io
import struct
from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt
import soundfile as sf

Chunk = tuple[bytes, bytes]


def audio(y: npt.NDArray[np.float32], file_format: str, *, sr: int = 44100) -> bytes:
    """A file without any tags."""
    target = io.BytesIO()
    sf.write(target, y, sr, format=file_format)
    return target.getvalue()


def _padded(data: bytes) -> bytes:
    return data + b"\0" * (len(data) % 2)


def riff(
    y: npt.NDArray[np.float32], chunks: Sequence[Chunk], *, before: Sequence[Chunk] = (), sr: int = 44100
) -> bytes:
    """A WAV file of 16 bits, with chunks after its samples and before them."""
    pcm = (np.clip(y, -1.0, 1.0) * 32767.0).astype("<i2").tobytes()
    fmt = struct.pack("<HHIIHH", 1, 1, sr, sr * 2, 2, 16)
    body = b"".join(
        name + struct.pack("<I", len(data)) + _padded(data)
        for name, data in ((b"fmt ", fmt), *before, (b"data", pcm), *chunks)
    )
    return b"RIFF" + struct.pack("<I", len(body) + 4) + b"WAVE" + body


def aiff(y: npt.NDArray[np.float32], chunks: Sequence[Chunk], *, sr: int = 44100) -> bytes:
    """An AIFF file of 16 bits, with chunks after its samples."""
    plain = audio(y, "AIFF", sr=sr)
    body = plain[12:] + b"".join(name + struct.pack(">I", len(data)) + _padded(data) for name, data in chunks)
    return b"FORM" + struct.pack(">I", len(body) + 4) + b"AIFF" + body


def acid(
    *, tempo: float, beats: int = 16, root: int | None = None, one_shot: bool = False, meter: tuple[int, int] = (4, 4)
) -> Chunk:
    flags = int(one_shot) | (2 if root is not None else 0) | 4
    return b"acid", struct.pack("<IHHfIHHf", flags, root or 0, 0x8000, 0.0, beats, meter[1], meter[0], tempo)


def smpl(root: int, loops: Sequence[tuple[int, int]] = (), *, fraction: int = 0) -> Chunk:
    head = struct.pack("<9I", 0, 0, 22675, root, fraction, 0, 0, len(loops), 0)
    return b"smpl", head + b"".join(
        struct.pack("<6I", at, 0, start, end, 0, 0) for at, (start, end) in enumerate(loops)
    )


def inst(root: int) -> Chunk:
    return b"inst", struct.pack("<BbbBBBB", root, -5, 3, 0, 127, 1, 127)


def cue(places: Sequence[int]) -> Chunk:
    points = (struct.pack("<II4sIII", at + 1, place, b"data", 0, 0, place) for at, place in enumerate(places))
    return b"cue ", struct.pack("<I", len(places)) + b"".join(points)


def _sub(name: bytes, data: bytes) -> bytes:
    return name + struct.pack("<I", len(data)) + _padded(data)


def labels(names: Mapping[int, bytes]) -> Chunk:
    return b"LIST", b"adtl" + b"".join(
        _sub(b"labl", struct.pack("<I", key) + name + b"\0") for key, name in names.items()
    )


def info(fields: Mapping[bytes, bytes]) -> Chunk:
    return b"LIST", b"INFO" + b"".join(_sub(key, value + b"\0") for key, value in fields.items())


def bext(description: bytes, *, originator: bytes = b"", version: int = 2, loudness: int = -2310) -> Chunk:
    head = struct.pack(
        "<256s32s32s10s8sQH", description, originator, b"REF1", b"2020-01-31", b"12:00:00", 4410, version
    )
    return b"bext", (head + b"\0" * 64 + struct.pack("<5h", loudness, 700, -100, -2000, -2100)).ljust(
        602, b"\0"
    ) + b"A=PCM"


def basc(*, beats: int, root: int = 57, scale: int = 1) -> Chunk:
    return b"basc", struct.pack(">IIHHHHH", 1, beats, root, scale, 4, 4, 0) + b"\0" * 66


def aiff_inst(root: int) -> Chunk:
    return b"INST", struct.pack(">bbbbbbhhhhhhh", root, 2, 0, 127, 1, 127, -3, 1, 1, 2, 0, 0, 0)


def mark(places: Mapping[int, tuple[int, bytes]]) -> Chunk:
    body = b""
    for key, (frame, name) in places.items():
        body += struct.pack(">HIB", key, frame, len(name)) + name + b"\0" * ((len(name) + 1) % 2)
    return b"MARK", struct.pack(">H", len(places)) + body


def synchsafe(size: int) -> bytes:
    return bytes((size >> shift) & 0x7F for shift in (21, 14, 7, 0))


def id3(
    fields: Mapping[str, str], *, version: int = 4, encoding: int = 3, custom: Mapping[str, str] | None = None
) -> bytes:
    """An ID3v2.3 or 2.4 tag of text frames."""
    codec = {0: "latin-1", 1: "utf-16", 3: "utf-8"}[encoding]
    frames = [(key, value.encode(codec)) for key, value in fields.items()]
    end = b"\0\0" if encoding == 1 else b"\0"
    frames += [("TXXX", key.encode(codec) + end + value.encode(codec)) for key, value in (custom or {}).items()]
    body = b""
    for key, value in frames:
        size = len(value) + 1
        body += key.encode() + (synchsafe(size) if version == 4 else struct.pack(">I", size)) + b"\0\0"
        body += bytes([encoding]) + value
    return b"ID3" + bytes([version, 0, 0]) + synchsafe(len(body)) + body


def id3v1(title: bytes) -> bytes:
    return b"TAG" + title.ljust(30, b"\0") + b"\0" * 94 + b"\xff"


def vorbis_comment(fields: Sequence[tuple[str, str]], *, vendor: bytes = b"tests") -> bytes:
    body = struct.pack("<I", len(vendor)) + vendor + struct.pack("<I", len(fields))
    for key, value in fields:
        pair = f"{key}={value}".encode()
        body += struct.pack("<I", len(pair)) + pair
    return body


def flac(y: npt.NDArray[np.float32], fields: Sequence[tuple[str, str]], *, picture: int = 0) -> bytes:
    """A FLAC file with Vorbis comments, after a picture of so many bytes."""
    plain = audio(y, "FLAC")
    head, rest = plain[4 : 4 + 38], plain[4 + 38 :]  # STREAMINFO: a header of 4 bytes and 34
    is_last = bool(head[0] & 0x80)
    while not is_last:  # the writer's own blocks are left out
        is_last = bool(rest[0] & 0x80)
        rest = rest[4 + int.from_bytes(rest[1:4], "big") :]
    blocks = bytes([head[0] & 0x7F]) + head[1:]
    if picture:
        data = (
            struct.pack(">II", 3, 9)
            + b"image/png"
            + struct.pack(">IIIIII", 0, 1, 1, 24, 0, picture)
            + b"\x89" * picture
        )
        blocks += bytes([6]) + len(data).to_bytes(3, "big") + data
    comment = vorbis_comment(fields)
    return b"fLaC" + blocks + bytes([0x84]) + len(comment).to_bytes(3, "big") + comment + rest


def _ogg_crc(page: bytes) -> int:
    crc = 0
    for byte in page:
        crc ^= byte << 24
        for _ in range(8):
            crc = ((crc << 1) ^ 0x04C11DB7 if crc & 0x80000000 else crc << 1) & 0xFFFFFFFF
    return crc


def _ogg_pages(data: bytes) -> list[tuple[bytes, bytes, bytes]]:
    """Each page as its header, its table of lengths, its body."""
    pages: list[tuple[bytes, bytes, bytes]] = []
    place = 0
    while place < len(data):
        count = data[place + 26]
        table = data[place + 27 : place + 27 + count]
        start = place + 27 + count
        pages.append((data[place : place + 26], table, data[start : start + sum(table)]))
        place = start + sum(table)
    return pages


def ogg(y: npt.NDArray[np.float32], fields: Sequence[tuple[str, str]]) -> bytes:
    """An OGG Vorbis file with comments: the writer's own are exchanged."""
    first, *rest = _ogg_pages(audio(y, "OGG"))
    # The second and third packet (comments, codebooks) fill the pages up to the first with samples.
    ends = next(at for at, page in enumerate(rest) if int.from_bytes(page[0][6:14], "little") > 0)
    body = b"".join(page[2] for page in rest[:ends])
    table = b"".join(page[1] for page in rest[:ends])
    size = 0
    for length in table:
        size += length
        if length < 255:
            break
    books = body[size:]
    comment = b"\x03vorbis" + vorbis_comment(fields) + b"\x01"
    lengths = b"".join(b"\xff" * (len(one) // 255) + bytes([len(one) % 255]) for one in (comment, books))
    data = comment + books
    made: list[tuple[bytes, bytes, bytes]] = []
    while lengths:
        part, lengths = lengths[:255], lengths[255:]
        made.append((rest[0][0], part, data[: sum(part)]))
        data = data[sum(part) :]
    out = b""
    for at, (head, part, body_part) in enumerate([first, *made, *rest[ends:]]):
        kind = head[5] & 0x06 | (1 if 1 < at <= len(made) and made[at - 2][1][-1] == 255 else 0)
        page = head[:5] + bytes([kind]) + head[6:18] + struct.pack("<I", at) + b"\0\0\0\0"
        page += bytes([len(part)]) + part + body_part
        out += page[:22] + struct.pack("<I", _ogg_crc(page)) + page[26:]
    return out


def picture_comment(size: int) -> tuple[str, str]:
    """A Vorbis comment that holds a picture of so many bytes."""
    return "METADATA_BLOCK_PICTURE", base64.b64encode(b"\x89" * size).decode()
