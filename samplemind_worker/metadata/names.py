"""Reads tempo, key, note, kind and instrument from the names of a file and its folders.

Names are written for people, so only unambiguous readings count: a number is a tempo if "bpm" stands beside it (a bare
number counts for little), a letter is a key if its mode is given, a word is an instrument if it is the only one.
Anything that could be read in two ways is ignored.

Conventions: a `Said` is one reading; tonics are 0 (C) to 11 (B); ``clarity`` ranks how reliable a reading is.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import pairwise
from typing import Literal

About = Literal["tempo", "key", "pitch", "kind", "instrument"]
Clarity = Literal["clear", "likely", "weak"]


@dataclass(frozen=True, slots=True)
class Said:
    """One reading of a name."""

    about: About
    value: float | str
    """A tempo in BPM, a kind, an instrument, the tonic of a key (0 to 11) or a pitch class (0 to 11)."""
    text: str
    clarity: Clarity
    mode: str | None = None
    """Mode of a key; None where only the tonic is given."""


SLOWEST, FASTEST = 40.0, 300.0
_BARE = (60, 200)
"""Plausible range, in BPM, of bare numbers without "bpm"."""

_PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTAL = {"": 0, "#": 1, "sharp": 1, "b": -1, "flat": -1}
_MODES = {"m": "minor", "min": "minor", "minor": "minor", "maj": "major", "major": "major"}
_CAMELOT = {"A": "minor", "B": "major"}

_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")  # a byte that is not UTF-8, as the record escapes it
_TOKEN = re.compile(r"[^\W_]+(?:[#♯♭][^\W_]*)?(?:[.,]\d+)?")
_BPM_AFTER = re.compile(r"(?<![\d.,])(\d{2,3}(?:[.,]\d{1,3})?)[\s_-]*bpm(?![a-z])", re.IGNORECASE)
_BPM_BEFORE = re.compile(r"(?<![a-z])bpm[\s_=-]*(\d{2,3}(?:[.,]\d{1,3})?)(?!\d)", re.IGNORECASE)
_RANGE = re.compile(r"(?<!\d)(\d{2,3})[\s_]*(?:-|to)[\s_]*$", re.IGNORECASE)
_NUMBER = re.compile(r"[1-9]\d{1,2}$")
_KEY = re.compile(r"([A-G])(#|b|sharp|flat)?(m|[Mm]in|MIN|[Mm]inor|MINOR|[Mm]aj|MAJ|[Mm]ajor|MAJOR)$")
_TONIC = re.compile(r"([A-G])(#|b|sharp|flat)?$")
_NOTE = re.compile(r"([A-G])(#|b)?(\d)$")
_CAMELOT_CODE = re.compile(r"(1[0-2]|[1-9])([AB])$")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

_ALSO_WORDS = frozenset(
    {"Am", "Em", "Bm", "Cm", "Dm", "Fm", "Gm", "Amin", "Emin", "Bmin", "Fmin", "Dmin", "Gmin", "Cmin"}
)
"""Keys that are also words, units or names ("I Am", "10 Cm"): read only beside musical words."""
_PERSONS = frozenset({"i", "who", "what", "where", "why", "here", "you", "we", "they", "not"})
_UNITS = frozenset({
    "hz", "khz", "bit", "bits", "kbps", "db", "ms", "s", "sec", "secs", "st", "semitones", "percent", "bar", "bars",
    "beat", "beats", "min", "mins", "cm", "mm",
})  # fmt: skip
_COUNTED = frozenset({
    "vol", "volume", "no", "nr", "num", "take", "part", "pt", "track", "pack", "kit", "mk", "v", "ver", "version",
    "vel", "velocity", "rr", "ch", "cd", "disc", "bank", "preset", "patch", "page", "chapter", "scene", "day",
    "level", "area", "studio", "room", "route",
})  # fmt: skip
"""Words beside which a number is not a tempo."""
_MACHINES = frozenset({101, 106})
"""Model numbers of synthesizers that occur in sample names; 303, 606, 707, 808 and 909 are no tempi anyway."""

_CLEAR_INSTRUMENTS = {
    "kick": "kick", "bassdrum": "kick", "kik": "kick", "snare": "snare", "snr": "snare", "handclap": "clap",
    "rimshot": "rim", "sidestick": "rim", "hihat": "hat", "hh": "hat", "closedhat": "hat_closed", "closedhihat":
    "hat_closed", "chh": "hat_closed", "openhat": "hat_open", "openhihat": "hat_open", "ohh": "hat_open", "hatclosed":
    "hat_closed", "hatopen": "hat_open", "shaker": "shaker", "cowbell": "cowbell", "percussion": "perc", "perc":
    "perc", "synth": "synth", "piano": "piano", "guitar": "guitar", "flute": "flute", "vocal": "vocal", "vox":
    "vocal", "sax": "sax", "saxophone": "sax", "voice": "voice", "speech": "voice", "spoken": "voice", "ambience":
    "ambience", "ambiance": "ambience", "fx": "fx", "sfx": "fx",
}  # fmt: skip
_LIKELY_INSTRUMENTS = {
    "clap": "clap",
    "rim": "rim",
    "hat": "hat",
    "tom": "tom",
    "crash": "crash",
    "ride": "ride",
    "bass": "bass",
    "string": "strings",
    "brass": "brass",
    "organ": "organ",
    "bell": "bell",
}
"""Instrument words that also have another meaning, or name other sounds too."""
_INSTRUMENTS = _CLEAR_INSTRUMENTS | _LIKELY_INSTRUMENTS
_PITCHED = frozenset({
    "bass", "synth", "piano", "guitar", "string", "brass", "flute", "organ", "bell", "vocal", "vox", "pluck", "pad",
    "key", "lead", "note", "sub", "stab", "chord", "keys", "rhodes", "sax", "trumpet", "violin", "cello", "marimba",
    "choir", "arp", "melody", "saxophone",
})  # fmt: skip
_MUSICAL = frozenset(
    {*_INSTRUMENTS, *_PITCHED, "loop", "oneshot", "shot", "drum", "beat", "riff", "groove", "bpm", "fill", "top"}
)


def key_of(text: str) -> tuple[int, str | None] | None:
    """Parse the key field of a tag: ``Am``, ``A minor``, ``F#``, ``8A``; None for anything else."""
    plain = text.strip().replace("♯", "#").replace("♭", "b")
    code = _CAMELOT_CODE.match(plain.upper())
    if code:
        # Camelot codes advance by fifths; 8A is A minor, 8B is C major.
        return ((int(code[1]) - 8) * 7 + (9 if code[2] == "A" else 0)) % 12, _CAMELOT[code[2]]
    joined = re.sub(r"[\s_-]+", "", plain)
    found = _KEY.match(joined[:1].upper() + joined[1:])
    if found:
        return _tonic(found[1], found[2]), _MODES[found[3].lower()]
    found = _TONIC.match(joined[:1].upper() + joined[1:])
    # ID3 writes a major key as its tonic alone, but programs that know no mode do the same.
    return (_tonic(found[1], found[2]), None) if found else None


