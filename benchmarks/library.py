"""Write small labelled libraries of synthesized audio.

``python -m benchmarks.library demo DIR`` writes the demonstration library with its ``manifest.csv``; ``oneshots`` and
``tracks`` write what the speed benchmark reads. A library appears at once, when it is complete; one that is already
there is left alone.
"""

import argparse
import csv
import io
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf

from training import signals

F32 = npt.NDArray[np.float32]

NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
COLUMNS = ("path", "set", "kind", "bpm", "key_tonic", "key_mode", "duration_s", "source", "notes")
MANIFEST = "manifest.csv"
_SUBTYPES = {"wav": "PCM_16", "flac": "PCM_16", "ogg": "VORBIS", "mp3": "MPEG_LAYER_III"}
_BLOCK = 1 << 16  # libsndfile's Vorbis encoder crashes on minutes of audio in one call


@dataclass(frozen=True, slots=True)
class Item:
    """One file: its label, and how to make it."""

    path: str
    set: str
    kind: str
    make: Callable[..., F32]
    arguments: tuple[object, ...]
    options: dict[str, object]
    seconds: float
    bpm: float | None = None
    tonic: int | None = None
    mode: str = ""
    sr: int = 44100
    stereo: bool = False
    notes: str = ""

    def row(self) -> dict[str, str]:
        """Give the line of the manifest."""
        return {
            "path": self.path,
            "set": self.set,
            "kind": self.kind,
            "bpm": "" if self.bpm is None else f"{self.bpm:g}",
            "key_tonic": "" if self.tonic is None else NAMES[self.tonic],
            "key_mode": self.mode,
            "duration_s": f"{self.seconds:.4f}",
            "source": "generated",
            "notes": self.notes,
        }


_DRUM_LOOPS = (
    # bpm, pattern, bars, swing, ending, rate, stereo
    (120.0, "rock", 2, 0.0, "wav", 44100, False),
    (128.0, "house", 4, 0.0, "wav", 44100, True),
    (96.5, "hiphop", 2, 0.0, "flac", 44100, False),
    (174.0, "dnb", 4, 0.0, "wav", 44100, True),
    (110.25, "funk", 2, 0.0, "wav", 48000, False),
    (72.4, "rock", 2, 0.0, "wav", 44100, False),
    (168.3, "dnb", 2, 0.0, "ogg", 44100, False),
    (135.0, "techno", 4, 0.0, "flac", 48000, True),
    (88.37, "hiphop", 4, 0.3, "wav", 44100, False),
    (78.6, "hiphop", 2, 0.0, "wav", 44100, False),
    (104.0, "funk", 2, 0.0, "wav", 44100, False),
    (124.7, "house", 2, 0.0, "mp3", 44100, True),
)
_MELODIC_LOOPS = (
    # tonic, mode, bpm, voice, ending, rate, stereo
    (0, "major", 120.0, "pluck", "wav", 44100, False),
    (9, "minor", 100.0, "pluck", "wav", 44100, True),
    (6, "major", 90.5, "organ", "flac", 44100, False),
    (3, "minor", 128.0, "saw", "wav", 48000, False),
    (7, "major", 140.0, "pluck", "ogg", 44100, True),
    (11, "minor", 84.2, "organ", "wav", 44100, False),
    (2, "minor", 136.5, "pluck", "wav", 44100, False),
    (10, "major", 105.6, "saw", "flac", 48000, True),
    (1, "minor", 115.0, "pluck", "wav", 44100, False),
    (8, "major", 76.0, "pluck", "wav", 44100, False),
)
_HITS = ("kick", "kick", "snare", "snare", "clap", "hat_closed", "hat_open", "tom", "crash")
_SINGLE_NOTES = ((60, "pluck"), (69, "organ"), (40, "bass"), (79, "pluck"), (51, "saw"), (33, "bass"))
_TRACKS = (
    # tonic, mode, bpm, seconds, pattern, ending
    (9, "minor", 122.0, 48.0, "house", "ogg"),
    (2, "major", 98.0, 56.0, "rock", "flac"),
)


def demo() -> Iterator[Item]:
    """Plan the demonstration library: loops, one-shots, notes, a pad and two songs."""
    for k, (bpm, pattern, bars, swing, ending, sr, stereo) in enumerate(_DRUM_LOOPS):
        yield Item(
            path=f"drum_loops/beat_{k + 1:02}.{ending}",
            set="drum_loops",
            kind="loop",
            make=signals.drum_loop,
            arguments=(bpm,),
            options={"bars": bars, "pattern": pattern, "swing": swing, "seed": 100 + 10 * k},
            seconds=signals.loop_seconds(bpm, bars),
            bpm=bpm,
            sr=sr,
            stereo=stereo,
            notes=f"content=drums; beats={4 * bars}; exact=1",
        )
    for k, (tonic, mode, bpm, voice, ending, sr, stereo) in enumerate(_MELODIC_LOOPS):
        yield Item(
            path=f"melodic_loops/phrase_{k + 1:02}.{ending}",
            set="melodic_loops",
            kind="loop",
            make=signals.melodic_loop,
            arguments=(tonic, mode, bpm),
            options={"voice": voice, "seed": 300 + k},
            seconds=signals.loop_seconds(bpm, 4),
            bpm=bpm,
            tonic=tonic,
            mode=mode,
            sr=sr,
            stereo=stereo,
            notes="content=melodic; beats=16; exact=1; key_trust=A",
        )
    yield Item(
        path="pads/swell_01.wav",
        set="pads",
        kind="loop",
        make=signals.pad,
        arguments=(5, "major", 9.0),
        options={"seed": 500},
        seconds=9.0,
        tonic=5,
        mode="major",
        stereo=True,
        notes="content=pad-beatless; key_trust=A",
    )
    for k, name in enumerate(_HITS):
        seconds = {"hat_closed": 0.08, "kick": 0.4, "crash": 2.0, "tom": 0.5}.get(name, 0.3)
        yield Item(
            path=f"drums/hit_{k + 1:02}.wav",
            set="drums",
            kind="one_shot",
            make=signals.DRUMS[name],
            arguments=(seconds,),
            options={"seed": 700 + k},
            seconds=seconds,
            notes=f"class={name}",
        )
    for k, (midi, voice) in enumerate(_SINGLE_NOTES):
        yield Item(
            path=f"notes/note_{k + 1:02}.wav",
            set="notes",
            kind="one_shot",
            make=signals.note,
            arguments=(midi, 1.2),
            options={"voice": voice, "seed": 900 + k},
            seconds=1.2,
            tonic=midi % 12,
            notes=f"midi={midi}",
        )
    for k, (tonic, mode, bpm, seconds, pattern, ending) in enumerate(_TRACKS):
        yield Item(
            path=f"songs/song_{k + 1:02}.{ending}",
            set="songs",
            kind="track",
            make=signals.track,
            arguments=(tonic, mode, bpm, seconds),
            options={"pattern": pattern, "seed": 1100 + k},
            seconds=seconds,
            bpm=bpm,
            tonic=tonic,
            mode=mode,
            stereo=True,
            notes="key_trust=A",
        )


