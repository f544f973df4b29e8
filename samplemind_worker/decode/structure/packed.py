"""WavPack and TTA: their first header promises a number of frames; whether these come is seen by decoding."""

from typing import Final

from samplemind_worker.decode.structure.base import Bytes, Structure

_UNKNOWN: Final = 0xFFFFFFFF


def look_at_wavpack(data: Bytes, start: int) -> Structure:
    """Look at a WavPack file that begins at ``start``."""
    return _promising("WAVPACK", data, start, data.number(start + 12, 4, "little"))


def look_at_tta(data: Bytes, start: int) -> Structure:
    """Look at a TTA file that begins at ``start``."""
    return _promising("TTA", data, start, data.number(start + 14, 4, "little"))


def _promising(name: str, data: Bytes, start: int, frames: int) -> Structure:
    structure = Structure(name, start, frames=None if frames in {0, _UNKNOWN} else frames)
    if structure.frames is None:
        structure.warn("unknown_length")
    if start:
        structure.links = (((start, data.end - start),),)
    return structure
