"""Reads tempo, key, note, kind and instrument from the names of a file and its folders.

Names are written for people, so only unambiguous readings count: a number is a tempo if "bpm" stands beside it (a bare
number counts for little), a letter is a key if its mode is given, a word is an instrument if it is the only one.
Anything that could be read in two ways is ignored.

`instruments` reads kind and instrument; `words` has the vocabulary of both. Conventions: as in `said`.
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

from samplemind_worker.metadata.german_keys import german_keys
from samplemind_worker.metadata.instruments import code_of, instrument_of, kind_of
from samplemind_worker.metadata.said import Clarity, Said
from samplemind_worker.metadata.words import (
    COMPOUNDED,
    COUNTED,
    DRUMS,
    LETTERED,
    MACHINES,
    MANNERS,
    MODEL_NUMBERS,
    MODELS,
    MUSICAL,
    PERSONS,
    PHRASES,
    PITCHED,
    SYNONYMS,
    UNITS,
    VAGUE_CODES,
)

SLOWEST, FASTEST = 40.0, 300.0
_BARE = (60, 200)
"""Plausible range, in BPM, of bare numbers without "bpm"."""

_PITCH_CLASS = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
_ACCIDENTAL = {"": 0, "#": 1, "sharp": 1, "s": 1, "b": -1, "flat": -1}
_MODES = {"m": "minor", "min": "minor", "minor": "minor", "maj": "major", "major": "major"}
_CAMELOT = {"A": "minor", "B": "major"}

_ESCAPED = re.compile(r"\\x[0-9a-f]{2}")  # a byte that is not UTF-8, as the record escapes it
_TOKEN = re.compile(r"[^\W_]+(?:[#♯♭][^\W_]*)?(?:[.,]\d+)?")
_BPM_AFTER = re.compile(r"(?<![\d.,])(\d{2,3}(?:[.,]\d{1,3})?)[\s_-]*bpm(?![a-z])", re.IGNORECASE)
_BPM_BEFORE = re.compile(r"(?<![a-z])(?:bpm|tempo)[\s_=-]*(\d{2,3}(?:[.,]\d{1,3})?)(?!\d)", re.IGNORECASE)
_TEMPO_WORD = re.compile(r"bpm|(?<![a-z])tempo[\s_=-]*\d", re.IGNORECASE)
_RANGE = re.compile(r"(?<!\d)(\d{2,3})[\s_]*(?:-|to)[\s_]*$", re.IGNORECASE)
_NUMBER = re.compile(r"[1-9]\d{1,2}$")
_KEY = re.compile(
    r"([A-G])(#|b|sharp|flat|(?<=[CDFG])[Ss](?=[Mm][ai]))?(m|[Mm]in|MIN|[Mm]inor|MINOR|[Mm]aj|MAJ|[Mm]ajor|MAJOR)$"
)
_MAYBE_KEY = re.compile(r"[A-Ga-g](?:[#bmMsSf]|$)|1?\d[AB]$")
_LOWER_KEY = re.compile(r"([a-g])(#|b|sharp|flat|(?<=[cdfg])s(?=m[ai]))?(min|minor|maj|major|(?<=#)m|(?<=^[a-e])m)$")
_TONIC = re.compile(r"([A-G])(#|b|sharp|flat)?$")
_LETTER = re.compile(r"([A-Ga-g])(#|b|sharp|flat)?$")
_NOTE = re.compile(r"([A-Ga-g])(#|b|(?<=[ACDFGacdfg])s|(?<=[ACDFG])is)?(\d)(?:v(?:\d{1,3}|[HML]))?$")
_ADDED = frozenset("5679")
"""Digits that make a chord of a letter, as in "C7"."""
_CAMELOT_CODE = re.compile(r"(1[0-2]|[1-9])([AB])$")
_WORD = re.compile(r"[A-Z]?[a-z]+|[A-Z]+(?![a-z])|\d+")

_ALSO_WORDS = frozenset(
    {"Am", "Em", "Bm", "Cm", "Dm", "Fm", "Gm", "Amin", "Emin", "Bmin", "Fmin", "Dmin", "Gmin", "Cmin"}
)
"""Keys that are also words, units or names ("I Am", "10 Cm"): read only beside musical words."""
_LOWER_WORDS = frozenset({"am", "bm", "cm", "dm", "em"})
_COUNTABLE = MUSICAL.union(COMPOUNDED)


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
    around = frozenset[str]().union(*(_pitched(folder) for folder in folders))
    own = _read_name(stem if dot and len(suffix) <= 5 else name, around)  # noqa: PLR2004 -- a file's type
    said = [("filename", one) for one in own]
    for folder in reversed(folders):
        known = {one.about: one.value for _, one in said if one.clarity != "weak"}
        # A folder of kicks confirms a code in the name, but contradicts no nearer name.
        said += [
            ("folder", one)
            for one in _read_folder(folder)
            if one.about not in known or (one.clarity == "clear" and known[one.about] == one.value)
        ]
    return said


@dataclass(frozen=True, slots=True)
class _Name:
    """A name, and the parts that it falls into."""

    text: str
    tokens: tuple[tuple[str, int, int], ...]
    """Each token with its place in the text."""
    words: tuple[tuple[str, ...], ...]
    """The words of each token, in lower case, without a plural s."""
    flat: tuple[str, ...]
    """All words."""

    def token(self, at: int) -> str:
        """Return a token, or nothing beyond the ends."""
        return self.tokens[at][0] if 0 <= at < len(self.tokens) else ""

    def sides(self, first: int, last: int) -> str:
        """Return the signs around some tokens; an end counts as an underscore."""
        start, end = self.tokens[first][1], self.tokens[last][2]
        return (self.text[start - 1 : start] or "_") + (self.text[end : end + 1] or "_")

    def is_tempo(self, at: int) -> bool:
        """Tell whether a token is, or begins with, a number that could be a tempo."""
        first = self.words[at][:1] if 0 <= at < len(self.words) else ()
        return bool(first) and _is_bare(first[0])

    def is_told_tempo(self, at: int) -> bool:
        """Tell whether a token is a tempo with its unit, as ``120bpm`` or ``120 BPM``."""
        words = [word for token in self.words[at : at + 2] for word in token]
        return self.is_tempo(at) and words[1:2] == ["bpm"]

    def is_musical(self, at: int) -> bool:
        """Tell whether a musical word or a tempo stands within two tokens."""
        near = [*range(max(0, at - 2), at), *range(at + 1, min(at + 3, len(self.words)))]
        return any(word in MUSICAL or _is_bare(word) for k in near for word in self.words[k])

    def is_of_music(self, first: int, last: int) -> bool:
        """Tell whether all that stands beside some tokens is numbers, or any of it is music."""
        rest = [word for token in (*self.words[:first], *self.words[last + 1 :]) for word in token]
        return all(word.isdecimal() for word in rest) or any(word in MUSICAL or word in PITCHED for word in rest)


def _parse(text: str) -> _Name:
    text = text.replace("♯", "#").replace("♭", "b")
    if not text.isascii():  # "Flöte" in any form of its accents
        text = "".join(sign for sign in unicodedata.normalize("NFD", text) if not unicodedata.combining(sign))
    tokens = tuple((found[0], found.start(), found.end()) for found in _TOKEN.finditer(text))
    words = tuple(_words(token) for token, _, _ in tokens)
    return _Name(text, tokens, words, tuple(word for token in words for word in token))


@lru_cache(maxsize=4096)
def _words(token: str) -> tuple[str, ...]:
    """Split a token at camel case, at digits, and before "loop". Cached, as the names of a pack repeat their words."""
    words = [part for word in _WORD.findall(token) for part in _parts(_singular(word.lower()))]
    return tuple(SYNONYMS.get(word, word) for word in words)


def _parts(word: str) -> tuple[str, ...]:
    """Split "drumloop" and "kickhits"."""
    for last in () if word in MUSICAL else COMPOUNDED:
        first = word.removesuffix("s").removesuffix(last)
        if word.startswith(first + last) and first in MUSICAL:
            return first, last
    return (word,)


def _is_bare(word: str) -> bool:
    return word.isdecimal() and _BARE[0] <= int(word[:4]) <= _BARE[1]


def _read_name(text: str, around: frozenset[str]) -> list[Said]:
    name = _parse(text)
    tempo = _explicit_tempo(name.text) if _TEMPO_WORD.search(name.text) else _bare_tempo(name)
    key, note = _key(name), _note(name, around)
    if note is not None and key is not None and (note.text, key.text) == (name.token(0), name.token(1)):
        note = None  # "B1-Dm" is the first bass
    if note is None and key is not None and key.mode is None and key.text[1:]:
        note = Said("pitch", key.value, key.text, "weak")  # of a one-shot it is the root
    if note is not None and tempo is not None and tempo.clarity == "weak" and float(tempo.value) % 12 == note.value:
        tempo = None  # in "Vla_74_D5" the number is the note's
    kind = kind_of(name.flat)
    if kind is not None and (kind.value, kind.clarity) == ("one_shot", "likely") and tempo is not None:
        kind = None  # "OS" is also a vendor
    if kind is None and note is not None and note.clarity == "likely" and note.text[0].isupper() and tempo is None:
        # A note with its octave names a single sound.
        kind = None if PHRASES.intersection(name.flat) else Said("kind", "one_shot", note.text, "clear")
    found = [tempo, key, note, kind, instrument_of(name.flat) or code_of(name.flat)]
    return [one for one in found if one is not None]


@lru_cache(maxsize=256)
def _pitched(folder: str) -> frozenset[str]:
    """Return the words of a folder beside which "C2" is a note. Cached, as `_read_folder` is."""
    return PITCHED.intersection(_parse(folder).flat)


@lru_cache(maxsize=256)
def _read_folder(folder: str) -> tuple[Said, ...]:
    """Read the name of a folder. Cached, as the files of one folder arrive one after the other."""
    name = _parse(folder)
    flat = [word for word in name.flat if not word.isdecimal()]
    key = _key(name)
    found = [_explicit_tempo(name.text), key if key is not None and key.mode is not None else None]
    # "Kicks", "Drum Loops" and "01 Kick" are categories; "Test Loop" and "Loop Sessions" are titles.
    is_category = bool(flat) and all(word in MUSICAL or word in MACHINES or word in MANNERS for word in flat)
    plural = bool(flat) and name.tokens[-1][0].lower().endswith("s") and flat[-1] in MUSICAL
    instrument = None
    if plural or is_category:
        instrument = instrument_of(name.flat)
        found.append(kind_of(name.flat))
    said = [_cautious(one) for one in found if one is not None]
    if instrument is not None:
        # "Tom" may be a person, "Toms" and "Tom Hits" are drums.
        is_drum = is_category and instrument.value in DRUMS and instrument.value != "perc"
        is_sure = is_drum and (plural or len(flat) > 1 or instrument.clarity == "clear")
        clarity: Clarity = "clear" if is_sure else "likely"
        said.append(Said("instrument", instrument.value, instrument.text, clarity))
    elif (code := code_of(name.flat)) is not None:
        is_sure = code.text not in VAGUE_CODES or len(name.flat) > 1
        said.append(Said("instrument", code.value, code.text, "clear" if is_sure else "likely"))
    return tuple(said)


def _cautious(one: Said) -> Said:
    return Said(one.about, one.value, one.text, "weak" if one.clarity == "weak" else "likely", one.mode)


def _singular(word: str) -> str:
    if word in _COUNTABLE:  # "keys", "bass"
        return word
    ends = (word.removesuffix("s"), f"{word.removesuffix('ies')}y", word.removesuffix("es"))
    return next((one for one in ends if one in _COUNTABLE), word)


def _tonic(letter: str, accidental: str | None) -> int:
    return (_PITCH_CLASS[letter.upper()] + _ACCIDENTAL[(accidental or "").lower()]) % 12


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


def _bare_tempo(name: _Name) -> Said | None:
    values: list[Said] = []
    if all(word.isdecimal() for word in name.flat):
        return None  # the number of a sound
    for at, (token, _, end) in enumerate(name.tokens):
        if not _NUMBER.match(token) or not _is_bare(token) or int(token) in MODEL_NUMBERS:
            continue
        before = name.words[at - 1][-1] if at and name.words[at - 1] else ""
        after = name.token(at + 1)
        if (after.lower() in UNITS and after != "Cm") or name.text[end : end + 1] == "%" or before in COUNTED:
            continue
        if int(token) not in MODELS.get(before, ()):
            values.append(Said("tempo", float(token), token, "weak"))
    return _only(values)


def _key(name: _Name) -> Said | None:
    values = german_keys(name.text)
    tonics: list[Said] = []
    for at, (token, start, _) in enumerate(name.tokens):
        if not _MAYBE_KEY.match(token):
            continue
        found = _KEY.match(token) or _LOWER_KEY.match(token)
        if found:
            if _stands_as_key(name, at):
                values.append(Said("key", _tonic(found[1], found[2]), token, "clear", _MODES[found[3].lower()]))
            continue
        spelled = _spelled_key(name, at)
        if spelled is not None:
            values.append(spelled)
            continue
        found, code = _TONIC.match(token), _CAMELOT_CODE.match(token)
        # "8A - 128 - Title" is how programs for DJs rename files.
        if (
            code
            and (name.is_tempo(at - 1) or name.is_tempo(at + 1))
            and name.text[start - 1 : start] in {"", "_", "-", "[", "("}
        ):
            tonic, mode = key_of(token) or (0, None)
            values.append(Said("key", tonic, token, "likely", mode))
        elif found:
            before = [name.token(at - 1).lower(), name.token(at - 2).lower()]
            is_written = found[2] is not None and (found[2] in {"#", "b"} or name.is_of_music(at, at))
            if is_written or before[0] == "key" or before == ["of", "key"]:
                tonics.append(Said("key", _tonic(found[1], found[2]), token, "weak"))
                continue
        if (tonic := _tonic_of_tempo(name, at)) is not None:
            tonics.append(tonic)
    return _only(values) if values else _only(tonics)


def _tonic_of_tempo(name: _Name, at: int) -> Said | None:
    """Read the tonic that stands right before a tempo: "pad f 140bpm". A lone "a" may be an article."""
    text = name.token(at)
    found = _LETTER.match(text)
    is_counted = at == 0 or name.token(at - 1).lower() in LETTERED | COUNTED
    if found is None or text == "a" or is_counted or not (name.is_told_tempo(at + 1) or _is_marked_tonic(name, at)):
        return None
    return Said("key", _tonic(found[1], found[2]), text, "weak")


def _is_marked_tonic(name: _Name, at: int) -> bool:
    """Tell whether a capital stands between signs beside a tempo: "Bass_128_C". Takes are called A and B as well."""
    text, is_last = name.token(at), at + 1 == len(name.tokens)
    if not text.isupper() or not set(name.sides(at, at)) <= set("_-") or (is_last and text in {"A", "B"}):
        return False
    return (name.is_tempo(at - 1) or name.is_tempo(at + 1)) and any(word in PITCHED for word in name.flat)


def _spelled_key(name: _Name, at: int) -> Said | None:
    """Read a key of several tokens: "C minor", "f# maj", "B flat minor"."""
    found = _LETTER.match(name.token(at))
    last = at + 1
    accidental = found[2] if found else None
    if found and not accidental and name.token(last).lower() in {"sharp", "flat"}:
        accidental = name.token(last).lower()
        last += 1
    mode = name.token(last).lower()
    if found is None or mode not in _MODES or len(mode) == 1 or (at and name.token(at - 1).lower() in LETTERED):
        return None
    if found[1].islower() and not name.is_of_music(at, last):
        return None
    # "A Minor Threat" and "a minor problem" are titles.
    if found[0] in {"A", "a"} and not accidental:
        if last + 1 < len(name.tokens) and not (name.is_musical(last) if found[0] == "A" else name.is_tempo(last + 1)):
            return None
        if found[0] == "a" and not set(name.sides(at, at)) & set("_-"):
            return None
    text = name.text[name.tokens[at][1] : name.tokens[last][2]]
    return Said("key", _tonic(found[1], accidental), text, "clear", _MODES[mode])


def _stands_as_key(name: _Name, at: int) -> bool:
    """Tell whether a token that has the form of a key is one."""
    token, start, _ = name.tokens[at]
    before, after = name.token(at - 1).lower() if at else "", name.token(at + 1).lower()
    if token[0].islower():
        return _stands_as_lower_key(name, at) if token in _LOWER_WORDS else name.is_of_music(at, at)
    if token not in _ALSO_WORDS:
        return True
    if before in PERSONS or after in PERSONS:
        return False
    if name.is_musical(at):
        return not (before.isdecimal() and int(before[:4]) <= 12 and name.text[start - 1 : start] == " ")  # noqa: PLR2004 -- a clock
    # A key between underscores or hyphens is taken as one; but "10_Cm" is a length, and "4_Am" a time.
    return at > 0 and not before.isdecimal() and set(name.sides(at, at)) <= set("_-")


def _stands_as_lower_key(name: _Name, at: int) -> bool:
    """Tell whether "am" and the like stand beside a tempo: "keys am 80bpm", but not "3 am 80bpm" or "i am 80bpm"."""
    before = name.token(at - 1).lower() if at else ""
    if name.is_told_tempo(at + 1) and before not in PERSONS and not before.isdecimal():
        return True
    return (name.is_tempo(at - 1) or name.is_tempo(at + 1)) and set(name.sides(at, at)) <= set("_-")


def _note(name: _Name, around: frozenset[str]) -> Said | None:
    pitched = around | PITCHED.intersection(name.flat)
    values: list[Said] = []
    for token, _, _ in name.tokens:
        found = _NOTE.match(token)
        # "C4" is also an explosive, "A1" a grade, and "C7" a chord.
        is_chord = found is not None and "chord" in pitched and found[3] in _ADDED
        if found and not is_chord and (pitched or (found[2] == "#" and found[1].isupper())):
            accidental = "#" if found[2] in {"s", "is"} else found[2]
            values.append(Said("pitch", _tonic(found[1], accidental), token, "likely"))
    return _only(values)
