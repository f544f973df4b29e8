import io
import struct

import pytest

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange import wav
from samplemind_worker.interchange.tags import Tags
from samplemind_worker.metadata import chunks
from tests.unit.interchange.sounds import LOOP, ONE_SHOT, sound, tagged


def chunk(data: bytes, name: bytes) -> bytes:
    """Find a chunk by the published layout of RIFF, independently of the code under test."""
    file = io.BytesIO(data)
    assert file.read(4) in (b"RIFF", b"RF64")
    file.seek(12)
    while header := file.read(8):
        size = struct.unpack("<I", header[4:])[0]
        if size == 0xFFFFFFFF:
            size = struct.unpack_from("<Q", data, 28)[0]
        body = file.read(size + size % 2)[:size]
        if header[:4] == name:
            return body
    raise AssertionError(name)


@pytest.mark.parametrize("kind", ["wav", "rf64"])
def test_a_loop_gets_tempo_beats_key_and_loop_points(kind: str):
    data, _ = tagged(sound(kind), LOOP)
    flags, root, unknown, zero, beats, denominator, numerator, tempo = struct.unpack("<IHHfIHHf", chunk(data, b"acid"))
    assert (flags, root, unknown, zero) == (2 | 4, 69, 0x8000, 0.0)  # root note set, stretched
    assert (beats, numerator, denominator, tempo) == (4, 4, 4, 127.5)
    body = chunk(data, b"smpl")
    assert struct.unpack_from("<9I", body) == (0, 0, 22676, 60, 0, 0, 0, 1, 0)
    assert struct.unpack_from("<6I", body, 36) == (0, 0, 0, 11_999, 0, 0)
    assert chunks.info(chunk(data, b"LIST")) == {"bpm": "127.5", "keywords": "drum_loop", "comment": "A höt loop ♯"}
    assert struct.unpack_from("<I", data, 4)[0] in (len(data) - 8, 0xFFFFFFFF)


def test_a_one_shot_gets_its_root_note_and_tuning():
    data, _ = tagged(sound("wav"), ONE_SHOT)
    assert chunks.acid(chunk(data, b"acid"))["root_note"] == 69
    assert chunks.acid(chunk(data, b"acid"))["one_shot"]
    # 20 cents below A4 are 80 cents above G#4.
    assert chunks.sampler(chunk(data, b"smpl")) == {"root_note": 68, "cents": 80.0, "loops": []}


@pytest.mark.parametrize(
    ("cents", "expected"), [(0.0, (60, 0)), (25.0, (60, 2**30)), (-25.0, (59, 3 * 2**30)), (0.4, (60, 0))]
)
def test_tuning_is_a_fraction_of_a_semitone_above_the_note(cents: float, expected: tuple[int, int]):
    assert wav.unity_note(60, cents) == expected


def packed(name: bytes, body: bytes) -> bytes:
    return name + struct.pack("<I", len(body)) + body + bytes(len(body) % 2)


def with_chunks(*extra: bytes) -> bytes:
    data = sound("wav") + b"".join(extra)
    return data[:4] + struct.pack("<I", len(data) - 8) + data[8:]


def test_loops_and_maker_of_another_sampler_chunk_stay():
    theirs = struct.pack("<9I", 0x01000047, 0x5E, 22676, 60, 0, 0, 0, 1, 4) + bytes(24) + b"AKAI"
    before = with_chunks(packed(b"smpl", theirs))
    data, planned = tagged(before, ONE_SHOT)
    assert (chunk(data, b"smpl"), planned.kept) == (theirs, ["root note"])
    data, _ = tagged(before, ONE_SHOT, overwrite=True)
    assert struct.unpack_from("<2I", chunk(data, b"smpl"), 12) == (68, round(0.8 * 2**32))
    assert chunk(data, b"smpl")[20:] == theirs[20:]
    assert chunk(data, b"smpl")[:12] == theirs[:12]


def test_flags_of_another_acid_chunk_stay():
    theirs = struct.pack("<IHHfIHHf", 8 | 4, 60, 0x8000, 0.0, 0, 4, 4, 0.0)
    data, _ = tagged(with_chunks(packed(b"acid", theirs)), LOOP)
    assert struct.unpack("<IHHfIHHf", chunk(data, b"acid")) == (2 | 4 | 8, 69, 0x8000, 0.0, 4, 4, 4, 127.5)
    theirs = struct.pack("<IHHfIHHf", 2 | 4, 64, 0x8000, 0.0, 8, 4, 4, 140.0)
    data, planned = tagged(with_chunks(packed(b"acid", theirs)), LOOP)
    assert chunk(data, b"acid") == theirs
    assert planned.kept == ["root note", "tempo"]


def test_info_of_other_programs_stays_in_its_place():
    theirs = b"INFO" + packed(b"INAM", b"Title\0") + packed(b"ICMT", b"\0") + packed(b"ZZZZ", b"\xff\xfe\xfd")
    data, _ = tagged(with_chunks(packed(b"LIST", b"adtl"), packed(b"LIST", theirs)), LOOP)
    start = data.index(b"INAM")
    comment = "A höt loop ♯".encode() + b"\0"
    expected = packed(b"INAM", b"Title\0") + packed(b"ICMT", comment) + packed(b"ZZZZ", b"\xff\xfe\xfd")
    assert data[start : start + len(expected)] == expected
    assert packed(b"LIST", b"adtl") in data


@pytest.mark.parametrize(
    "extra",
    [packed(b"acid", b"short"), packed(b"smpl", b"short"), packed(b"LIST", b"INFO" + b"ICMT\xff\0\0\0x")],
)
def test_a_chunk_that_is_damaged_is_left(extra: bytes):
    with pytest.raises(NotWrittenError, match="damaged"):
        tagged(with_chunks(extra), Tags(kind="loop", tempo=120.0, beats=4, note=60, comment="x"))


def test_the_first_of_several_chunks_is_edited_and_the_others_stay():
    other = packed(b"acid", b"\x07" * 24)
    theirs = packed(b"acid", struct.pack("<IHHfIHHf", 4, 60, 0x8000, 0.0, 0, 4, 4, 0.0))
    data, _ = tagged(with_chunks(theirs, other), LOOP)
    assert other in data
    assert chunks.acid(chunk(data, b"acid"))["tempo"] == 127.5


def test_an_empty_id3_chunk_is_filled():
    data, _ = tagged(with_chunks(packed(b"id3 ", b"")), LOOP)
    assert chunk(data, b"id3 ")[:3] == b"ID3"
