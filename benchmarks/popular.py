"""Measure tempo, key and chords on popular songs that nothing is learned from: POP909 (Wang et al., ISMIR 2020; MIT).

``python -m benchmarks.popular FOLDER [--font merlin] [--songs N]``; FOLDER is ``POP909`` of
github.com/music-x-lab/POP909-Dataset. A song is its tune, its second tune and its piano as people played them, here on
instruments of a soundfont without drums. Taken are songs with one key and a steady beat, about which the annotations
of the recording and of the notes agree. Keys, beats and chords were estimated by the data set's authors, so that not
every disagreement is a fault of ours. Each song is measured twice: its first 90 s, and four bars from its middle as a
loop. Chords are those of the longer part, with the beats that the analysis finds, as the share of the time in which
root, or third and root, are those of the annotation (mir_eval.chord's weighted recall). Needs mido and fluidsynth.
"""

import argparse
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import mido
import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.pitches import PITCH_CLASSES
from training import soundfonts

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
Note = tuple[float, float, int, int, int]

_TRACKS = ("MELODY", "BRIDGE", "PIANO")
_PROGRAMS = ((0, 11, 40, 52, 56, 65, 73, 80), (0, 24, 48, 61, 89), (0, 0, 0, 1, 4, 5, 24))
"""General MIDI programs that a track may be played on."""
_LONG_SECONDS = 90.0
_LOOP_BEATS = 16
_FIRST_LOOP_BARS = 5, 12
"""A loop begins after so many bars, where the accompaniment has set in."""
_STEADY, _AGREE = 0.02, 0.02
"""Most spread of the lengths of beats, and most difference of the two tempi, as shares."""
_STEP = 0.1  # seconds between the moments whose chords are compared
_LEVELS = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)
_MODES = {"maj": "major", "min": "minor"}
_THIRDS = {"maj": "major", "maj7": "major", "7": "major", "min": "minor", "min7": "minor"}
_AT_ONCE = 10  # clips that are rendered by one process


@dataclass(frozen=True)
class Song:
    """A song: its notes (start, length, MIDI number, velocity, track), and what its annotations say."""

    notes: list[Note]
    beats: F64
    """Seconds of all beats."""
    bpm: float
    tonic: int
    mode: str
    chords: list[tuple[float, float, int, str | None]]
    """Start and end in seconds, root, and the mode of the third where there is one."""


def pitch_class(name: str) -> int:
    """Read a pitch class as in ``Gb``."""
    return (PITCH_CLASSES.index(name[0]) + name.count("#") - name.count("b")) % 12


def _tempo_changes(file: mido.MidiFile) -> F64:
    """Return the changes of tempo: (n, 3), tick, second, seconds per tick."""
    tempi = {0: 500_000}
    for track in file.tracks:
        tick = 0
        for message in track:
            tick += message.time
            if message.type == "set_tempo":
                tempi[tick] = message.tempo
    changes: list[tuple[float, float, float]] = []
    for tick, tempo in sorted(tempi.items()):
        last = changes[-1] if changes else (0.0, 0.0, 0.0)
        changes.append((tick, last[1] + (tick - last[0]) * last[2], tempo / 1e6 / file.ticks_per_beat))
    return np.array(changes)


def read_notes(path: Path) -> list[Note]:
    """Read the notes of the three tracks."""
    file = mido.MidiFile(path)
    changes = _tempo_changes(file)

    def second(tick: int) -> float:
        first, start, step = changes[np.searchsorted(changes[:, 0], tick, "right") - 1].tolist()
        return start + (tick - first) * step

    found: list[Note] = []
    for track in file.tracks:
        name = track.name.strip()
        if name not in _TRACKS:
            continue
        tick, sounding = 0, dict[int, tuple[int, int]]()
        for message in track:
            tick += message.time
            if message.type == "note_on" and message.velocity:
                sounding[message.note] = tick, message.velocity
            elif message.type in {"note_on", "note_off"} and message.note in sounding:
                first, velocity = sounding.pop(message.note)
                start = second(first)
                found.append((start, second(tick) - start, message.note, velocity, _TRACKS.index(name)))
    return sorted(found)


def _read_chords(path: Path) -> list[tuple[float, float, int, str | None]]:
    found: list[tuple[float, float, int, str | None]] = []
    for line in path.read_text(encoding="utf-8").splitlines():
        start, end, name = line.split("\t")
        if name != "N":
            root, kind = name.split(":")
            third = "minor" if kind.startswith("min") else "major" if kind[:3] == "maj" or kind[0] == "7" else None
            found.append((float(start), float(end), pitch_class(root), third))
    return found


