"""Archives for tests: good packs, and what strangers send, each made by script."""

import io
import struct
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import soundfile as sf

Contents = Mapping[str, bytes]


def wav(seed: int = 0, *, frames: int = 4410) -> bytes:
    """A short sound, another one for each seed."""
    rng = np.random.default_rng(seed)
    decay = np.exp(-np.arange(frames) / 800)
    file = io.BytesIO()
    sf.write(file, (0.5 * decay * rng.standard_normal(frames)).astype(np.float32), 44100, format="WAV")
    return file.getvalue()


def write_zip(path: Path, contents: Contents) -> Path:
    """Write an archive; its parent folders are made."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in contents.items():
            # Without a time, the same contents are the same archive.
            archive.writestr(zipfile.ZipInfo(name), data, zipfile.ZIP_DEFLATED)
    return path


def good(path: Path, *, seed: int = 0, files: int = 2) -> Path:
    """A pack of so many sounds, with a text and a picture."""
    sounds = {f"Kicks/kick {number}.wav": wav(seed * 100 + number) for number in range(files)}
    return write_zip(path, {**sounds, "read me.txt": b"thank you", "cover.jpg": b"\xff\xd8"})


def _entry(
    name: str, data: bytes = b"", *, mode: int = 0o100644, system: int = 3, low: int = 0
) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr("good.wav", wav())
            info = zipfile.ZipInfo("placeholder")
            info.filename = name
            info.create_system, info.external_attr = system, mode << 16 | low
            archive.writestr(info, data or wav(1))
        return path

    return make


def _names(*names: str) -> Callable[[Path], Path]:
    def make(path: Path) -> Path:
        path.parent.mkdir(parents=True, exist_ok=True)
        with zipfile.ZipFile(path, "w") as archive:
            for number, name in enumerate(names):
                info = zipfile.ZipInfo("placeholder")
                info.filename = name
                archive.NameToInfo.clear()  # or it warns of names that are there
                archive.writestr(info, wav(number))
        return path

    return make


def patched(make: Callable[[Path], Path], change: Callable[[bytearray], None]) -> Callable[[Path], Path]:
    """An archive whose bytes are changed."""

    def _make(path: Path) -> Path:
        data = bytearray(make(path).read_bytes())
        change(data)
        path.write_bytes(data)
        return path

    return _make


def directory(names: list[bytes], *, count: int | None = None) -> bytes:
    """An archive of empty files, with a directory that says that there are so many."""
    local = b"".join(_local(name) for name in names[:1])
    head = b"PK\x01\x02" + struct.pack("<BBHHHHHLLLHHHHHLL", 20, 3, 20, 0, 0, 0, 33, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    entries = b"".join(head[:28] + struct.pack("<H", len(name)) + head[30:] + name for name in names)
    return local + entries + end_record(len(names) if count is None else count, len(entries), len(local))


def _local(name: bytes) -> bytes:
    return b"PK\x03\x04" + struct.pack("<HHHHHLLLHH", 20, 0, 0, 0, 33, 0, 0, 0, len(name), 0) + name


def end_record(count: int, length: int, offset: int) -> bytes:
    """The end of an archive, in the long form where the short one has no room."""
    short = struct.pack("<HHHHLLH", 0, 0, min(count, 0xFFFF), min(count, 0xFFFF), length, offset, 0)
    if count < 0xFFFF:
        return b"PK\x05\x06" + short
    at = offset + length
    long = b"PK\x06\x06" + struct.pack("<QHHLLQQQQ", 44, 45, 45, 0, 0, count, count, length, offset)
    return long + b"PK\x06\x07" + struct.pack("<LQL", 0, at, 1) + b"PK\x05\x06" + short


def million_entries(path: Path, *, count: int | None = None) -> Path:
    """A million empty files; the directory may say that they are fewer."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(directory([b"%07d.wav" % number for number in range(1_000_000)], count=count))
    return path


def bomb(path: Path) -> Path:
    """A thousand to one."""
    return write_zip(path, {"good.wav": wav(), "zeros.wav": bytes(64 << 20)})


def nested(path: Path) -> Path:
    """An archive in an archive, and nothing else."""
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("kick.wav", wav())
    return write_zip(path, {"inner.zip": inner.getvalue()})


def lying(path: Path, *, checked: int = 8 << 20) -> Path:
    """An entry that has more bytes than both headers say; the checksum is that of so many."""
    path.parent.mkdir(parents=True, exist_ok=True)
    data = bytes(8 << 20)
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(data) + packer.flush()
    said = 1000
    fields = (zlib.crc32(data[:checked]), len(packed), said)
    local = b"PK\x03\x04" + struct.pack("<HHHHHLLLHH", 20, 0, 8, 0, 33, *fields, 5, 0) + b"a.wav" + packed
    entry = b"PK\x01\x02" + struct.pack("<BBHHHHHLLLHHHHHLL", 20, 3, 20, 0, 8, 0, 33, *fields, 5, 0, 0, 0, 0, 0, 0)
    path.write_bytes(local + entry + b"a.wav" + end_record(1, len(entry) + 5, len(local)))
    return path


