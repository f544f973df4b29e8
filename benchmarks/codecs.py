"""How often a sound gets the same answers after a lossy codec, or as a WAV of another form.

FOLDER holds labelled or any other sounds; those that are WAV or FLAC are drawn by chance, encoded by the command
`ffmpeg`, and analysed by their sound alone. Printed are, for each codec and each other form, the number of files whose
kind, tempo, key, pitch and instrument are those of the original, that number with the instrument left out, and how many
files differ in each answer; then the same for the MP3 and the Ogg Vorbis file of each sound. Tempi are the same within
0.1 %, so a loop that begins later has another one: its length is no longer whole beats.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np

from config.settings import Settings
from samplemind_worker.pipeline.engine import judge, measure
from samplemind_worker.pipeline.signals import limits, read_signal

_CODECS: Final = {
    "mp3, VBR": ("mp3", ("libmp3lame", "-q:a", "2")),
    "mp3, 128k": ("mp3", ("libmp3lame", "-b:a", "128k")),
    "mp3, no Xing": ("mp3", ("libmp3lame", "-q:a", "2", "-write_xing", "0")),
    "vorbis, q5": ("ogg", ("libvorbis", "-q:a", "5")),
    "vorbis, q3": ("ogg", ("libvorbis", "-q:a", "3")),
    "opus, 128k": ("opus", ("libopus", "-b:a", "128k")),
    "aac, 160k": ("m4a", ("aac", "-b:a", "160k")),
    "aac, raw": ("aac", ("aac", "-b:a", "160k")),
    "96 kHz": ("wav", ("pcm_s24le", "-ar", "96000")),
    "8 bits": ("wav", ("pcm_u8",)),
    "12 dB softer": ("wav", ("pcm_s24le", "-af", "volume=-12dB")),
    "3 ms later": ("wav", ("pcm_s24le", "-af", "adelay=3:all=1")),
    "0.5 s silence": ("wav", ("pcm_s24le", "-af", "apad=pad_dur=0.5")),
}
_PAIR: Final = ("mp3, 128k", "vorbis, q3")
_SAME_TEMPO: Final = 0.001
_COUNTED: Final = frozenset({"kind", "tempo", "key", "pitch", "instrument"})


def answers(path: Path) -> dict[str, Any]:
    """Return what is answered of a file by its sound alone."""
    with path.open("rb") as file:
        signal = read_signal(file, name=b"sound", file_id="0" * 64, limits=limits(Settings()))
    _, found = judge(measure(signal), stated_evidence=False)
    chord = found.chord
    return {
        "kind": found.kind,
        "tempo": found.tempo,
        "meter": found.time_signature,
        "key": (found.key, found.mode),
        "pitch": found.pitch_midi,
        "chord": None if chord is None else (chord.root, chord.quality),
        "instrument": found.instrument,
    }


def differing(one: Mapping[str, Any], other: Mapping[str, Any]) -> list[str]:
    return [name for name in one if not _is_same(one[name], other[name])]


def _is_same(one: Any, other: Any) -> bool:
    if isinstance(one, float) and isinstance(other, float):
        return abs(one / other - 1.0) <= _SAME_TEMPO
    return bool(one == other)


def encoded(source: Path, codec: str, folder: Path) -> Path:
    suffix, options = _CODECS[codec]
    target = folder / f"coded.{suffix}"
    command = ["ffmpeg", "-v", "error", "-y", "-i", str(source), "-vn", "-c:a", *options, str(target)]
    subprocess.run(command, check=True)
    return target


def main() -> int:
    """Measure."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, metavar="FOLDER")
    parser.add_argument("--count", type=int, default=50, help="sounds that are drawn")
    options = parser.parse_args()
    sources = sorted(path for path in options.folder.rglob("*") if path.suffix.lower() in {".wav", ".flac"})
    if shutil.which("ffmpeg") is None or not sources:
        print("needs the command ffmpeg, and a folder with WAV or FLAC files", file=sys.stderr)
        return 2
    drawn = np.random.default_rng(0).permutation(len(sources))[: options.count]
    sources = [sources[number] for number in drawn]
    same: Counter[str] = Counter()
    but_instrument: Counter[str] = Counter()
    changed: dict[str, Counter[str]] = {name: Counter() for name in (*_CODECS, "mp3 and vorbis")}
    with tempfile.TemporaryDirectory(prefix="samplemind-bench-") as folder:
        for source in sources:
            heard = {codec: answers(encoded(source, codec, Path(folder))) for codec in _CODECS}
            original = answers(source)
            pairs = {codec: (original, coded) for codec, coded in heard.items()}
            pairs["mp3 and vorbis"] = (heard[_PAIR[0]], heard[_PAIR[1]])
            for name, (one, other) in pairs.items():
                differences = differing(one, other)
                counted = _COUNTED.intersection(differences)
                same[name] += not counted
                but_instrument[name] += counted <= {"instrument"}
                changed[name].update(differences)
    for name, counts in changed.items():
        print(
            f"{name:15} {same[name]:4} of {len(sources)} the same, {but_instrument[name]} but for the instrument",
            dict(counts.most_common()) or "",
        )
    return 0


if __name__ == "__main__":
    sys.exit(main())
