"""Clips of MIDI notes through soundfonts: `fluidsynth` renders many at once and they are cut apart again.

Needs `fluidsynth` and General MIDI soundfonts, in Debian: fluid-soundfont-gm, timgm6mb-soundfont, csound-soundfont,
opl3-soundfont, musescore-general-soundfont-small, avldrums.lv2-soundfont. Merlin comes with the Python package scamp.
"""

import struct
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile

F32 = npt.NDArray[np.float32]

SR = 22050
DRUM_CHANNEL = 9
FONTS = {
    "fluid": "/usr/share/sounds/sf2/FluidR3_GM.sf2",
    "timgm": "/usr/share/sounds/sf2/TimGM6mb.sf2",
    "csound": "/usr/share/sounds/sf2/sf_GMbank.sf2",
    "opl3": "/usr/share/sounds/sf2/OPL-3_FM_128M.sf2",
    "musescore": "/usr/share/sounds/sf3/MuseScore_General.sf3",
}
"""General MIDI soundfonts."""
MORE_FONTS = {
    "merlin": "/usr/share/sounds/sf2/Merlin.sf2",
    "pearl": "/usr/share/sounds/sf2/Black_Pearl_4_LV2.sf2",
    "zeppelin": "/usr/share/sounds/sf2/Red_Zeppelin_4_LV2.sf2",
}
"""Another one, and two drum kits; single sounds are learned from them too."""


@dataclass(frozen=True)
class Clip:
    """Notes (start and length in seconds, MIDI number, velocity, channel) and how they sound."""

    notes: Sequence[tuple[float, float, int, int, int]]
    programs: dict[int, int] = field(default_factory=dict)
    seconds: float = 1.0
    cents: float = 0.0
    volumes: dict[int, int] = field(default_factory=dict)


def _length(value: int) -> bytes:
    out = [value & 0x7F]
    while value := value >> 7:
        out.append(0x80 | (value & 0x7F))
    return bytes(reversed(out))


def _midi_file(events: list[tuple[int, int, bytes]]) -> bytes:
    """Write a format 0 file in which a tick is a millisecond; events are (tick, order, message)."""
    track, now = bytearray(b"\x00\xff\x51\x03\x0f\x42\x40"), 0
    for tick, _, message in sorted(events):
        track += _length(tick - now) + message
        now = tick
    track += b"\x00\xff\x2f\x00"
    return b"MThd" + struct.pack(">IHHH", 6, 0, 1, 1000) + b"MTrk" + struct.pack(">I", len(track)) + bytes(track)


def _events(clip: Clip, start: int) -> list[tuple[int, int, bytes]]:
    bend = min(16383, max(0, round(8192 + 8192 * clip.cents / 200.0)))
    out = [(start, 0, bytes([0xB0 | channel, 120, 0])) for channel in range(16)]
    for channel in {n[4] for n in clip.notes}:
        out.append((start, 1, bytes([0xC0 | channel, clip.programs.get(channel, 0)])))
        out.append((start, 1, bytes([0xB0 | channel, 7, clip.volumes.get(channel, 100)])))
        if channel != DRUM_CHANNEL:
            out.append((start, 1, bytes([0xE0 | channel, bend & 0x7F, bend >> 7])))
    for onset, length, midi, velocity, channel in clip.notes:
        first = start + 5 + round(1000 * onset)
        last = min(first + max(20, round(1000 * length)), start + round(1000 * clip.seconds))
        if last > first:
            out.append((first, 3, bytes([0x90 | channel, midi, velocity])))
            out.append((last, 2, bytes([0x80 | channel, midi, 0])))
    return out


def kits(font: str) -> list[int]:
    """Give the programs of the drum kits of a soundfont."""
    data = Path((FONTS | MORE_FONTS)[font]).read_bytes()
    place = data.rindex(b"phdr")
    size = struct.unpack_from("<I", data, place + 4)[0]
    # Records of 38 bytes: a name, then program and bank; the last one ends the list.
    records = [struct.unpack_from("<HH", data, place + 28 + 38 * k) for k in range(size // 38 - 1)]
    return sorted(program for program, bank in records if bank == 128)  # noqa: PLR2004 -- the bank of percussion


def render(clips: Sequence[Clip], font: str, *, tail: float = 0.3, reverb: bool = False) -> list[F32]:
    """Render clips at 22.05 kHz, mono; each is its seconds and the tail long."""
    events: list[tuple[int, int, bytes]] = []
    starts: list[int] = []
    now = 0
    for clip in clips:
        starts.append(now)
        events += _events(clip, now)
        now += round(1000 * (clip.seconds + tail)) + 100
    with tempfile.TemporaryDirectory() as folder:
        source, target = Path(folder) / "in.mid", Path(folder) / "out.wav"
        source.write_bytes(_midi_file(events))
        effects = ["-R", str(int(reverb)), "-C", str(int(reverb))]
        command = ["fluidsynth", "-ni", "-q", "-g", "0.4", "-r", str(SR), *effects, "-O", "s16", "-T", "wav"]
        subprocess.run([*command, "-F", target, (FONTS | MORE_FONTS)[font], source], check=True, capture_output=True)  # noqa: S603
        stereo, _ = soundfile.read(target, dtype="float32")
    y = stereo.mean(axis=1)
    first = [round(0.001 * (s + 5) * SR) for s in starts]
    return [y[a : a + round((c.seconds + tail) * SR)] for a, c in zip(first, clips, strict=True)]
