"""Learns the key model (`samplemind_worker/dsp/models/key.npz`) on material with keys by construction.

`python -m training.key make FOLDER` renders and measures (needs `FOLDER/scores.json` from `training.scores`, fluidsynth
and its soundfonts); `python -m training.key fit FOLDER` reports scores on held-out soundfonts and writes the model.
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import json
import sys
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.dsp import key_model
from training import confidence, measured, network, signals, songs, soundfonts

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

_SYNTHESIZED, _RENDERED, _PIECES, _DRUM_LOOPS, _KIT_LOOPS, _NOISES = 600, 600, 450, 140, 90, 30
_LONGEST_SECONDS = 26.0
_FOLDS = (("fluid", "opl3"), ("csound", "timgm"), ("musescore", "synth"))
_MODEL = Path(dsp.__file__).parent / "models" / "key.npz"


def _measure(y: F32, **truth: Any) -> measured.Measured:
    return measured.Measured(dsp.compute_features(y, sr=dsp.SR), truth)


def _bars(rng: Rng) -> int:
    return int(rng.choice([1, 2, 2, 4, 4, 4, 8, 8]))


def _song(rng: Rng, number: int) -> songs.Song:
    family = songs.FAMILIES[number % len(songs.FAMILIES)]
    while True:
        song = songs.compose(rng, family=family, tonic=int(rng.integers(12)), bars=_bars(rng), drums=rng.random() < 0.5)
        if song.seconds <= _LONGEST_SECONDS:
            return song


def _cents(rng: Rng) -> float:
    return float(rng.choice([0.0, rng.uniform(-50.0, 50.0)]))


def synthesized(rng: Rng) -> list[measured.Measured]:
    """Compose and play on the wavetable synthesizer."""
    out: list[measured.Measured] = []
    for number in range(_SYNTHESIZED):
        song, cents = _song(rng, number), _cents(rng)
        y = songs.synthesize(rng, song, cents=cents)
        out.append(_measure(y, tonic=song.tonic, mode=song.mode, family=song.family, font="synth", cents=cents))
    return out


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


def rendered(rng: Rng, pieces: list[dict[str, Any]], font: str) -> list[measured.Measured]:
    """Play songs, pieces and drum loops through one soundfont."""
    clips: list[soundfonts.Clip] = []
    truths: list[dict[str, Any]] = []
    share = len(soundfonts.FONTS)
    for number in range(_RENDERED // share):
        song, cents = _song(rng, int(rng.integers(1000)) + number), _cents(rng)
        clips.append(songs.to_clip(rng, song, cents=cents))
        truths.append({"tonic": song.tonic, "mode": song.mode, "family": song.family, "cents": cents})
    # Most notated music is in major: both modes are drawn equally often.
    weight = np.array([1.0 / sum(q["mode"] == p["mode"] for q in pieces) for p in pieces])
    for index in rng.choice(len(pieces), _PIECES // share, replace=False, p=weight / weight.sum()):
        clip, truth = _piece(rng, pieces[index])
        clips.append(clip)
        truths.append(truth)
    for _ in range(_KIT_LOOPS // share):
        clips.append(_kit_loop(rng))
        truths.append({"tonic": -1, "mode": "", "family": "drums", "cents": 0.0})
    sounds = soundfonts.render(clips, font, tail=0.0, reverb=rng.random() < 0.5)
    return [_measure(y, font=font, **truth) for y, truth in zip(sounds, truths, strict=True) if np.abs(y).max() > 1e-3]


def unpitched(rng: Rng) -> list[measured.Measured]:
    """Synthesize drum loops and noises."""
    out: list[measured.Measured] = []
    names = list(signals.PATTERNS)
    for k in range(_DRUM_LOOPS):
        y = signals.drum_loop(
            float(rng.uniform(70, 175)), bars=int(rng.integers(1, 5)), pattern=names[k % len(names)], sr=dsp.SR, seed=k
        )
        out.append(_measure(y, tonic=-1, mode="", family="drums", font="synth", cents=0.0))
    for k in range(_NOISES):
        y = signals.noise(float(rng.uniform(1, 12)), sr=dsp.SR, seed=k)
        y = np.convolve(y, rng.normal(size=int(rng.integers(1, 12))), mode="same").astype(np.float32)
        out.append(_measure(y, tonic=-1, mode="", family="noise", font="synth", cents=0.0))
    return out


def make(folder: Path) -> None:
    """Make all material."""
    pieces = json.loads((folder / "scores.json").read_text())
    jobs: dict[str, Any] = {font: lambda rng, font=font: rendered(rng, pieces, font) for font in soundfonts.FONTS}
    jobs |= {"unpitched": unpitched, "synthesized": synthesized}
    for number, (name, job) in enumerate(jobs.items()):
        path = folder / f"key-{name}.npz"
        if not path.exists():
            measured.save(path, job(np.random.default_rng(number)))
            sys.stderr.write(f"{name} done\n")


def load(folder: Path) -> list[measured.Measured]:
    """Read all material."""
    return [clip for path in sorted(folder.glob("key-*.npz")) for clip in measured.load(path)]


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
    """Learn, report on held-out soundfonts, fit the confidence there, write the model."""
    clips = load(folder)
    described = [key_model.profiles(c.features.notes) for c in clips]
    fonts = np.array([c.truth["font"] for c in clips])
    tonal_rows = np.stack([key_model.tonal_row(c.features, d) for c, d in zip(clips, described, strict=True)])[:, None]
    has_key = np.array([c.truth["tonic"] >= 0 for c in clips])
    options: dict[str, Any] = {"outputs": 2, "hidden": 8, "epochs": 60, "decay": 1e-3, "seeds": (0, 1, 2)}
    logits = held_out(tonal_rows, has_key.astype(np.int64), fonts, np.ones_like(has_key), **options)
    given = logits[:, 1] > logits[:, 0]
    lost, wrong = 100 * (~given[has_key]).mean(), 100 * given[~has_key].mean()
    sys.stdout.write(f"music taken for drums {lost:.1f} %, drums and noise for music {wrong:.1f} %\n")
    tonal_divisor = network.temperature(logits, has_key.astype(np.int64))
    music = network.softmax(logits / tonal_divisor)[:, 1]
    confidence.report("music or drums", np.maximum(music, 1.0 - music), given == has_key)
    tonal = network.fit(tonal_rows, has_key.astype(np.int64), **options)

    rows = np.stack([key_model.key_rows(d) for d in described])
    right = np.array([_index(c.truth) if c.truth["tonic"] >= 0 else 0 for c in clips])
    options = {"outputs": 2, "hidden": 16, "epochs": 25, "seeds": (0, 1, 2)}
    logits = held_out(rows, right, fonts, has_key, **options)
    found = logits.argmax(axis=1)
    sys.stdout.write("held-out soundfonts: key_w {:.1f} key_x {:.1f}\n".format(*score(right[has_key], found[has_key])))
    divisor = network.temperature(logits[has_key], right[has_key])
    # As `dsp.key` does: a key is given to what is taken for music, drums among it.
    scores = network.softmax(logits / divisor).max(axis=1)[given] * music[given]
    hit = (has_key & (found == right))[given]
    confidence.report("key, as the networks have it", scores, hit)
    confidence.report("key, by the curve of the other half", confidence.crossed(scores, hit), hit)
    arrays = network.to_arrays(network.fit(rows[has_key], right[has_key], **options), divisor=divisor)
    arrays |= network.to_arrays(tonal, "tonal", divisor=tonal_divisor) | confidence.curve(scores, hit)
    np.savez_compressed(_MODEL, **arrays)  # type: ignore[arg-type]


if __name__ == "__main__":
    {"make": make, "fit": fit}[sys.argv[1]](Path(sys.argv[2]))
