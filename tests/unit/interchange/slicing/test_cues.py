"""Cue points and loops are read back from the bytes, by the published layout of the chunks."""

import struct
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange import journal, undo
from samplemind_worker.interchange.slicing.cues import write_cues

FMT = struct.pack("<HHIIHH", 1, 1, 44_100, 88_200, 2, 16)
DATA = bytes(range(200))


def wav(*more: tuple[bytes, bytes], order: str = "<", before: tuple[tuple[bytes, bytes], ...] = ()) -> bytes:
    fmt = FMT if order == "<" else struct.pack(">HHIIHH", 1, 1, 44_100, 88_200, 2, 16)
    chunks = [(b"fmt ", fmt), *before, (b"data", DATA), *more]
    body = b"".join(n + struct.pack(f"{order}I", len(b)) + b + bytes(len(b) % 2) for n, b in chunks)
    return (b"RIFF" if order == "<" else b"RIFX") + struct.pack(f"{order}I", 4 + len(body)) + b"WAVE" + body


def chunks_of(content: bytes, order: str = "<") -> dict[bytes, bytes]:
    assert struct.unpack_from(f"{order}I", content, 4)[0] == len(content) - 8
    found: dict[bytes, bytes] = {}
    place = 12
    while place < len(content):
        size = struct.unpack_from(f"{order}I", content, place + 4)[0]
        found[content[place : place + 4]] = content[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    return found


def cues_of(content: bytes, order: str = "<") -> dict[int, tuple[int, str | None]]:
    """The frame and the label of each cue point, by its number."""
    chunks = chunks_of(content, order)
    body, labels, place = chunks[b"cue "], {}, 4
    adtl = chunks.get(b"LIST", b"adtl")
    while place < len(adtl):
        size, number = struct.unpack_from(f"{order}II", adtl, place + 4)
        if adtl[place : place + 4] == b"labl":
            labels[number] = adtl[place + 12 : place + 8 + size].rstrip(b"\0").decode()
        place += 8 + size + size % 2
    (count,) = struct.unpack_from(f"{order}I", body)
    assert len(body) == 4 + 24 * count
    found: dict[int, tuple[int, str | None]] = {}
    for at in range(count):
        number, _, chunk, start, block, frame = struct.unpack_from(f"{order}II4sIII", body, 4 + 24 * at)
        assert (chunk, start, block) == (b"data", 0, 0)
        found[number] = frame, labels.get(number)
    return found


def save(path: Path, cuts: list[int], loop: tuple[int, int] | None = None) -> str | None:
    """Save cue points; the id of the run if it changed the file."""
    with journal.begin(path.parent / "home", command="slice") as run:
        return run.id if write_cues(run, path, cuts, loop) else None


@pytest.mark.parametrize("order", ["<", ">"])
def test_saves_cuts_as_labelled_cue_points_and_leaves_the_samples(tmp_path: Path, order: str):
    path = tmp_path / "a.wav"
    path.write_bytes(wav((b"junk", b"odd"), order=order))
    save(path, [0, 30, 60], (2, 97))

    content = path.read_bytes()
    assert cues_of(content, order) == {1: (0, "Slice 1"), 2: (30, "Slice 2"), 3: (60, "Slice 3")}
    chunks = chunks_of(content, order)
    assert (chunks[b"data"], chunks[b"junk"]) == (DATA, b"odd")
    sampler = struct.unpack(f"{order}15I", chunks[b"smpl"])
    # Maker, product, nanoseconds per frame, unity note, fraction, SMPTE, loops; the loop: from 2 to 97, for ever.
    assert sampler == (0, 0, 22_676, 60, 0, 0, 0, 1, 0, 0, 0, 2, 97, 0, 0)


def test_a_second_time_changes_nothing_and_another_cut_replaces_the_first(tmp_path: Path):
    path = tmp_path / "a.wav"
    path.write_bytes(wav())
    save(path, [0, 30])
    content = path.read_bytes()

    assert save(path, [0, 30]) is None
    assert path.read_bytes() == content
    save(path, [0, 10, 20])
    assert [frame for frame, _ in cues_of(path.read_bytes()).values()] == [0, 10, 20]


def test_cue_points_labels_and_loops_of_others_stay(tmp_path: Path):
    foreign = struct.pack("<IIII4sIII", 1, 7, 5, 0x61746164, b"", 0, 0, 5)
    foreign = struct.pack("<I", 1) + struct.pack("<II4sIII", 7, 5, b"data", 0, 0, 5)
    note = b"note" + struct.pack("<II", 8, 7) + b"hey\0"
    label = b"labl" + struct.pack("<II", 9, 7) + b"Drop\0" + b"\0"
    sampler = struct.pack("<15I", 1, 2, 22_676, 36, 0, 0, 0, 1, 0, 0, 0, 1, 50, 0, 0)
    path = tmp_path / "a.wav"
    path.write_bytes(wav((b"smpl", sampler), (b"LIST", b"adtl" + label + note), before=((b"cue ", foreign),)))
    save(path, [0, 30], (2, 97))

    content = path.read_bytes()
    assert cues_of(content) == {7: (5, "Drop"), 8: (0, "Slice 1"), 9: (30, "Slice 2")}
    assert chunks_of(content)[b"smpl"] == sampler
    assert note in content


@given(
    st.lists(st.tuples(st.sampled_from([b"LIST", b"bext", b"id3 ", b"fact"]), st.binary(max_size=40)), max_size=4),
    st.lists(st.integers(0, 99), min_size=1, max_size=5),
    st.binary(max_size=9),
)
def test_undoing_restores_every_byte(
    tmp_path_factory: pytest.TempPathFactory, more: list[tuple[bytes, bytes]], cuts: list[int], behind: bytes
):
    folder = tmp_path_factory.mktemp("undo")
    path = folder / "a.wav"
    before = wav(*[(name, body if name != b"LIST" else b"INFO" + body) for name, body in more]) + behind
    path.write_bytes(before)
    run = save(path, cuts)

    assert run is not None
    assert undo.undo(folder / "home", run).left == []
    assert path.read_bytes() == before


@pytest.mark.parametrize(
    ("chunk", "told"),
    [
        ((b"cue ", struct.pack("<I", 99)), "its cue points are damaged"),
        ((b"cue ", b""), "its cue points are damaged"),
        ((b"LIST", b"adtllabl" + struct.pack("<I", 99)), "labels of its cue points are damaged"),
        ((b"smpl", b"short"), "its sampler chunk is damaged"),
    ],
)
def test_a_damaged_chunk_is_not_touched(tmp_path: Path, chunk: tuple[bytes, bytes], told: str):
    path = tmp_path / "a.wav"
    before = wav(chunk)
    path.write_bytes(before)

    with pytest.raises(NotWrittenError, match=told):
        save(path, [0, 30], (0, 99))
    assert path.read_bytes() == before