def read(named: str) -> list[tuple[str, Said]]:
    """Read ``folder/folder/name.wav``: yield each reading with ``filename`` or ``folder``, nearest name first."""
    *folders, name = [_ESCAPED.sub(" ", part) for part in named.split("/")]
    stem, dot, suffix = name.rpartition(".")
    said = [("filename", one) for one in _read_name(stem if dot and len(suffix) <= 5 else name)]  # noqa: PLR2004 -- a file's type
    for folder in reversed(folders):
        known = {one.about for _, one in said if one.clarity != "weak"}
        said += [("folder", one) for one in _read_folder(folder) if one.about not in known]
    return said


def _read_name(name: str) -> list[Said]:
    name = name.replace("♯", "#").replace("♭", "b")
    tokens = [(found[0], found.start(), found.end()) for found in _TOKEN.finditer(name)]
    words = [_words(token) for token, _, _ in tokens]
    found = [
        _explicit_tempo(name) if "bpm" in name.lower() else _bare_tempo([token for token, _, _ in tokens], words),
        _key(name, tokens, words),
        _note([token for token, _, _ in tokens], words),
        _kind(words),
        _instrument(words),
    ]
    return [one for one in found if one is not None]


@lru_cache(maxsize=256)
def _read_folder(folder: str) -> tuple[Said, ...]:
    """Read the name of a folder. Cached, as the files of one folder arrive one after the other."""
    folder = folder.replace("♯", "#").replace("♭", "b")
    tokens = [(found[0], found.start(), found.end()) for found in _TOKEN.finditer(folder)]
    words = [_words(token) for token, _, _ in tokens]
    flat = [word for token in words for word in token if not word.isdecimal()]
    key = _key(folder, tokens, words)
    found = [_explicit_tempo(folder), key if key is not None and key.mode is not None else None]
    # "Kicks", "Drum Loops" and "01 Kick" are categories; "Test Loop" and "Loop Sessions" are titles.
    plural = bool(flat) and tokens[-1][0].lower().endswith("s") and flat[-1] in _MUSICAL
    if plural or (flat and all(word in _MUSICAL or word == "one" for word in flat)):
        found += [_kind(words), _instrument(words)]
    return tuple(
        Said(one.about, one.value, one.text, "weak" if one.clarity == "weak" else "likely", one.mode)
        for one in found
        if one is not None
    )


