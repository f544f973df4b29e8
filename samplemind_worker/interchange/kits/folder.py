"""A plain folder of samples, for samplers that read none of the formats; they are named in the order of their notes."""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from samplemind_worker.interchange.kits.kit import Kit, Placed, Writer
from samplemind_worker.submission.walk import AUDIO_SUFFIXES


def write(kit: Kit, placed: Sequence[Placed], folder: Path) -> None:
    """Write nothing: the samples are there."""


FOLDER: Final = Writer(
    endings=frozenset(AUDIO_SUFFIXES),
    subtypes=None,
    write=write,
)
"""Writes nothing but the samples, in whatever format they are."""
