"""Composed tracks whose sections are known: what `dsp.sections` is measured on.

A track has a few kinds of sections, each with instruments, drums and chords of its own, in an order such as intro, A,
B, A, B, break, B, outro.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from training import songs

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

_ORDERS = (
    ("intro", "A", "B", "A", "B", "break", "B", "outro"),
    ("A", "B", "A", "B", "C", "B"),
    ("intro", "A", "A", "B", "break", "A", "B", "outro"),
    ("intro", "A", "break", "B", "A", "outro"),
    ("A", "B", "C", "A", "B"),
)
_LENGTHS = (4, 8, 8, 8, 16)
_QUIET = {"intro", "break", "outro"}
_LEAST_SECONDS, _MOST_SECONDS = 60.0, 120.0


@dataclass(frozen=True)
class Part:
    """A section as it was written: seconds, bars and what is the same."""

    start: float
    end: float
    bars: int
    name: str


@dataclass(frozen=True)
class Track:
    """A rendered track and its sections."""

    y: F32
    bpm: float
    parts: tuple[Part, ...]


def compose(rng: Rng) -> Track:
    """Write and play a track of one to two minutes."""
    while True:
        order = _ORDERS[rng.integers(len(_ORDERS))]
        bpm = float(rng.uniform(85, 174))
        lengths = {name: int(rng.choice(_LENGTHS)) for name in sorted(set(order))}
        seconds = 240.0 / bpm * sum(lengths[name] for name in order)
        if _LEAST_SECONDS <= seconds <= _MOST_SECONDS:
            return _play(rng, order, lengths, bpm)


def _play(rng: Rng, order: tuple[str, ...], lengths: dict[str, int], bpm: float) -> Track:
    family = songs.FAMILIES[rng.integers(len(songs.FAMILIES))]
    tonic = int(rng.integers(12))
    seeds = {name: int(rng.integers(1 << 30)) for name in lengths}
    notes: list[songs.Note] = []
    parts: list[Part] = []
    at, mode = 0.0, "major"
    for name in order:
        section = _section(np.random.default_rng(seeds[name]), name, family, tonic, lengths[name])
        mode, stretch = section.mode, section.bpm / bpm
        for start, length, midi, velocity, role in section.notes:
            notes.append((at + start * stretch, length * stretch, midi, velocity, role))
        end = at + section.seconds * stretch
        parts.append(Part(at, end, lengths[name], name))
        at = end
    song = songs.Song(sorted(notes), at, tonic, mode, family, bpm)
    return Track(songs.synthesize(rng, song, cents=0.0), bpm, tuple(parts))


def _section(rng: Rng, name: str, family: str, tonic: int, bars: int) -> songs.Song:
    """Write a section; most intros, breaks and outros have no drums."""
    drums = name not in _QUIET or rng.random() < 0.3
    return songs.compose(rng, family=family, tonic=tonic, bars=bars, drums=drums)
