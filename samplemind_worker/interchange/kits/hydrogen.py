"""Hydrogen's ``.h2drumkit``: a tar with ``drumkit.xml`` and the samples in one folder.

Facts: ``data/xsd/legacy/v1_2_4/drumkit.xsd`` and the kits in the tests of Hydrogen's repository. This is the layout of
Hydrogen 1.0 to 1.2, which version 2 reads, too.
"""

import gzip
import io
import tarfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from samplemind_worker.interchange.kits.kit import Kit, Placed, Writer
from samplemind_worker.interchange.kits.xml import add, xml_bytes

_NAMESPACE: Final = "http://www.hydrogen-music.org/drumkit"


def write(kit: Kit, placed: Sequence[Placed], folder: Path) -> None:
    """Write the archive; equal kits are equal archives, as it holds neither times nor owners."""
    inner = kit.file_name
    target = folder / f"{inner}.h2drumkit"
    with (
        target.open("xb") as file,
        gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed,
        tarfile.open(fileobj=packed, mode="w", format=tarfile.USTAR_FORMAT) as archive,
    ):
        _add_folder(archive, inner)
        _add(archive, f"{inner}/drumkit.xml", drumkit_xml(kit, placed))
        for each in placed:
            _add_file(archive, f"{inner}/{each.file}", folder / each.file)


def drumkit_xml(kit: Kit, placed: Sequence[Placed]) -> bytes:
    """Return the description of a kit."""
    top = ET.Element("drumkit_info", xmlns=_NAMESPACE)
    info = f"Made by SampleMind with the seed {kit.seed}."
    add(top, name=kit.name, author="SampleMind", info=info, license="undefined license", image="")
    add(top, imageLicense="undefined license")
    component = ET.SubElement(ET.SubElement(top, "componentList"), "drumkitComponent")
    add(component, id=0, name="Main", volume=1.0)
    instruments = ET.SubElement(top, "instrumentList")
    for number, each in enumerate(placed):
        _add_instrument(instruments, number, each)
    return xml_bytes(top)


def _add_instrument(instruments: ET.Element, number: int, placed: Placed) -> None:
    pad, role = placed.pad, placed.pad.role
    instrument = ET.SubElement(instruments, "instrument")
    add(instrument, id=number, name=role.name, volume=1.0, isMuted=False, isSoloed=False, pan_L=1.0, pan_R=1.0)
    add(instrument, pitchOffset=0.0, randomPitchFactor=0.0, gain=1.0, applyVelocity=True, filterActive=False)
    add(instrument, filterCutoff=1.0, filterResonance=0.0, Attack=0, Decay=0, Sustain=1.0, Release=1000)
    add(instrument, muteGroup=role.choke or -1, midiOutChannel=-1, midiOutNote=role.note, isStopNote=False)
    add(instrument, sampleSelectionAlgo="VELOCITY", isHihat=-1, lower_cc=0, higher_cc=127)
    add(instrument, FX1Level=0.0, FX2Level=0.0, FX3Level=0.0, FX4Level=0.0)
    component = add(ET.SubElement(instrument, "instrumentComponent"), component_id=0, gain=1.0)
    layer = ET.SubElement(component, "layer")
    add(layer, filename=placed.file, min=0.0, max=1.0, gain=10.0 ** (pad.gain_db / 20.0), pitch=float(pad.tune))


def _add_folder(archive: tarfile.TarFile, name: str) -> None:
    entry = tarfile.TarInfo(name)
    entry.type, entry.mode = tarfile.DIRTYPE, 0o755
    archive.addfile(entry)


def _add(archive: tarfile.TarFile, name: str, content: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(content)
    archive.addfile(entry, io.BytesIO(content))


def _add_file(archive: tarfile.TarFile, name: str, path: Path) -> None:
    with path.open("rb") as file:
        entry = tarfile.TarInfo(name)
        entry.size = path.stat().st_size
        archive.addfile(entry, file)


HYDROGEN: Final = Writer(
    endings=frozenset({".wav", ".flac", ".ogg", ".aif", ".aiff"}),
    subtypes=None,
    write=write,
)
"""Writes one ``.h2drumkit``, which holds the samples itself."""
