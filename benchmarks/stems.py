"""Measure how well `stems` takes a mix apart that was mixed from known parts.

``python -m benchmarks.stems [--mixes N] [--drums FOLDER]``. Each mix is a composed bass and composed chords or melodies
over a drum loop: a synthesized one, or, with ``--drums``, the recorded loops of a folder. All three parts have the same
power. SDR is 10 log10 of the power of a part over the power of what was found less that part, as in the Music Demixing
Challenge 2021; the mix itself, taken for a part, has about -3 dB. A mix is measured once, over its whole length.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile as sf
import soxr

from samplemind_worker.dsp.separation import separate
from training import signals, songs

F32 = npt.NDArray[np.float32]
PARTS = ("drums", "bass", "other")
_LEVEL = 0.1


def sdr(wanted: F32, found: F32) -> float:
    return float(10.0 * np.log10(np.sum(wanted**2) / np.sum((wanted - found) ** 2)))


def recorded(folder: Path) -> list[F32]:
    """Return the loops of a folder, mono, at the rate of the songs."""
    found: list[F32] = []
    for path in sorted(folder.iterdir()):
        y, rate = sf.read(path, dtype="float32", always_2d=True)
        found.append(np.asarray(soxr.resample(y.mean(axis=1), rate, songs.SR), np.float32))
    return found


def mixes(count: int, loops: list[F32]) -> Iterator[list[F32]]:
    """Yield drums, bass and the rest of composed mixes."""
    rng = np.random.default_rng(1)
    families, patterns = list(songs.PROGRESSIONS), list(signals.PATTERNS)
    made = 0
    while made < count:
        family, tonic = families[made % len(families)], int(rng.integers(12))
        song = songs.compose(rng, family=family, tonic=tonic, bars=4, drums=False)
        notes: dict[bool, list[songs.Note]] = {True: [], False: []}
        for note in song.notes:
            notes[note[4] == songs.BASS].append(note)
        if not notes[True] or not notes[False]:
            continue
        bass = songs.synthesize(rng, replace(song, notes=notes[True]), cents=0.0)
        other = songs.synthesize(rng, replace(song, notes=notes[False]), cents=0.0)
        pattern = patterns[made % len(patterns)]
        drums = signals.drum_loop(song.bpm, bars=4, pattern=pattern, sr=songs.SR, seed=made)
        if loops:
            drums = np.resize(loops[made % len(loops)], len(bass))
        size = min(len(drums), len(bass), len(other))
        yield [y[:size] * np.float32(_LEVEL / np.sqrt(np.mean(y[:size] ** 2))) for y in (drums, bass, other)]
        made += 1


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--mixes", type=int, default=24)
    parser.add_argument("--drums", type=Path)
    given = parser.parse_args()
    loops = [] if given.drums is None else recorded(given.drums)
    found: list[list[float]] = []
    before: list[list[float]] = []
    seconds = audio = 0.0
    for parts in mixes(given.mixes, loops):
        mix = np.sum(parts, axis=0, dtype=np.float32)
        started = time.perf_counter()
        blocks = list(separate(mix[:, None], sr=songs.SR))
        seconds, audio = seconds + time.perf_counter() - started, audio + len(mix) / songs.SR
        stems = [np.concatenate(each)[:, 0] for each in zip(*blocks, strict=True)]
        found.append([sdr(part, stem) for part, stem in zip(parts, stems, strict=True)])
        before.append([sdr(part, mix) for part in parts])
    print(f"{len(found)} mixes, {audio:.0f} s of audio in {seconds:.1f} s")
    print(f"{'part':8}{'the mix':>10}{'mean SDR':>10}{'median':>10}{'worst':>10}   dB")
    for number, name in enumerate(PARTS):
        values = np.array(found)[:, number]
        base = float(np.mean(np.array(before)[:, number]))
        print(f"{name:8}{base:10.1f}{values.mean():10.1f}{np.median(values):10.1f}{values.min():10.1f}")


if __name__ == "__main__":
    main()
