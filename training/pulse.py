"""Learns whether a sound has a tempo, and whether the likeliest one is right.

`python -m training.pulse CACHE FOLDER` reads the bank of `training.tempo` (CACHE) and the sounds of `training.oneshots`
and `training.sources` (FOLDER), makes loops, tracks and what only resembles them, reports scores on held-out material
and writes `samplemind_worker/dsp/models/pulse.npz`. It asks the models of tempo, key and pitch: they come first. What
was measured stays in FOLDER (`pulse-*.npz`); delete it after a change of those models or of a measure.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import sys
import zlib
from collections.abc import Callable, Iterable
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp.key import estimate_key
from samplemind_worker.dsp.kind import SHORTEST_LOOP_SECONDS, kind_row
from samplemind_worker.dsp.network import softmax
from samplemind_worker.dsp.pitch import hear
from samplemind_worker.dsp.pulse import pulse_row
from samplemind_worker.dsp.tempo import estimate_tempo
from training import (
    augment,
    bank,
    beatless,
    beds,
    confidence,
    effects,
    figures,
    lasting,
    material,
    network,
    oneshots,
    singles,
    songs,
    sounds,
    studio,
    voices,
)
from training.material import Clip

Bools = npt.NDArray[np.bool_]
F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator

_MODEL = Path(dsp.__file__).parent / "models" / "pulse.npz"
_FIRST_SEED = 1_000_000  # away from those that the tempo learns from
_COUNTS = {
    "material": 500, "studio": 1200, "project": 400, "still": 400, "short": 900, "songs": 450, "figures": 700,
    "soft": 500, "beatless": 700, "pads": 200, "effects": 500, "shots": 1200, "played": 150, "recorded": 80,
    "takes": 50, "clapped": 35,
}  # fmt: skip
"""Clips of each part; of the last four for each recorded source."""
_LONGEST_SECONDS = 33.0
_FOLDS = 4
_NONE, _WRONG, _RIGHT = 0, 1, 2
_LEVELS = (1.0, 2.0, 3.0, 1 / 2, 1 / 3)
_CUT, _FILLED, _PADDED = 0.3, 0.1, 0.1
"""Shares of what has no tempo that are cut, and filled up with silence, to a round length or to whole beats, and of all
that silence is put around."""
_BY_SOURCE = {"played", "recorded", "takes", "clapped"}
_EVERYDAY = {"voice", "ambience", "fx"}
_TIMES = 3
"""A source of such recordings gives as many times more clips: no two of them are alike."""
_ATTEMPTS = 8
"""Draws of what a source shall play: few have all drums and notes."""
_OPTIONS: dict[str, Any] = {"outputs": 3, "hidden": 64, "epochs": 60, "decay": 1e-3}
_OF_TEMPO = 1.25
"""Weight of what has a tempo: without it more short loops get none."""


def _makers(part: str, cache: Path, folder: Path) -> list[Callable[[], Clip | None]]:
    """Return what makes the clips of one part; the name says what each is, and for recordings their source."""
    make = _maker(part, cache, folder)
    number = zlib.crc32(part.encode())  # further parts change no other

    def one(key: tuple[int, ...], *source: Any) -> Clip | None:
        clip = make(np.random.default_rng((5150, number, *key)), _FIRST_SEED + key[-1], *source)
        return None if clip is None else as_filed(np.random.default_rng((31, number, *key)), clip)

    count = _COUNTS[part]
    if part not in _BY_SOURCE:
        return [partial(one, (k,)) for k in range(count)]
    makers: list[Callable[[], Clip | None]] = []
    for source, own in _by_source(folder):
        many = _TIMES if part == "recorded" and own[0][1]["name"] in _EVERYDAY else 1
        seed = zlib.crc32(source.encode())  # a further source changes no other
        makers += [partial(one, (seed, k), source, own) for k in range(count * many)]
    return makers


def as_filed(rng: Rng, clip: Clip) -> Clip:
    """Cut and pad a clip as it lies in a library: not always where the sound begins and ends."""
    y, chance = clip.y, rng.random()
    if clip.bpm is None and chance < _CUT + _FILLED:
        # Otherwise a round length, or whole beats, would prove a loop.
        unit = 0.5 if rng.random() < 0.5 else 120.0 / int(rng.integers(60, 191))
        units = int(len(y) / dsp.SR / unit)
        if chance < _CUT:
            length = round(unit * (2 ** int(np.log2(units)) if units > 1 and rng.random() < 0.5 else units) * dsp.SR)
        else:
            length = round(unit * 2 ** int(np.log2(units + 1) + 1) * dsp.SR)
            y = np.pad(y, (0, max(0, length - len(y))))
        y = y[:length] if length >= dsp.SR else y
    if rng.random() < _PADDED:
        before, after = (rng.uniform(0.0, 0.05, 2) * dsp.SR * (rng.random(2) < 0.7)).astype(int).tolist()
        y = np.pad(y, (before, after))
    return replace(clip, y=y)


def _maker(part: str, cache: Path, folder: Path) -> Callable[..., Clip | None]:
    """Return what makes a clip of one part from a generator and a seed, or of the sounds of a source."""
    if part in {"studio", "project", "still"}:
        here = studio.Studio(bank.load(cache), [])
        of_seed = {"studio": studio.make, "project": studio.project, "still": studio.still}[part]
        return partial(_of_seed, lambda seed: of_seed(seed, here))
    if part in {"figures", "shots"}:
        rendered = [y for y, t in oneshots.read(folder) if not singles.is_recorded(t)]
        if part == "shots":
            return partial(_echoing, [y for y in rendered if len(y) > 0.95 * dsp.SR])
        return partial(_figure, rendered)
    return {
        "material": partial(_of_seed, material.make),
        "short": partial(_of_rng, figures.short_loop),
        "songs": _song,
        "soft": partial(_song, soft=True),
        "beatless": partial(_still, beatless.beatless),
        "pads": partial(_still, beatless.moving_pad),
        "effects": _effect,
        "played": _played,
        "recorded": _recorded,
        "takes": _take,
        "clapped": _clapped,
    }[part]


def _of_seed(make: Callable[[int], Clip], _: Rng, seed: int) -> Clip:
    return make(seed)


def _of_rng(make: Callable[[Rng], Clip], rng: Rng, _: int) -> Clip:
    return make(rng)


def _figure(rendered: list[F32], rng: Rng, _: int) -> Clip:
    return Clip(figures.figure(rng, rendered), None, name="figure")


def _song(rng: Rng, seed: int, *, soft: bool = False) -> Clip:
    family = songs.FAMILIES[seed % len(songs.FAMILIES)]
    bars, drums = int(rng.choice([1, 1, 2, 4])), not soft and bool(rng.random() < 0.3)
    song = songs.compose(rng, family=family, tonic=int(rng.integers(12)), bars=bars, drums=drums)
    return Clip(songs.synthesize(rng, song, cents=0.0, soft=soft), song.bpm, name="song")


def _still(make: Callable[[Rng], tuple[F32, str]], rng: Rng, _: int) -> Clip:
    y, name = make(rng)
    return Clip(y, None, name=name)


def _effect(rng: Rng, seed: int) -> Clip:
    if seed % 4 == 1:
        y = voices.sing(rng)[0]
    else:
        y = effects.draw(rng) if seed % 2 else beds.draw(rng, float(rng.uniform(1.0, 16.0)))
    return Clip(y, None, name="effect")


def _echoing(long: list[F32], rng: Rng, _: int) -> Clip:
    """Treat a one-shot that lasts; a quarter gets echoes."""
    y = augment.vary(long[int(rng.integers(len(long)))], rng)[0]
    if rng.random() < 0.25:
        longer = np.pad(y, (0, round(float(rng.uniform(0.3, 2.0)) * dsp.SR))).astype(np.float64)
        y = np.asarray(sounds.peak(sounds.echo(longer, float(rng.uniform(0.08, 0.5)), rng)), np.float32)
    return Clip(y, None, name="shot")


def _by_source(folder: Path) -> list[tuple[str, list[oneshots.Sound]]]:
    by_source: dict[str, list[oneshots.Sound]] = {}
    for y, truth in oneshots.read(folder):
        if singles.is_recorded(truth):
            by_source.setdefault(str(truth["font"]), []).append((y, truth))
    return sorted(by_source.items())


def _played(rng: Rng, _: int, source: str, own: list[oneshots.Sound]) -> Clip | None:
    """Play a loop on the drums or notes of a source, if it has such; most of them change from bar to bar."""
    shelf, bpm = lasting.Shelf(own), float(rng.uniform(70.0, 175.0))
    wanted = int(rng.integers(2, 4)) if rng.random() < 0.6 else 1
    attempts = (lasting.played(rng, shelf, bpm=bpm) for _ in range(_ATTEMPTS))
    loops = list(islice((y for y in attempts if y is not None), wanted))
    if not loops:
        return None
    y, shift = augment.vary(loops[0] if wanted == 1 else _changing(rng, loops, 240.0 / bpm), rng)
    return Clip(y, bpm * 2.0 ** (shift / 12.0), name=f"recorded {source}")


def _changing(rng: Rng, loops: list[F32], bar: float) -> F32:
    """Join two or four bars (seconds long) of loops of one tempo, as a player goes on."""
    cut = [(y, k) for y in loops for k in range(round(len(y) / dsp.SR / bar))]
    bars = [y[round(k * bar * dsp.SR) : round((k + 1) * bar * dsp.SR)] for y, k in cut]
    return np.concatenate([bars[int(rng.integers(len(bars)))] for _ in range(int(rng.choice([2, 4])))])


def _recorded(rng: Rng, _: int, source: str, own: list[oneshots.Sound]) -> Clip:
    """Give a recording, or of speech, rooms and effects a part of it."""
    y, truth = own[int(rng.integers(len(own)))]
    most = round(float(np.exp(rng.uniform(0.0, np.log(20.0)))) * dsp.SR)
    return Clip(y[:most] if truth["name"] in {"voice", "ambience", "fx"} else y, None, name=f"recorded {source}")


def _take(rng: Rng, _: int, source: str, own: list[oneshots.Sound]) -> Clip:
    """Join speech and effects to a take; of hits and notes make figures."""
    take = lasting.joined(rng, lasting.Shelf(own), float(rng.uniform(1.5, 16.0)))
    if take is None:
        take = figures.figure(rng, [y for y, _ in own if len(y) > 2000])
    return Clip(take, None, name=f"recorded {source}")


def _clapped(rng: Rng, _: int, source: str, own: list[oneshots.Sound]) -> Clip | None:
    """Repeat claps, or other hits and noises of a source."""
    short = [(y, t["name"]) for y, t in own if 400 < len(y) < 0.8 * dsp.SR and (t["midi"] or 0.0) <= 0.0]
    names = sorted({name for _, name in short})
    if not names:
        return None
    name = "clap" if "clap" in names and rng.random() < 0.5 else str(rng.choice(names))
    return Clip(figures.by_hand(rng, [y for y, other in short if other == name]), None, name=f"recorded {source}")


def _measure(clip: Clip) -> tuple[F64, tuple[float, float, float]] | None:
    """Return the row of a clip, its truth (0 for none), and what was found: 0 where nothing can repeat."""
    duration = len(clip.y) / dsp.SR
    if not SHORTEST_LOOP_SECONDS <= duration <= _LONGEST_SECONDS or np.abs(clip.y).max() < 1e-3:
        return None
    features = dsp.compute_features(clip.y, sr=dsp.SR)
    tempo, key = estimate_tempo(features, duration=duration), estimate_key(features)
    row = kind_row(features, hear(features), duration=duration, tempo=tempo, key=key)
    truth, found = clip.bpm or 0.0, tempo.tempo or 0.0
    if clip.half and _near(2.0 * found, truth):
        truth = found  # half the tempo is right, too
    row = pulse_row(features, row, tempo=tempo, key=key)
    return row, (truth, found, float(tempo.clear))


def _near(found: float, true: float) -> bool:
    return abs(found / true - 1.0) < 0.04


def measure(part: str, cache: Path, folder: Path) -> Path:
    """Measure the clips of a part, unless that was done; return where they lie."""
    return store(folder / f"pulse-{part}.npz", part, _makers(part, cache, folder))


def store(target: Path, part: str, makers: Iterable[Callable[[], Clip | None]]) -> Path:
    """Make and measure clips, unless they lie there; return where."""
    if not target.exists():
        kept = [(c.name, found) for make in makers if (c := make()) is not None and (found := _measure(c)) is not None]
        rows, truths = np.array([found[0] for _, found in kept]), np.array([found[1] for _, found in kept])
        np.savez(target, rows=rows, truths=truths, names=np.array([f"{part} {name}" for name, _ in kept]))
        sys.stderr.write(f"{part}: {len(kept)}\n")
    return target


def _taught(truths: F64) -> npt.NDArray[np.int64]:
    """Return the class of each clip: it has no tempo, another one, or the one that was found."""
    right = np.abs(truths[:, 1] / np.maximum(truths[:, 0], 1.0) - 1.0) < 0.04
    return np.where(truths[:, 0] == 0.0, _NONE, np.where(right, _RIGHT, _WRONG))


def report(chances: F64, truths: F64, names: npt.NDArray[np.str_]) -> None:
    """Print, for limits on the probability of a tempo, what is found and what is given falsely, by part."""
    level = [np.abs(truths[:, 1] / np.maximum(truths[:, 0], 1.0) / f - 1.0) < 0.04 for f in _LEVELS]
    has, right, any_level = truths[:, 0] > 0.0, _taught(truths) == _RIGHT, np.any(level, axis=0)
    parts = np.array([name.split()[0] for name in names.tolist()])
    for limit in (0.0, 0.3, 0.4, 0.5, 0.7):
        given = truths[:, 2] > 0.0 if limit == 0.0 else chances[:, _NONE] <= 1.0 - limit
        sys.stdout.write(f"{limit or 'trees alone'}\n")
        for part in sorted(set(parts.tolist())):
            own, wanted = parts == part, (parts == part) & has
            if wanted.any():
                shares = [100.0 * float((given & x)[wanted].mean()) for x in (right, any_level)]
                none = 100.0 * float((~given)[wanted].mean())
                sys.stdout.write(f"  {part:9} acc1 {shares[0]:5.1f} acc2 {shares[1]:5.1f} none {none:5.1f}\n")
            if (own & ~has).any():
                sys.stdout.write(f"  {part:9} false {100.0 * float(given[own & ~has].mean()):5.1f}\n")
    given = chances[:, _NONE] <= 0.6
    confidence.report("tempo", chances[given & has, _RIGHT], right[given & has])


def folds(names: npt.NDArray[np.str_]) -> npt.NDArray[np.int64]:
    """Return the fold in which each clip is held out: those of a recorded source together, others at random."""
    source = np.array([name.partition("recorded ")[2] for name in names.tolist()])
    fold = np.random.default_rng(0).integers(0, _FOLDS, len(names))
    for k, one in enumerate(sorted(set(source.tolist()) - {""})):
        fold[source == one] = k % _FOLDS
    return fold


def fit(cache: Path, folder: Path) -> None:
    """Learn, report on held-out clips (recorded sources as a whole), write the model."""
    with ProcessPoolExecutor(2) as pool:
        paths = list(pool.map(partial(measure, cache=cache, folder=folder), _COUNTS))
    tables = [np.load(path) for path in paths]
    rows, truths, names = (np.concatenate([table[name] for table in tables]) for name in ("rows", "truths", "names"))
    there = truths[:, 1] > 0.0
    rows, truths, names = rows[there], truths[there], names[there]
    fold, taught, weight = folds(names), _taught(truths), np.where(truths[:, 0] > 0.0, _OF_TEMPO, 1.0)
    chances = np.zeros((len(rows), 3))
    for k in range(_FOLDS):
        out = fold == k
        net = network.fit(rows[~out][:, None], taught[~out], weight=weight[~out], seeds=(0, 1), **_OPTIONS)
        chances[out] = softmax(net.logits(rows[out]))
    report(chances, truths, names)
    net = network.fit(rows[:, None], taught, weight=weight, seeds=(0, 1, 2, 3), **_OPTIONS)
    np.savez_compressed(_MODEL, **network.to_arrays(net))  # type: ignore[arg-type]


if __name__ == "__main__":
    fit(Path(sys.argv[1]), Path(sys.argv[2]))
