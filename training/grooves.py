"""Accompaniments of many styles, as notes: the grooves of MMA (Musical MIDI Accompaniment), each at its usual tempi.

Needs `mma` (a Debian package) and mido. A groove is read once and kept in the cache folder. What is notated in
eighths or in odd meters stays out: its beat is a matter of taste.
"""

# ruff: noqa: PLR2004 -- the numbers are chances and taste

import json
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

LIBRARY = Path("/usr/share/mma/lib")
DRUMS = 9
_UNFIT = re.compile(r"68|12-?8|128|54|metronome|none|ending|intro|end\d?$|endsus|count|rd\.py|stdpats", re.IGNORECASE)
_PROGRESSIONS = (
    "C Am Dm G7",
    "Am F C G",
    "C F G C",
    "Am Am Dm E7",
    "C C F G",
    "Dm G7 C C",
    "Em C G D",
    "Am G F E7",
    "C C C C",
)
# Beats a minute at which each is usually counted, first match counts. MMA counts quarters; some are notated at twice
# the felt tempo, and are then given here as notated.
_TEMPI: tuple[tuple[str, tuple[int, int]], ...] = (
    (r"fastswing|bebop|fastbigband|quickstep|fastjazz|dixie|charleston|fasttwist", (170, 240)),
    (r"fastwaltz|vienes|fastblues|jive|gypsy", (160, 220)),
    (r"polka|march|bluegrass|hillcountry|zydeco|happyshuffle|merengue|salsa|mambo|foxtrot|showtune|twi", (108, 210)),
    (r"slow|ballad|hymn|lullaby|spiritual|bolero|beguine|nitejazz|mellowrb|serenade|oldies", (58, 96)),
    (r"waltz|34", (84, 180)),
    (r"dnb|drum", (164, 178)),
    (r"techno|trance|rave", (124, 148)),
    (r"house|dance|disco|boneym|eurobeat", (114, 132)),
    (r"hip-?hop|trip|rb|r\+b|r&b|modernrb|soul|dsoul", (74, 108)),
    (r"funk|strut", (90, 122)),
    (r"reggae", (66, 92)),
    (r"ska|punk|hrk|thr", (140, 200)),
    (r"mtl|metal", (100, 180)),
    (r"bossa|quando", (110, 160)),
    (r"samba|latin|cuban|afro|rhumba|tango|chacha|calypso|son", (92, 132)),
    (r"shuffle|boggie|boogie", (100, 160)),
    (r"blues", (72, 132)),
    (r"jazz|swing|bigband|broadway|softshoe|ragtime|evansish|western", (100, 190)),
    (r"ambient", (70, 110)),
    (r"16beat|beat16|16", (76, 112)),
    (r"rock|pop|8beat|beat8|twist|beat", (92, 152)),
    (r"", (84, 140)),
)


@dataclass(frozen=True, slots=True)
class Groove:
    """What a band plays: eight bars, no tempo."""

    name: str
    tempi: tuple[int, int]
    beats: int
    """Beats a bar."""
    notes: list[tuple[float, float, int, int, int, int]]
    """Beat, length in beats, MIDI number, velocity, channel, program."""


def _tempi(name: str) -> tuple[int, int]:
    return next(tempi for pattern, tempi in _TEMPI if re.search(pattern, name))


def _names() -> list[tuple[str, str]]:
    found: list[tuple[str, str]] = []
    for path in sorted(LIBRARY.glob("*/*.mma")):
        names = re.findall(r"^\s*DefGroove\s+(\S+)", path.read_text(errors="replace"), re.MULTILINE)
        file = path.relative_to(LIBRARY).as_posix()
        found += [(file, name) for name in names if not _UNFIT.search(name) and not _UNFIT.search(path.stem)]
    return found


def _notes(path: Path) -> tuple[int, list[tuple[float, float, int, int, int, int]]]:
    import mido  # noqa: PLC0415 -- slow import

    midi: Any = mido.MidiFile(path)
    beats, notes = 4, []
    for track in midi.tracks:
        now, programs, sounding = 0, {}, {}
        for message in track:
            now += message.time
            if message.type == "time_signature":
                beats = message.numerator if message.denominator == 4 else 0
            elif message.type == "program_change":
                programs[message.channel] = message.program
            elif message.type == "note_on" and message.velocity:
                sounding[message.channel, message.note] = (now, message.velocity)
            elif message.type in {"note_on", "note_off"} and (message.channel, message.note) in sounding:
                first, velocity = sounding.pop((message.channel, message.note))
                beat = first / midi.ticks_per_beat
                length = (now - first) / midi.ticks_per_beat
                program = programs.get(message.channel, 0)
                notes.append((round(beat, 4), round(length, 4), message.note, velocity, message.channel, program))
    return beats, sorted(notes)


def load(cache: Path) -> list[Groove]:
    """Read the grooves, or let MMA play them."""
    path = cache / "grooves.json"
    if not path.exists():
        rng = np.random.default_rng(5)
        found: list[dict[str, Any]] = []
        with tempfile.TemporaryDirectory() as folder:
            (Path(folder) / "plugins").mkdir()  # MMA wants one
            source, target = Path(folder) / "in.mma", Path(folder) / "in.mid"
            for file, groove in _names():
                chords = _PROGRESSIONS[int(rng.integers(len(_PROGRESSIONS)))].split() * 2
                source.write_text("\n".join(["Tempo 120", f"Groove {file}:{groove}", *chords]))
                target.unlink(missing_ok=True)
                subprocess.run(["mma", "-w", source], check=False, capture_output=True, cwd=folder)  # noqa: S603, S607
                if not target.exists():
                    continue
                beats, notes = _notes(target)
                if beats in {3, 4} and len(notes) > 24:
                    name = f"{Path(file).stem} {groove}".lower()
                    found.append({"name": name, "tempi": _tempi(name), "beats": beats, "notes": notes})
        path.write_text(json.dumps(found))
    return [
        Groove(g["name"], tuple(g["tempi"]), g["beats"], [tuple(n) for n in g["notes"]])
        for g in json.loads(path.read_text())
    ]
