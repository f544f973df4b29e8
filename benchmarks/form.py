"""Measure sections, loop points, slices and swing on composed material, whose answers are known.

``python -m benchmarks.form [--tracks N] [--seed S]``. Sections are measured as mir_eval.segment.detection does it with
``trim=True``, so the beginning and the end of a track do not count, and their labels as mir_eval.segment.pairwise does
it. Tempo and beats are those that the analysis finds.
"""

import argparse
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.form import take_apart
from samplemind_worker.dsp.types import Form
from training import forms, signals

F64 = npt.NDArray[np.float64]
_STEP = 0.1  # seconds between the moments whose labels are compared


def hits(found: Sequence[float], wanted: Sequence[float], *, window: float) -> int:
    """Count the pairs of a found and a wanted boundary within ``window`` seconds; each is in one pair at most."""
    left = list(wanted)
    count = 0
    for place in sorted(found):
        # Taking the earliest that fits gives the most pairs.
        fitting = next((other for other in left if abs(other - place) <= window), None)
        if fitting is not None:
            left.remove(fitting)
            count += 1
    return count


def boundaries(found: Sequence[float], wanted: Sequence[float], *, window: float) -> float:
    """Return the F measure of boundaries; 1 if there are none to find and none are found."""
    if not found and not wanted:
        return 1.0
    return 2.0 * hits(found, wanted, window=window) / (len(found) + len(wanted))


def labels(found: Sequence[tuple[float, float, str]], wanted: Sequence[tuple[float, float, str]]) -> float:
    """Return the F measure of pairs of moments with the same label."""
    end = min(found[-1][1], wanted[-1][1])
    moments = np.arange(_STEP / 2.0, end, _STEP)
    same = [_same(moments, parts) for parts in (found, wanted)]
    both = float((same[0] & same[1]).sum())
    precision, recall = both / float(same[0].sum()), both / float(same[1].sum())
    return 2.0 * precision * recall / (precision + recall)


def _same(moments: F64, parts: Sequence[tuple[float, float, str]]) -> npt.NDArray[np.bool_]:
    starts = np.array([start for start, _, _ in parts])
    names = np.array([name for _, _, name in parts])
    here = names[np.searchsorted(starts, moments, side="right") - 1]
    return (here[:, None] == here) & ~np.eye(len(here), dtype=bool)


def analyse(y: npt.NDArray[np.float32], *, kind: str) -> tuple[dsp.Estimates, Form]:
    """Analyse a whole signal as a loop or as a track."""
    features = dsp.compute_features(y, sr=dsp.SR)
    duration = len(y) / dsp.SR
    estimates = dsp.estimate(features, duration=duration, kind=kind)
    return estimates, take_apart(features, estimates, duration=duration)


def tracks(count: int, seed: int) -> None:
    """Measure sections and loop points."""
    rows: dict[str, list[tuple[float, float, float]]] = {"all": [], "right tempo": []}
    even: list[float] = []
    periods: list[bool] = []
    for k in range(count):
        track = forms.compose(np.random.default_rng([seed, k]))
        estimates, form = analyse(track.y, kind="track")
        wanted = [part.start for part in track.parts[1:]]
        sections = form.sections or ()
        found = [section.start for section in sections[1:]]
        names = [(one.start, one.end, one.label) for one in sections] or [(0.0, track.parts[-1].end, "A")]
        row = (
            boundaries(found, wanted, window=3.0),
            boundaries(found, wanted, window=0.5),
            labels(names, [(one.start, one.end, one.name) for one in track.parts]),
        )
        rows["all"].append(row)
        if estimates.tempo is not None and abs(estimates.tempo / track.bpm - 1.0) < 0.01:
            rows["right tempo"].append(row)
        end = track.parts[-1].end
        count_of = max(2, round(end / 20.0))
        even.append(boundaries([end * n / count_of for n in range(1, count_of)], wanted, window=3.0))
        for points in form.loop_points or ():
            beats = (points.end - points.start) * track.bpm / 60.0
            periods.append(abs(beats - 4 * points.bars) < 0.05)
    print("| tracks | number | F within 3 s | F within 0.5 s | labels (pairs) |\n|---|---|---|---|---|")
    for name, measured in rows.items():
        if measured:
            cells = " | ".join(f"{value:.2f}" for value in np.mean(measured, axis=0).tolist())
            print(f"| {name} | {len(measured)} | {cells} |")
    print(f"| a cut every 20 s | {count} | {np.mean(even):.2f} | | |")
    if periods:
        print(f"\nloop points: {len(periods)}, exactly as long as their bars: {100 * np.mean(periods):.1f} %")


def loops(seed: int) -> None:
    """Measure slices and swing."""
    right, wanted_count, found_count = 0, 0, 0
    late: list[float] = []
    swings: list[float] = []
    feels: list[bool] = []
    rng = np.random.default_rng(seed)
    for k, pattern in enumerate(sorted(signals.PATTERNS) * 8):
        bpm, swing = float(rng.uniform(80, 150)), float(rng.choice([0.0, 1 / 5, 1 / 3]))
        y = signals.drum_loop(bpm, bars=4, pattern=pattern, swing=swing, sr=dsp.SR, seed=k)
        _, form = analyse(y, kind="loop")
        lines = signals.PATTERNS[pattern]
        steps = len(next(iter(lines.values())))
        marks = sorted({n for line in lines.values() for n, mark in enumerate(line) if mark != "."})
        wanted = [(bar * steps + n + (swing if n % 2 else 0.0)) * 15.0 / bpm for bar in range(4) for n in marks]
        found = [one.time for one in form.slices or ()]
        right += hits(found, wanted, window=0.01)
        wanted_count, found_count = wanted_count + len(wanted), found_count + len(found)
        late += [min((place - other for other in wanted), key=abs) for place in found]
        if form.rhythm is not None and form.rhythm.swing is not None and any(n % 2 for n in marks):
            ratio = (1.0 + swing) / (1.0 - swing)
            swings.append(form.rhythm.swing - ratio)
            feels.append((form.rhythm.feel == "shuffled") == (swing > 0.0))
    print(
        f"\nslices within 10 ms: precision {right / found_count:.3f}, recall {right / wanted_count:.3f} "
        f"({wanted_count}); median {1000 * float(np.median(late)):+.1f} ms"
    )
    off = np.abs(swings)
    print(
        f"swing ratio ({len(swings)}): median error {np.median(off):.3f}, "
        f"within 0.15 {100 * np.mean(off < 0.15):.1f} %, straight or shuffled right {100 * np.mean(feels):.1f} %"
    )


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.form", description=__doc__)
    parser.add_argument("--tracks", type=int, default=60)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args(arguments)
    dsp.warm_up()
    tracks(options.tracks, options.seed)
    loops(options.seed)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
