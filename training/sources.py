"""Recorded sounds whose class, and whose pitch where they have one, their folders and names tell.

`python -m training.sources CORPUS FOLDER` reads the sources of `SOURCES` below CORPUS (one folder each, as their
repositories and packages have them) and writes `FOLDER/<source>.npy` and `.json`, as `training.oneshots` does. What is
held out is held out by whole source.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from training import oneshots, programs
from training.oneshots import F32, Rng, Sound

SR = 22050
_LONGEST_SECONDS, _LONGEST_READ_SECONDS = 32.0, 120.0
PROGRAM = -10
"""Number of all recordings where `training.oneshots` has that of a program."""
_SEMITONES = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_NOTE = re.compile(r"(?<![A-Za-z])([A-G])(#|s)?(-?\d)(?=v|_|$)")
Label = Callable[[Path], tuple[str | None, float | None] | None]
"""From a path below the source's folder to class and pitch (None: it has none; `programs.UNKNOWN`: not known)."""


@dataclass(frozen=True)
class Source:
    """A collection of recordings."""

    name: str
    licence: str
    origin: str
    pattern: str
    label: Label
    most: int = 400
    """Files that are taken at most."""
    cuts: int = 1
    """Stretches that are taken of each ambience, 1 to 30 s long."""
    measured_only: bool = False
    """Nothing is learned from it: only what is public domain, CC0 or CC BY may be learned from."""


def midi_of(stem: str) -> float | None:
    """Read the note in a file's name, as in ``cello_As3_1_forte`` or ``D#4vL`` (C4 is 60)."""
    found = _NOTE.search(stem)
    if found is None:
        return None
    letter, sharp, octave = found.groups()
    return float(12 * (int(octave) + 1) + _SEMITONES[letter] + (sharp is not None))


def _noted(name: str) -> Label:
    return lambda path: (name, midi_of(path.stem)) if midi_of(path.stem) is not None else None


def _fixed(name: str) -> Label:
    return lambda _: (name, None)


def _unnoted(name: str) -> Label:
    """Of notes whose names are not those of their pitch, or are read in another way."""
    return lambda _: (name, programs.UNKNOWN)


def _esc_class(path: Path) -> int:
    """Read the class in the name of a clip of ESC-50, its last number."""
    return int(path.stem.rsplit("-", 1)[1])


def _folders(classes: dict[str, str]) -> Label:
    """Go by the first of the words that is in the path."""

    def label(path: Path) -> tuple[str | None, float | None] | None:
        where = path.as_posix().lower()
        for word, name in classes.items():
            if word in where:
                return (name, programs.UNKNOWN) if name else None
        return None

    return label


