import os
import struct
import tempfile
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from samplemind_worker.metadata import tags
from samplemind_worker.metadata.tags import Embedded
from tests import chunks
from training import signals

Y = signals.kick(0.2)


def read(data: bytes, audio_format: str = "WAV") -> Embedded:
    with tempfile.TemporaryFile(buffering=0) as file:
        file.write(data)
        file.seek(7)
        found = tags.read(file.fileno(), audio_format)
        assert os.lseek(file.fileno(), 0, os.SEEK_CUR) == 7  # nobody's place is moved
        return found


def test_a_plain_file_of_each_format_says_nothing():
    plain = {name: chunks.audio(Y, name) for name in ("WAV", "AIFF", "FLAC", "MP3", "AU", "CAF")}
    for audio_format, data in (plain | {"OGG": chunks.ogg(Y, [])}).items():
        found = read(data, audio_format)
        assert (found.metadata, found.tags, found.warnings) == ({}, [], []), audio_format


def test_every_chunk_of_a_wav_is_read():
    data = chunks.riff(
        Y,
        [
            chunks.smpl(57, [(100, 199)], fraction=1 << 31),
            chunks.inst(36),
            chunks.cue([0, 4410]),
            chunks.labels({2: "Drop é".encode()}),
            chunks.acid(tempo=174.0, beats=32, root=50, meter=(3, 4)),
        ],
        before=[
            chunks.bext(b"A loud kick", originator=b"Recorder"),
            chunks.info({b"INAM": b"Kick", b"IGNR": b"House; Techno", b"IKEY": b"dark,warm", b"IXYZ": b"caf\xe9"}),
        ],
    )

    found = read(data)

    assert found.metadata == {
        "bext": {
            "description": "A loud kick",
            "originator": "Recorder",
            "originator_reference": "REF1",
            "date": "2020-01-31",
            "time": "12:00:00",
            "time_reference": 4410,
            "version": 2,
            "coding_history": "A=PCM",
            "loudness": -23.1,
            "loudness_range": 7.0,
            "true_peak": -1.0,
            "momentary": -20.0,
            "short_term": -21.0,
        },
        "info": {"title": "Kick", "genre": "House; Techno", "keywords": "dark,warm", "ixyz": "café"},
        "smpl": {"root_note": 57, "cents": 50.0, "loops": [{"type": 0, "start": 100, "end": 199, "plays": 0}]},
        "inst": {
            "root_note": 36,
            "cents": -5,
            "gain_db": 3,
            "lowest_note": 0,
            "highest_note": 127,
            "lowest_velocity": 1,
            "highest_velocity": 127,
        },
        "cues": [{"id": 1, "frame": 0}, {"id": 2, "frame": 4410, "name": "Drop é"}],
        "acid": {
            "one_shot": False,
            "root_note": 50,
            "stretch": True,
            "disk_based": False,
            "beats": 32,
            "meter": [3, 4],
            "tempo": 174.0,
        },
    }
    assert found.tags == ["House", "Techno", "dark", "warm"]
    assert found.warnings == []


def test_every_chunk_of_an_aiff_is_read():
    data = chunks.aiff(
        Y,
        [
            (b"NAME", b"Loop"),
            (b"AUTH", b"Somebody"),
            (b"ANNO", b"made by hand"),
            chunks.mark({1: (0, b"in"), 2: (4410, b"")}),
            chunks.aiff_inst(48),
            chunks.basc(beats=8, root=45, scale=2),
            (b"ID3 ", chunks.id3({"TKEY": "Dm"})),
        ],
    )

    assert read(data, "AIFF").metadata == {
        "aiff": {"title": "Loop", "artist": "Somebody", "comment": "made by hand"},
        "cues": [{"id": 1, "frame": 0, "name": "in"}, {"id": 2, "frame": 4410}],
        "inst": {
            "root_note": 48,
            "cents": 2,
            "gain_db": -3,
            "lowest_note": 0,
            "highest_note": 127,
            "lowest_velocity": 1,
            "highest_velocity": 127,
            "loop_markers": [1, 2],
        },
        "apple_loop": {"beats": 8, "root_note": 45, "mode": "major", "meter": [4, 4], "type": 0},
        "id3": {"initial_key": "Dm"},
    }


