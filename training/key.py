"""Learns the key model (`samplemind_worker/dsp/models/key.npz`) on material with keys by construction.

`python -m training.key make CORPUS SOUNDS FOLDER` renders and measures (needs `FOLDER/scores.json` from
`training.scores`, fluidsynth and its soundfonts, the recorded notes of `training.strums` in CORPUS, and in SOUNDS what
`training.oneshots` and `training.sources` wrote; an hour on one core); `python -m training.key fit FOLDER` reports
scores on held-out sources and writes the model.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import json
import sys
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp import key_model
from samplemind_worker.dsp.instrument import DRUMS
from training import augment, confidence, network, oneshots, signals, songs, soundfonts, strums

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]
Rng = np.random.Generator
Sound = tuple[F32, dict[str, Any]]

_SYNTHESIZED, _RENDERED, _PIECES, _RECORDED = 2500, 600, 300, 150
_DRUM_LOOPS, _KIT_LOOPS, _NOISES, _OTHERS = 300, 60, 60, 250
"""How many are made in a round: the rendered ones, the pieces and the loops of a kit per soundfont, the recorded ones
per instrument, the others per source at most."""
_ROUNDS = 2
_FEWEST_DRUMS = 30
_WITHOUT_KEY = {"fx", "ambience", "voice", "crash", "ride", "hat_open", "perc", "shaker"}
"""Sounds that last and have no key, in words of `training.oneshots`."""
_SHORTEST_SECONDS = 1.25
_LONGEST_SECONDS = 26.0
_FONTS = (*soundfonts.FONTS, "merlin")
_FOLDS = (
    ("fluid", "opl3", "upright", "spanish", "beds", "readers", "opendrums"),
    ("csound", "timgm", "oldpiano", "reader", "noises", "collected", "billie"),
    ("musescore", "merlin", "synth", "electric", "effects", "hands", "synthesized", "pearl", "zeppelin"),
)
_MODEL = Path(dsp.__file__).parent / "models" / "key.npz"


@dataclass(frozen=True)
class Clips:
    """What the networks read of each clip, and its truth."""

    rows: F32
    """(n, 12, 156), see `key_model.key_rows`."""
    tonal: F32
    """(n, 8), see `key_model.tonal_row`."""
    truths: list[dict[str, Any]]


def _produced(y: F32, rng: Rng) -> F32:
    """Treat three in ten as a mix may be: filtered, and driven."""
    if rng.random() < 0.3:
        y = np.asarray(augment.filtered(y, rng), np.float32)
        y = y / (np.abs(y).max() + 1e-9)
    if rng.random() < 0.15:
        drive = float(rng.uniform(1.0, 4.0))
        y = np.tanh(drive * y / (np.abs(y).max() + 1e-9)).astype(np.float32)
    return y


def _thinned(rng: Rng, song: songs.Song) -> songs.Song:
    """Leave one in ten with a single voice: bass lines and tunes are loops, too."""
    if rng.random() >= 0.1:
        return song
    alone = int(rng.choice([songs.BASS, songs.MELODY, songs.ARPEGGIO]))
    notes = [note for note in song.notes if note[4] in {alone, soundfonts.DRUM_CHANNEL}]
    heard = {note[2] % 12 for note in notes if note[4] == alone}
    # One note or two do not say which key it is.
    return replace(song, notes=notes) if len(heard) > 2 else song


def _bars(rng: Rng) -> int:
    return int(rng.choice([1, 2, 2, 4, 4, 4, 8, 8]))


def _song(rng: Rng, number: int) -> songs.Song:
    family = songs.FAMILIES[number % len(songs.FAMILIES)]
    while True:
        song = songs.compose(rng, family=family, tonic=int(rng.integers(12)), bars=_bars(rng), drums=rng.random() < 0.5)
        if song.seconds <= _LONGEST_SECONDS:
            return _thinned(rng, song)


def _cents(rng: Rng) -> float:
    return float(rng.choice([0.0, rng.uniform(-50.0, 50.0)]))


def synthesized(rng: Rng) -> Iterator[Sound]:
    """Compose and play on the wavetable synthesizer."""
    for number in range(_SYNTHESIZED):
        song, cents = _song(rng, number), _cents(rng)
        yield songs.synthesize(rng, song, cents=cents), _truth(song, "synth", cents)


def _truth(song: songs.Song, font: str, cents: float = 0.0) -> dict[str, Any]:
    return {"tonic": song.tonic, "mode": song.mode, "family": song.family, "font": font, "cents": cents}


def recorded(rng: Rng, corpus: Path, name: str) -> Iterator[Sound]:
    """Play songs on recorded notes of one instrument."""
    roles = (songs.BASS, songs.CHORDS, songs.ARPEGGIO, songs.MELODY)
    for number in range(_RECORDED):
        song = _song(rng, int(rng.integers(1000)) + number)
        y = strums.played_song(rng, song, corpus, dict.fromkeys(roles, name))
        yield y, _truth(song, name)


def _accompany(rng: Rng, notes: list[songs.Note], tonic: int, mode: str, beat: float) -> list[songs.Note]:
    """Add a bass and the best fitting of tonic, subdominant and dominant for every two beats to a tune."""
    third = 4 if mode == "major" else 3
    triads = [(tonic, third), (tonic + 5, third), (tonic + 7, 4), (tonic, third)]
    end, out = max(n[0] + n[1] for n in notes), []
    low, middle = int(rng.integers(34, 44)), int(rng.integers(48, 60))
    for start in np.arange(0.0, end - 0.5 * beat, 2.0 * beat):
        inside = [n[2] % 12 for n in notes if start - 0.01 <= n[0] < start + 2.0 * beat - 0.01]
        fits = [sum(p in {r % 12, (r + t) % 12, (r + 7) % 12} for p in inside) for r, t in triads]
        root, third_ = triads[int(np.argmax(fits))]
        out.append((float(start), 1.8 * beat, low + (root - low) % 12, 90, songs.BASS))
        out += [(float(start), 1.8 * beat, middle + (root + t - middle) % 12, 75, songs.CHORDS) for t in (0, third_, 7)]
    return out


def _piece(rng: Rng, piece: dict[str, Any]) -> tuple[soundfonts.Clip, dict[str, Any]]:
    """Play an excerpt of notated music: transposed, at some tempo, with drums or a detuned orchestra at times."""
    beat, shift = 60.0 / float(rng.uniform(70, 160)), int(rng.integers(-6, 6))
    longest = float(rng.uniform(10.0, _LONGEST_SECONDS))
    end = max(n[0] + n[1] for n in piece["notes"]) * beat
    start = max(0.0, end - longest) if rng.random() < 0.5 else 0.0
    chosen = [n for n in piece["notes"] if start <= n[0] * beat < start + longest]
    notes: list[songs.Note] = [
        (o * beat - start, d * beat, midi + shift, int(rng.integers(70, 110)), part % 8) for o, d, midi, part in chosen
    ]
    programs = {part: int(rng.choice(songs.PROGRAMS[songs.CHORDS])) for part in range(8)}
    if rng.random() < 0.5:
        programs = dict.fromkeys(range(8), int(rng.choice([0, 4, 6, 19, 24, 48, 52, 61, 89])))
    tonic = (piece["tonic"] + shift) % 12
    if len({n[4] for n in notes}) == 1 and rng.random() < 0.7:
        notes = [(o, d, m, v, songs.MELODY) for o, d, m, v, _ in notes]
        notes += _accompany(rng, notes, tonic, piece["mode"], beat)
    if rng.random() < 0.25:
        pattern = list(signals.PATTERNS.values())[rng.integers(6)]
        bars = int(min(longest, end) / (4 * beat))
        notes += [
            (bar * 4 * beat + s * beat / 4, 0.1, midi, 90, soundfonts.DRUM_CHANNEL)
            for bar in range(bars)
            for name, midi in (("kick", 36), ("snare", 38), ("hat_closed", 42))
            for s, hit in enumerate(pattern.get(name, ""))
            if hit != "."
        ]
    cents = _cents(rng)
    seconds = min(longest, max(n[0] + n[1] for n in notes))
    clip = soundfonts.Clip(notes, programs, seconds, cents, {songs.BASS: int(rng.integers(80, 127))})
    return clip, {"tonic": tonic, "mode": piece["mode"], "family": piece["source"], "cents": cents}


def _kit_loop(rng: Rng) -> soundfonts.Clip:
    """Beat random drums of a kit, toms, bells and congas among them."""
    step, notes = 15.0 / float(rng.uniform(70, 175)), []
    for _ in range(int(rng.integers(2, 6))):
        midi, density = int(rng.integers(35, 82)), float(rng.uniform(0.1, 0.6))
        pattern = rng.random(16) < density
        notes += [
            (bar * 16 * step + s * step, 0.1, midi, int(rng.integers(60, 120)), soundfonts.DRUM_CHANNEL)
            for bar in range(2)
            for s in np.flatnonzero(pattern)
        ]
    return soundfonts.Clip(notes, {soundfonts.DRUM_CHANNEL: int(rng.choice([0, 8, 16, 24, 25, 32, 40]))}, 32 * step)


def rendered(rng: Rng, pieces: list[dict[str, Any]], font: str) -> Iterator[Sound]:
    """Play songs, pieces and drum loops through one soundfont."""
    clips: list[soundfonts.Clip] = []
    truths: list[dict[str, Any]] = []
    for number in range(_RENDERED):
        song, cents = _song(rng, int(rng.integers(1000)) + number), _cents(rng)
        clips.append(songs.to_clip(rng, song, cents=cents))
        truths.append(_truth(song, font, cents))
    # Most notated music is in major: both modes are drawn equally often.
    weight = np.array([1.0 / sum(q["mode"] == p["mode"] for q in pieces) for p in pieces])
    for index in rng.choice(len(pieces), _PIECES, p=weight / weight.sum()):
        clip, truth = _piece(rng, pieces[index])
        clips.append(clip)
        truths.append(truth | {"font": font})
    for _ in range(_KIT_LOOPS):
        clips.append(_kit_loop(rng))
        truths.append({"tonic": -1, "mode": "", "family": "drums", "font": font, "cents": 0.0})
    for first in range(0, len(clips), 100):
        part = clips[first : first + 100]
        sounds = soundfonts.render(part, font, tail=0.0, reverb=rng.random() < 0.5)
        yield from zip(sounds, truths[first : first + 100], strict=True)


def unpitched(rng: Rng) -> Iterator[Sound]:
    """Synthesize drum loops and noises."""
    names = list(signals.PATTERNS)
    truth: dict[str, Any] = {"tonic": -1, "mode": "", "font": "synth", "cents": 0.0}
    for k in range(_DRUM_LOOPS):
        y = signals.drum_loop(
            float(rng.uniform(70, 175)), bars=int(rng.integers(1, 5)), pattern=names[k % len(names)], sr=dsp.SR, seed=k
        )
        yield y, truth | {"family": "drums"}
    for k in range(_NOISES):
        y = signals.noise(float(rng.uniform(1, 12)), sr=dsp.SR, seed=k)
        y = np.convolve(y, rng.normal(size=int(rng.integers(1, 12))), mode="same").astype(np.float32)
        yield y, truth | {"family": "noise"}


def others(rng: Rng, path: Path) -> Iterator[Sound]:
    """Give effects, rooms, speech and what else has no key of one source."""
    lasting = [
        (y, truth)
        for y, truth in oneshots.read_file(path)
        if truth["name"] in _WITHOUT_KEY and len(y) >= _SHORTEST_SECONDS * dsp.SR
    ]
    for k in rng.permutation(len(lasting))[:_OTHERS].tolist():
        y, truth = lasting[k]
        about = {"tonic": -1, "mode": "", "family": truth["name"], "font": path.stem, "cents": 0.0}
        yield y[: round(_LONGEST_SECONDS * dsp.SR)], about


def beaten(rng: Rng, path: Path) -> Iterator[Sound]:
    """Beat random drums of one source, each hit as loud as it happens."""
    drums = [y[: 2 * dsp.SR] for y, truth in oneshots.read_file(path) if truth["name"] in DRUMS]
    for _ in range(_KIT_LOOPS if len(drums) >= _FEWEST_DRUMS else 0):
        step, bars = 15.0 / float(rng.uniform(70, 175)), int(rng.choice([1, 2, 2, 4]))
        size = round(16 * bars * step * dsp.SR)
        loop = np.zeros(size + 2 * dsp.SR)
        for _ in range(int(rng.integers(2, 6))):
            hit, gain = drums[rng.integers(len(drums))], float(rng.uniform(0.2, 1.0))
            for slot in np.flatnonzero(np.tile(rng.random(16) < rng.uniform(0.1, 0.6), bars)).tolist():
                first = round(slot * step * dsp.SR)
                loop[first : first + len(hit)] += gain * float(rng.uniform(0.6, 1.0)) * hit
        loop /= np.abs(loop).max() + 1e-9
        truth = {"tonic": -1, "mode": "", "family": "drums", "font": path.stem, "cents": 0.0}
        yield loop[:size].astype(np.float32), truth


def _store(path: Path, sounds: Iterator[Sound], rng: Rng) -> None:
    rows: list[F64] = []
    tonal: list[F64] = []
    truths: list[dict[str, Any]] = []
    for y, truth in sounds:
        if np.abs(y).max() < 1e-3:
            continue
        features = dsp.compute_features(_produced(y, rng), sr=dsp.SR)
        described = key_model.profiles(features.notes)
        rows.append(key_model.key_rows(described))
        tonal.append(key_model.tonal_row(features, described))
        truths.append(truth)
    if not rows:
        return
    np.savez(path, rows=np.array(rows, np.float32), tonal=np.array(tonal, np.float32), truths=json.dumps(truths))
    sys.stderr.write(f"{path.stem}: {len(truths)}\n")


def make(corpus: Path, sounds: Path, folder: Path) -> None:
    """Make all material that is not there yet."""
    pieces = json.loads((folder / "scores.json").read_text())
    made = {name: partial(rendered, pieces=pieces, font=name) for name in _FONTS}
    made |= {"unpitched": partial(unpitched), "synthesized": partial(synthesized)}
    made |= {name: partial(recorded, corpus=corpus, name=name) for name in strums.RECORDED}
    found = {f"others-{path.stem}": partial(others, path=path) for path in sorted(sounds.glob("*.json"))}
    found |= {f"beaten-{path.stem}": partial(beaten, path=path) for path in sorted(sounds.glob("*.json"))}
    for turn, jobs in enumerate([made | found, *[made] * (_ROUNDS - 1)]):
        for number, (name, job) in enumerate(jobs.items()):
            path, seed = folder / f"key-{turn}-{name}.npz", 1000 * turn + number
            if not path.exists():
                _store(path, job(np.random.default_rng(seed)), np.random.default_rng([seed, 1]))


def load(folder: Path) -> Clips:
    """Read all material."""
    parts = [np.load(path) for path in sorted(folder.glob("key-*.npz"))]
    return Clips(
        np.concatenate([part["rows"] for part in parts]),
        np.concatenate([part["tonal"] for part in parts]),
        [truth for part in parts for truth in json.loads(str(part["truths"]))],
    )


def _index(truth: dict[str, Any]) -> int:
    """Give the place of a key among the logits of twelve rows (tonics) of two (major, minor)."""
    return 2 * truth["tonic"] + (truth["mode"] == "minor")


def score(right: npt.NDArray[np.int64], found: npt.NDArray[np.int64]) -> tuple[float, float]:
    """Give mir_eval's weighted score and the exact share, in percent."""
    total = 0.0
    for r, f in zip(right.tolist(), found.tolist(), strict=True):
        distance, same = (f // 2 - r // 2) % 12, r % 2 == f % 2
        if same:
            total += {0: 1.0, 7: 0.5}.get(distance, 0.0)
        else:
            total += 0.2 if distance == 0 else 0.3 if distance == (9 if r % 2 == 0 else 3) else 0.0
    return 100.0 * total / len(right), 100.0 * float((right == found).mean())


def held_out(
    rows: npt.NDArray[Any],
    right: npt.NDArray[np.int64],
    fonts: npt.NDArray[np.str_],
    learned: npt.NDArray[np.bool_],
    **options: Any,
) -> npt.NDArray[np.float64]:
    """Give the logits of every clip from a network that heard neither its soundfont nor that of its fold.

    Only what is ``learned`` is learned from.
    """
    logits = np.zeros((len(rows), rows.shape[1] * options.get("outputs", 1)))
    for fold in _FOLDS:
        out = np.isin(fonts, fold)
        used = ~out & learned
        logits[out] = network.fit(rows[used], right[used], **options).logits(rows[out]).reshape(int(out.sum()), -1)
    return logits


def fit(folder: Path) -> None:
    """Learn, report on held-out sources, fit the confidence there, write the model."""
    clips = load(folder)
    fonts = np.array([truth["font"] for truth in clips.truths])
    has_key = np.array([truth["tonic"] >= 0 for truth in clips.truths])
    tonal_rows = clips.tonal[:, None]
    options: dict[str, Any] = {"outputs": 2, "hidden": 8, "epochs": 60, "decay": 1e-3, "seeds": (0, 1, 2)}
    logits = held_out(tonal_rows, has_key.astype(np.int64), fonts, np.ones_like(has_key), **options)
    given = logits[:, 1] > logits[:, 0]
    lost, wrong = 100 * (~given[has_key]).mean(), 100 * given[~has_key].mean()
    sys.stdout.write(f"music taken for drums {lost:.1f} %, drums and noise for music {wrong:.1f} %\n")
    tonal_divisor = network.temperature(logits, has_key.astype(np.int64))
    music = network.softmax(logits / tonal_divisor)[:, 1]
    confidence.report("music or drums", np.maximum(music, 1.0 - music), given == has_key)
    tonal = network.fit(tonal_rows, has_key.astype(np.int64), **options)

    right = np.array([_index(truth) if truth["tonic"] >= 0 else 0 for truth in clips.truths])
    options = {"outputs": 2, "hidden": 64, "epochs": 30, "decay": 1e-3, "seeds": (0, 1, 2)}
    logits = held_out(clips.rows, right, fonts, has_key, **options)
    found = logits.argmax(axis=1)
    for font in (*sorted(set(fonts[has_key].tolist())), "all"):
        own = has_key & ((fonts == font) | (font == "all"))
        sys.stdout.write("held out {}: key_w {:.1f} key_x {:.1f}\n".format(font, *score(right[own], found[own])))
    divisor = network.temperature(logits[has_key], right[has_key])
    # As `dsp.key` does: a key is given to what is taken for music, drums among it.
    scores = network.softmax(logits / divisor).max(axis=1)[given] * music[given]
    hit = (has_key & (found == right))[given]
    confidence.report("key, as the networks have it", scores, hit)
    confidence.report("key, by the curve of the other half", confidence.crossed(scores, hit), hit)
    arrays = network.to_arrays(network.fit(clips.rows[has_key], right[has_key], **options), divisor=divisor)
    arrays |= network.to_arrays(tonal, "tonal", divisor=tonal_divisor) | confidence.curve(scores, hit)
    np.savez_compressed(_MODEL, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    {"make": make, "fit": fit}[sys.argv[1]](*map(Path, sys.argv[2:]))