_KIT = {
    "sidestick": "rim", "rimshot": "", "snare-bottom-off": "", "snare-top-off": "", "snarerest": "", "snare": "snare",
    "kick": "kick", "kdrum": "kick", "tom": "tom", "crash-bell": "", "crash": "crash", "china": "crash", "ride": "ride",
    "half-open": "hat_open", "half-closed": "", "hihatopen": "hat_open", "hihat open": "hat_open",
    "hihat": "hat_closed", "gong": "",
}  # fmt: skip
_BILLIE = {
    "side stick": "rim", "cowbell": "cowbell", "clap": "clap", "cabassa": "shaker", "shaker": "shaker", "bongo": "perc",
    "conga": "perc", **_KIT,
}  # fmt: skip
_HANDS = {
    "handclap": "clap", "maracas": "shaker", "eggshaker": "shaker", "tambourine": "shaker", "bongos": "perc",
    "conga": "perc", "cajon": "perc", "castanets": "perc", "darbuka": "perc", "claves": "perc",
}  # fmt: skip
_EFFECTS = {
    "curtain": "", "weather": "ambience", "indoors": "ambience", "humming": "ambience",
    "underground": "ambience", "engine_working": "ambience", "static": "ambience", "chatter": "voice",
    "speech": "voice", "hurt": "voice", "mon_death": "", "mon_bite": "", "geiger": "",
    "music": "", "clean_up": "", "": "fx",
}  # fmt: skip
_BEDS = {"silence": "", "binaural": "", "morse": "", "alarm": "", "bowl": "", "chimes": "", "": "ambience"}
# What has another licence than CC0 or CC BY, and what is music.
_THINGS = {
    **dict.fromkeys(("node_", "duck_quack_01", "ghost", "giraffe", "lava_cool", "loon", "robot_01", "toucan"), ""),
    **dict.fromkeys(("trumpeter_swan", "mermaid_song", "piano", "church_bells"), ""),
    **dict.fromkeys(("cicada", "rain_", "/sounds_wind", "ambience", "motor", "seagulls"), "ambience"),
    "laugh_evil": "voice", "": "fx",
}  # fmt: skip
_ESC_10 = {
    **dict.fromkeys((0, 1, 21, 38), "fx"),  # a dog, a rooster, sneezes, a clock
    **dict.fromkeys((10, 11, 12, 40, 41), "ambience"),  # rain, waves, fire, a helicopter, a chainsaw
    20: "voice",  # a baby
}
# What is music, and what is no recording.
_CLONK = {
    **dict.fromkeys(("fanfare", "trumpet", "ui.ocg", "singing", "teleport", "diamond", "icehit", "pickaxe"), ""),
    **dict.fromkeys(("waterfall", "birdsloop", "windloop", "stereorain", "boiling", "fire.ogg", "furnace"), "ambience"),
    "skin.ocg": "voice",
    "": "fx",
}
_BASS_NOTES = ["E", "F", "F#", "G", "G#", "A", "A#", "B", "C", "C#", "D", "D#", "E2"]
_ORCHESTRA = {
    "violin": "strings", "contrabass": "strings", "flute": "flute", "horn": "brass", "trombone": "brass",
    "trumpet": "brass", "tuba": "brass", "bassoon": "other", "clarinet": "other", "harp": "other",
    "xylophone": "other", "organ": "organ", "piano": "piano",
}  # fmt: skip
_SYNTHESIZER = {"kicks": "kick", "snares": "snare", "toms": "tom", "cymbals/op_": "hat_open", "cymbals/ride": "ride"}
_FREEPATS, _GITHUB = "freepats.zenvoid.org, github.com/freepats", "github.com/"
_CHOIR = "as tonejs-instruments has it, " + _GITHUB + "smilster/Choir.js"
SOURCES = (
    Source(
        "opendrums",
        "public domain",
        "Real Music Media, github.com/crabacus/the-open-source-drumkit",
        "open-source-drumkit/**/*.wav",
        _folders(_KIT),
    ),
    Source("muldjord", "CC BY 4.0", _FREEPATS, "muldjord/samples/**/*.flac", _folders(_KIT), measured_only=True),
    Source("billie", "CC0", _GITHUB + "EwonRael/BillieDrum", "billie/**/*.wav", _folders(_BILLIE)),
    Source("hands", "CC0", _FREEPATS, "world-percussion/samples/**/*.*", _folders(_HANDS)),
    Source("upright", "CC0", _FREEPATS, "upright-kw/samples/*.flac", _noted("piano")),
    Source("oldpiano", "CC0", _FREEPATS, "old-piano/samples/**/*.flac", _noted("piano")),
    Source("spanish", "CC0", _FREEPATS, "spanish-guitar/samples/*.flac", _noted("guitar")),
    Source("electric", "CC0", _FREEPATS, "guitar-fsbs/samples/*.flac", _noted("guitar")),
    Source(
        "bassyr",
        "CC0",
        _FREEPATS,
        "bass-yr/samples/**/*.flac",
        lambda p: ("bass", 28.0 + _BASS_NOTES.index(p.stem)),
    ),
    Source(
        "effects",
        "CC0, CC BY",
        _GITHUB + "Fris0uman/CDDA-Soundpacks",
        "cc-sounds/**/*.ogg",
        _folders(_EFFECTS),
        cuts=6,
    ),
    Source(
        "beds",
        "CC0, CC BY, public domain",
        _GITHUB + "rafaelmardojai/blanket",
        "blanket/**/*.ogg",
        _fixed("ambience"),
        cuts=16,
    ),
    Source(
        "words",
        "CC BY 4.0",
        "Speech Commands 0.02, test files, " + _GITHUB + "thegtagamer/PICO-tinyML-benchmark",
        "speech-commands/*/*.wav",
        _fixed("voice"),
        300,
    ),
    Source(
        "readers",
        "CC BY 4.0",
        "LibriSpeech, 20 readers, " + _GITHUB + "felixbastian/Speaker_partition_module",
        "librispeech/**/*.wav",
        _fixed("voice"),
        120,
    ),
    Source(
        "reader",
        "public domain",
        "LJ Speech, a part, " + _GITHUB + "PhilippMatthes/dc_tts",
        "ljspeech/wavs/*.wav",
        _fixed("voice"),
    ),
    Source(
        "digits",
        "CC BY-SA 4.0",
        _GITHUB + "Jakobovski/free-spoken-digit-dataset",
        "fsdd/recordings/*.wav",
        _fixed("voice"),
        300,
        measured_only=True,
    ),
    Source(
        "prompts",
        "CC BY-SA 3.0",
        "Debian: asterisk-core-sounds-*",
        "asterisk/**/*.g722",
        _fixed("voice"),
        400,
        measured_only=True,
    ),
    Source(
        "rooms",
        "CC0, Pixabay",
        _GITHUB + "remvze/moodist",
        "moodist/**/*.mp3",
        _folders(_BEDS),
        cuts=3,
        measured_only=True,
    ),
    Source("distorted", "CC0", _FREEPATS, "guitar-dist1/samples/bridge/*.flac", _noted("guitar"), measured_only=True),
    Source(
        "steel",
        "CC BY 3.0",
        "allan764, freesound.org, " + _GITHUB + "CalebSutherland/MyTuner",
        "steel-guitar/*.mp3",
        _unnoted("guitar"),
        measured_only=True,
    ),
    Source(
        "orchestra",
        "CC0",
        "VSCO 2 Community Edition, " + _CHOIR,
        "orchestra/*/*.mp3",
        _folders(_ORCHESTRA),
        measured_only=True,
    ),
    Source("cello", "CC BY 3.0", "flcellogrl, " + _CHOIR, "cello/*.mp3", _noted("strings"), measured_only=True),
    Source("nylon", "CC BY 3.0", "quartertone, " + _CHOIR, "guitar-nylon/*.mp3", _noted("guitar"), measured_only=True),
    Source(
        "acoustic",
        "free",
        "University of Iowa, " + _CHOIR,
        "guitar-acoustic/*.mp3",
        _noted("guitar"),
        measured_only=True,
    ),
    Source(
        "harmonium",
        "CC BY 3.0",
        "donyaquick, " + _CHOIR,
        "harmonium/*.mp3",
        _unnoted("organ"),
        measured_only=True,
    ),
    Source(
        "synthesizer",
        "unknown",
        "drums of a Korg MS-20, " + _GITHUB + "MidiSlave/ms20-drum-samples",
        "ms20/*/*.wav",
        _folders(_SYNTHESIZER),
        measured_only=True,
    ),
    Source(
        "things",
        "CC0, CC BY",
        "animals, machines, weapons, weather, " + _GITHUB + "AntumMT/mod-sounds",
        "mod-sounds/sounds/*.ogg",
        _folders(_THINGS),
    ),
    Source(
        "outside",
        "CC BY 3.0",
        "ESC-10, a part, " + _GITHUB + "caitlinnguyen0/ESC-50",
        "esc-50/audio/*.wav",
        lambda p: (_ESC_10.get(_esc_class(p), ""), programs.UNKNOWN),
    ),
    Source(
        "everyday",
        "CC BY-NC 3.0",
        "ESC-50 without ESC-10, a part, " + _GITHUB + "caitlinnguyen0/ESC-50",
        "esc-50/audio/*.wav",
        lambda p: ("" if _esc_class(p) in _ESC_10 else "fx", programs.UNKNOWN),
        measured_only=True,
    ),
    Source(
        "clonk",
        "CC BY 3.0, CC0",
        "animals, tools, doors, weapons, exclamations, " + _GITHUB + "openclonk/openclonk",
        "openclonk/**/*.*",
        _folders(_CLONK),
    ),
)


