"""Learns to distinguish tracks from single sounds that last: notes that ring, rooms, machines, speech.

`python -m training.lasting FOLDER` reads the sounds of `training.oneshots` and `training.sources`, makes loops, tracks,
pads, speech and other sounds that last, reports scores on held-out material and writes
`samplemind_worker/dsp/models/lasting.npz`. It asks the models of tempo, key and pitch: they come first.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import pickle
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from samplemind_worker import dsp
from samplemind_worker.dsp.key import estimate_key
from samplemind_worker.dsp.kind import (
    LONGEST_PHRASE_SECONDS,
    SHORTEST_LOOP_SECONDS,
    change,
    kind_row,
    onset_times,
    restlessness,
)
from samplemind_worker.dsp.network import softmax
from samplemind_worker.dsp.pitch import hear
from samplemind_worker.dsp.tempo import estimate_tempo
from samplemind_worker.dsp.types import KeyEstimate, TempoEstimate
from training import (
    augment,
    beatless,
    beds,
    confidence,
    effects,
    material,
    network,
    oneshots,
    singles,
    songs,
    soundfonts,
    sounds,
    voices,
)

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
Clip = tuple[F32, int, str]
"""A signal, whether it is a loop or track (1) or a one-shot (0), and where it comes from."""

_LOOPS, _SONGS, _PLAYED, _BEATLESS, _EFFECTS, _SHOTS = 400, 100, 330, 500, 100, 700
_TRACKS, _RENDERED, _BEDS, _JOINED = 100, 25, 90, 240
_KINDS = {"hit": 0, "held": 0, "riser": 0, "pad": 1}  # noise and scattered hits are neither
_MODEL = Path(dsp.__file__).parent / "models" / "lasting.npz"
_FIRST_SEED = 700_000  # away from those that the tempo learns from
_FONTS = ("fluid", "timgm", "musescore")
_FOLDS = 4
_LASTING_SECONDS = 12.0  # it learns from shorter ones than it is asked about


def _echoing(y: F32, rng: Rng) -> F32:
    """Repeat it softer and softer, as an echo does."""
    longer = np.concatenate([y.astype(np.float64), np.zeros(round(float(rng.uniform(0.3, 2.0)) * dsp.SR))])
    return np.asarray(sounds.peak(sounds.echo(longer, float(rng.uniform(0.08, 0.5)), rng)), np.float32)


def _faster(y: F32, factor: float) -> F32:
    return np.asarray(soxr.resample(y, dsp.SR * factor, dsp.SR), np.float32)


class Shelf:
    """The recordings of one source group by class, of which loops and other things are built."""

    def __init__(self, entries: list[tuple[F32, dict[str, Any]]]) -> None:
        self.by_name: dict[str, list[tuple[F32, dict[str, Any]]]] = {}
        for y, truth in entries:
            self.by_name.setdefault(str(truth["name"]), []).append((y, truth))

    def draw(self, rng: Rng, *names: str) -> tuple[F32, dict[str, Any]] | None:
        """Draw a recording of the first of the classes that is there."""
        for name in names:
            if name in self.by_name:
                return self.by_name[name][int(rng.integers(len(self.by_name[name])))]
        return None


def _place(y: F64, at: float, sound: F32, gain: float) -> None:
    first = max(0, round(at * dsp.SR))
    if first < len(y):
        end = min(len(y), first + len(sound))
        y[first:end] += gain * sound[: end - first]


_LINES = {
    "kick": ("x...x...x...x...", "x.....x.x.......", "x..x..x...x.....", "x.......x......."),
    "snare": ("....x.......x...", "....x.......x..x", "........x......."),
    "hat_closed": ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx", "..x...x...x...x.", "x..x..x.x..x..x."),
    "perc": ("...x..x....x..x.", "x..x..x...x..x..", "x...x...x.x.x...", "x.xx.xx.x.xx.xx."),
    "shaker": ("x.x.x.x.x.x.x.x.", "xxxxxxxxxxxxxxxx"),
    "tom": ("......x.......xx", "x..x..x..x..x.x."),
}
_PLAYERS = ("piano", "guitar", "bass", "strings", "brass", "sax", "flute")


def played(rng: Rng, shelf: Shelf, seconds: float | None = None, *, bpm: float | None = None) -> F32 | None:
    """Play a loop (or, for so many seconds, a track) on recorded drums, or on the recorded notes of an instrument."""
    bpm = float(rng.uniform(70.0, 175.0)) if bpm is None else bpm
    step = 15.0 / bpm
    bars = int(rng.choice([1, 2, 4], p=[0.3, 0.45, 0.25])) if seconds is None else max(4, round(seconds / (16 * step)))
    y = np.zeros(round(bars * 16 * step * dsp.SR))
    drums = rng.random() < 0.6
    if drums:
        for name in rng.permutation(list(_LINES))[: int(rng.integers(1, 5))].tolist():
            hit = shelf.draw(rng, name)
            line = str(rng.choice(_LINES[name]))
            if hit is None:
                continue
            for k in range(16 * bars):
                if line[k % 16] == "x" and rng.random() < 0.95:
                    _place(y, k * step + rng.normal(0.0, 0.004), hit[0], float(rng.uniform(0.5, 1.0)))
    if not drums or (seconds is not None and rng.random() < 0.7):
        notes = shelf.by_name.get(str(rng.choice(_PLAYERS)), [])
        notes = [(n, t) for n, t in notes if t["midi"] is not None and t["midi"] > 0.0]
        if len(notes) >= 4:
            scale = np.array([0, 2, 4, 5, 7, 9, 11] if rng.random() < 0.5 else [0, 2, 3, 5, 7, 8, 10]) + rng.integers(
                12
            )
            own = [(n, t) for n, t in notes if round(t["midi"]) % 12 in {int(s) % 12 for s in scale}] or notes
            line = [own[int(rng.integers(len(own)))][0] for _ in range(int(rng.integers(3, 9)))]
            every = int(rng.choice([1, 2, 4, 4, 8]))
            for k in range(0, 16 * bars, every):
                if rng.random() < 0.85:
                    length = round(every * step * float(rng.uniform(0.6, 2.0)) * dsp.SR)
                    note = line[(k // every) % len(line)][:length].copy()
                    note[-min(200, len(note)) :] *= np.linspace(1.0, 0.0, min(200, len(note)), dtype=np.float32)
                    _place(y, k * step, note, float(rng.uniform(0.3, 0.7)))
    return np.asarray(sounds.peak(y), np.float32) if np.abs(y).max() > 1e-3 else None


def joined(rng: Rng, shelf: Shelf, seconds: float) -> F32 | None:
    """Join recordings as they lie in a room or a take: sentences with pauses, steps, things that fall."""
    name = str(rng.choice(["voice", "voice", "fx"]))
    if name not in shelf.by_name:
        return None
    y = np.zeros(round(seconds * dsp.SR))
    at, few = 0.0, int(rng.integers(1, 6)) if name == "fx" else 1000
    choice = [shelf.draw(rng, name) for _ in range(few if name == "fx" else 60)]
    gap = float(np.exp(rng.uniform(np.log(0.05), np.log(1.2))))
    while at < seconds - 0.2:
        drawn = choice[int(rng.integers(len(choice)))]
        if drawn is None:
            return None
        _place(y, at, drawn[0], float(rng.uniform(0.4, 1.0)))
        at += len(drawn[0]) / dsp.SR + gap * float(rng.uniform(0.2, 2.0))
    if rng.random() < 0.5:
        y = y + rng.uniform(0.01, 0.3) * beds.draw(rng, seconds)
    return np.asarray(sounds.peak(sounds.reverb(y, rng) if rng.random() < 0.4 else y), np.float32)


def _long(rng: Rng) -> float:
    return float(rng.uniform(LONGEST_PHRASE_SECONDS + 0.1, 45.0))


def _rendered(rng: Rng) -> Iterator[Clip]:
    """Songs on the instruments of soundfonts, short and long."""
    for font in _FONTS:
        clips: list[soundfonts.Clip] = []
        for k in range(2 * _RENDERED):
            bars = int(rng.choice([1, 2, 2, 4])) if k % 2 else int(rng.choice([12, 16, 24]))
            family = songs.FAMILIES[int(rng.integers(len(songs.FAMILIES)))]
            song = songs.compose(rng, family=family, tonic=int(rng.integers(12)), bars=bars, drums=rng.random() < 0.5)
            clips.append(songs.to_clip(rng, song, cents=0.0))
        for y, clip in zip(soundfonts.render(clips, font, tail=0.0, reverb=True), clips, strict=True):
            yield y, 1, "rendered" if clip.seconds < LONGEST_PHRASE_SECONDS else "rendered track"


def _made(rng: Rng) -> Iterator[Clip]:
    """Give what is composed and synthesized."""
    for k in range(_LOOPS):
        yield material.loop(np.random.default_rng(_FIRST_SEED + k)).y, 1, "loop"
    for k in range(_TRACKS):
        yield material.track(np.random.default_rng(_FIRST_SEED + 50_000 + k)).y, 1, "track"
    for y in songs.clips(rng, _SONGS):
        yield y, 1, "song"
    yield from _rendered(rng)
    for k in range(_BEATLESS):
        y, name = beatless.beatless(np.random.default_rng(_FIRST_SEED + k))
        if name in _KINDS:
            yield y, _KINDS[name], name
        elif name == "noise":
            yield y, 0, name
    for _ in range(_EFFECTS):
        yield effects.draw(rng), 0, "effect"
        yield voices.sing(rng)[0], 0, "sung"
    for k in range(_BEDS):
        yield beds.draw(rng, float(rng.uniform(1.5, 16.0)) if k % 2 else _long(rng)), 0, "bed"


def _shots(rng: Rng, folder: Path) -> Iterator[Clip]:
    """Give recorded and rendered one-shots that last, what is played on recordings, and what is joined of them."""
    everything = list(oneshots.read(folder))
    recorded = [(y, t) for y, t in everything if singles.is_recorded(t)]
    long = [
        (y, str(t["name"]))
        for y, t in everything
        if len(y) > SHORTEST_LOOP_SECONDS * dsp.SR and not singles.is_recorded(t)
    ]
    # The longest sounds are cymbals that ring and notes that are held.
    for k in rng.choice(len(long), min(len(long), _SHOTS), replace=False).tolist():
        y, name = long[k]
        y = augment.vary(y, rng)[0]
        yield (_echoing(y, rng) if rng.random() < 0.2 else y), 0, name
    for y, truth in recorded:
        name = str(truth["font"])
        if len(y) > SHORTEST_LOOP_SECONDS * dsp.SR:
            yield (augment.vary(y, rng)[0] if rng.random() < 0.4 else y), 0, name
        if len(y) > 5 * dsp.SR and truth["name"] not in {"voice", "fx"}:
            yield _faster(y, float(rng.uniform(1.5, 4.0))), 0, f"{name} faster"
    for fold in oneshots.FOLDS:
        shelf = Shelf([(y, t) for y, t in recorded if t["font"] in fold])
        for k in range(_PLAYED // len(oneshots.FOLDS)):
            if (y := played(rng, shelf, _long(rng) if k % 3 == 0 else None)) is not None:
                y = augment.vary(y, rng)[0] if rng.random() < 0.5 else y
                yield y, 1, f"played {fold[-1]}"
        for k in range(_JOINED // len(oneshots.FOLDS)):
            if (y := joined(rng, shelf, _long(rng) if k % 2 else float(rng.uniform(1.5, 16.0)))) is not None:
                yield y, 0, f"joined {fold[-1]}"


def not_changing(features: dsp.Features) -> bool:
    """Tell a chord that is only held: some call it a pad, others a one-shot."""
    return change(features) < 0.08 and len(onset_times(features)) < 4


@dataclass(frozen=True)
class Measured:
    """A clip as the networks of the kind are asked about it, except for the pitch, which is learned first."""

    features: dsp.Features
    duration: float
    tempo: TempoEstimate
    key: KeyEstimate
    is_music: int
    name: str


def measure(folder: Path) -> list[Measured]:
    """Measure all clips that last; what was measured is kept in the folder for the next time."""
    with ProcessPoolExecutor(2) as pool:
        parts = pool.map(measure_part, (folder, folder), ("made", "shots"))
        return [m for path in parts for m in pickle.loads(path.read_bytes())]  # noqa: S301 -- our own


def measure_part(folder: Path, part: str) -> Path:
    """Measure what is made, or what is built of one-shots, unless it is there; return where it lies."""
    target = folder / f"kind-{part}.measured"
    if not target.exists():
        rng = np.random.default_rng(11)
        clips = _made(rng) if part == "made" else _shots(rng, folder)
        target.write_bytes(pickle.dumps([m for clip in clips if (m := _measured(*clip)) is not None]))
    return target


def _measured(y: F32, is_music: int, name: str) -> Measured | None:
    duration = len(y) / dsp.SR
    if duration <= _LASTING_SECONDS or np.abs(y).max() < 1e-3:
        return None
    features = dsp.compute_features(y, sr=dsp.SR)
    if is_music and duration <= LONGEST_PHRASE_SECONDS and not_changing(features):
        return None
    tempo, key = estimate_tempo(features, duration=duration), estimate_key(features)
    slim = replace(features, mel=features.mel[:0], summary={}, outline=[])
    return Measured(slim, duration, tempo, key, is_music, name)


def _learn(rows: F64, right: npt.NDArray[np.int64], names: npt.NDArray[np.str_]) -> Any:
    """Learn the network, report on held-out clips; a track that is missed counts twice."""
    options: dict[str, Any] = {"outputs": 2, "hidden": 16, "epochs": 40, "decay": 1e-3, "seeds": (0, 1)}
    # Whole sources are held out together: those of recordings by their name, others at random.
    sources = {name: k % _FOLDS for k, name in enumerate(sorted(set(names.tolist())))}
    drawn = np.random.default_rng(0).integers(0, _FOLDS, len(rows))
    many = {"loop", "track", "song", "rendered", "rendered track", "hit", "held", "riser", "pad", "noise", "bed"}
    fold = np.array([drawn[k] if n in many else sources[n] for k, n in enumerate(names.tolist())])
    weight = np.where(right == 1, 2.0, 1.0) / np.bincount(right)[right]
    logits = np.zeros((len(rows), 2))
    for k in range(_FOLDS):
        out = fold == k
        logits[out] = network.fit(rows[~out][:, None], right[~out], weight=weight[~out], **options).logits(rows[out])
    hit = logits.argmax(axis=1) == right
    for name in sorted(set(names.tolist())):
        own = names == name
        sys.stdout.write(f"{name:24}{own.sum():6} {100 * hit[own].mean():5.1f} % right\n")
    divisor = network.temperature(logits, right)
    confidence.report("lasting", softmax(logits / divisor).max(axis=1), hit)
    return network.to_arrays(network.fit(rows[:, None], right, weight=weight, **options), divisor=divisor)


def fit(folder: Path) -> None:
    """Learn, report on held-out clips, write the model."""
    measured = measure(folder)
    rows = np.stack([_row(m) for m in measured])
    right, names = np.array([m.is_music for m in measured]), np.array([m.name for m in measured])
    np.savez_compressed(_MODEL, **_learn(rows, right, names))


def _row(m: Measured) -> F64:
    row = kind_row(m.features, hear(m.features), duration=m.duration, tempo=m.tempo, key=m.key)
    return np.array([*row, m.key.music or 0.0, *restlessness(m.features)])


if __name__ == "__main__":
    fit(Path(sys.argv[1]))
