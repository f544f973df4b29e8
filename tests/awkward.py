"""What happens to sound files on their way: pure functions from bytes to bytes, and tags to put around them."""

import struct

import numpy as np


def id3v1() -> bytes:
    """The tag of 128 bytes at the end."""
    return b"TAG" + b"Break".ljust(30, b"\0") + bytes(94) + b"\xff"


def id3v2(size: int = 200) -> bytes:
    """The tag in front, with padding alone."""
    return b"ID3\x03\x00\x00" + bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0)) + bytes(size)


def ape() -> bytes:
    """An APE tag with one field, with its header and its footer."""
    item = struct.pack("<LL", 5, 0) + b"Title\0Break"
    fields = struct.pack("<LLL", 2000, len(item) + 32, 1)
    return (
        b"APETAGEX"
        + fields
        + struct.pack("<L", 0xA0000000)
        + bytes(8)
        + item
        + b"APETAGEX"
        + fields
        + struct.pack("<L", 0x80000000)
        + bytes(8)
    )


def id3v2_behind(size: int = 200) -> bytes:
    """The newer kind of tag, at the end, where a footer says that it is there."""
    length = bytes(size >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\x04\x00\x10" + length + bytes(size) + b"3DI\x04\x00\x10" + length


def lyrics() -> bytes:
    """A Lyrics3 tag and the ID3v1 tag that it needs."""
    body = b"LYRICSBEGININD0000200EAL00005Break"
    return body + str(len(body)).zfill(6).encode() + b"LYRICS200" + id3v1()


def junk(size: int, seed: int = 0) -> bytes:
    """Bytes that are nothing."""
    return np.random.default_rng(seed).bytes(size)


def chunk_at(data: bytes, name: bytes) -> int:
    """Where a chunk of RIFF or AIFF begins."""
    return data.index(name, 12)


def with_riff_size(data: bytes, off_by: int) -> bytes:
    """A size of the outermost chunk that is wrong."""
    return data[:4] + struct.pack("<L", (len(data) - 8 + off_by) % 2**32) + data[8:]


def with_data_size(data: bytes, size: int, *, riff: int | None = None) -> bytes:
    """A WAV whose chunk of samples says another size."""
    at = chunk_at(data, b"data") + 4
    changed = data[:at] + struct.pack("<L", size) + data[at + 4 :]
    return changed if riff is None else changed[:4] + struct.pack("<L", riff) + changed[8:]


def with_chunk(data: bytes, name: bytes, body: bytes, *, before: bytes = b"data") -> bytes:
    """A WAV with one more chunk, and true sizes."""
    at = chunk_at(data, before)
    made = data[:at] + name + struct.pack("<L", len(body)) + body + bytes(len(body) % 2) + data[at:]
    return with_riff_size(made, 0)


def unpadded(data: bytes, name: bytes, body: bytes, *, before: bytes = b"data") -> bytes:
    """A WAV or AIFF with one more chunk, of odd length, whose pad byte is left out."""
    at = chunk_at(data, before)
    order = "little" if data[:4] == b"RIFF" else "big"
    return data[:at] + name + len(body).to_bytes(4, order) + body + data[at:]


def with_wave64_size(data: bytes, size: int) -> bytes:
    """A Wave64 whose chunk of samples says another size."""
    at = data.index(b"data\xf3\xac") + 16
    return data[:at] + struct.pack("<Q", size) + data[at + 8 :]


def with_ds64_size(data: bytes, size: int) -> bytes:
    """An RF64 whose 64-bit size of the samples is another."""
    at = data.index(b"ds64") + 16
    return data[:at] + struct.pack("<Q", size) + data[at + 8 :]


def wide(data: bytes) -> bytes:
    """A WAV of 24 bits, each sample in four bytes; its header tells both."""
    at = chunk_at(data, b"data") + 8
    samples = np.frombuffer(data[at : len(data) - len(data[at:]) % 3], np.uint8).reshape(-1, 3)
    spread = np.pad(samples, ((0, 0), (1, 0))).tobytes()
    channels, rate = struct.unpack_from("<HL", data, chunk_at(data, b"fmt ") + 10)
    form = struct.pack("<HHLLHH", 1, channels, rate, rate * 4 * channels, 4 * channels, 24)
    body = b"WAVEfmt " + struct.pack("<L", len(form)) + form + b"data" + struct.pack("<L", len(spread)) + spread
    return b"RIFF" + struct.pack("<L", len(body)) + body


def with_chunk_behind(data: bytes, name: bytes, body: bytes) -> bytes:
    """A WAV with one more chunk at its end, and true sizes."""
    return with_riff_size(data + name + struct.pack("<L", len(body)) + body + bytes(len(body) % 2), 0)


def with_format_behind(data: bytes) -> bytes:
    """A WAV whose samples come before what says how to read them."""
    at = chunk_at(data, b"fmt ")
    size = 8 + int.from_bytes(data[at + 4 : at + 8], "little")
    return data[:at] + data[at + size :] + data[at : at + size]


def info_comment(text: bytes) -> bytes:
    """The body of a LIST chunk with a comment."""
    return b"INFOICMT" + struct.pack("<L", len(text)) + text + bytes(len(text) % 2)


def bext(*, text: bytes = b"", length: int = 602) -> bytes:
    """The body of a bext chunk, of any length."""
    return (b"Break".ljust(256, b"\0") + bytes(346) + text)[:length].ljust(length, b"\0")


def as_bw64(rf64: bytes) -> bytes:
    """An RF64 under its newer name."""
    return b"BW64" + rf64[4:]


def with_au_size(data: bytes, size: int) -> bytes:
    """An AU that says another size."""
    return data[:8] + struct.pack(">L", size) + data[12:]


def with_caf_size(data: bytes, size: int) -> bytes:
    """A CAF whose chunk of samples says another size."""
    at = data.index(b"data", 8) + 4
    return data[:at] + struct.pack(">q", size) + data[at + 8 :]


def with_aiff_chunk(data: bytes, name: bytes, body: bytes) -> bytes:
    """An AIFF with one more chunk before its samples."""
    at = chunk_at(data, b"SSND")
    made = data[:at] + name + struct.pack(">L", len(body)) + body + bytes(len(body) % 2) + data[at:]
    return made[:4] + struct.pack(">L", len(made) - 8) + made[8:]


def with_aiff_size(data: bytes, size: int) -> bytes:
    """An AIFF as a recorder leaves it that was cut off: no frames, and another size of the samples."""
    frames, samples = chunk_at(data, b"COMM") + 10, chunk_at(data, b"SSND") + 4
    data = data[:frames] + bytes(4) + data[frames + 4 :]
    return data[:samples] + struct.pack(">L", size) + data[samples + 4 :]


def without_flac_length(data: bytes) -> bytes:
    """A FLAC whose header does not tell how long it is, as of a stream."""
    return data[:21] + bytes([data[21] & 0xF0, 0, 0, 0, 0]) + data[26:]


def with_flac_length(data: bytes, frames: int) -> bytes:
    """A FLAC whose header tells another length."""
    return data[:21] + bytes([data[21] & 0xF0]) + struct.pack(">L", frames) + data[26:]


def with_xing_frames(data: bytes, frames: int) -> bytes:
    """An MP3 whose first frame tells another number of frames."""
    at = max(data.find(b"Xing"), data.find(b"Info")) + 8
    return data[:at] + struct.pack(">L", frames) + data[at + 4 :]


def with_wait(data: bytes) -> bytes:
    """An M4A whose edit list begins with a wait of nothing."""
    at = data.index(b"edts") - 4
    old = data[at : at + 36]
    entry = old[24:36]
    new = struct.pack(">L4sL4sLL", 48, b"edts", 40, b"elst", 0, 2) + struct.pack(">LlL", 0, -1, 1 << 16) + entry
    grown = bytearray(data[:at] + new + data[at + 36 :])
    for name in (b"moov", b"trak"):
        place = grown.index(name) - 4
        grown[place : place + 4] = struct.pack(">L", int.from_bytes(grown[place : place + 4], "big") + 12)
    return bytes(grown)


def with_hole(data: bytes, *, at: float = 0.5, size: int = 600, seed: int = 1) -> bytes:
    """Noise where some of the bytes were."""
    start = int(len(data) * at)
    return data[:start] + junk(size, seed) + data[start + size :]


def cut(data: bytes, part: float) -> bytes:
    """The first part."""
    return data[: int(len(data) * part)]


def with_bad_page(data: bytes) -> bytes:
    """An Ogg with one byte of its middle page changed, and the checksum as it was."""
    pages = [at for at in range(len(data)) if data.startswith(b"OggS", at)]
    at = (pages[len(pages) // 2] + pages[len(pages) // 2 + 1]) // 2
    return data[:at] + bytes([data[at] ^ 0x55]) + data[at + 1 :]


def without_end_of_stream(data: bytes) -> bytes:
    """An Ogg whose last page does not say that it is the last; its checksum is left as it is."""
    at = data.rfind(b"OggS")
    return data[: at + 5] + bytes([data[at + 5] & ~4]) + data[at + 6 :]


def first_xing(data: bytes) -> tuple[int, int]:
    """Where an MP3's first frame begins, and where the next one does."""
    start = 0
    if data[:3] == b"ID3":
        start = 10 + sum((byte & 0x7F) << shift for byte, shift in zip(data[6:10], (21, 14, 7, 0), strict=True))
    following = data.index(data[start : start + 2], start + 4)
    return start, following


def without_xing(data: bytes) -> bytes:
    """An MP3 without the frame that tells its length."""
    _, following = first_xing(data)
    return data[following:]