def read_song(folder: Path) -> Song | None:
    """Read a song; None where its key or its tempo is not certain."""
    keys = [line.split() for line in (folder / "key_audio.txt").read_text(encoding="utf-8").splitlines() if line]
    beats, others = (np.loadtxt(folder / f"beat_{of}.txt")[:, 0] for of in ("midi", "audio"))
    lengths, bpm = np.diff(beats), 60.0 / float(np.median(np.diff(beats)))
    steady = lengths.std() <= _STEADY * lengths.mean()
    if len(keys) != 1 or not steady or abs(bpm * float(np.median(np.diff(others))) / 60.0 - 1.0) > _AGREE:
        return None
    tonic, mode = keys[0][2].split(":")
    notes = read_notes(folder / f"{folder.name}.mid")
    return Song(notes, beats, bpm, pitch_class(tonic), _MODES[mode], _read_chords(folder / "chord_midi.txt"))


def played(rng: Rng, song: Song, start: float, seconds: float) -> soundfonts.Clip:
    """Choose instruments for a part of a song."""
    inside = [
        (max(0.0, onset - start), length, midi, velocity, track)
        for onset, length, midi, velocity, track in song.notes
        if start - 0.02 <= onset < start + seconds - 0.03
    ]
    programs = {track: int(rng.choice(choice)) for track, choice in enumerate(_PROGRAMS)}
    return soundfonts.Clip(inside, programs, seconds)


def _analysed(y: F32) -> dsp.Estimates:
    y = 0.9 * y / (np.abs(y).max() + 1e-9)
    return dsp.estimate(dsp.compute_features(y.astype(np.float32), sr=dsp.SR), duration=len(y) / dsp.SR)


def _judge(song: Song, found: dsp.Estimates, counts: Counter[str]) -> None:
    """Count what is right about tempo and key."""
    counts["songs"] += 1
    ratio = (found.tempo or 0.0) / song.bpm
    counts["tempo none"] += found.tempo is None
    counts["tempo acc1"] += abs(ratio - 1.0) <= 0.04
    counts["tempo acc2"] += any(abs(ratio / level - 1.0) <= 0.04 for level in _LEVELS)
    slow = "below 70 BPM" if song.bpm < 70.0 else "from 70 BPM"
    counts[f"{slow}: songs"] += 1
    counts[f"{slow}: acc1"] += abs(ratio - 1.0) <= 0.04
    counts["key none"] += found.key is None
    if found.key is not None:
        above = (pitch_class(found.key) - song.tonic) % 12
        counts["key right"] += above == 0 and found.mode == song.mode
        counts["key relative"] += found.mode != song.mode and above == (9 if song.mode == "major" else 3)


def _compare_chords(song: Song, found: dsp.Estimates, counts: Counter[str]) -> None:
    """Count the moments at which root, and root and third, are right."""
    for moment in np.arange(_STEP / 2.0, _LONG_SECONDS, _STEP).tolist():
        wanted = next(((root, third) for start, end, root, third in song.chords if start <= moment < end), None)
        chord = next((span.chord for span in found.chords if span.start <= moment < span.end), None)
        if wanted is None:
            continue
        counts["moments"] += 1
        counts["no chord"] += chord is None
        counts["root right"] += chord is not None and chord.root == wanted[0]
        if wanted[1] is not None:
            counts["moments with a third"] += 1
            counts["third right"] += chord is not None and (chord.root, _THIRDS.get(chord.quality)) == wanted


def measure(folder: Path, font: str, songs: int) -> None:
    """Print what is right about so many songs, drawn at random."""
    rng = np.random.default_rng(909)
    folders = sorted(path for path in folder.iterdir() if path.is_dir())
    rng.shuffle(folders)  # type: ignore[arg-type]
    chosen: list[Song] = []
    while folders and len(chosen) < songs:
        song = read_song(folders.pop())
        if song is not None and song.beats[-1] >= _LONG_SECONDS:
            chosen.append(song)
    long, loops, chords = Counter[str](), Counter[str](), Counter[str]()
    for first in range(0, len(chosen), _AT_ONCE):
        part = chosen[first : first + _AT_ONCE]
        starts = [float(song.beats[4 * int(rng.integers(*_FIRST_LOOP_BARS))]) for song in part]
        clips = [played(rng, song, 0.0, _LONG_SECONDS) for song in part]
        clips += [played(rng, s, start, 60.0 * _LOOP_BEATS / s.bpm) for s, start in zip(part, starts, strict=True)]
        sounds = soundfonts.render(clips, font, tail=0.0, reverb=True)
        for song, whole, loop in zip(part, sounds[: len(part)], sounds[len(part) :], strict=True):
            estimates = _analysed(whole)
            _judge(song, estimates, long)
            _compare_chords(song, estimates, chords)
            _judge(song, _analysed(loop), loops)
    for title, counts in (("90 s", long), ("four bars", loops), (f"chords, moments of {_STEP} s", chords)):
        print(f"{title}: " + ", ".join(f"{name} {count}" for name, count in counts.items()))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="python -m benchmarks.popular", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--font", default="merlin", choices=[*soundfonts.FONTS, *soundfonts.MORE_FONTS])
    parser.add_argument("--songs", type=int, default=150)
    arguments = parser.parse_args()
    measure(arguments.folder, arguments.font, arguments.songs)
