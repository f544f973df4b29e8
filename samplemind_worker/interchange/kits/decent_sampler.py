"""DecentSampler's ``.dspreset``.

Facts: the DecentSampler Developer's Guide, version 1.11 (the elements ``groups``, ``group`` and ``sample``, and its
chapter on muting the voices of drums).
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from samplemind_worker.interchange.kits.kit import Kit, Placed, Writer
from samplemind_worker.interchange.kits.xml import write_xml


def write(kit: Kit, placed: Sequence[Placed], folder: Path) -> None:
    """Write one group per pad."""
    top = ET.Element("DecentSampler", minVersion="1.0.0")
    groups = ET.SubElement(top, "groups")
    for each in placed:
        _add_group(groups, each)
    write_xml(top, folder / f"{kit.file_name}.dspreset")


def _add_group(groups: ET.Element, placed: Placed) -> None:
    pad, role = placed.pad, placed.pad.role
    # A release as long as the sound lets it ring after the note has ended, as drums do.
    seconds = math.ceil(10.0 * pad.frames / pad.rate) / 10.0
    group = ET.SubElement(
        groups, "group", name=role.name, ampVelTrack="1", attack="0", decay="0", sustain="1", release=f"{seconds:.1f}"
    )
    if role.choke:
        tag = f"choke{role.choke}"
        group.attrib.update({"tags": tag, "silencedByTags": tag, "silencingMode": "fast"})
    note = str(role.note)
    ET.SubElement(
        group,
        "sample",
        path=placed.file,
        rootNote=note,
        loNote=note,
        hiNote=note,
        volume=f"{pad.gain_db:.2f}dB",
        tuning=f"{pad.tune:.2f}",
    )


DECENT_SAMPLER: Final = Writer(
    endings=frozenset({".wav", ".flac", ".aif", ".aiff"}),
    subtypes=None,
    write=write,
)
"""Writes one ``.dspreset``."""
