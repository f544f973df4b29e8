"""Measure the accuracy of all answers against a manifest of labels, and whether their confidence is true.

``python -m benchmarks.accuracy [MANIFEST]``; without one the demonstration library is made and measured. A manifest
has the columns that `benchmarks.library` writes; ``notes`` may hold ``halftime=1`` or ``octave=uncertain`` (the level
of the tempo is not judged then), ``midi=60`` (a single note) and ``class=snare`` (``cymbal`` is a crash).
"""

import argparse
import csv
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from benchmarks import library
from samplemind_worker import dsp
from samplemind_worker.decode import Limits, decode
from samplemind_worker.errors import PermanentError

Row = dict[str, str]

_LEVELS = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)
_COLUMNS = ("acc1", "acc2", "t1", "t05", "false", "key", "pitch class", "pitch", "kind", "instrument")
_CONFIDENCES = {
    "acc1": "tempo_confidence",
    "key": "key_confidence",
    "pitch": "pitch_confidence",
    "kind": "kind_confidence",
    "instrument": "instrument_confidence",
}
"""Measures with a confidence, and its field."""


def _near(found: float | None, wanted: float, tolerance: float) -> bool:
    return found is not None and abs(found / wanted - 1.0) <= tolerance


def measures(row: Row, found: dsp.Estimates | None) -> Iterator[tuple[str, bool]]:
    """Give what is right and wrong about one file; a file that failed is wrong wherever it has a label."""
    tempo = found.tempo if found else None
    if row["bpm"]:
        bpm = float(row["bpm"])
        yield "acc2", any(_near(tempo, bpm * level, 0.04) for level in _LEVELS)
        if "halftime=1" not in row["notes"] and "octave=uncertain" not in row["notes"]:
            yield "acc1", _near(tempo, bpm, 0.04)
            yield "t1", _near(tempo, bpm, 0.01)
            yield "t05", _near(tempo, bpm, 0.005)
    elif row["kind"] == "one_shot" or "pad-beatless" in row["notes"]:
        yield "false", tempo is not None
    if row["key_tonic"] and row["key_mode"]:
        yield "key", found is not None and (found.key, found.mode) == (row["key_tonic"], row["key_mode"])
    notes = dict(part.split("=", 1) for part in row["notes"].split("; ") if "=" in part)
    if "midi" in notes:
        off = None
        if found is not None and found.pitch_midi is not None:
            off = found.pitch_midi + (found.pitch_cents or 0.0) / 100.0 - float(notes["midi"])
        yield "pitch class", off is not None and abs((off + 6.0) % 12.0 - 6.0) <= 0.5
        yield "pitch", off is not None and abs(off) <= 0.5
    if row["kind"] == "one_shot" and "class" in notes:
        wanted = {"cymbal": "crash"}.get(notes["class"], notes["class"])
        yield "instrument", found is not None and found.instrument == wanted
    if row["kind"] in {"one_shot", "loop", "track"}:
        yield "kind", found is not None and found.kind == row["kind"]


def analyse(path: Path) -> dsp.Estimates | None:
    """Analyse one file; None where it cannot be."""
    try:
        with path.open("rb") as file:
            decoded = decode(file, limits=Limits())
    except PermanentError as error:
        print(f"{path}: {error}", file=sys.stderr)
        return None
    return dsp.estimate(dsp.compute_features(decoded.y, sr=decoded.sr), duration=decoded.duration)


def reliability(answers: list[tuple[float, bool]]) -> Iterator[str]:
    """Draw, for each tenth of confidence, how many answers there were and how many of them were right."""
    for low in range(10):
        inside = [right for confidence, right in answers if min(int(confidence * 10), 9) == low]
        if inside:
            share = sum(inside) / len(inside)
            bar = "#" * round(40 * share)
            yield f"{low / 10:.1f}-{low / 10 + 0.1:.1f} {len(inside):5} {100 * share:5.1f} % |{bar:40}|"


def report(manifest: Path) -> None:
    """Analyse every file of a manifest and print the tables."""
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    counts: defaultdict[str, defaultdict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    answers: dict[str, list[tuple[float, bool]]] = {name: [] for name in _CONFIDENCES}
    for row in rows:
        found = analyse(manifest.parent / row["path"])
        for name, right in measures(row, found):
            counts["all"][name].append(right)
            counts[row["set"]][name].append(right)
            confidence = getattr(found, _CONFIDENCES[name]) if found and name in _CONFIDENCES else None
            if confidence is not None:
                answers[name].append((confidence, right))
    print("| set | " + " | ".join(_COLUMNS) + " |\n|---|" + "---|" * len(_COLUMNS))
    for group in counts:
        cells = [counts[group][name] for name in _COLUMNS]
        print(
            f"| {group} | " + " | ".join(f"{100 * sum(c) / len(c):.1f} ({len(c)})" if c else "" for c in cells) + " |"
        )
    for name, given in answers.items():
        if given:
            print(f"\nConfidence of {name}: answers, share right\n" + "\n".join(reliability(given)))


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("manifest", type=Path, nargs="?")
    manifest: Path | None = parser.parse_args(arguments).manifest
    dsp.warm_up()
    if manifest is not None:
        report(manifest)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        library.write(Path(folder) / "demo", list(library.demo()))
        report(Path(folder) / "demo" / library.MANIFEST)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
