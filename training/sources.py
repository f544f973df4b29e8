"""Recorded sounds whose class, and whose pitch where they have one, their folders and names tell.

`python -m training.sources CORPUS FOLDER` reads the sources of `SOURCES` below CORPUS (one folder each, as their
repositories and packages have them) and writes `FOLDER/<source>.npy` and `.json`, as `training.oneshots` does. What is
held out is held out by whole source.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
import soxr

from training import labels, oneshots, programs
from training.oneshots import F32, Rng, Sound

SR = 22050
_LONGEST_SECONDS, _LONGEST_READ_SECONDS = 32.0, 120.0
PROGRAM = -10
"""Number of all recordings where `training.oneshots` has that of a program."""


@dataclass(frozen=True)
class Source:
    """A collection of recordings."""

    name: str
    licence: str
    origin: str
    pattern: str
    label: labels.Label
    most: int = 400
    """Files that are taken at most."""
    cuts: int = 1
    """Stretches that are taken of each ambience, 1 to 30 s long."""
    measured_only: bool = False
    """Nothing is learned from it: only what is public domain, CC0 or CC BY may be learned from."""


_FREEPATS, _GITHUB = "freepats.zenvoid.org, github.com/freepats", "github.com/"
_CHOIR = "as tonejs-instruments has it, " + _GITHUB + "smilster/Choir.js"
_MCK = _GITHUB + "MckAudio/MckSamplePacks"
_DRUMLABOOH, _SPECTMORPH = _GITHUB + "psemiletov/drum_sklad", _GITHUB + "swesterfeld/spectmorph-instruments"
SOURCES = (
    Source(
        "opendrums",
        "public domain",
        "Real Music Media, github.com/crabacus/the-open-source-drumkit",
        "open-source-drumkit/**/*.wav",
        labels.folders(labels.KIT),
    ),
    Source(
        "muldjord", "CC BY 4.0", _FREEPATS, "muldjord/samples/**/*.flac", labels.folders(labels.KIT), measured_only=True
    ),
    Source("billie", "CC0", _GITHUB + "EwonRael/BillieDrum", "billie/**/*.wav", labels.folders(labels.BILLIE)),
    Source("hands", "CC0", _FREEPATS, "world-percussion/samples/**/*.*", labels.folders(labels.HANDS)),
    Source("upright", "CC0", _FREEPATS, "upright-kw/samples/*.flac", labels.noted("piano")),
    Source("oldpiano", "CC0", _FREEPATS, "old-piano/samples/**/*.flac", labels.noted("piano")),
    Source("spanish", "CC0", _FREEPATS, "spanish-guitar/samples/*.flac", labels.noted("guitar")),
    Source("electric", "CC0", _FREEPATS, "guitar-fsbs/samples/*.flac", labels.noted("guitar")),
    Source(
        "bassyr",
        "CC0",
        _FREEPATS,
        "bass-yr/samples/**/*.flac",
        lambda p: ("bass", 28.0 + labels.BASS_NOTES.index(p.stem)),
    ),
    Source(
        "effects",
        "CC0, CC BY",
        _GITHUB + "Fris0uman/CDDA-Soundpacks",
        "cc-sounds/**/*.ogg",
        labels.folders(labels.EFFECTS),
        cuts=6,
    ),
    Source(
        "beds",
        "CC0, CC BY, public domain",
        _GITHUB + "rafaelmardojai/blanket",
        "blanket/**/*.ogg",
        labels.fixed("ambience"),
        cuts=16,
    ),
    Source(
        "words",
        "CC BY 4.0",
        "Speech Commands 0.02, test files, " + _GITHUB + "thegtagamer/PICO-tinyML-benchmark",
        "speech-commands/*/*.wav",
        labels.fixed("voice"),
        300,
    ),
    Source(
        "readers",
        "CC BY 4.0",
        "LibriSpeech, 20 readers, " + _GITHUB + "felixbastian/Speaker_partition_module",
        "librispeech/**/*.wav",
        labels.fixed("voice"),
        120,
    ),
    Source(
        "reader",
        "public domain",
        "LJ Speech, a part, " + _GITHUB + "PhilippMatthes/dc_tts",
        "ljspeech/wavs/*.wav",
        labels.fixed("voice"),
    ),
    Source(
        "digits",
        "CC BY-SA 4.0",
        _GITHUB + "Jakobovski/free-spoken-digit-dataset",
        "fsdd/recordings/*.wav",
        labels.fixed("voice"),
        300,
        measured_only=True,
    ),
    Source(
        "prompts",
        "CC BY-SA 3.0",
        "Debian: asterisk-core-sounds-*",
        "asterisk/**/*.g722",
        labels.fixed("voice"),
        400,
        measured_only=True,
    ),
    Source(
        "rooms",
        "CC0, Pixabay",
        _GITHUB + "remvze/moodist",
        "moodist/**/*.mp3",
        labels.folders(labels.BEDS),
        cuts=3,
        measured_only=True,
    ),
    Source(
        "distorted", "CC0", _FREEPATS, "guitar-dist1/samples/bridge/*.flac", labels.noted("guitar"), measured_only=True
    ),
    Source(
        "steel",
        "CC BY 3.0",
        "allan764, freesound.org, " + _GITHUB + "CalebSutherland/MyTuner",
        "steel-guitar/*.mp3",
        labels.unnoted("guitar"),
        measured_only=True,
    ),
    Source(
        "orchestra",
        "CC0",
        "VSCO 2 Community Edition, " + _CHOIR,
        "orchestra/*/*.mp3",
        labels.folders(labels.ORCHESTRA),
        measured_only=True,
    ),
    Source("cello", "CC BY 3.0", "flcellogrl, " + _CHOIR, "cello/*.mp3", labels.noted("strings"), measured_only=True),
    Source(
        "nylon", "CC BY 3.0", "quartertone, " + _CHOIR, "guitar-nylon/*.mp3", labels.noted("guitar"), measured_only=True
    ),
    Source(
        "acoustic",
        "free",
        "University of Iowa, " + _CHOIR,
        "guitar-acoustic/*.mp3",
        labels.noted("guitar"),
        measured_only=True,
    ),
    Source(
        "harmonium",
        "CC BY 3.0",
        "donyaquick, " + _CHOIR,
        "harmonium/*.mp3",
        labels.unnoted("organ"),
        measured_only=True,
    ),
    Source(
        "synthesizer",
        "unknown",
        "drums of a Korg MS-20, " + _GITHUB + "MidiSlave/ms20-drum-samples",
        "ms20/*/*.wav",
        labels.folders(labels.SYNTHESIZER),
        measured_only=True,
    ),
    Source(
        "things",
        "CC0, CC BY",
        "animals, machines, weapons, weather, " + _GITHUB + "AntumMT/mod-sounds",
        "mod-sounds/sounds/*.ogg",
        labels.folders(labels.THINGS),
    ),
    Source(
        "analog",
        "public domain",
        "rhythm boxes and synthesizers, " + _DRUMLABOOH,
        "drum-sklad/**/*.wav",
        labels.within(labels.ANALOG_MACHINES, labels.MACHINE),
        200,
    ),
    Source(
        "digital",
        "public domain",
        "drum machines with sounds in ROM, " + _DRUMLABOOH,
        "drum-sklad/**/*.wav",
        labels.within(labels.DIGITAL_MACHINES, labels.MACHINE),
    ),
    Source(
        "acoustic-kits",
        "public domain, CC0, CC BY 4.0",
        "G. Amphoux, P. D'Emilio, bigjoedrummer, shpira, mathan24, " + _DRUMLABOOH,
        "drum-sklad/**/*.*",
        labels.within(labels.ACOUSTIC_KITS, labels.ACOUSTIC),
    ),
    Source(
        "studio-kit",
        "CC BY",
        "Pearl Master Studio by enoe, " + _GITHUB + "oramics/sampled",
        "sampled/DRUMS/pearl-master-studio/**/*.wav",
        labels.folders(labels.STUDIO),
    ),
    Source(
        "rhythm-king",
        "public domain",
        "Maestro Rhythm King MRK-2, " + _GITHUB + "oramics/sampled",
        "sampled/DM/MRK-2/**/*.wav",
        labels.folders(labels.RHYTHM_KING),
    ),
    Source(
        "single-drums",
        "CC0",
        "freesound.org, the README.md names the authors, " + _GITHUB + "kathmo/js30",
        "js30/**/*.ogg",
        labels.folders(labels.SINGLE_DRUMS),
    ),
    Source(
        "iowa",
        "public domain",
        "University of Iowa, " + _SPECTMORPH,
        "spectmorph/*/*.flac",
        labels.played(labels.IOWA),
        900,
    ),
    Source(
        "iowa-stereo",
        "public domain",
        "University of Iowa, " + _GITHUB + "sinasab/ML_Project",
        "iowa-stereo/data/*/*.aif",
        labels.played(labels.IOWA),
    ),
    Source("vowels", "CC0", _SPECTMORPH, "spectmorph/*/*.flac", labels.played(labels.VOWELS)),
    Source(
        "freesound",
        "CC0, CC BY",
        "FSDKaggle2018, a part, " + _GITHUB + "seth814/Audio-Classification",
        "fsd/wavfiles/*/*.wav",
        labels.folders(labels.FREESOUND),
    ),
    Source(
        "fm-piano",
        "CC0",
        _FREEPATS,
        "fm-piano?/samples/*.flac",
        labels.noted("piano"),
        measured_only=True,
    ),
    Source(
        "workstation",
        "unknown",
        "drums of an Ensoniq ASR-X Pro, " + _DRUMLABOOH,
        "drum-sklad/**/ASR-X Pro/*.wav",
        labels.within(("ASR-X Pro",), labels.WORKSTATION),
        measured_only=True,
    ),
    Source(
        "house",
        "unknown",
        "Choosy, sampleswap.org, " + _DRUMLABOOH,
        "drum-sklad/**/Choosy House Kit/*.wav",
        labels.within(("Choosy House Kit",), labels.HOUSE),
        measured_only=True,
    ),
    Source(
        "tamtam",
        "GPL",
        "drums and notes of TamTam, " + _GITHUB + "sugarlabs/tamtam",
        "tamtam/**/Sounds/*",
        labels.folders(labels.TAMTAM),
        measured_only=True,
    ),
    Source(
        "nsynth",
        "CC BY 4.0",
        "NSynth, a part, " + _GITHUB + "erl-j/audio-latent-space-cartography-demo",
        "nsynth/**/*.wav",
        labels.within(("audio",), labels.SYNTHESIZED_NOTES),
        measured_only=True,
    ),
    Source(
        "outside",
        "CC BY 3.0",
        "ESC-10, a part, " + _GITHUB + "caitlinnguyen0/ESC-50",
        "esc-50/audio/*.wav",
        lambda p: (labels.ESC_10.get(labels.esc_class(p), ""), programs.UNKNOWN),
    ),
    Source(
        "everyday",
        "CC BY-NC 3.0",
        "ESC-50 without ESC-10, a part, " + _GITHUB + "caitlinnguyen0/ESC-50",
        "esc-50/audio/*.wav",
        lambda p: ("" if labels.esc_class(p) in labels.ESC_10 else "fx", programs.UNKNOWN),
        measured_only=True,
    ),
    Source(
        "clonk",
        "CC BY 3.0, CC0",
        "animals, tools, doors, weapons, exclamations, " + _GITHUB + "openclonk/openclonk",
        "openclonk/**/*.[ow][ga][gv]",
        labels.folders(labels.CLONK),
    ),
    Source(
        "steinhoff",
        "CC0",
        "TEDAgame, freesound.org, " + _GITHUB + "taryn-c/dshop-light-up-piano",
        "steinhoff/Hardware/logic-board/piano/*.ogg",
        labels.keyed("piano"),
        measured_only=True,
    ),
    Source(
        "plucked-and-struck",
        "CC0, CC BY",
        "tarane468, pjcohen, cabled_mess, atonia, Kyster, freesound.org, " + _GITHUB + "autotel/forbidden-music",
        "forbidden-music/public/**/*.wav",
        labels.in_hertz(labels.PLUCKED_AND_STRUCK),
        measured_only=True,
    ),
    Source(
        "produced",
        "CC0",
        "one-shots by those who make beats, " + _GITHUB + "TheSmallTeaBoi/the-libre-sample-pack",
        "the-libre-sample-pack/**/*.*",
        labels.folders(labels.PRODUCED),
    ),
    Source(
        "hardware",
        "CC0",
        "a TR-8, a DR-5 and an RD-6, " + _MCK,
        "mck/**/*.wav",
        labels.folders(labels.HARDWARE),
    ),
    Source(
        "stargate",
        "CC0",
        "synthesized kits and freesound.org, " + _GITHUB + "stargatedaw/stargate-sample-pack",
        "stargate/**/*.[aw][ia][fv]*",
        labels.folders(labels.STARGATE),
    ),
    Source(
        "mercury",
        "CC0, CC BY",
        "freesound.org, media/README.md names the authors, " + _GITHUB + "tmhglnd/mercury",
        "mercury/**/*.wav",
        labels.folders(labels.MERCURY),
    ),
    Source(
        "cadence",
        "CC0",
        "freesound.org, sounds/README.md names the authors, " + _GITHUB + "emilykl/cadence",
        "cadence/**/*.wav",
        labels.within(("sounds",), labels.CADENCE),
    ),
    Source(
        "percusion",
        "CC0, CC BY",
        "freesound.org, attribution.json names the authors, " + _GITHUB + "agustempo/percusion",
        "percusion/**/*.mp3",
        labels.within(("samples",), labels.PERCUSION),
    ),
    Source(
        "repique",
        "CC0, CC BY 3.0",
        "freesound.org, CREDITS.md names the authors, " + _GITHUB + "damiancolo/repique-code",
        "repique/**/*.mp3",
        labels.folders(labels.REPIQUE),
    ),
    Source(
        "rx5",
        "CC0",
        "an RX5, " + _MCK,
        "mck/RX5/**/*.wav",
        labels.folders(labels.MACHINES),
        measured_only=True,
    ),
    Source(
        "tr-707",
        "CC0",
        "what a TR-8 has of a TR-707 and a TR-727, " + _MCK,
        "mck/TR8/**/*_7[02]7_*.wav",
        labels.folders(labels.MACHINES),
        measured_only=True,
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
