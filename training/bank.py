"""Sampled drums and instruments: soundfonts rendered note by note, and the kits of the Hydrogen drum machine.

Needs what `soundfonts` needs, and in Debian `hydrogen-drumkits`. A bank is made once and kept in the cache folder.
"""

# ruff: noqa: PLR2004 -- the numbers are chances and taste

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from training import soundfonts, sounds

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
I16 = npt.NDArray[np.int16]
Rng = np.random.Generator
SR = sounds.SR

HYDROGEN = Path("/usr/share/hydrogen/data/drumkits")
PARTS = {
    "kick": (36, 35),
    "snare": (38, 40),
    "clap": (39,),
    "hat": (42, 44),
    "open": (46,),
    "ride": (51, 59),
    "shaker": (70, 82, 69),
    "tom": (45, 41, 43, 47, 48, 50),
    "conga": (63, 62, 64),
    "rim": (37,),
    "cowbell": (56,),
    "perc": (76, 60, 61, 65, 66, 67, 68, 75, 77),
    "crash": (49, 57),
}
"""General MIDI numbers of the parts that `patterns` names."""
PART_OF = {note: part for part, notes in PARTS.items() for note in notes} | {
    52: "crash",
    53: "ride",
    54: "shaker",
    55: "crash",
    58: "perc",
    71: "perc",
    72: "perc",
    73: "perc",
    74: "perc",
    78: "perc",
    79: "perc",
    80: "perc",
    81: "perc",
}
_KITS = (0, 8, 16, 24, 25, 32, 40)  # General MIDI and GS: standard, room, power, electronic, TR-808, jazz, brush
_STRENGTHS = (45, 80, 118)
NAMED = (
    ("kick", r"kick|bass ?drum|\bbd"),
    ("rim", r"stick|rim|cross"),
    ("snare", r"snare"),
    ("clap", r"clap"),
    ("open", r"open|hh.?o"),
    ("hat", r"hat|\bhh|closed|pedal"),
    ("tom", r"tom"),
    ("ride", r"ride"),
    ("crash", r"crash|splash|china"),
    ("cowbell", r"cow|bell"),
    ("shaker", r"shak|maraca|tamb|cabasa"),
    ("conga", r"conga|bongo|djembe|darbuka|djun"),
    ("perc", r"block|perc|clave|tri|agogo|udu|sabar"),
)
FAMILIES = {
    "bass": (32, 33, 34, 35, 36, 38, 39),
    "keys": (0, 2, 4, 5, 6, 7, 16, 18),
    "pluck": (24, 25, 26, 27, 28, 45, 46),
    "lead": (80, 81, 82, 83, 84, 87, 29, 30),
    "pad": (88, 89, 90, 91, 95, 48, 50, 52),
    "mallet": (8, 9, 11, 12, 13, 114),
    "wind": (56, 61, 62, 65, 66, 73),
}
_SECONDS = 1.6


@dataclass(frozen=True, slots=True)
class Bank:
    """Everything that was sampled."""

    kits: list[dict[str, list[list[I16]]]]
    """For each kit and part: drums, each with its layers from soft to loud."""
    voices: dict[str, list[dict[int, I16]]]
    """For each family: instruments, each with some of its notes."""


def _trimmed(y: F32) -> I16:
    """Start with the sound, end where it has faded by 50 dB, peak 1."""
    y = y / max(float(np.abs(y).max()), 1e-6)
    loud = np.flatnonzero(np.abs(y) > 0.02)
    if len(loud) == 0:
        return np.zeros(0, np.int16)
    late = np.flatnonzero(np.abs(y) > 0.003)
    y = y[max(0, int(loud[0]) - 30) : int(late[-1]) + 1].astype(np.float64)
    edge = min(len(y), 200)
    y[len(y) - edge :] *= np.linspace(1.0, 0.0, edge)
    return np.asarray(30000 * y, dtype=np.int16)


