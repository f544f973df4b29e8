"""The DSP core: arrays in, values out.

`compute_features` measures a signal, `estimate` concludes tempo, key, chords, kind, pitch and instrument from that,
`take_apart` finds slices, sections, loop points and rhythm, and `statistics` and `embed` return a vector for likeness.
All functions are stateless and deterministic; none reads files, clocks or settings.

A name is imported on its first use, so that a process without signals, which may call `embed`, does not load numba.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from samplemind_worker.dsp.embedding import ASPECTS, EMBEDDING_SIZE, embed
    from samplemind_worker.dsp.estimates import estimate
    from samplemind_worker.dsp.features import compute_features, frames_begin
    from samplemind_worker.dsp.form import take_apart
    from samplemind_worker.dsp.sound_statistics import statistics
    from samplemind_worker.dsp.types import Chord, Estimates, Features
    from samplemind_worker.dsp.units import SR
    from samplemind_worker.dsp.warming import warm_up

__all__ = [
    "ASPECTS",
    "EMBEDDING_SIZE",
    "SR",
    "Chord",
    "Estimates",
    "Features",
    "compute_features",
    "embed",
    "estimate",
    "frames_begin",
    "statistics",
    "take_apart",
    "warm_up",
]

_MODULES = {
    "ASPECTS": "embedding",
    "EMBEDDING_SIZE": "embedding",
    "SR": "units",
    "Chord": "types",
    "Estimates": "types",
    "Features": "types",
    "compute_features": "features",
    "embed": "embedding",
    "estimate": "estimates",
    "frames_begin": "features",
    "statistics": "sound_statistics",
    "take_apart": "form",
    "warm_up": "warming",
}


def __getattr__(name: str) -> Any:
    """Import a name on its first use."""
    module = _MODULES.get(name)
    if module is None:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    found = getattr(import_module(f"{__name__}.{module}"), name)
    globals()[name] = found  # so that the next use finds it at once
    return found
