"""Measure whether neighbours are what a person calls similar, beside a usual baseline in the same run.

``python -m benchmarks.likeness [LABELLED]``; LABELLED is a folder with a ``manifest.csv``, or such a file, as
`benchmarks.accuracy` reads it. Without one, drums are drawn anew from the synthesizers that were learned from, which
flatters ours.

Precision at 1 and at 10 is the share of the nearest sounds that are of the same class. A neighbour counts only if it
is from another kit, which is the name before the last ``/`` of the source. The baseline is the mean and deviation of
librosa's 20 cepstral coefficients, standardized over all sounds; both rank by cosine. The
nearest neighbour of a loop or track from another source should have the tempo (4 %, an octave forgiven), the key (or
a relative one, or one a fifth away) and the density of onsets (a factor of 1.5).
"""

import argparse
import csv
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from samplemind_worker import dsp
from samplemind_worker.decode import Limits, decode
from samplemind_worker.demo.library import MANIFEST
from samplemind_worker.dsp.embedding import LAYOUT, keep_aspect
from samplemind_worker.dsp.instrument import DRUMS
from samplemind_worker.errors import PermanentError
from samplemind_worker.pitches import PITCH_CLASSES
from training import drums

F32 = npt.NDArray[np.float32]
F64 = npt.NDArray[np.float64]

_DRAWN = 16  # synthesized drums of each class
_SAME = {"cymbal": "crash"}


@dataclass(frozen=True, slots=True)
class Sound:
    """A labelled sound: both vectors, and what its neighbours should share."""

    vector: F32
    cepstrum: F64
    kind: str
    name: str
    kit: str
    tempo: float | None = None
    key: int | None = None
    """Tonic of the major key with the same notes, 0 to 11."""
    density: float = 0.0
    """log2 of onsets per second."""


def cepstrum(y: F32) -> F64:
    """Give the baseline: means and deviations of 20 coefficients."""
    import librosa  # noqa: PLC0415 -- slow import

    padded = np.pad(y, (0, max(0, 2048 - len(y))))
    mfcc = librosa.feature.mfcc(y=padded, sr=dsp.SR, n_mfcc=20)
    return np.concatenate([mfcc.mean(axis=1), mfcc.std(axis=1)]).astype(np.float64)


def measured(y: F32, *, duration: float, kind: str, name: str, kit: str, row: dict[str, str]) -> Sound | None:
    """Measure one sound; None for silence."""
    features = dsp.compute_features(y, sr=dsp.SR)
    statistics = dsp.statistics(features, dsp.estimate(features, duration=duration))
    if statistics is None:
        return None
    key = None
    if row.get("key_tonic") and row.get("key_mode"):
        key = (PITCH_CLASSES.index(row["key_tonic"]) + (3 if row["key_mode"] == "minor" else 0)) % 12
    return Sound(
        dsp.embed(statistics),
        cepstrum(y),
        kind,
        name,
        kit,
        tempo=float(row["bpm"]) if row.get("bpm") else None,
        key=key,
        density=float(statistics[LAYOUT["density"]][0]),
    )


def labelled(manifest: Path) -> Iterator[Sound]:
    """Read the sounds of a manifest."""
    with manifest.open(newline="") as file:
        rows = list(csv.DictReader(file))
    for row in rows:
        notes = dict(part.split("=", 1) for part in row["notes"].split("; ") if "=" in part)
        name = _SAME.get(notes.get("class", ""), notes.get("class", ""))
        try:
            with (manifest.parent / row["path"]).open("rb") as opened:
                audio = decode(opened, limits=Limits())
        except PermanentError as error:
            print(f"{row['path']}: {error}", file=sys.stderr)
            continue
        kit = notes.get("voices") or row["source"].rpartition("/")[0] or row["source"]
        if row["source"] == "generated" and row["kind"] != "one_shot":
            kit = row["path"]
        sound = measured(audio.y, duration=audio.duration, kind=row["kind"], name=name, kit=kit, row=row)
        if sound is not None:
            yield sound


def synthesized() -> Iterator[Sound]:
    """Draw drums of every class, each a kit of its own."""
    for number, name in enumerate(drums.DRUMS):
        for k in range(_DRAWN):
            y = drums.draw(np.random.default_rng((number, k, 77)), name)
            sound = measured(y, duration=len(y) / dsp.SR, kind="one_shot", name=name, kit=f"{name}{k}", row={})
            if sound is not None:
                yield sound