def _soundfont_kits(font: str) -> list[dict[str, list[list[I16]]]]:
    kits: list[dict[str, list[list[I16]]]] = []
    seen: set[bytes] = set()
    for program in _KITS:
        clips = [
            soundfonts.Clip([(0.0, 1.0, note, strength, soundfonts.DRUM_CHANNEL)], {soundfonts.DRUM_CHANNEL: program})
            for notes in PARTS.values()
            for note in notes[:4]
            for strength in _STRENGTHS
        ]
        rendered = iter(soundfonts.render(clips, font))
        kit = {
            part: [[_trimmed(next(rendered)) for _ in _STRENGTHS] for _ in notes[:4]] for part, notes in PARTS.items()
        }
        mark = kit["kick"][0][2].tobytes()[:2000] + kit["snare"][0][2].tobytes()[:2000]
        if mark not in seen:  # a font without that kit gives its standard one
            seen.add(mark)
            kits.append({p: [layers for layers in drums if all(map(len, layers))] for p, drums in kit.items()})
    return [{part: drums for part, drums in kit.items() if drums} for kit in kits]


def _read(path: Path) -> I16:
    y, sr = soundfile.read(path, dtype="float32", always_2d=True)
    return _trimmed(np.asarray(soxr.resample(y.mean(axis=1)[: 2 * sr], sr, SR), dtype=np.float32))


