"""What is known of a file before anything is decoded."""

import os
from tempfile import TemporaryFile

import numpy as np
import pytest

from samplemind_worker.decode.structure import Piece, Structure, View, look
from samplemind_worker.decode.structure.flac import divides
from tests import awkward, encoders
from training import signals

LOOP = signals.drum_loop(165.0, bars=1, sr=44100)


def _look(data: bytes) -> Structure:
    with TemporaryFile() as file:
        file.write(data)
        file.flush()
        return look(file.fileno(), longest=3600.0)


def test_a_view_reads_as_a_file_of_its_pieces_would():
    content = np.random.default_rng(0).bytes(1000)
    pieces: tuple[Piece, ...] = ((100, 50), b"between", b"", (0, 10), (900, 100), b"end")
    expected = content[100:150] + b"between" + content[:10] + content[900:] + b"end"
    with TemporaryFile() as file:
        file.write(content)
        file.flush()
        file.seek(3)
        view = View(file.fileno(), pieces)
        assert (view.size, view.read()) == (len(expected), expected)
        for place in range(len(expected) + 2):
            view.seek(place)
            assert view.read(23) == expected[place : place + 23]
        assert view.seek(-3, os.SEEK_END) == len(expected) - 3
        assert view.read() == b"end"
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 3  # nobody's place is moved


def test_a_view_of_a_file_that_became_shorter_ends_there():
    with TemporaryFile() as file:
        file.write(bytes(10))
        file.flush()
        assert View(file.fileno(), ((5, 100), b"never")).read() == bytes(5)


@pytest.mark.parametrize("size", [1, 2, 3, 7, 100, 4097])
def test_the_checksum_of_flac(size: int):
    message = awkward.junk(size, seed=size)
    value = 0
    for byte in message:
        for bit in range(7, -1, -1):
            value = (value << 1 ^ (0x8005 if (value >> 15 ^ byte >> bit) & 1 else 0)) & 0xFFFF
    assert divides(message + value.to_bytes(2, "big"))
    assert not divides(message + (value ^ 1).to_bytes(2, "big"))


def test_a_gap_between_frames_is_left_out_and_tags_are_none():
    mp3 = encoders.encode(LOOP, "mp3", "libmp3lame", container_options={"write_xing": "0"})
    holed = _look(awkward.with_hole(mp3, size=900))
    assert holed.warnings == ["damaged_frames"]
    assert len(holed.links) == 1
    assert len(holed.links[0]) == 2
    chained = _look(mp3 + awkward.id3v1() + awkward.id3v2() + mp3)
    assert (chained.warnings, len(chained.links)) == (["chained"], 2)


@pytest.mark.parametrize(
    "data", [b"", b"x", b"RIFF", bytes(5000), b"just a note, no sound\n" * 50, awkward.junk(300_000)]
)
def test_what_is_none_of_them_has_no_format(data: bytes):
    assert _look(data).format == ""


def test_thousands_of_gaps_take_no_longer_than_their_bytes():
    mp3 = encoders.encode(LOOP, "mp3", "libmp3lame", container_options={"write_xing": "0"})
    start = len(mp3) // 2
    start = mp3.index(mp3[-418:-416], start)
    piece = mp3[start : start + 3 * 418] + b"\0" * 20
    assert "damaged_frames" in _look(mp3 + piece * 2000).warnings