def _decode(path: Path) -> F32:
    if path.suffix == ".g722":
        command = ["ffmpeg", "-v", "0", "-f", "g722", "-i", str(path), "-f", "f32le", "-ac", "1", "-ar", str(SR), "-"]
        return np.frombuffer(subprocess.run(command, capture_output=True, check=True).stdout, np.float32)  # noqa: S603
    try:
        with soundfile.SoundFile(path) as file:
            y = file.read(round(_LONGEST_READ_SECONDS * file.samplerate), dtype="float32", always_2d=True).mean(axis=1)
            return np.asarray(soxr.resample(y, file.samplerate, SR), np.float32)
    except soundfile.LibsndfileError:  # a few are empty or damaged
        return np.zeros(0, np.float32)


def _without_silence(y: F32) -> F32:
    loud = np.flatnonzero(np.abs(y) > 10.0 ** (-60.0 / 20.0) * np.abs(y).max(initial=0.0))
    return y[max(0, int(loud[0]) - 200) : int(loud[-1]) + 1] if len(loud) else y[:0]


def _stretches(rng: Rng, y: F32, count: int) -> Iterator[F32]:
    for _ in range(count):
        n = round(float(np.exp(rng.uniform(0.0, np.log(_LONGEST_SECONDS)))) * SR)
        first = int(rng.integers(0, max(1, len(y) - n)))
        yield y[first : first + n]


