"""Reads recorded kits and instruments: the drum kits of Hydrogen, and folders whose names tell what is in them.

Needs `hydrogen-drumkits` of Debian. FOLDER may hold, each under the name that `FOLDERS` has: the Open Source Drumkit
(public domain), Muldjord's kit (CC BY 4.0), Billie's drums, World Percussion, a bass, two guitars and an upright piano
(CC0).
"""

# ruff: noqa: PLR2004 -- the shares and ranges of random draws explain themselves where they stand

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from training import cutting

F32 = npt.NDArray[np.float32]
Rng = np.random.Generator

SR = 22050
HYDROGEN = Path("/usr/share/hydrogen/data/drumkits")
NOT_LEARNED = {"Audiophob", "ElectricEmpireKit", "ForzeeStereo", "VariBreaks", "The Black Pearl 1.0"}
"""Kits of Hydrogen whose drums are among the development files, and one that is a soundfont, too."""
PROGRAM = -6
"""Stands for a recording where others have the number of a program."""
FOLDERS = {
    "open-source-drumkit": None,
    "muldjord": None,
    "billie": None,
    "world-percussion": None,
    "bass-yr": "bass",
    "guitar-fsbs": "guitar",
    "spanish-guitar": "guitar",
    "upright-kw": "piano",
}
"""Folders of recordings: drum kits, whose drums the paths name, and instruments."""
_NAMED = (
    (None, r"roll|gong|rest|swish|choke|beats|finger|water|zap|fx|half|hohh|hchh|brush|redo|bottom|under|loop"),
    ("rim", r"side ?stick|\bstick|rim ?click|cross"),
    ("kick", r"kick|kdrum|bass ?drum|bd_"),
    ("snare", r"snare|sn\d?_"),
    ("clap", r"clap"),
    ("hat_open", r"open.?(hi|hh|hat)|(hat|hh).?open|\bohh"),
    ("hat_closed", r"hat|hh|hat.?closed|pedal"),
    ("tom", r"tom"),
    ("ride", r"ride|paiste bell"),
    ("crash", r"crash|splash|china|cymbal"),
    ("cowbell", r"cow"),
    ("shaker", r"shak|maraca|tamb|caba[sz]"),
    ("perc", r"conga|bongo|djembe|darbuka|cajon|block|clave|castanet|head hit|triangle|agogo"),
)
_MOST = 12  # takes of one drum or instrument of a source
_LONGEST = 4.0  # seconds


def drum_named(text: str) -> str | None:
    """Give the class that a name or path tells; None where it tells none, or none that people would agree on."""
    return next((name for name, pattern in _NAMED if re.search(pattern, text.lower())), None)


def _hydrogen(folder: Path) -> Iterator[tuple[Path, str]]:
    """Give the recordings of a kit with the names of their drums."""
    text = (folder / "drumkit.xml").read_text(errors="replace")
    root = ET.fromstring(re.sub(r'xmlns="[^"]*"', "", text))  # noqa: S314 -- a package of the distribution
    for drum in root.iter("instrument"):
        files = [layer.findtext("filename") for layer in drum.iter("layer")] or [drum.findtext("filename")]
        for file in files:
            if file and (folder / file).is_file():
                yield folder / file, drum.findtext("name") or ""


def _kits() -> Iterator[tuple[Path, str | None, str]]:
    for kit in sorted(HYDROGEN.iterdir()):
        if kit.name not in NOT_LEARNED:
            for path, drum in _hydrogen(kit):
                yield path, drum_named(drum), kit.name


def _folders(folder: Path) -> Iterator[tuple[Path, str | None, str]]:
    for source, name in FOLDERS.items():
        for path in sorted((folder / source).rglob("*")):
            if path.suffix in {".wav", ".flac", ".aiff"}:
                yield path, name or drum_named(str(path.relative_to(folder / source))), source


def _listed(folder: Path | None) -> list[tuple[Path, str, str]]:
    """Give each recording whose class is known, its class and its source."""
    listed = [*_kits(), *(_folders(folder) if folder is not None else ())]
    return [(path, name, source) for path, name, source in listed if name is not None]


def sounds(rng: Rng, folder: Path | None) -> Iterator[tuple[F32, dict[str, Any]]]:
    """Give recordings with ``name`` and ``font``, their source; of many takes of one drum a few."""
    listed = _listed(folder)
    order = rng.permutation(len(listed))
    taken: Counter[tuple[str, str]] = Counter()
    for k in order.tolist():
        path, name, source = listed[k]
        if taken[source, name] >= _MOST:
            continue
        try:
            y, sr = soundfile.read(path, dtype="float32", always_2d=True)
        except soundfile.LibsndfileError:  # a few are damaged
            continue
        mono = y.mean(axis=1)[: round(_LONGEST * sr)]
        trimmed = cutting.trim(np.asarray(soxr.resample(mono, sr, SR), np.float32), rng) if len(mono) > 200 else None
        if trimmed is not None:
            taken[source, name] += 1
            yield trimmed, {"midi": None, "name": name, "font": source, "program": PROGRAM}
