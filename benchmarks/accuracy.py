"""Measure the accuracy of all answers against labels, and whether their confidence is true.

``python -m benchmarks.accuracy [LABELLED]``; LABELLED is a folder with a ``manifest.csv``, or such a file. Without one
the demonstration library is made and measured. A manifest has the columns that `samplemind_worker.demo.library`
writes; ``notes`` may hold ``halftime=1`` or ``octave=uncertain`` (the level of the tempo is not judged then),
``midi=60`` (a single note) and ``class=snare`` (``cymbal`` is a crash).
"""

import argparse
import csv
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

from samplemind_worker import dsp
from samplemind_worker.decode import Limits, decode
from samplemind_worker.demo import library, plan
from samplemind_worker.errors import PermanentError

Row = dict[str, str]

_LEVELS = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)
_COLUMNS = ("acc1", "acc2", "t1", "t05", "false", "key", "pitch class", "pitch", "kind", "instrument")
_CONFIDENCES = {
    "tempo": ("acc1", "tempo_confidence"),
    "key": ("key", "key_confidence"),
    "kind": ("kind", "kind_confidence"),
    "instrument": ("instrument", "instrument_confidence"),
    "pitch": ("pitch", "pitch_confidence"),
}
"""Answers with a confidence: the measure that says whether they are right, and the field."""
_BAR = 40  # characters


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


def reliability(title: str, answers: list[tuple[float, bool]]) -> Iterator[str]:
    """Draw, for each tenth of confidence, how many answers were right, and by a ``|`` how many should have been."""
    sure = sum(confidence for confidence, _ in answers) / len(answers)
    share = sum(right for _, right in answers) / len(answers)
    yield f"{title}: {len(answers)} answers, {100 * sure:.1f} % sure, {100 * share:.1f} % right"
    yield f"{'given with':10} {'answers':>7} {'right':>5} {'share':>7}"
    for low in range(10):
        inside = [(confidence, right) for confidence, right in answers if min(int(confidence * 10), 9) == low]
        if inside:
            hits = sum(right for _, right in inside)
            bar = list(f"{'#' * round(_BAR * hits / len(inside)):{_BAR + 1}}")
            bar[round(_BAR * sum(confidence for confidence, _ in inside) / len(inside))] = "|"
            place = f"{low / 10:.1f}-{low / 10 + 0.1:.1f}"
            yield f"{place:10} {len(inside):7} {hits:5} {100 * hits / len(inside):5.1f} % {''.join(bar).rstrip()}"


def report(manifest: Path) -> None:
    """Analyse every file of a manifest and print the tables."""
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    counts: defaultdict[str, defaultdict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    answers: dict[str, list[tuple[float, bool]]] = {name: [] for name in _CONFIDENCES}
    for row in rows:
        found = analyse(manifest.parent / row["path"])
        judged = dict(measures(row, found))
        for name, right in judged.items():
            counts["all"][name].append(right)
            counts[row["set"]][name].append(right)
        for name, (measure, field) in _CONFIDENCES.items():
            confidence = getattr(found, field) if found else None
            if confidence is not None and measure in judged:
                answers[name].append((confidence, judged[measure]))
    print("| set | " + " | ".join(_COLUMNS) + " |\n|---|" + "---|" * len(_COLUMNS))
    for group in counts:
        cells = [counts[group][name] for name in _COLUMNS]
        print(
            f"| {group} | " + " | ".join(f"{100 * sum(c) / len(c):.1f} ({len(c)})" if c else "" for c in cells) + " |"
        )
    for name, given in answers.items():
        if given:
            print("", *reliability(f"Confidence of {name}", given), sep="\n")


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.accuracy", description=__doc__)
    parser.add_argument("labelled", type=Path, nargs="?")
    labelled: Path | None = parser.parse_args(arguments).labelled
    dsp.warm_up()
    if labelled is not None:
        report(labelled / library.MANIFEST if labelled.is_dir() else labelled)
        return 0
    with tempfile.TemporaryDirectory() as folder:
        library.write(Path(folder) / "demo", plan.items())
        report(Path(folder) / "demo" / library.MANIFEST)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