def short(path: Path) -> Path:
    """An entry that has fewer bytes than both headers say."""
    path.parent.mkdir(parents=True, exist_ok=True)
    packer = zlib.compressobj(wbits=-15)
    packed = packer.compress(b"abc") + packer.flush()
    fields = (zlib.crc32(b"abc"), len(packed), 1000)
    local = b"PK\x03\x04" + struct.pack("<HHHHHLLLHH", 20, 0, 8, 0, 33, *fields, 5, 0) + b"a.wav" + packed
    entry = b"PK\x01\x02" + struct.pack("<BBHHHHHLLLHHHHHLL", 20, 3, 20, 0, 8, 0, 33, *fields, 5, 0, 0, 0, 0, 0, 0)
    path.write_bytes(local + entry + b"a.wav" + end_record(1, len(entry) + 5, len(local)))
    return path


def _encrypt(data: bytearray) -> None:
    data[6] |= 1
    data[data.rfind(b"PK\x01\x02") + 8] |= 1


def _cut_end(data: bytearray) -> None:
    del data[-100:]


def _cut_middle(data: bytearray) -> None:
    del data[200:400]


def _flip(data: bytearray) -> None:
    data[200] ^= 0xFF


def _append(data: bytearray) -> None:
    data += b"<?php ?>"


def _nul(data: bytearray) -> None:
    data[:] = data.replace(b"a!.wav", b"a\0.wav")


# Name to (how it is made, what is said).
HOSTILE: dict[str, tuple[Callable[[Path], Path], str]] = {
    "slip": (_entry("../../escaped.wav"), "leads out of the pack"),
    "slip in the middle": (_entry("a/../../escaped.wav"), "leads out of the pack"),
    "slip by backslash": (_entry("..\\..\\escaped.wav"), "leads out of the pack"),
    "absolute": (_entry("/tmp/escaped.wav"), "is an absolute path"),  # noqa: S108 -- a name in an archive
    "drive": (_entry("C:\\escaped.wav"), "is an absolute path"),
    "drive relative": (_entry("C:escaped.wav"), "is an absolute path"),
    "share": (_entry("\\\\server\\escaped.wav"), "is an absolute path"),
    "link": (_entry("link.wav", b"/etc/passwd", mode=0o120777), "is a link"),
    "link to a folder": (_entry("Kicks", b"/tmp", mode=0o120777), "is a link"),
    "link of Windows": (_entry("link.wav", mode=0, system=0, low=0x400), "is a link"),
    "fifo": (_entry("pipe.wav", mode=0o010644), "is a device"),
    "device": (_entry("disk.wav", mode=0o060644), "is a device"),
    "device of Windows": (_entry("a/NUL.wav"), "the name of a device"),
    "NUL": (patched(_names("a!.wav"), _nul), "control characters"),
    "newline": (_entry("a\nb.wav"), "control characters"),
    "escape": (_entry("\x1b[2Ja.wav"), "control characters"),
    "C1": (_entry("\u009b2Ja.wav"), "control characters"),
    "long": (_entry("a" * 252 + ".wav"), "SAMPLEMIND_PACK_MAX_NAME_BYTES"),
    "long path": (_entry("/".join(["a" * 200] * 6) + ".wav"), "too long"),
    "deep": (_entry("a/" * 17 + "a.wav"), "SAMPLEMIND_PACK_MAX_DEPTH"),
    "twice": (_names("a.wav", "a.wav"), "twice"),
    "twice by case": (_names("Kick.wav", "kick.WAV"), "twice"),
    "twice by accent": (_names("caf\u00e9.wav", "cafe\u0301.wav"), "twice"),
    "twice by dots": (_names("a/b.wav", "a/./b.wav"), "twice"),
    "file and folder": (_names("a.wav", "a.wav/b.wav"), "both a file and a folder"),
    "encrypted": (patched(_names("a.wav"), _encrypt), "is encrypted"),
    "truncated": (patched(good, _cut_end), "its end is missing"),
    "cut in the middle": (patched(good, _cut_middle), "not where its end says"),
    "corrupt": (patched(good, _flip), "cannot be unpacked"),
    "appended": (patched(good, _append), "something follows the end"),
    "bomb": (bomb, "SAMPLEMIND_PACK_MAX_RATIO"),
    "nested": (nested, "no audio files in it (1 other)"),
    "lying": (lying, "cannot be unpacked"),
    "short": (short, "has not the size"),
    "no archive": (lambda path: _text(path, "this is no archive"), "no zip archive"),
    "empty": (lambda path: _text(path, ""), "no zip archive"),
    "no entries": (lambda path: write_zip(path, {}), "no audio files in it"),
    "count that lies": (
        lambda path: _bytes(path, directory([b"a.wav", b"b.wav"], count=1)),
        "its directory is corrupt",
    ),
}


def _text(path: Path, text: str) -> Path:
    return _bytes(path, text.encode())


def _bytes(path: Path, data: bytes) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return path
