"""Learns pitch and instrument of one-shots on single notes and hits whose pitch and class are known.

`python -m training.notes make FOLDER` renders and measures; `python -m training.notes fit FOLDER` reports scores on
held-out soundfonts and writes `samplemind_worker/dsp/models/pitch.npz` and `instrument.npz`.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from training import drums, measured, songs, soundfonts

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

_NOTES_A_PROGRAM, _KITS, _DRUMS_A_CLASS, _SYNTHESIZED, _CHORDS = 5, 6, 60, 350, 200
# Classes of General MIDI programs; those between two classes (sitar, harp, accordion) stay without one.
_FAMILIES = (
    ("piano", (*range(6),)), ("bell", (8, 9, 10, 11, 14, 112)), ("organ", (*range(16, 21),)),
    ("guitar", (*range(24, 31),)), ("bass", (*range(32, 40),)), ("strings", (*range(40, 46), *range(48, 52))),
    ("vocal", (52, 53, 54)), ("brass", (*range(56, 64),)), ("flute", (*range(72, 80),)),
    ("synth", (*range(80, 85), *range(86, 91), *range(92, 96))), ("tom", (117,)), ("perc", (115,)),
    ("fx", (55, *range(96, 104), 119, 120, *range(121, 128))),
)  # fmt: skip
_CLASS_OF = {program: name for name, programs in _FAMILIES for program in programs}
# Programs without a steady pitch, or sounding chords and intervals.
_UNPITCHED = {47, 55, 86, *range(96, 104), *range(112, 128)}


def _range(program: int) -> tuple[int, int]:
    return (28, 56) if _CLASS_OF.get(program) == "bass" else (34, 97)


def _trim(y: F32, rng: Rng) -> F32 | None:
    """Cut where it has fallen by 55 dB, as sample packs do, or anywhere later; None for silence."""
    peak = float(np.abs(y).max())
    if peak < 1e-3:
        return None
    last = int(np.flatnonzero(np.abs(y) > peak * 10 ** (-55 / 20))[-1]) + 1
    return y[: min(len(y), last + int(rng.integers(0, 4000)))]


def rendered(rng: Rng, font: str) -> list[measured.Measured]:
    """Play every program and drum of a soundfont."""
    clips: list[soundfonts.Clip] = []
    truths: list[dict[str, Any]] = []
    for program in range(128):
        low, high = _range(program)
        for k in range(_NOTES_A_PROGRAM):
            midi = int(
                rng.integers(
                    low + k * (high - low) // _NOTES_A_PROGRAM, low + (k + 1) * (high - low) // _NOTES_A_PROGRAM
                )
            )
            seconds, cents = float(rng.uniform(0.25, 1.6)), float(rng.uniform(-40.0, 40.0)) * (rng.random() < 0.5)
            clips.append(
                soundfonts.Clip([(0.0, seconds, midi, int(rng.integers(60, 127)), 0)], {0: program}, seconds, cents)
            )
            pitch = None if program in _UNPITCHED else midi + cents / 100.0
            truths.append({"midi": pitch, "name": _CLASS_OF.get(program), "font": font, "program": program})
    kits = [0, *rng.choice([8, 16, 24, 25, 32, 40, 48], _KITS - 1, replace=False).tolist()]
    for kit in kits:
        for midi, name in drums.GENERAL_MIDI.items():
            note = (0.0, 0.2, midi, int(rng.integers(60, 127)), soundfonts.DRUM_CHANNEL)
            clips.append(soundfonts.Clip([note], {soundfonts.DRUM_CHANNEL: int(kit)}, 1.8))
            truths.append({"midi": None, "name": name, "font": font, "program": 128 + int(kit)})
    for _ in range(_CHORDS // len(soundfonts.FONTS)):
        root, seconds = int(rng.integers(45, 70)), float(rng.uniform(0.4, 2.0))
        tones = [(0, 3, 7), (0, 4, 7), (0, 4, 7, 11), (0, 3, 7, 10), (0, 5, 7)][rng.integers(5)]
        program = int(rng.choice([0, 4, 16, 24, 48, 61, 81, 89]))
        clips.append(soundfonts.Clip([(0.0, seconds, root + t, 90, 0) for t in tones], {0: program}, seconds))
        truths.append({"midi": None, "name": _CLASS_OF.get(program), "font": font, "program": -1})
    out: list[measured.Measured] = []
    for sound, truth in zip(soundfonts.render(clips, font, tail=0.4, reverb=False), truths, strict=True):
        y = _trim(sound, rng)
        if y is not None:
            out.append(measured.Measured(dsp.compute_features(y, sr=dsp.SR), truth))
    return out


def synthesized(rng: Rng) -> list[measured.Measured]:
    """Synthesize drums of every class, and notes of random patches."""
    out: list[measured.Measured] = []
    for name in drums.DRUMS:
        for _ in range(_DRUMS_A_CLASS):
            y = _trim(drums.draw(rng, name), rng)
            if y is not None:
                truth = {"midi": None, "name": name, "font": "synth", "program": -2}
                out.append(measured.Measured(dsp.compute_features(y, sr=dsp.SR), truth))
    for _ in range(_SYNTHESIZED):
        midi = float(rng.uniform(28.0, 100.0))
        sound = songs.play(
            songs.draw_voice(rng, pad=rng.random() < 0.2),
            440.0 * 2.0 ** ((midi - 69.0) / 12.0),
            float(rng.uniform(0.2, 1.8)),
        )
        y = _trim((sound / np.abs(sound).max()).astype(np.float32), rng)
        if y is not None:
            truth = {"midi": midi, "name": "bass" if midi < 43.0 else "synth", "font": "synth", "program": -3}
            out.append(measured.Measured(dsp.compute_features(y, sr=dsp.SR), truth))
    return out


def make(folder: Path) -> None:
    """Make all material."""
    jobs: dict[str, Any] = {font: lambda rng, font=font: rendered(rng, font) for font in soundfonts.FONTS}
    jobs["synthesized"] = synthesized
    for number, (name, job) in enumerate(jobs.items()):
        path = folder / f"notes-{name}.npz"
        if not path.exists():
            measured.save(path, job(np.random.default_rng(100 + number)))
            sys.stderr.write(f"{name} done\n")


if __name__ == "__main__":
    make(Path(sys.argv[2]))
