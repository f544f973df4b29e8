"""Notated music with certain keys, from music21's corpus: material for the key model.

Run with `uv run --with music21 python -m training.scores OUT.json`. A piece is kept only where three things agree: the
key signature (or ABC key field), the last bass note, which must be its tonic, and the notes, of which 85 % must lie in
the scale. Kept are excerpts of at most 64 quarters from the beginning and from the end, where that holds too.
"""

import json
import sys
from pathlib import Path
from typing import Any

from music21 import corpus, stream

MAJOR, MINOR = frozenset({0, 2, 4, 5, 7, 9, 11}), frozenset({0, 2, 3, 5, 7, 8, 9, 10, 11})
_IN_SCALE = 0.85
_EXCERPT_QUARTERS = 64
_NOTES_AT_LEAST = 24
# What to read and how many pieces: chorales, fiddle tunes, quartets and keyboard music.
_CHORALES = range(253, 401)  # BWV
SOURCES = (("bach", 180), ("ryansMammoth", 200), ("mozart", 8), ("haydn", 6), ("beethoven", 8), ("schumann_clara", 4))


def _paths(source: str, count: int) -> list[Path]:
    paths = sorted(
        Path(str(p)) for p in corpus.getCorePaths() if Path(str(p)).parent.name == source or f"/{source}/" in str(p)
    )
    if source == "bach":
        paths = [
            p for p in paths if p.stem.startswith("bwv") and int(p.stem[3:].split("-")[0].split(".")[0]) in _CHORALES
        ]
    step = max(1, len(paths) // count)
    return paths[::step][:count]


def _notes(score: stream.Score) -> list[tuple[float, float, int, int]]:
    """List onset and length in quarters, MIDI number and part of every note."""
    found: list[tuple[float, float, int, int]] = []
    for number, part in enumerate(score.parts):
        for element in part.flatten().notes:
            if element.duration.isGrace or float(element.quarterLength) <= 0.0:
                continue
            found.extend(
                (float(element.offset), float(element.quarterLength), int(pitch.midi), number)
                for pitch in element.pitches
            )
    return sorted(found)


def _in_scale(notes: list[tuple[float, float, int, int]], tonic: int, mode: str) -> float:
    scale = MAJOR if mode == "major" else MINOR
    total = sum(length for _, length, _, _ in notes)
    return sum(length for _, length, midi, _ in notes if (midi - tonic) % 12 in scale) / total


def _excerpts(notes: list[tuple[float, float, int, int]]) -> list[list[tuple[float, float, int, int]]]:
    end = max(onset + length for onset, length, _, _ in notes)
    if end <= 1.5 * _EXCERPT_QUARTERS:
        return [notes]
    first = [n for n in notes if n[0] < _EXCERPT_QUARTERS]
    start = end - _EXCERPT_QUARTERS
    return [first, [(onset - start, *rest) for onset, *rest in notes if onset >= start]]


def pieces(source: str, count: int) -> list[dict[str, Any]]:
    """Read a source: each piece with tonic (0 is C), mode and notes."""
    found: list[dict[str, Any]] = []
    for path in _paths(source, count):
        try:
            score = corpus.parse(path)
            notes = _notes(score)
            sharps = {int(s.sharps) for s in score.flatten().getElementsByClass("KeySignature")}
        except Exception as error:  # noqa: BLE001 -- music21 raises anything on a file that it cannot read
            sys.stderr.write(f"{path.name}: {error}\n")
            continue
        if len(notes) < _NOTES_AT_LEAST or len(sharps) != 1:
            continue
        relative = 7 * sharps.pop() % 12
        last = max(onset for onset, _, _, _ in notes)
        final = min(midi for onset, _, midi, _ in notes if onset == last) % 12
        mode = {relative: "major", (relative + 9) % 12: "minor"}.get(final)
        if mode is None:
            continue
        found.extend(
            {"source": source, "name": path.stem, "tonic": final, "mode": mode, "notes": excerpt}
            for excerpt in _excerpts(notes)
            if len(excerpt) >= _NOTES_AT_LEAST and _in_scale(excerpt, final, mode) >= _IN_SCALE
        )
    return found


def main() -> None:
    """Write all pieces as JSON."""
    out: list[dict[str, Any]] = []
    for source, count in SOURCES:
        out.extend(pieces(source, count))
        sys.stderr.write(f"{source}: {len(out)}\n")
        Path(sys.argv[1]).write_text(json.dumps(out), encoding="utf-8")


if __name__ == "__main__":
    main()
