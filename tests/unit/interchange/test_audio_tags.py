import io
import struct
import tempfile
from pathlib import Path

import mutagen
import mutagen.id3
import mutagen.mp4
import pytest
import soundfile as sf
from hypothesis import given, settings
from hypothesis import strategies as st
from mutagen.aiff import AIFF
from mutagen.wave import WAVE

from samplemind_worker.errors import NotWrittenError
from samplemind_worker.interchange import audio_tags, journal, undo
from samplemind_worker.interchange.audio_tags import sound_digest
from samplemind_worker.interchange.tags import Tags
from tests.unit.interchange.sounds import KINDS, LOOP, ONE_SHOT, sound, tagged, tags


def readable(data: bytes, suffix: str, folder: Path) -> Path:
    path = folder / f"sound.{suffix}"
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("kind", KINDS)
@settings(max_examples=12)
@given(first=tags, second=tags)
def test_tagged_and_undone_is_byte_identical_and_a_second_time_changes_nothing(kind: str, first: Tags, second: Tags):
    with tempfile.TemporaryDirectory() as folder:
        home, path = Path(folder, "home"), Path(folder, "sound")
        path.write_bytes(sound(kind))
        contents = [sound(kind)]
        runs: list[str] = []
        for wanted in (first, second):
            with journal.begin(home, command="tag") as run:
                run.replace(path, lambda source, draft, wanted=wanted: _write(source, draft, wanted))
                if run.changes:
                    runs.append(run.id)
                    contents.append(path.read_bytes())
            again, planned = tagged(path.read_bytes(), wanted, overwrite=True)
            assert (again, planned.written) == (path.read_bytes(), [])
        for run_id, before in zip(reversed(runs), contents[-2::-1], strict=True):
            assert undo.undo(home, run_id).left == []
            assert path.read_bytes() == before


def _write(source: io.BufferedReader, draft: io.BufferedRandom, wanted: Tags) -> None:
    audio_tags.write(source, draft, audio_tags.plan(source, wanted, overwrite=True))


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "m4a"])
def test_decoded_samples_stay_the_same(kind: str):
    before, _ = sf.read(io.BytesIO(sound(kind)))
    after, _ = sf.read(io.BytesIO(tagged(sound(kind), LOOP)[0]))
    assert (before == after).all()


def test_what_is_written_is_read_by_mutagen(tmp_path: Path):
    gain = "-5.66 dB"
    for kind, reader in (("wav", WAVE), ("aiff", AIFF), ("mp3", mutagen.File)):
        found = reader(readable(tagged(sound(kind), LOOP)[0], kind, tmp_path)).tags
        assert {name: found[name].text[0] for name in ("TBPM", "TKEY", "COMM::eng", "TXXX:REPLAYGAIN_TRACK_GAIN")} == {
            "TBPM": "127.5",
            "TKEY": "Am",
            "COMM::eng": "A höt loop ♯",
            "TXXX:REPLAYGAIN_TRACK_GAIN": gain,
        }
    for kind in ("flac", "ogg", "opus"):
        found = mutagen.File(readable(tagged(sound(kind), LOOP)[0], kind, tmp_path))
        expected = {"bpm": ["127.5"], "initialkey": ["Am"], "comment": ["A höt loop ♯"], "instrument": ["drum_loop"]}
        assert {name: found[name] for name in expected} == expected
        assert found.get("replaygain_track_gain", found.get("r128_track_gain")) == (
            ["-2729"] if kind == "opus" else [gain]
        )
    found = mutagen.mp4.MP4(readable(tagged(sound("m4a"), LOOP)[0], "m4a", tmp_path))
    assert (found["tmpo"], found["\xa9cmt"]) == ([128], ["A höt loop ♯"])
    assert [bytes(value) for value in found["----:com.apple.iTunes:initialkey"]] == [b"Am"]


def test_a_one_shot_gets_no_tempo_but_its_root_note():
    for kind in KINDS:
        _, planned = tagged(sound(kind), ONE_SHOT)
        assert planned.written == ["root note", "instrument", "comment", "loudness"]


def test_values_that_are_there_are_kept_unless_told_otherwise(tmp_path: Path):
    path = readable(sound("mp3"), "mp3", tmp_path)
    mine = mutagen.id3.ID3()
    mine.add(mutagen.id3.TBPM(encoding=0, text="64"))
    mine.save(path, v2_version=3)
    data, planned = tagged(path.read_bytes(), LOOP)
    assert planned.kept == ["tempo"]
    assert mutagen.id3.ID3(io.BytesIO(data))["TBPM"].text == ["64"]
    data, planned = tagged(path.read_bytes(), LOOP, overwrite=True)
    assert planned.kept == []
    assert mutagen.id3.ID3(io.BytesIO(data))["TBPM"].text == ["127.5"]


_GEOB = b"\0application/octet-stream\0\0Serato Markers2\0\x01\x01" + bytes(range(256)) + b"\xff\x00\xff\xe0\xff\xff\0\0"