def nearest(sounds: list[Sound], vectors: F64) -> npt.NDArray[np.int64]:
    """Rank the sounds of other kits for each sound, nearest first; those of its own kit come last."""
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    cosines = unit @ unit.T
    kits = np.array([sound.kit for sound in sounds])
    cosines[kits[:, None] == kits] = -2.0
    return np.argsort(-cosines, axis=1, kind="stable")


def standardized(rows: F64) -> F64:
    """Scale each column to a mean of 0 and a deviation of 1."""
    return (rows - rows.mean(axis=0)) / (rows.std(axis=0) + 1e-9)


def _both(sounds: list[Sound]) -> dict[str, npt.NDArray[np.int64]]:
    return {
        "MFCC": nearest(sounds, standardized(np.stack([sound.cepstrum for sound in sounds]))),
        "ours": nearest(sounds, np.stack([sound.vector for sound in sounds]).astype(np.float64)),
    }


def classes(title: str, sounds: list[Sound]) -> None:
    """Print precision at 1 and at 10 by class."""
    if len(sounds) < 20:
        return
    ranked = _both(sounds)
    names = np.array([sound.name for sound in sounds])
    print(f"\n{title}: {len(sounds)} sounds, {len(set(names))} classes, {len({s.kit for s in sounds})} kits")
    print(f"{'':12} {'sounds':>6} {'MFCC p@1':>9} {'p@10':>6} {'ours p@1':>9} {'p@10':>6}")
    hits = {name: names[order[:, :10]] == names[:, None] for name, order in ranked.items()}
    for group in (*sorted(set(names)), "all"):
        inside = np.ones(len(names), bool) if group == "all" else names == group
        cells = [100.0 * part for hit in hits.values() for part in (hit[inside, 0].mean(), hit[inside].mean())]
        print(f"{group:12} {inside.sum():6} {cells[0]:9.1f} {cells[1]:6.1f} {cells[2]:9.1f} {cells[3]:6.1f}")


def _same_tempo(one: Sound, other: Sound) -> bool | None:
    if one.tempo is None or other.tempo is None:
        return None
    return any(abs(one.tempo / other.tempo / level - 1.0) <= 0.04 for level in (0.5, 1.0, 2.0))


def _same_key(one: Sound, other: Sound) -> bool | None:
    if one.key is None or other.key is None:
        return None
    return (one.key - other.key) % 12 in {0, 5, 7}


def _same_density(one: Sound, other: Sound) -> bool:
    return abs(one.density - other.density) <= np.log2(1.5)


_SHARED: dict[str, Callable[[Sound, Sound], bool | None]] = {
    "tempo": _same_tempo,
    "key": _same_key,
    "density": _same_density,
}


def longer(sounds: list[Sound]) -> None:
    """Print what the nearest loops and tracks share, by the whole vector and by the aspect that is about it."""
    if len(sounds) < 20:
        return
    ranked = _both(sounds)
    for aspect in ("rhythm", "pitch"):
        queries = np.stack([keep_aspect(sound.vector, aspect)[dsp.ASPECTS[aspect]] for sound in sounds])
        ranked[f"by {aspect}"] = nearest(sounds, queries.astype(np.float64))
    print(f"\nnearest loops and tracks: {len(sounds)} sounds; share with the same")
    print(f"{'':8} {'chance':>8} " + " ".join(f"{name:>9}" for name in ranked))
    for shared, same in _SHARED.items():
        by_chance = [same(a, b) for a in sounds for b in sounds if a.kit != b.kit]
        cells = [[same(sounds[k], sounds[order[k, 0]]) for k in range(len(sounds))] for order in ranked.values()]
        print(f"{shared:8} {_share(by_chance):8.1f} " + " ".join(f"{_share(cell):9.1f}" for cell in cells))


def _share(answers: list[bool | None]) -> float:
    given = [answer for answer in answers if answer is not None]
    return 100.0 * sum(given) / max(len(given), 1)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.likeness", description=__doc__)
    parser.add_argument("labelled", type=Path, nargs="?")
    folder: Path | None = parser.parse_args(arguments).labelled
    dsp.warm_up()
    manifest = folder / MANIFEST if folder is not None and folder.is_dir() else folder
    sounds = list(synthesized() if manifest is None else labelled(manifest))
    shots = [sound for sound in sounds if sound.kind == "one_shot" and sound.name]
    classes("drums", [sound for sound in shots if sound.name in DRUMS])
    classes("other instruments", [sound for sound in shots if sound.name not in DRUMS])
    longer([sound for sound in sounds if sound.kind in {"loop", "track"}])
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
