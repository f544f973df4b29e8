"""Cuts as cue points of a WAV file, and a loop in its sampler chunk. All other chunks stay as they are.

Sources: Microsoft and IBM, "Multimedia Programming Interface and Data Specifications 1.0" (1991), for ``cue `` and the
list ``adtl``; "Multimedia Data Standards Update" (1994) for ``smpl``.
"""

import re
import struct
from collections.abc import Sequence
from io import BufferedRandom, BufferedReader
from pathlib import Path
from typing import Final

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange.journal import Run
from samplemind_worker.interchange.riff import Chunk, Riff, blocks

_POINT: Final = 24
_LABEL: Final = re.compile(rb"Slice \d+\0*")
_SMPL: Final = 36


def write_cues(run: Run, path: Path, cuts: Sequence[int], loop: tuple[int, int] | None) -> bool:
    """Save cuts in a WAV file as cue points with labels, and a loop if given; return whether that changed the file.

    Cue points of others stay; those that an earlier call has made are replaced. A loop that is there already stays.

    Raises
    ------
    NotWrittenError
        If the file is left as it is: it is no WAV, is damaged or read-only, or changes meanwhile.
    SetupError
        If the disk is full.
    """

    def write(source: BufferedReader, draft: BufferedRandom) -> None:
        draft.writelines(blocks(source.fileno(), pieces_with_cues(Riff(source.fileno()), cuts, loop)))

    return run.replace(path, write) is not None


def pieces_with_cues(riff: Riff, cuts: Sequence[int], loop: tuple[int, int] | None) -> list[bytes | tuple[int, int]]:
    """Return the pieces of a file with cue points at these frames."""
    cue, adtl, smpl = riff.find(b"cue "), riff.find(b"LIST", b"adtl"), riff.find(b"smpl")
    points = [] if cue is None else _points(riff.read(cue), riff.order)
    labels = [] if adtl is None else _labels(riff.read(adtl), riff.order)
    ours = {number for name, number, text in labels if name == b"labl" and _LABEL.fullmatch(text)}
    points = [(number, rest) for number, rest in points if number not in ours]
    labels = [label for label in labels if label[1] not in ours]
    first = max([number for number, _ in points] + [number for _, number, _ in labels], default=0) + 1
    order = riff.order
    for count, frame in enumerate(cuts):
        rest = struct.pack(f"{order}I", frame) + b"data" + struct.pack(f"{order}III", 0, 0, frame)
        points.append((first + count, rest))
        labels.append((b"labl", first + count, b"Slice %d\0" % (count + 1)))
    replaced: dict[Chunk, bytes] = {}
    added: list[tuple[bytes, bytes]] = []
    body = struct.pack(f"{order}I", len(points)) + b"".join(struct.pack(f"{order}I", n) + rest for n, rest in points)
    _put(b"cue ", cue, body, replaced, added)
    _put(b"LIST", adtl, b"adtl" + b"".join(_packed(order, *label) for label in labels), replaced, added)
    if loop is not None:
        sampler = _with_loop(None if smpl is None else riff.read(smpl), order, riff.frames()[1], *loop)
        if sampler is not None:
            _put(b"smpl", smpl, sampler, replaced, added)
    return riff.edited(replaced, added)


def _put(
    name: bytes, chunk: Chunk | None, body: bytes, replaced: dict[Chunk, bytes], added: list[tuple[bytes, bytes]]
) -> None:
    if chunk is None:
        added.append((name, body))
    else:
        replaced[chunk] = body


def _points(body: bytes, order: str) -> list[tuple[int, bytes]]:
    """Return the number of each cue point and the rest of its entry."""
    count = struct.unpack_from(f"{order}I", body)[0] if len(body) >= 4 else -1  # noqa: PLR2004 -- the count itself
    if not 0 <= count <= (len(body) - 4) // _POINT:
        raise NotWrittenError("its cue points are damaged")
    entries = [body[4 + _POINT * at : 4 + _POINT * (at + 1)] for at in range(count)]
    return [(struct.unpack_from(f"{order}I", each)[0], each[4:]) for each in entries]


def _labels(body: bytes, order: str) -> list[tuple[bytes, int, bytes]]:
    """Return the name, the number of the cue point and the rest of each chunk in a list of type ``adtl``."""
    found: list[tuple[bytes, int, bytes]] = []
    place = 4
    while place + 8 <= len(body):
        name, size = body[place : place + 4], struct.unpack_from(f"{order}I", body, place + 4)[0]
        if size < 4 or place + 8 + size > len(body):  # noqa: PLR2004 -- the number itself
            raise NotWrittenError("the labels of its cue points are damaged")
        number = struct.unpack_from(f"{order}I", body, place + 8)[0]
        found.append((name, number, body[place + 12 : place + 8 + size]))
        place += 8 + size + size % 2
    return found


def _packed(order: str, name: bytes, number: int, text: bytes) -> bytes:
    return name + struct.pack(f"{order}II", 4 + len(text), number) + text + bytes(len(text) % 2)


def _with_loop(body: bytes | None, order: str, rate: int, start: int, end: int) -> bytes | None:
    """Return the body of a sampler chunk with one loop; None if it has loops already, which stay."""
    if body is None:
        # 60 is the unity note of a sound without one: middle C plays it as it is.
        body = struct.pack(f"{order}9I", 0, 0, round(1e9 / rate), 60, 0, 0, 0, 0, 0)
    if len(body) < _SMPL:
        raise NotWrittenError("its sampler chunk is damaged")
    loops, extra = struct.unpack_from(f"{order}II", body, 28)
    if loops:
        return None
    entry = struct.pack(f"{order}6I", 0, 0, start, end, 0, 0)
    return body[:28] + struct.pack(f"{order}II", 1, extra) + entry + body[_SMPL:]