@pytest.mark.parametrize("version", [3, 4])
@pytest.mark.parametrize("encoding", [0, 1, 3])
def test_id3_is_read_in_mp3_and_in_wav(version: int, encoding: int):
    tag = chunks.id3(
        {"TIT2": "Süß", "TBPM": "128", "TKEY": "F#m", "TCON": "House"},
        version=version,
        encoding=encoding,
        custom={"Energy Level": "7"},
    )
    expected = {"title": "Süß", "bpm": "128", "initial_key": "F#m", "genre": "House", "energy_level": "7"}

    in_mp3 = read(tag + chunks.audio(Y, "MP3"), "MP3")
    in_wav = read(chunks.riff(Y, [(b"id3 ", tag)]))

    assert in_mp3.metadata == in_wav.metadata == {"id3": expected}
    assert in_mp3.tags == ["House"]


def test_an_old_id3_tag_at_the_end_is_read():
    assert read(chunks.audio(Y, "MP3") + chunks.id3v1(b"Old"), "MP3").metadata == {"id3": {"title": "Old"}}


@pytest.mark.parametrize("audio_format", ["FLAC", "OGG"])
def test_vorbis_comments_are_read(audio_format: str):
    fields = [("TITLE", "ü"), ("bpm", "93.5"), ("INITIALKEY", "8A"), ("GENRE", "Dub"), ("GENRE", "Roots")]
    data = (chunks.flac if audio_format == "FLAC" else chunks.ogg)(Y, fields)

    found = read(data, audio_format)

    assert found.metadata == {"vorbis": {"title": "ü", "bpm": "93.5", "initial_key": "8A", "genre": "Dub; Roots"}}
    assert found.tags == ["Dub", "Roots"]


def test_pictures_are_jumped_over():
    fields = [("BPM", "120")]

    assert read(chunks.flac(Y, fields, picture=1_000_000), "FLAC").metadata == {"vorbis": {"bpm": "120"}}
    in_ogg = [chunks.picture_comment(300_000), *fields]
    assert read(chunks.ogg(Y, in_ogg), "OGG").metadata == {"vorbis": {"bpm": "120"}}
    apic = b"APIC" + chunks.synchsafe(1_000_000) + b"\0\0" + b"\x89" * 1_000_000
    tag = chunks.id3({"TBPM": "120"})
    tag = tag[:6] + chunks.synchsafe(len(tag) - 10 + len(apic)) + apic + tag[10:]
    assert read(tag + chunks.audio(Y, "MP3"), "MP3").metadata == {"id3": {"bpm": "120"}}


def test_megabytes_of_text_are_cut():
    info = chunks.info({b"INAM": b"a" * 5000, b"ICMT": b"b" * 5000})
    many = chunks.info({f"I{number:03}".encode(): b"x" for number in range(500)})
    long = [(f"KEY{number}", "c" * 900) for number in range(100)]

    found = read(chunks.riff(Y, [info]))
    assert found.metadata == {"info": {"title": "a" * 1000, "comment": "b" * 1000}}
    assert found.warnings == ["tags_cut"]
    assert len(read(chunks.riff(Y, [many])).metadata["info"]) <= 64
    found = read(chunks.flac(Y, long), "FLAC")
    assert sum(map(len, found.metadata["vorbis"].values())) <= 16_000
    assert found.warnings == ["tags_cut"]


def test_a_tag_made_to_be_slow_is_not_read_to_its_end():
    # Each value is compared with all before it.
    values = "\0".join(map(str, range(200_000)))

    found = read(chunks.id3({"TBPM": values}) + chunks.audio(Y, "MP3"), "MP3")

    assert len(found.metadata["id3"]["bpm"]) == 1000