def _hydrogen_kit(folder: Path) -> dict[str, list[list[I16]]]:
    """Read a kit; a drum belongs where its name says, other drums are percussion."""
    kit: dict[str, list[list[I16]]] = {}
    text = (folder / "drumkit.xml").read_text(errors="replace")
    root = ET.fromstring(re.sub(r'xmlns="[^"]*"', "", text))  # noqa: S314 -- a package of the distribution
    for drum in root.iter("instrument"):
        name = (drum.findtext("name") or "").lower()
        files = [layer.findtext("filename") for layer in drum.iter("layer")] or [drum.findtext("filename")]
        paths = [folder / f for f in files if f and (folder / f).is_file()]
        if not paths or not name.strip():
            continue
        part = next((p for p, pattern in NAMED if re.search(pattern, name)), "perc")
        picked = sorted({0, len(paths) // 2, len(paths) - 1})
        layers = [y for y in (_read(paths[k]) for k in picked) if len(y)]
        if layers:
            kit.setdefault(part, []).append(layers)
    return kit


def _voices(font: str) -> dict[str, list[dict[int, I16]]]:
    found: dict[str, list[dict[int, I16]]] = {}
    for family, programs in FAMILIES.items():
        low = 28 if family == "bass" else 40
        notes = list(range(low, low + (30 if family == "bass" else 48), 6))
        clips = [
            soundfonts.Clip([(0.0, _SECONDS, note, 100, 0)], {0: program}, seconds=_SECONDS)
            for program in programs
            for note in notes
        ]
        rendered = iter(soundfonts.render(clips, font, tail=0.1))
        found[family] = [{note: _trimmed(next(rendered)) for note in notes} for _ in programs]
    return found


def _make() -> dict[str, I16]:
    kits = [kit for font in soundfonts.FONTS for kit in _soundfont_kits(font)]
    kits += [_hydrogen_kit(folder) for folder in sorted(HYDROGEN.iterdir()) if (folder / "drumkit.xml").is_file()]
    arrays = {
        f"kit/{k}/{part}/{d}/{s}": y
        for k, kit in enumerate(kits)
        for part, drums in kit.items()
        for d, layers in enumerate(drums)
        for s, y in enumerate(layers)
    }
    for font in soundfonts.FONTS:
        for family, instruments in _voices(font).items():
            for k, notes in enumerate(instruments):
                arrays |= {f"voice/{family}/{font}{k}/{note}": y for note, y in notes.items()}
    return arrays


def load(cache: Path) -> Bank:
    """Read the bank, or make it."""
    path = cache / "bank.npz"
    if not path.exists():
        made: dict[str, Any] = _make()
        np.savez(path, **made)
    kit_table: dict[int, dict[str, list[list[I16]]]] = {}
    voice_table: dict[str, dict[str, dict[int, I16]]] = {}
    with np.load(path) as file:
        for name in file.files:
            keys = name.split("/")
            y = file[name]
            if keys[0] == "kit":
                drums = kit_table.setdefault(int(keys[1]), {}).setdefault(keys[2], [])
                drums.extend([[]] * (int(keys[3]) == len(drums)))
                drums[-1] = [*drums[-1], y]
            elif len(y) > 400:
                voice_table.setdefault(keys[1], {}).setdefault(keys[2], {})[int(keys[3])] = y
    kits = [kit for kit in kit_table.values() if {"kick", "snare", "hat"} <= kit.keys() or len(kit) > 5]
    return Bank(kits, {family: list(table.values()) for family, table in voice_table.items()})


def _played(y: I16, speed: float) -> F64:
    """Play faster or slower."""
    n = max(2, int(len(y) / speed))
    return np.interp(np.arange(n) * speed, np.arange(len(y)), y) / 30000.0


class Kit:
    """The drums of one clip: sampled, synthesized or both, retuned and shortened."""

    def __init__(self, rng: Rng, bank: Bank) -> None:
        self.rng = rng
        self.synthesized = rng.random() < 0.3
        self.mixed = rng.random() < 0.2  # as producers pick their sounds from many kits
        self.bank = bank
        self.own = bank.kits[int(rng.integers(len(bank.kits)))]
        self.tuned = float(rng.choice([0.0, 0.05, 0.15]))
        self.short = rng.random() < 0.25
        self.cache: dict[tuple[str, int, int], F64] = {}
        self.sources: dict[str, tuple[list[list[I16]], float, float]] = {}

    def _source(self, part: str) -> tuple[list[list[I16]], float, float]:
        if part not in self.sources:
            rng = self.rng
            kit = self.bank.kits[int(rng.integers(len(self.bank.kits)))] if self.mixed else self.own
            speed = float(np.exp(rng.normal(0.0, self.tuned)))
            fall = float(np.exp(rng.uniform(np.log(0.04), np.log(0.4)))) if self.short else 0.0
            self.sources[part] = (kit.get(part, []), speed, fall)
        return self.sources[part]

    def hit(self, part: str, strength: float, which: int = 0) -> F64:
        """Give one hit; ``which`` picks among the drums of a part (toms, congas)."""
        drums, speed, fall = self._source(part)
        if self.synthesized or not drums:
            key = (part, which % 3, int(self.rng.random() < 0.2))
            if key not in self.cache:
                self.cache[key] = sounds.DRUMS[part](self.rng)
            return self.cache[key]
        layers = drums[which % len(drums)]
        layer = min(len(layers) - 1, int(strength * len(layers)))
        key = (part, which % len(drums), layer)
        if key not in self.cache:
            y = _played(layers[layer], speed)
            if fall:
                y = y * 10.0 ** (-3.0 * np.arange(len(y)) / (fall * SR))
            self.cache[key] = y
        return self.cache[key]


class Voice:
    """A sampled instrument, played as `sounds.Voice` is."""

    def __init__(self, rng: Rng, bank: Bank, family: str) -> None:
        instruments = bank.voices[family]
        self.notes = instruments[int(rng.integers(len(instruments)))]
        self.release = float(rng.choice([0.03, 0.08, 0.3]))
        self.cache: dict[tuple[int, int], F64] = {}

    def note(self, midi: int, seconds: float) -> F64:
        """Give a note; its length is rounded to a fiftieth of a second."""
        key = (midi, max(3, round(seconds * 50)))
        if key not in self.cache:
            nearest = min(self.notes, key=lambda n: abs(n - midi))
            y = _played(self.notes[nearest], 2.0 ** ((midi - nearest) / 12.0))[
                : round((key[1] / 50 + self.release) * SR)
            ]
            edge = min(len(y), round(self.release * SR))
            y[len(y) - edge :] *= np.linspace(1.0, 0.0, edge)
            self.cache[key] = y
        return self.cache[key]
