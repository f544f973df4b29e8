"""Learns the chords of single sounds and of songs (`samplemind_worker/dsp/models/chord.npz`).

`python -m training.chords make CORPUS SOUNDS FOLDER` makes and measures the material of `training.strums`; SOUNDS holds
the single notes, drums, noises and effects of `training.oneshots` and `training.sources`, which are no chords. `python
-m training.chords fit FOLDER` reports on held-out sources and writes the model.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import pickle
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp import chord, chord_model
from samplemind_worker.dsp.features import PITCH_HOP, pitches
from samplemind_worker.dsp.network import softmax
from training import augment, confidence, network, oneshots, songs, soundfonts, strums

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]
Truth = dict[str, Any]
Rng = np.random.Generator
Single = tuple[dsp.Features, Truth]

_RECORDED, _RENDERED, _SYNTHESIZED, _OTHERS_PER_FILE = 840, 720, 1800, 180
_SONGS_RECORDED, _SONGS_RENDERED, _SONGS_SYNTHESIZED = 70, 90, 150
_LONGEST_SECONDS = 26.0
FOLDS = (
    ("fluid", "musescore", "collected", "spanish", "billie", "words", "beds", "digital", "rhythm-king", "produced"),
    (
        *("csound", "timgm", "upright", "oldpiano", "hands", "bassyr", "readers", "outside", "acoustic-kits", "vowels"),
        "hardware",
    ),
    (
        *("merlin", "opl3", "electric", "pearl", "zeppelin", "effects", "things", "reader", "opendrums", "analog"),
        *("clonk", "studio-kit", "single-drums", "freesound", "iowa", "iowa-stereo"),
        *("stargate", "mercury", "cadence", "percusion", "repique"),
    ),
    ("synth", "synthesized", "noises"),
)
"""Sources that are held out together. Nothing is learned from a source that is in none of them."""
_SONG_NAMES = {"M": "maj", "m": "min", "7": "7", "M7": "maj7", "m7": "min7", "dim": "dim", "sus": "sus4", "5": "power"}
_QUALITIES = list(chord_model.QUALITIES)
_MODEL = Path(dsp.__file__).parent / "models" / "chord.npz"
_RATE = dsp.SR / PITCH_HOP


def _single(y: F32, truth: Truth) -> Single:
    """Measure a sound, and leave out what no chord model reads."""
    features = dsp.compute_features(y, sr=dsp.SR)
    kept = {"notes", "pitch", "tonalness", "tuning_strength", "samples", "peak", "sr", "tuning_cents"}
    meta, arrays = features.to_arrays()
    meta = {k: v if k in kept else {} for k, v in meta.items()}
    arrays = {k: v if k in kept else v[:0] for k, v in arrays.items()}
    return dsp.Features.from_arrays(meta, arrays), truth


def _both(rng: Rng, sounds: Iterator[tuple[F32, Truth]]) -> list[Single]:
    """Measure sounds, a third of them after treatment instead."""
    out: list[Single] = []
    for y, truth in sounds:
        if rng.random() < 0.35:
            varied, shift = augment.vary(y, rng)
            if np.abs(varied).max() > 1e-3 and abs(shift - round(shift)) < 0.4:
                moved = truth | {
                    name: (truth[name] + round(shift)) % 12 for name in ("root", "bass") if truth[name] >= 0
                }
                out.append(_single(varied, moved))
                continue
        out.append(_single(y, truth))
    return out


def _others(rng: Rng, folder: Path) -> Iterator[tuple[F32, Truth]]:
    """Give single notes, drums, noises and effects of every source."""
    for path in sorted(folder.glob("*.json")):
        sounds = list(oneshots.read_file(path))
        for k in rng.permutation(len(sounds))[:_OTHERS_PER_FILE].tolist():
            y, truth = sounds[k]
            # Rendered files hold chords too, and rooms and effects may; neither says which.
            unsure = truth["midi"] is None and truth["name"] not in {"kick", "snare", "clap", "rim", "hat_closed",
                "hat_open", "crash", "ride", "shaker", "cowbell", "perc", "tom", "fx", "ambience"}  # fmt: skip
            if not unsure and np.abs(y).max() > 1e-3:
                yield y[: round(6 * dsp.SR)], {"root": -1, "quality": "", "bass": -1, "font": path.stem}


def _label(song: songs.Song) -> Truth:
    return {
        "beats": np.arange(0.0, song.seconds + 1e-6, 60.0 / song.bpm),
        "chords": [(start, root, _SONG_NAMES[quality]) for start, root, quality in song.chords],
    }


def _song(rng: Rng, number: int) -> songs.Song:
    while True:
        family, bars = songs.FAMILIES[number % len(songs.FAMILIES)], int(rng.choice([2, 4, 4, 8]))
        song = songs.compose(rng, family=family, tonic=int(rng.integers(12)), bars=bars, drums=rng.random() < 0.5)
        # What is labelled has to be heard: the chords, or a bass and an arpeggio.
        if song.seconds <= _LONGEST_SECONDS and {n[4] for n in song.notes} & {songs.CHORDS, songs.ARPEGGIO}:
            return song


def _measured_song(y: F32, truth: Truth) -> tuple[F32, Truth]:
    return pitches(np.ascontiguousarray(y, np.float32), scale=1.0 / float(np.abs(y).max())).notes, truth


def _songs(rng: Rng, corpus: Path) -> Iterator[tuple[F32, Truth]]:
    for font in soundfonts.FONTS:
        chosen = [_song(rng, k) for k in range(_SONGS_RENDERED)]
        clips = [songs.to_clip(rng, s, cents=float(rng.choice([0.0, rng.uniform(-45, 45)]))) for s in chosen]
        for song, y in zip(chosen, soundfonts.render(clips, font, tail=0.0, reverb=True), strict=True):
            if np.abs(y).max() > 1e-3:
                yield _measured_song(y, _label(song) | {"font": font})
    for k in range(_SONGS_SYNTHESIZED):
        song = _song(rng, k)
        yield _measured_song(songs.synthesize(rng, song, cents=0.0), _label(song) | {"font": "synth"})
    for name in (*strums.RECORDED, *strums.MEASURED):
        for k in range(_SONGS_RECORDED):
            song = _song(rng, k)
            names = dict.fromkeys((songs.BASS, songs.CHORDS, songs.ARPEGGIO, songs.MELODY), name)
            y = strums.played_song(rng, song, corpus, names)
            yield _measured_song(y, _label(song) | {"font": name})


def _recorded(corpus: Path, name: str, rng: Rng) -> list[Single]:
    return _both(rng, strums.recorded(rng, corpus, name, _RECORDED))


def _rendered(font: str, rng: Rng) -> list[Single]:
    return _both(rng, strums.rendered(rng, font, _RENDERED))


def make(corpus: Path, sounds: Path, folder: Path) -> None:
    """Make all material that is not there yet."""
    jobs: dict[str, Callable[[Rng], list[Any]]] = {}
    for name in (*strums.RECORDED, *strums.MEASURED):
        jobs[f"single-{name}"] = partial(_recorded, corpus, name)
    for font in (*soundfonts.FONTS, "merlin"):
        jobs[f"single-{font}"] = partial(_rendered, font)
    jobs["single-synth"] = lambda rng: _both(rng, strums.synthesized(rng, _SYNTHESIZED))
    jobs["single-others"] = lambda rng: _both(rng, _others(rng, sounds))
    jobs["songs"] = lambda rng: list(_songs(rng, corpus))
    folder.mkdir(parents=True, exist_ok=True)
    for number, (name, job) in enumerate(jobs.items()):
        path = folder / f"{name}.pickle"
        if not path.exists():
            path.write_bytes(pickle.dumps(job(np.random.default_rng(900 + number))))
            sys.stderr.write(f"{name} done\n")


def load(folder: Path, pattern: str) -> list[Any]:
    """Read what `make` wrote."""
    paths = sorted(folder.glob(pattern))
    return [one for path in paths for one in pickle.loads(path.read_bytes())]  # noqa: S301 -- our own


def _learned(fonts: npt.NDArray[np.str_]) -> Bools:
    return np.isin(fonts, [name for fold in FOLDS for name in fold])


def held_out(rows: F32, right: npt.NDArray[np.int64], fonts: npt.NDArray[np.str_], used: Bools, **options: Any) -> F64:
    """Give the logits of every example from a network that did not hear its source nor those of its fold."""
    logits = np.zeros((len(rows), rows.shape[1] * options["outputs"]))
    learned = _learned(fonts)
    for out in (*(np.isin(fonts, fold) for fold in FOLDS), ~learned):
        if out.any():
            heard = ~out & learned & used
            member = network.fit(rows[heard], right[heard], **options)
            logits[out] = member.logits(rows[out].astype(np.float64)).reshape(int(out.sum()), -1)
    return logits


def _table(
    name: str, groups: npt.NDArray[np.str_], columns: dict[str, F64 | Bools], used: Bools, learned: Bools
) -> None:
    """Print the means of what is used by group, first of what is learned from, then of what is only measured."""
    for title, part in ((name, used & learned), (f"{name}, never learned from", used & ~learned)):
        if not part.any():
            continue
        sys.stdout.write(f"{title}: {part.sum()}; {', '.join(columns)}\n")
        for group in [*sorted(set(groups[part].tolist())), "all"]:
            inside = part & ((groups == group) | (group == "all"))
            shares = [f"{100 * np.nanmean(np.asarray(v, float)[inside]):6.1f}" for v in columns.values()]
            sys.stdout.write(f"  {group:14} {inside.sum():6} {' '.join(shares)}\n")


def _chances(scores: F64, right: Bools, learned: Bools) -> F64:
    """Give each answer's chance by a curve of what is learned from that was fitted without the answer."""
    fitted = confidence.curve(scores[learned], right[learned])
    chances = np.interp(scores, fitted["scores"], fitted["chances"])
    chances[learned] = confidence.crossed(scores[learned], right[learned])
    return chances