def test_strange_texts_are_kept_as_they_are():
    text = "=cmd()\x1b[31m \u202e [bold]x[/] \t\n 📀"

    assert read(chunks.flac(Y, [("TITLE", text)]), "FLAC").metadata == {"vorbis": {"title": text}}


def test_names_of_fields_are_made_plain():
    fields = [("$where.x", "1"), ("a.b\0c", "2"), ("é", "3"), ("K" * 500, "4")]

    assert read(chunks.flac(Y, fields), "FLAC").metadata == {"vorbis": {"where_x": "1", "a_b_c": "2", "k" * 64: "4"}}


@pytest.mark.parametrize(
    "damaged",
    [
        [(b"acid", b"\0" * 10)],
        [(b"smpl", b"")],
        [(b"cue ", b"\x01")],
        [(b"bext", b"short")],
        [(b"id3 ", b"ID3\x04\0\0\0\0\x10\0TBPM\0\0\0\x01\0\0")],
        [(b"inst", b"\0")],
    ],
)
def test_damage_is_a_warning(damaged: Sequence[chunks.Chunk]):
    found = read(chunks.riff(Y, [*damaged, chunks.info({b"INAM": b"good"})]))

    assert found.metadata == {"info": {"title": "good"}}
    assert found.warnings in (["tags_damaged"], [])


def test_counts_that_lie_are_not_believed():
    loops = b"smpl", struct.pack("<9I", 0, 0, 0, 60, 0, 0, 0, 0xFFFFFFFF, 0) + struct.pack("<6I", 0, 0, 1, 2, 0, 0)
    cues = b"cue ", struct.pack("<I", 0xFFFFFFFF) + struct.pack("<II4sIII", 1, 0, b"data", 0, 0, 5)

    found = read(chunks.riff(Y, [loops, cues]))

    assert len(found.metadata["smpl"]["loops"]) == 1
    assert found.metadata["cues"] == [{"id": 1, "frame": 5}]


def test_numbers_that_are_none_are_left_out():
    for tempo in (float("nan"), float("inf"), -1.0, 0.0):
        assert read(chunks.riff(Y, [chunks.acid(tempo=tempo)])).metadata["acid"]["tempo"] is None


def test_a_chunk_that_claims_more_than_the_file_has_ends_with_it():
    data = chunks.riff(Y, [chunks.info({b"INAM": b"good"})])

    assert read(data + b"LIST" + struct.pack("<I", 0xFFFFFFF0) + b"INFO").metadata == {"info": {"title": "good"}}


_SEEDS = [
    (
        "WAV",
        chunks.riff(
            Y[:100],
            [
                chunks.acid(tempo=120.0),
                chunks.smpl(60, [(1, 9)]),
                chunks.cue([1, 2]),
                chunks.labels({1: b"a"}),
                chunks.info({b"INAM": b"x"}),
                chunks.bext(b"d"),
                (b"id3 ", chunks.id3({"TBPM": "120"})),
            ],
        ),
    ),
    ("AIFF", chunks.aiff(Y[:100], [chunks.mark({1: (0, b"in")}), chunks.aiff_inst(40), chunks.basc(beats=4)])),
    ("FLAC", chunks.flac(Y[:100], [("BPM", "120")], picture=10)),
    ("OGG", chunks.ogg(Y, [("BPM", "120")])),
    ("MP3", chunks.id3({"TBPM": "120", "TCON": "(4)"}) + chunks.id3v1(b"x")),
]


@given(st.sampled_from(_SEEDS), st.lists(st.tuples(st.floats(0, 1), st.integers(0, 255)), max_size=12), st.floats(0, 1))
def test_no_damage_raises(seed: tuple[str, bytes], changes: Sequence[tuple[float, int]], cut: float):
    audio_format, data = seed
    broken = bytearray(data)
    for place, value in changes:
        broken[min(int(place * len(broken)), len(broken) - 1)] = value
    kept = bytes(broken[: max(1, int(len(broken) * (1.0 - cut / 2)))])

    found = read(kept, audio_format)

    assert set(found.warnings) <= {"tags_damaged", "tags_cut"}