def _words(token: str) -> list[str]:
    """Split a token at camel case and digits, in lower case, without a plural s."""
    return [_singular(word.lower()) for word in _WORD.findall(token)]


def _singular(word: str) -> str:
    return word[:-1] if word.endswith("s") and word[:-1] in _MUSICAL else word


def _tonic(letter: str, accidental: str | None) -> int:
    return (_PITCH_CLASS[letter] + _ACCIDENTAL[accidental or ""]) % 12


def _only(values: Sequence[Said]) -> Said | None:
    """Return the reading that all share; None if they differ."""
    return values[0] if values and len({(one.value, one.mode) for one in values}) == 1 else None


def _explicit_tempo(name: str) -> Said | None:
    values: list[Said] = []
    for found in _BPM_AFTER.finditer(name):
        before = _RANGE.search(name, 0, found.start())
        if before and _BARE[0] <= int(before[1]) <= _BARE[1]:
            return None  # "120-128bpm"
        values.append(_tempo(found))
    # In "128 bpm 140" the number before "bpm" counts.
    values = values or [_tempo(found) for found in _BPM_BEFORE.finditer(name)]
    said = _only(values)
    return said if said is not None and SLOWEST <= float(said.value) <= FASTEST else None


def _tempo(found: re.Match[str]) -> Said:
    return Said("tempo", float(found[1].replace(",", ".")), found[0], "clear")


def _bare_tempo(tokens: Sequence[str], words: Sequence[Sequence[str]]) -> Said | None:
    values: list[Said] = []
    for at, token in enumerate(tokens):
        if not _NUMBER.match(token):
            continue
        value = int(token)
        after = tokens[at + 1].lower() if at + 1 < len(tokens) else ""
        before = words[at - 1][-1:] if at else []
        if not _BARE[0] <= value <= _BARE[1] or value in _MACHINES:
            continue
        if after in _UNITS or (before and before[0] in _COUNTED):
            continue
        values.append(Said("tempo", float(value), token, "weak"))
    return _only(values)


def _is_musical(words: Sequence[Sequence[str]], at: int) -> bool:
    """Tell whether a musical word stands within two tokens."""
    near = [word for token in [*words[max(0, at - 2) : at], *words[at + 1 : at + 3]] for word in token]
    return any(word in _MUSICAL or (word.isdecimal() and _BARE[0] <= int(word[:4]) <= _BARE[1]) for word in near)


