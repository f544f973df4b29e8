"""A drum program of Akai's MPC (``.xpm``), which names samples that lie beside it.

The format is not published. Facts: programs that the MPC software 2 saved, as open converters describe them: 128
instruments of up to four layers, counted from 1, samples named without their ending, ``PadNoteMap`` counted from 1,
``Volume`` as a linear gain, and where a sample ends in ``SliceEnd``.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final
from xml.etree import ElementTree as ET

from samplemind_worker.interchange.kits.kit import Kit, Placed, Writer
from samplemind_worker.interchange.kits.xml import write_xml

_INSTRUMENTS: Final = 128
_NOTES: Final = 128
_UNITY: Final = 0.707946
"""The volume of a program at which the MPC changes no level."""


def write(kit: Kit, placed: Sequence[Placed], folder: Path) -> None:
    """Write the program: the pads of the first bank in the order of the kit, with the notes of their roles."""
    top = ET.Element("MPCVObject")
    version = ET.SubElement(top, "Version")
    _texts(version, File_Version="2.1", Application="MPC-V", Application_Version="2.9.0.0", Platform="Linux")
    program = ET.SubElement(top, "Program", type="Drum")
    _texts(program, ProgramName=kit.file_name, Volume=_UNITY, Mute=False, Pan=0.5, Pitch=0.0, TuneCoarse=0)
    _texts(program, TuneFine=0, Mono=False, Program_Polyphony=_INSTRUMENTS)
    instruments = ET.SubElement(program, "Instruments")
    for number in range(_INSTRUMENTS):
        _add_instrument(instruments, number + 1, placed[number] if number < len(placed) else None)
    _add_notes(program, [each.pad.role.note for each in placed])
    write_xml(top, folder / f"{kit.file_name}.xpm")


def _add_instrument(instruments: ET.Element, number: int, placed: Placed | None) -> None:
    instrument = ET.SubElement(instruments, "Instrument", number=str(number))
    choke = 0 if placed is None else placed.pad.role.choke
    _texts(instrument, Volume=1.0, Mute=False, Pan=0.5, TuneCoarse=0, TuneFine=0, Mono=choke > 0)
    _texts(instrument, Polyphony=1 if choke else 0, LowNote=0, HighNote=127, IgnoreBaseNote=False, ZonePlay=1)
    _texts(instrument, MuteGroup=choke, TriggerMode=0, OneShot=True, VolumeAttack=0.0, VolumeHold=0.0)
    _texts(instrument, VolumeDecay=0.0, VolumeSustain=1.0, VolumeRelease=0.0, VelocitySensitivity=1.0)
    layers = ET.SubElement(instrument, "Layers")
    if placed is None:
        return
    pad = placed.pad
    coarse, fine = divmod(round(pad.tune * 100.0), 100)
    layer = ET.SubElement(layers, "Layer", number="1")
    _texts(layer, Active=True, Volume=10.0 ** (pad.gain_db / 20.0), Pan=0.5, Pitch=0.0, TuneCoarse=coarse)
    _texts(layer, TuneFine=fine, VelStart=0, VelEnd=127, SampleStart=0, SampleEnd=pad.frames, Loop=False)
    _texts(layer, LoopStart=0, LoopEnd=pad.frames, LoopTune=0, Mute=False, RootNote=0, KeyTrack=False)
    _texts(layer, SampleName=Path(placed.file).stem, SampleFile=placed.file, SliceIndex=128, Direction=0, Offset=0)
    _texts(layer, SliceStart=0, SliceEnd=pad.frames, SliceLoopStart=0, SliceLoop=0)


def _add_notes(program: ET.Element, notes: Sequence[int]) -> None:
    """Give each pad a note of its own: those of the kit, then the ones that are left."""
    rest = [note for note in range(_NOTES) if note not in notes]
    note_map = ET.SubElement(program, "PadNoteMap")
    for number, note in enumerate([*notes, *rest], start=1):
        _texts(ET.SubElement(note_map, "PadNote", number=str(number)), Note=note)


def _texts(parent: ET.Element, **texts: object) -> None:
    """Add elements as the MPC writes them: ``True`` and ``False``, numbers with six digits behind the point."""
    for name, value in texts.items():
        ET.SubElement(parent, name).text = f"{value:.6f}" if isinstance(value, float) else str(value)


MPC: Final = Writer(
    endings=frozenset({".wav"}),
    subtypes=frozenset({"PCM_16", "PCM_24"}),
    write=write,
)
"""Writes one ``.xpm``."""