def oneshots(count: int) -> Iterator[Item]:
    """Plan drum hits and notes of 0.3 to 1 s, no two alike."""
    rng = np.random.default_rng(2000)
    drums = tuple(signals.DRUMS)
    for k in range(count):
        seconds = round(float(rng.uniform(0.3, 1.0)), 3)
        common = {"set": "oneshots", "kind": "one_shot", "seconds": seconds}
        path = f"{k // 500:02}/shot_{k:05}.wav"
        if k % 3 < 2:
            name = drums[k % len(drums)]
            yield Item(
                path=path,
                make=signals.DRUMS[name],
                arguments=(seconds,),
                options={"seed": k},
                notes=f"class={name}",
                **common,
            )
        else:
            midi = 36 + k % 48
            yield Item(
                path=path,
                make=signals.note,
                arguments=(midi, seconds),
                options={"seed": k},
                tonic=midi % 12,
                notes=f"midi={midi}",
                **common,
            )


def tracks(count: int, seconds: float) -> Iterator[Item]:
    """Plan songs in WAV, FLAC, MP3 and OGG by turns."""
    patterns = [name for name in signals.PATTERNS if name != "waltz"]
    for k in range(count):
        ending = tuple(_SUBTYPES)[k % 4]
        tonic, mode, bpm = k % 12, ("major", "minor")[k % 2], 70.0 + (k * 37 % 110)
        yield Item(
            path=f"track_{k:04}.{ending}",
            set="tracks",
            kind="track",
            make=signals.track,
            arguments=(tonic, mode, bpm, seconds),
            options={"pattern": patterns[k % len(patterns)], "seed": 5000 + k},
            seconds=seconds,
            bpm=bpm,
            tonic=tonic,
            mode=mode,
            stereo=True,
        )


def _write_item(root: Path, item: Item) -> None:
    y = item.make(*item.arguments, **item.options, sr=item.sr)
    if item.stereo:
        y = signals.widen(y)
    path = root / item.path
    path.parent.mkdir(parents=True, exist_ok=True)
    ending = path.suffix[1:]
    with sf.SoundFile(
        path,
        "w",
        samplerate=item.sr,
        channels=1 + item.stereo,
        format=ending.upper(),
        subtype=_SUBTYPES[ending],
    ) as sound:
        for first in range(0, len(y), _BLOCK):
            sound.write(y[first : first + _BLOCK])


def write(folder: Path, items: list[Item]) -> bool:
    """Write a library; false where it is already there.

    The files are written beside ``folder``, which is put in place in one step at the end.
    """
    text = io.StringIO()
    lines = csv.DictWriter(text, COLUMNS, lineterminator="\n")
    lines.writeheader()
    lines.writerows(item.row() for item in items)
    if folder.exists() and any(folder.iterdir()):
        manifest = folder / MANIFEST
        if manifest.is_file() and manifest.read_text() == text.getvalue():
            return False
        raise SystemExit(f"{folder} holds something else; remove it or name another folder")
    folder.parent.mkdir(parents=True, exist_ok=True)
    partial = Path(tempfile.mkdtemp(prefix=f".{folder.name}.", dir=folder.parent))
    try:
        workers = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        if len(items) < 200 or workers == 1:
            for item in items:
                _write_item(partial, item)
        else:
            with ProcessPoolExecutor(workers) as pool:
                list(pool.map(_write_item, [partial] * len(items), items, chunksize=32))
        (partial / MANIFEST).write_text(text.getvalue())
        partial.chmod(0o755)
        partial.replace(folder)  # over an empty folder too
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise
    return True


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.library", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("demo", "oneshots", "tracks"):
        command = commands.add_parser(name)
        command.add_argument("folder", type=Path)
        if name != "demo":
            command.add_argument("--count", type=int, default=2000 if name == "oneshots" else 40)
        if name == "tracks":
            command.add_argument("--seconds", type=float, default=60.0)
    chosen = parser.parse_args(arguments)
    if chosen.command == "demo":
        items = list(demo())
    elif chosen.command == "oneshots":
        items = list(oneshots(chosen.count))
    else:
        items = list(tracks(chosen.count, chosen.seconds))
    written = write(chosen.folder, items)
    print(f"{chosen.folder}: {len(items)} files {'written' if written else 'already there'}", file=sys.stderr)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
