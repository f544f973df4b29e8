import struct
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange import riff
from samplemind_worker.interchange.riff import Riff

_FORMAT = struct.pack("<HHIIHH", 1, 1, 44100, 88200, 2, 16)
_NAMES = st.sampled_from([b"LIST", b"cue ", b"smpl", b"bext", b"JUNK", b"id3 ", b"acid", b"PAD "])


def packed(name: bytes, body: bytes, order: str = "<") -> bytes:
    return name + struct.pack(f"{order}I", len(body)) + body + bytes(len(body) % 2)


def wave(*chunks: tuple[bytes, bytes], magic: bytes = b"RIFF", tail: bytes = b"") -> bytes:
    order = ">" if magic == b"RIFX" else "<"
    body = b"WAVE" + b"".join(packed(name, data, order) for name, data in chunks)
    return magic + struct.pack(f"{order}I", len(body)) + body + tail


def edit(data: bytes, name: bytes, body: bytes) -> bytes:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        parsed = Riff(file.fileno())
        chunk = parsed.find(name)
        pieces = parsed.edited({}, [(name, body)]) if chunk is None else parsed.edited({chunk: body})
        return b"".join(riff.blocks(file.fileno(), pieces))


def listed(data: bytes) -> list[tuple[bytes, bytes]]:
    with tempfile.TemporaryFile() as file:
        file.write(data)
        file.flush()
        parsed = Riff(file.fileno())
        return [(chunk.name, parsed.read(chunk)) for chunk in parsed.chunks]


@given(
    st.lists(st.tuples(_NAMES, st.binary(max_size=50)), max_size=5),
    st.binary(min_size=1, max_size=99),
    st.lists(st.tuples(_NAMES, st.binary(max_size=50)), max_size=5),
    st.sampled_from([b"RIFF", b"RIFX"]),
    st.sampled_from([b"", b"\0", b"\xff\0junk\xff"]),
    st.binary(max_size=40),
)
def test_an_edit_changes_one_chunk_and_nothing_else(  # noqa: PLR0917 -- drawn
    before: list[tuple[bytes, bytes]],
    samples: bytes,
    behind: list[tuple[bytes, bytes]],
    magic: bytes,
    tail: bytes,
    body: bytes,
):
    chunks = [*before, (b"fmt ", _FORMAT), (b"data", samples), *behind]
    data = wave(*chunks, magic=magic, tail=tail)
    edited = edit(data, b"smpl", body)
    expected = list(chunks)
    names = [name for name, _ in chunks]
    if b"smpl" in names:
        expected[names.index(b"smpl")] = (b"smpl", body)
    else:
        expected.append((b"smpl", body))
    assert edited == wave(*expected, magic=magic, tail=tail)


def test_the_size_in_a_header_that_was_never_filled_in_is_right_afterwards():
    data = bytearray(wave((b"fmt ", _FORMAT), (b"data", bytes(10))))
    data[4:8] = bytes(4)
    edited = edit(bytes(data), b"acid", bytes(24))
    assert edited == wave((b"fmt ", _FORMAT), (b"data", bytes(10)), (b"acid", bytes(24)))


def test_a_missing_pad_byte_is_added_only_where_a_chunk_follows_newly():
    data = wave((b"fmt ", _FORMAT), (b"data", b"\1\2\3"))[:-1]
    assert listed(edit(data, b"acid", bytes(24))) == [(b"fmt ", _FORMAT), (b"data", b"\1\2\3"), (b"acid", bytes(24))]
    unpadded = b"RIFF\0\0\0\0WAVE" + packed(b"fmt ", _FORMAT) + b"data\3\0\0\0\1\2\3" + packed(b"cue ", bytes(4))
    edited = edit(unpadded, b"acid", bytes(24))
    assert unpadded[12:] in edited


def test_rf64_keeps_its_sizes_where_they_belong():
    body = (
        b"WAVE"
        + packed(b"ds64", struct.pack("<QQQI", 0, 10, 5, 0))
        + packed(b"fmt ", _FORMAT)
        + b"data\xff\xff\xff\xff"
        + bytes(10)
    )
    edited = edit(b"RF64\xff\xff\xff\xff" + body, b"acid", bytes(24))
    assert edited[:8] == b"RF64\xff\xff\xff\xff"
    assert struct.unpack_from("<QQQ", edited, 20) == (len(edited) - 8, 10, 5)
    assert edited.endswith(bytes(10) + packed(b"acid", bytes(24)))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "not a WAV or AIFF file"),
        (b"RIFF\0\0\0\0AVI ", "not a WAV or AIFF file"),
        (wave((b"fmt ", _FORMAT)), "no samples"),
        (wave((b"data", bytes(8))), "no format"),
        (wave((b"fmt ", _FORMAT), (b"data", bytes(100)))[:-40], "more bytes than the file has"),
        (b"RIFF\0\0\0\0WAVE" + packed(b"fmt ", _FORMAT) + b"data\0\0\0\0" + bytes(100), "how long the samples are"),
    ],
)
def test_a_file_that_cannot_be_edited_safely_is_left(data: bytes, reason: str, tmp_path: Path):
    path = tmp_path / "a.wav"
    path.write_bytes(data)
    with path.open("rb") as file, pytest.raises(NotWrittenError, match=reason):
        Riff(file.fileno())
