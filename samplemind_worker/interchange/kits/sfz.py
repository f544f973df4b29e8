"""SFZ, the text format of many samplers. Facts: sfzformat.com (opcodes of version 1 and ``off_by``).

The value of ``sample`` ends where the next opcode begins, so a name with a blank and ``=`` in it cannot be written, and
``$`` begins a variable. The samples of a kit have plain names. Not all players read OGG.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from samplemind_worker.interchange.kits.kit import Kit, Placed, Writer
from samplemind_worker.text import clean


def write(kit: Kit, placed: Sequence[Placed], folder: Path) -> None:
    """Write the regions of the kit, one per pad."""
    lines = [f"// {clean(kit.name)}, a kit by SampleMind (seed {kit.seed})", "<global>", "loop_mode=one_shot"]
    lines += [line for each in placed for line in _region(each)]
    path = folder / f"{kit.file_name}.sfz"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")


def _region(placed: Placed) -> list[str]:
    role = placed.pad.role
    semitones, cents = divmod(round(placed.pad.tune * 100.0), 100)
    lines = ["", f"<region> // {role.name}", f"sample={placed.file}", f"key={role.note}"]
    lines.append(f"volume={placed.pad.gain_db:.2f}")
    if semitones:
        lines.append(f"transpose={semitones}")
    if cents:
        lines.append(f"tune={cents}")
    if role.choke:
        lines += [f"group={role.choke}", f"off_by={role.choke}", "off_mode=fast"]
    return lines


SFZ: Final = Writer(
    endings=frozenset({".wav", ".flac"}),
    subtypes=None,
    write=write,
)
"""Writes one ``.sfz``."""
