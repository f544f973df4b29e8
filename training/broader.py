"""Learn the second opinion on doubtful tempi: ``python -m training.broader --cache DIR``, after `training.tempo`.

It learns on `training.plain` and on further seeds of the other sources, and adds its trees to
``samplemind_worker/dsp/models/tempo.npz``. The last sixth of the seeds of each source is not learned from: on it the
figures are taken.
"""

# ruff: noqa: T201 -- a script prints what it found; its numbers stand where they are explained

import argparse
from collections.abc import Callable
from pathlib import Path

import numpy as np

from training import bank, figures, grooves, material, plain, studio, tempo
from training.material import Clip
from training.studio import Studio

_FIRST_SEED = 2_000_000  # away from those of `training.tempo` and of `training.pulse`
_COUNTS = {"plain": 4000, "studio": 3000, "project": 2000, "tempo": 2000, "short": 1000, "still": 1500}


def makers(here: Studio) -> dict[str, Callable[[int], Clip]]:
    """Return what makes a clip of each source from its number."""
    return {
        "plain": lambda number: plain.make(_FIRST_SEED + number, here),
        "studio": lambda number: studio.make(_FIRST_SEED + number, here),
        "project": lambda number: studio.project(_FIRST_SEED + number, here),
        "tempo": lambda number: material.make(_FIRST_SEED + number),
        "short": lambda number: figures.short_loop(np.random.default_rng((772, _FIRST_SEED + number))),
        "still": lambda number: studio.still(_FIRST_SEED + number, here),
    }


def main() -> None:
    """Run the script."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True)
    cache: Path = parser.parse_args().cache
    own = cache / "broader"
    own.mkdir(parents=True, exist_ok=True)
    here = Studio(bank.load(cache), grooves.load(cache))
    found = tempo.table(_COUNTS, own, makers(here))
    arrays = {**np.load(tempo.TARGET), **tempo.learn_other(found)}
    np.savez_compressed(tempo.TARGET, **arrays)
    print(tempo.TARGET.stat().st_size, "bytes")


if __name__ == "__main__":
    main()