def _key(name: str, tokens: Sequence[tuple[str, int, int]], words: Sequence[Sequence[str]]) -> Said | None:
    values: list[Said] = []
    tonics: list[Said] = []
    for at, (token, start, end) in enumerate(tokens):
        after = tokens[at + 1][0] if at + 1 < len(tokens) else ""
        found = _KEY.match(token)
        if found:
            if token not in _ALSO_WORDS or _stands_as_key(name, tokens, words, at):
                values.append(Said("key", _tonic(found[1], found[2]), token, "clear", _MODES[found[3].lower()]))
            continue
        found = _TONIC.match(token)
        if not found:
            continue
        if after.lower() in _MODES and len(after) > 1:
            # "A Minor Threat" is a title.
            is_article = found[0] == "A"
            if not is_article or at + 2 == len(tokens) or _is_musical(words, at + 1):
                text = name[start : tokens[at + 1][2]]
                values.append(Said("key", _tonic(found[1], found[2]), text, "clear", _MODES[after.lower()]))
        elif found[2] in {"#", "b"} or (at and tokens[at - 1][0].lower() == "key"):
            tonics.append(Said("key", _tonic(found[1], found[2]), name[start:end], "weak"))
    if values:
        return _only(values)
    return _only(tonics)


def _stands_as_key(name: str, tokens: Sequence[tuple[str, int, int]], words: Sequence[Sequence[str]], at: int) -> bool:
    """Tell whether a token that could be a key or a word is a key."""
    _, start, end = tokens[at]
    before = tokens[at - 1][0].lower() if at else ""
    after = tokens[at + 1][0].lower() if at + 1 < len(tokens) else ""
    if before in _PERSONS or after in _PERSONS:
        return False
    if _is_musical(words, at):
        return not (before.isdecimal() and int(before[:4]) <= 12 and name[start - 1 : start] == " ")  # noqa: PLR2004 -- a clock
    apart = (name[start - 1 : start] or "_") + (name[end : end + 1] or "_")
    # A key between underscores or hyphens is taken as one; but "10_Cm" is a length, and "4_Am" a time.
    return at > 0 and not before.isdecimal() and all(sign in "_-" for sign in apart)


def _note(tokens: Sequence[str], words: Sequence[Sequence[str]]) -> Said | None:
    pitched = any(word in _PITCHED for token in words for word in token)
    values: list[Said] = []
    for token in tokens:
        found = _NOTE.match(token)
        # "C4" is also an explosive, and "A1" a grade.
        if found and (found[2] == "#" or pitched):
            values.append(Said("pitch", _tonic(found[1], found[2]), token, "likely"))
    return _only(values)


def _kind(words: Sequence[Sequence[str]]) -> Said | None:
    flat = [word for token in words for word in token]
    is_loop = "loop" in flat
    is_shot = "oneshot" in flat or any(pair in {("one", "shot"), ("1", "shot")} for pair in pairwise(flat))
    if is_loop == is_shot:
        return None
    return Said("kind", "loop", "loop", "clear") if is_loop else Said("kind", "one_shot", "one shot", "clear")


def _instrument(words: Sequence[Sequence[str]]) -> Said | None:
    flat = [word for token in words for word in token]
    pairs = ["".join(pair) for pair in pairwise(flat)]
    found: dict[str, str] = {}
    for at, word in enumerate(flat):
        joined = next((pairs[k] for k in (at, at - 1) if 0 <= k < len(pairs) and pairs[k] in _INSTRUMENTS), None)
        if joined or word in _INSTRUMENTS:
            found[_INSTRUMENTS[joined or word]] = joined or word
    if "drum" in flat and "loop" in flat:
        return Said("instrument", "drum_loop", "drum loop", "clear")
    # "open" or "closed" beside "hat" selects the instrument.
    if {"hat", "hat_open"} >= found.keys() or {"hat", "hat_closed"} >= found.keys():
        found = {name: word for name, word in found.items() if name != "hat"} or found
    if len(found) != 1:
        return None
    name, word = next(iter(found.items()))
    return Said("instrument", name, word, "clear" if word in _CLEAR_INSTRUMENTS else "likely")