def _third(quality: str) -> str:
    """Reduce a quality to major or minor, as mir_eval's ``majmin`` does; the others stay."""
    return {"7": "maj", "maj7": "maj", "min7": "min"}.get(quality, quality)


def _fit_singles(folder: Path) -> dict[str, F32]:
    singles: list[Single] = [s for s in load(folder, "single-*.pickle") if s[0].notes.any()]
    measured = [chord_model.profiles(chord_model.whole_spectrum(features.notes)) for features, _ in singles]
    rows = np.concatenate([chord_model.chord_rows(d) for d, _ in measured]).astype(np.float32)
    fonts = np.array([truth["font"] for _, truth in singles])
    roots = np.array([truth["root"] for _, truth in singles])
    qualities = [truth["quality"] for _, truth in singles]
    is_chord, learned = roots >= 0, _learned(fonts)
    taught = is_chord & learned
    count = len(_QUALITIES)
    right = np.array([count * r + _QUALITIES.index(q) if r >= 0 else 0 for r, q in zip(roots, qualities, strict=True)])
    options: dict[str, Any] = {"outputs": count, "hidden": 24, "epochs": 40, "decay": 1e-3}
    logits = held_out(rows, right, fonts, is_chord, **options)
    divisor = network.temperature(logits[taught], right[taught])
    odds = softmax(logits / divisor)
    best = odds.argmax(axis=1)
    thirds = np.array([_third(_QUALITIES[b % count]) == _third(q) for b, q in zip(best, qualities, strict=True)])
    same_root = best // count == roots
    basses = np.array([max(truth["bass"], 0) for _, truth in singles])
    lowest: dict[str, Any] = {"outputs": 1, "hidden": 8, "epochs": 30, "decay": 1e-3}
    tones = np.array([[tone in q for tone in range(12)] for q in chord_model.QUALITIES.values()])
    allowed = np.stack([np.roll(tones[b % count], b // count) for b in best])
    bass = np.where(allowed, held_out(rows, basses, fonts, is_chord, **lowest), -1e9).argmax(axis=1) == basses
    presence = np.stack(
        [chord_model.presence_row(s, d, f, o) for (s, _), (d, f), o in zip(singles, measured, odds, strict=True)]
    )[:, None].astype(np.float32)
    chosen: dict[str, Any] = {"outputs": 2, "hidden": 16, "epochs": 60, "decay": 1e-3, "seeds": (0, 1, 2)}
    there = held_out(presence, is_chord.astype(np.int64), fonts, np.ones_like(is_chord), **chosen)
    there_divisor = network.temperature(there[learned], is_chord[learned].astype(np.int64))
    present = softmax(there / there_divisor)[:, 1]
    scores, correct = present * odds.max(axis=1), is_chord & (best == right)
    chances = _chances(scores, correct, learned)
    given = chances >= chord.SURE
    columns = {"root": same_root, "and third": same_root & thirds, "exact": best == right, "bass": bass, "given": given}
    columns["third, of the given"] = np.where(given, same_root & thirds, np.nan)
    _table("chords", fonts, columns, is_chord, learned)
    _table("by quality", np.array(qualities), columns, taught, learned)
    _table("no chords", fonts, {"given": given}, ~is_chord, learned)
    confidence.report("chord", chances[given & learned], correct[given & learned])
    arrays = network.to_arrays(network.fit(rows[taught], right[taught], **options), "single", divisor=divisor)
    arrays |= network.to_arrays(network.fit(rows[taught], basses[taught], **lowest), "bass")
    last = network.fit(presence[learned], is_chord[learned].astype(np.int64), **chosen)
    arrays |= network.to_arrays(last, "presence", divisor=there_divisor)
    rising = confidence.curve(scores[learned], correct[learned])
    return arrays | {f"single_{name}": value for name, value in rising.items()}


def _beat_labels(truth: Truth) -> npt.NDArray[np.int64]:
    starts = np.array([start for start, _, _ in truth["chords"]])
    middles = (truth["beats"][1:] + truth["beats"][:-1]) / 2.0
    indices = np.searchsorted(starts, middles, side="right") - 1
    each = [len(_QUALITIES) * root + _QUALITIES.index(quality) for _, root, quality in truth["chords"]]
    return np.array(each)[indices]


def _fit_beats(folder: Path) -> dict[str, F32]:
    pieces: list[tuple[F32, Truth]] = [p for p in load(folder, "songs.pickle") if len(p[1]["beats"]) > 2]
    spectra = [chord_model.beat_spectra(notes, truth["beats"], rate=_RATE) for notes, truth in pieces]
    rows = np.concatenate([chord_model.chord_rows(chord_model.beat_profiles(s)).astype(np.float32) for s in spectra])
    labels = [_beat_labels(truth) for _, truth in pieces]
    right, lengths = np.concatenate(labels), [len(label) for label in labels]
    fonts = np.repeat([truth["font"] for _, truth in pieces], lengths)
    options: dict[str, Any] = {"outputs": len(_QUALITIES), "hidden": 24, "epochs": 14, "decay": 1e-3}
    logits = held_out(rows, right, fonts, np.ones(len(rows), bool), **options)
    learned = _learned(fonts)
    divisor = network.temperature(logits[learned], right[learned])
    odds = softmax(logits / divisor)
    ends = np.cumsum(lengths)[:-1]
    count = len(_QUALITIES)

    def agrees(found: npt.NDArray[np.int64], wanted: npt.NDArray[np.int64]) -> Bools:
        thirds = np.array([_QUALITIES.index(_third(quality)) for quality in _QUALITIES])
        return (found // count == wanted // count) & (thirds[found % count] == thirds[wanted % count])

    has_third = np.isin(right % count, [_QUALITIES.index(q) for q in ("maj", "min", "7", "maj7", "min7")])
    for stay in (0.0, 1.0, 2.0, chord.STAY, 4.0, 6.0):
        path = np.concatenate([chord.smooth(part, stay) for part in np.split(odds, ends)])
        share = 100 * agrees(path, right)[has_third & learned].mean()
        roots = 100 * (path // count == right // count)[learned].mean()
        sys.stdout.write(f"stay {stay}: majmin {share:.1f}, root {roots:.1f}\n")
    parts = [chord.smooth(part) for part in np.split(odds, ends)]
    path = np.concatenate(parts)
    fine = agrees(path, right)
    nan = np.where(has_third, fine, np.nan)
    columns: dict[str, F64 | Bools] = {"majmin": nan, "root": path // count == right // count, "exact": path == right}
    _table("beats", fonts, columns, np.ones_like(learned), learned)
    scores: list[float] = []
    correct: list[bool] = []
    of_learned = [part.all() for part in np.split(learned, ends)]
    for own, wanted, chance, taught in zip(parts, labels, np.split(odds, ends), of_learned, strict=True):
        if not taught:
            continue
        for first, last in chord.spans(own):
            scores.append(float(chance[first:last, own[first]].mean()))
            correct.append(bool(agrees(own[first:last], wanted[first:last]).mean() > 0.5))
    held, truths = np.array(scores), np.array(correct)
    confidence.report("segments", confidence.crossed(held, truths), truths)
    arrays = network.to_arrays(network.fit(rows[learned], right[learned], **options), "beat", divisor=divisor)
    return arrays | {f"beat_{name}": value for name, value in confidence.curve(held, truths).items()}


def fit(folder: Path) -> None:
    """Learn, report on held-out sources, and write the model."""
    arrays = _fit_singles(folder) | _fit_beats(folder)
    halved: dict[str, Any] = {k: v.astype(np.float16) if v.ndim > 1 else v for k, v in arrays.items()}
    np.savez_compressed(_MODEL, **halved)


if __name__ == "__main__":
    if sys.argv[1] == "make":
        make(*map(Path, sys.argv[2:5]))
    else:
        fit(Path(sys.argv[2]))
