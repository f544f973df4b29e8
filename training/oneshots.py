"""Single sounds whose pitch and class are known: notes and hits of soundfonts and of a collection, and synthesized.

`python -m training.oneshots FOLDER [COLLECTION]` renders all of it, a quarter of an hour on one core, into
`FOLDER/<font>.npy` (the samples, one after another) and `FOLDER/<font>.json` (first sample, length and truth of each).
COLLECTION is the folder ``sound`` of github.com/surikov/webaudiofontdata, soundfonts taken apart.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from training import (
    beds,
    collection,
    cutting,
    drums,
    effects,
    machines,
    membranes,
    organs,
    programs,
    songs,
    soundfonts,
    sounds,
    voices,
)

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator
Sound = tuple[F32, dict[str, Any]]

SR = 22050
_NOTES_A_PROGRAM, _DRUMS_A_CLASS, _SYNTHESIZED, _CHORDS, _BEDS = 9, 360, 900, 60, 300
_MACHINES_A_CLASS, _ORGANS, _MEMBRANES_A_CLASS = 300, 500, 400
FOLDS = (
    (
        "fluid", "musescore", "JCLive", "Chaos", "SBLive", "opendrums", "billie", "upright", "spanish", "words", "beds",
        "digital", "rhythm-king", "iowa", "iowa-stereo", "produced",
    ),
    (
        "csound", "timgm", "SoundBlasterOld", "hands", "oldpiano", "bassyr", "readers", "outside",
        "acoustic-kits", "vowels", "hardware",
    ),
    (
        "merlin", "opl3", "pearl", "zeppelin", "GeneralUserGS", "Aspirin", "electric", "effects", "reader", "things",
        "clonk", "analog", "studio-kit", "single-drums", "freesound", "stargate", "mercury", "cadence", "percusion",
        "repique",
    ),
)  # fmt: skip
"""Soundfonts and recorded sources (`training.sources`) that are held out together: soundfonts of one fold share
recordings."""
_ORCHESTRAL, _EFFECT_KITS = 48, 50
# Names of `sounds.DRUMS` for those of `drums.DRUMS`.
_SAME = {"hat_closed": "hat", "hat_open": "open", "perc": "conga"}


def _range(program: int) -> tuple[int, int]:
    return (24, 60) if programs.name(program) == "bass" else (30, 97)


def _notes(rng: Rng) -> Iterator[tuple[soundfonts.Clip, dict[str, Any]]]:
    for program in range(128):
        low, high = _range(program)
        for k in range(_NOTES_A_PROGRAM):
            width = (high - low) / _NOTES_A_PROGRAM
            midi = low + int((k + rng.random()) * width)
            seconds, cents = float(rng.uniform(0.2, 2.2)), float(rng.uniform(-40.0, 40.0)) * (rng.random() < 0.3)
            note = (0.0, seconds, midi, int(rng.integers(50, 127)), 0)
            pitch = programs.pitch(program, midi + cents / 100.0)
            yield (
                soundfonts.Clip([note], {0: program}, seconds, cents),
                {"midi": pitch, "name": programs.name(program), "program": program},
            )
    for _ in range(_CHORDS):
        root, seconds = int(rng.integers(40, 70)), float(rng.uniform(0.4, 2.0))
        tones = [(0, 3, 7), (0, 4, 7), (0, 4, 7, 11), (0, 3, 7, 10), (0, 5, 7), (0, 7), (0, 4), (0, 3)][rng.integers(8)]
        program = int(rng.choice([0, 4, 16, 24, 27, 48, 61, 81, 89]))
        notes = [(0.0, seconds, root + t, 90, 0) for t in tones]
        yield (
            soundfonts.Clip(notes, {0: program}, seconds),
            {"midi": None, "name": programs.name(program), "program": program},
        )


def _hits(rng: Rng, font: str) -> Iterator[tuple[soundfonts.Clip, dict[str, Any]]]:
    whole_kits = [kit for kit in soundfonts.kits(font) if kit != _ORCHESTRAL and kit < _EFFECT_KITS]
    for kit in whole_kits or [0]:
        channel = soundfonts.DRUM_CHANNEL if whole_kits else 0
        for midi, name in drums.GENERAL_MIDI.items():
            for low, high in ((45, 90), (95, 127)):
                note = (0.0, 0.25, midi, int(rng.integers(low, high)), channel)
                yield soundfonts.Clip([note], {channel: kit}, 3.0), {"midi": None, "name": name, "program": 128 + kit}


def rendered(rng: Rng, font: str) -> Iterator[Sound]:
    """Play every program and drum of a soundfont."""
    plan = [*_hits(rng, font)]
    if font not in {"pearl", "zeppelin"}:
        plan += _notes(rng)
    sounds = soundfonts.render([clip for clip, _ in plan], font, tail=0.5, reverb=False)
    for sound, (_, truth) in zip(sounds, plan, strict=True):
        y = cutting.trim(sound, rng)
        if y is not None:
            yield y, truth | {"font": font}


def synthesized(rng: Rng) -> Iterator[Sound]:
    """Synthesize drums of every class, notes of random patches, voices and effects."""
    for name in drums.DRUMS:
        for k in range(_DRUMS_A_CLASS):
            y = drums.draw(rng, name) if k % 2 else np.asarray(sounds.DRUMS[_SAME.get(name, name)](rng), np.float32)
            trimmed = cutting.trim(y, rng)
            if trimmed is not None:
                yield trimmed, {"midi": None, "name": name, "font": "synth", "program": -2}
    for _ in range(_SYNTHESIZED):
        midi = float(rng.uniform(24.0, 100.0))
        sound = songs.play(
            songs.draw_voice(rng, pad=rng.random() < 0.2),
            440.0 * 2.0 ** ((midi - 69.0) / 12.0),
            float(rng.uniform(0.2, 1.8)),
        )
        y = cutting.trim((sound / np.abs(sound).max()).astype(np.float32), rng)
        if y is not None:
            yield y, {"midi": midi, "name": "bass" if midi < 45.0 else "synth", "font": "synth", "program": -3}
    for _ in range(350):
        y, midi = voices.sing(rng)
        yield y, {"midi": midi, "name": "vocal", "font": "synth", "program": -4}
    for _ in range(350):
        yield effects.draw(rng), {"midi": None, "name": "fx", "font": "synth", "program": -5}


def noises(rng: Rng) -> Iterator[Sound]:
    """Synthesize beds of noise."""
    for _ in range(_BEDS):
        yield beds.draw(rng), {"midi": None, "name": "ambience", "font": "synth", "program": -6}


def circuits(rng: Rng) -> Iterator[Sound]:
    """Synthesize drums of every class as machines make them."""
    for name in machines.DRUMS:
        for _ in range(_MACHINES_A_CLASS):
            y = cutting.trim(machines.draw(rng, name), rng)
            if y is not None:
                yield y, {"midi": None, "name": name, "font": "synth", "program": -7}


def keyboards(rng: Rng) -> Iterator[Sound]:
    """Synthesize organs."""
    for _ in range(_ORGANS):
        y, midi = organs.draw(rng)
        yield y, {"midi": midi, "name": "organ", "font": "synth", "program": -8}


def skins(rng: Rng) -> Iterator[Sound]:
    """Synthesize toms and hand drums by the modes of their skins."""
    for name in membranes.NAMES:
        for _ in range(_MEMBRANES_A_CLASS):
            y = cutting.trim(membranes.draw(rng, name), rng)
            if y is not None:
                yield y, {"midi": programs.UNKNOWN, "name": name, "font": "synth", "program": -9}


def store(folder: Path, name: str, sounds: Iterator[Sound]) -> None:
    """Write sounds one after another as 16 bit samples, and where each begins and what it is."""
    parts: list[npt.NDArray[np.int16]] = []
    index: list[dict[str, Any]] = []
    first = 0
    for y, truth in sounds:
        parts.append(np.round(32767.0 * np.clip(y / np.abs(y).max(), -1.0, 1.0)).astype(np.int16))
        index.append({"first": first, "count": len(y), **truth})
        first += len(y)
    np.save(folder / f"{name}.npy", np.concatenate(parts))
    (folder / f"{name}.json").write_text(json.dumps(index))
    sys.stderr.write(f"{name}: {len(index)} sounds, {first / SR / 60:.0f} minutes\n")


def read_file(path: Path) -> Iterator[Sound]:
    """Read the sounds of one file of `store`, by the path of its index, scaled to a peak of 1."""
    samples = np.load(path.with_suffix(".npy"), mmap_mode="r")
    for truth in json.loads(path.read_text()):
        yield samples[truth["first"] : truth["first"] + truth["count"]].astype(np.float32) / 32767.0, truth


def read(folder: Path) -> Iterator[Sound]:
    """Read all sounds that `store` wrote, scaled to a peak of 1."""
    for path in sorted(folder.glob("*.json")):
        yield from read_file(path)


def make(folder: Path, folder_of_collection: Path | None) -> None:
    """Make all material that is not there yet."""
    jobs: dict[str, Any] = {
        font: lambda rng, font=font: rendered(rng, font) for font in soundfonts.FONTS | soundfonts.MORE_FONTS
    }
    jobs["synthesized"] = synthesized
    jobs["noises"] = noises
    if folder_of_collection is not None:
        jobs["collected"] = lambda rng: collection.sounds(rng, folder_of_collection)
    jobs |= {"circuits": circuits, "organs": keyboards, "membranes": skins}
    for number, (name, job) in enumerate(jobs.items()):
        if not (folder / f"{name}.json").exists():
            store(folder, name, job(np.random.default_rng(300 + number)))


if __name__ == "__main__":
    make(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