def sounds(rng: Rng, corpus: Path, source: Source) -> Iterator[Sound]:
    """Give the recordings of a source that have a class, scaled to a peak of 1."""
    paths = sorted(corpus.glob(source.pattern))
    labelled = [(p, found) for p in paths if (found := source.label(p.relative_to(corpus))) and found[0]]
    for path, (name, midi) in _drawn(rng, labelled, source.most):
        y = _without_silence(_decode(path))
        truth: dict[str, Any] = {"midi": midi, "name": name, "font": source.name, "program": PROGRAM}
        many = source.cuts if name == "ambience" else 1
        for part in _stretches(rng, y, many) if many > 1 else [y[: round(_LONGEST_SECONDS * SR)]]:
            if len(part) > 300 and np.abs(part).max() > 1e-3:
                yield (part / np.abs(part).max()).astype(np.float32), truth


def _drawn(rng: Rng, labelled: list[Any], most: int) -> list[Any]:
    """Draw what is taken, all classes alike, so that no class fills a source."""
    order: list[Any] = [labelled[k] for k in rng.permutation(len(labelled)).tolist()]
    groups: dict[str, list[Any]] = {}
    for entry in order:
        groups.setdefault(f"{entry[1][0]} {entry[0].parent.name}", []).append(entry)
    out: list[Any] = []
    for rank in range(max((len(g) for g in groups.values()), default=0)):
        out += [g[rank] for g in groups.values() if rank < len(g)]
    return out[:most]


def make(corpus: Path, folder: Path) -> None:
    """Read the sources that CORPUS has and FOLDER has not."""
    for number, source in enumerate(SOURCES):
        place = folder / "measured" if source.measured_only else folder
        place.mkdir(parents=True, exist_ok=True)
        there = next(corpus.glob(source.pattern), None) is not None
        if there and not (place / f"{source.name}.json").exists():
            oneshots.store(place, source.name, sounds(np.random.default_rng(500 + number), corpus, source))


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]))