@pytest.mark.parametrize("version", [3, 4])
@given(others=st.lists(st.tuples(st.sampled_from([b"GEOB", b"PRIV", b"TXXX", b"ZZZZ"]), st.binary(max_size=80))))
def test_frames_of_other_programs_keep_every_byte(version: int, others: list[tuple[bytes, bytes]]):
    def frame(name: bytes, body: bytes) -> bytes:
        size = len(body)
        packed = bytes([0, 0, size >> 7 & 0x7F, size & 0x7F]) if version == 4 else struct.pack(">I", size)
        return name + packed + b"\0\0" + body

    frames = [frame(b"GEOB", _GEOB), *(frame(*each) for each in others)]
    body = b"".join(frames) + bytes(50)
    size = len(body)
    head = b"ID3" + bytes([version, 0, 0, 0, size >> 14 & 0x7F, size >> 7 & 0x7F, size & 0x7F])
    tail = b"TAG" + b"an old title".ljust(125, b"\0")
    data, _ = tagged(head + body + sound("mp3") + tail, LOOP)
    start = data.index(b"GEOB")
    assert data[start : start + size - 50] == b"".join(frames)
    assert data.endswith(sound("mp3") + tail)


def test_an_unsynchronised_tag_is_read_as_it_is_meant():
    frame = b"GEOB" + struct.pack(">I", len(_GEOB)) + b"\0\0" + _GEOB
    scrambled = frame.replace(b"\xff\x00", b"\xff\x00\x00").replace(b"\xff\xe0", b"\xff\x00\xe0")
    scrambled = scrambled.replace(b"\xff\xff", b"\xff\x00\xff")
    size = len(scrambled)
    head = b"ID3\x03\0\x80" + bytes([0, size >> 14 & 0x7F, size >> 7 & 0x7F, size & 0x7F])
    data, _ = tagged(head + scrambled + sound("mp3"), LOOP)
    assert mutagen.id3.ID3(io.BytesIO(data)).getall("GEOB")[0].data == _GEOB[_GEOB.index(b"\x01\x01") :]


def test_comments_of_other_programs_keep_every_byte(tmp_path: Path):
    odd = b"\x05\0\0\0A=\xff\xfe!"  # no UTF-8
    plain = sound("flac")
    start = plain.index(b"\x20\0\0\0reference")
    assert plain[start - 4] & 0x7F == 4  # the block of comments
    end = start + int.from_bytes(plain[start - 3 : start], "big")
    vendor = plain[start : start + 36]
    body = vendor + b"\x01\0\0\0" + odd
    data = plain[: start - 3] + len(body).to_bytes(3, "big") + body + plain[end:]
    after, _ = tagged(data, LOOP)
    assert odd in after
    assert mutagen.File(readable(after, "flac", tmp_path))["bpm"] == ["127.5"]


def test_atoms_of_other_programs_keep_every_byte(tmp_path: Path):
    path = readable(sound("m4a"), "m4a", tmp_path)
    file = mutagen.mp4.MP4(path)
    file["\xa9nam"] = ["A title"]
    file["----:com.serato.dj:markersv2"] = [mutagen.mp4.MP4FreeForm(bytes(range(256)))]
    file["covr"] = [mutagen.mp4.MP4Cover(b"\x89PNG" + bytes(90), imageformat=14)]
    file.save()
    after, _ = tagged(path.read_bytes(), LOOP)
    found = mutagen.mp4.MP4(readable(after, "m4a", tmp_path))
    assert bytes(found["----:com.serato.dj:markersv2"][0]) == bytes(range(256))
    assert (found["\xa9nam"], bytes(found["covr"][0])) == (["A title"], b"\x89PNG" + bytes(90))


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"", "empty"),
        (b"no audio at all", "no tags are written"),
        (b"ID3\x03\0\0\0\0\x7f\x7f" + bytes(5), "ID3 tag is damaged"),
        (b"ID3\x03\0\x40\0\0\0\x0a" + bytes(10), "features that are not edited"),
        (b"fLaC\x80\xff\xff\xff", "FLAC blocks are damaged"),
        (b"OggS" + bytes(40), "Ogg pages are damaged"),
        (b"\0\0\0\x10ftypM4A \0\0\0\0" + b"\0\0\0\xffmoov", "MP4 boxes are damaged"),
    ],
)
def test_rubbish_is_left_with_a_reason(data: bytes, reason: str):
    with pytest.raises(NotWrittenError, match=reason):
        tagged(data, LOOP)


@given(st.sampled_from(KINDS), st.data())
def test_damaged_files_are_left_or_keep_their_sound(kind: str, data: st.DataObject):
    whole = bytearray(sound(kind))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, 400))] = data.draw(st.integers(0, 255))
    damaged = bytes(whole[: data.draw(st.integers(0, len(whole)))])
    try:
        after, _ = tagged(damaged, LOOP)
    except NotWrittenError:
        return
    with tempfile.TemporaryFile() as one, tempfile.TemporaryFile() as other:
        one.write(damaged)
        other.write(after)
        one.flush()
        other.flush()
        assert sound_digest(one) == sound_digest(other)
