"""Reads the filters of a search from text, as a user writes them on a command line or in a form.

Conventions: ranges are closed and written ``100..120``, ``100..`` or ``..120``; a single number means what is shown as
that number. Notes follow MIDI 60 = C4. Times are those of `samplemind_worker.times`.
"""

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from config.locations import Location
from samplemind_worker import times
from samplemind_worker.documents.facts import INSTRUMENTS, KINDS
from samplemind_worker.errors import UsageError
from samplemind_worker.finding.filters import Filter, Key, compatible_keys
from samplemind_worker.finding.terms import Range
from samplemind_worker.pitches import camelot, chord_name, chord_quality
from samplemind_worker.store import library
from samplemind_worker.text import suggestion


def read(
    *,
    bpm: str | None = None,
    half_double: bool = False,
    key: str | None = None,
    compatible: bool = False,
    chord: str | None = None,
    kind: str | None = None,
    instrument: str | None = None,
    duration: str | None = None,
    loudness: str | None = None,
    brightness: str | None = None,
    pitch: str | None = None,
    since: str | None = None,
    until: str | None = None,
    pack: str | None = None,
    batch: str | None = None,
    tag: str | None = None,
    collection: str | None = None,
    favourite: bool = False,
    path: str | None = None,
    user_id: str = "local",
    roots: Mapping[str, Location] | None = None,
) -> Filter:
    """Read the texts of filters, as a user writes them; ``batch`` and ``collection`` are whole ids.

    ``user_id`` is whoever asks: favourites are those of that user.

    Raises
    ------
    UsageError
        If one cannot be read, or means nothing without another.
    """
    if half_double and bpm is None:
        raise UsageError("--half-double needs --bpm")
    if compatible and key is None:
        raise UsageError("--compatible needs --key")
    begin, end = read_times(since, until)
    tempo = () if bpm is None else (_around(read_range(bpm, "--bpm"), 0.5),)
    keys = () if key is None else read_key(key)
    return Filter(
        kinds=_choices(kind, KINDS, "--kind"),
        instruments=_choices(instrument, INSTRUMENTS, "--instrument"),
        tempo=tuple(_octaves(tempo)) if half_double else tempo,
        keys=compatible_keys(keys) if compatible else keys,
        chords=() if chord is None else (read_chord(chord),),
        duration=() if duration is None else (_around(read_spans(duration, "--duration"), 0.05),),
        loudness=() if loudness is None else (_around(read_range(loudness, "--loudness"), 0.5),),
        brightness=() if brightness is None else (read_range(brightness, "--brightness"),),
        pitch=() if pitch is None else read_pitch(pitch),
        since=begin,
        until=end,
        packs=() if pack is None else (_recorded(pack, "--pack"),),
        batch=None if batch is None else _filled(batch, "--batch"),
        tags=() if tag is None else (_recorded(tag, "--tag"),),
        collections=() if collection is None else (_filled(collection, "--collection"),),
        favourites_of=user_id if favourite else None,
        paths=() if path is None else paths_of(_filled(path, "--path"), roots or {}),
    )


_SHOWN: Final = 60


def _quoted(text: str) -> str:
    return repr(text if len(text) <= _SHOWN else text[:_SHOWN] + "…")


def _filled(text: str, option: str) -> str:
    if not text.strip():
        raise UsageError(f"{option} is empty")
    return text


def _recorded(text: str, option: str) -> str:
    """Return a name as the record writes it, where a byte that is not UTF-8 is written as a number."""
    try:
        return library.printable(_filled(text, option).encode(errors="surrogateescape"))[0]
    except UnicodeEncodeError:
        raise UsageError(f"{option} holds a character that no text has") from None


def _choices(text: str | None, known: tuple[str, ...], option: str) -> tuple[str, ...]:
    if text is None:
        return ()
    chosen = tuple(dict.fromkeys(part.strip().lower().replace("-", "_") for part in text.split(",")))
    for each in chosen:
        if each not in known:
            raise UsageError(f"{option} {_quoted(each)} is none of {', '.join(known)}{suggestion(each, known)}")
    return chosen


_NUMBER: Final = r"[+-]?\d+(?:\.\d+)?"
_RANGE: Final = re.compile(rf"\s*({_NUMBER})?\s*(\.\.)?\s*({_NUMBER})?\s*")
_MOST_DIGITS: Final = 15


def read_range(text: str, option: str) -> Range:
    """Read ``120``, ``120..128``, ``120..`` or ``..90``.

    Raises
    ------
    UsageError
        If it is none of these, or reversed.
    """
    found = _RANGE.fullmatch(text) if len(text) <= 3 * _MOST_DIGITS else None
    low, dots, high = found.groups() if found else (None, None, None)
    if (low is None and high is None) or (dots is None and high is not None):
        raise UsageError(f"{option} {_quoted(text)} is no number and no range such as 100..120, 100.. or ..120")
    first = None if low is None else float(low)
    last = (first if dots is None else None) if high is None else float(high)
    return _in_order(first, last, text, option)


def _in_order(low: float | None, high: float | None, text: str, option: str) -> Range:
    if low is not None and high is not None and low > high:
        raise UsageError(f"{option} {_quoted(text)} is reversed: its first number must be the lower one")
    return low, high


def _around(given: Range, tolerance: float) -> Range:
    """Widen a single number to what is shown as that number."""
    low, high = given
    if low is None or low != high:
        return given
    return low - tolerance, low + tolerance


def _octaves(ranges: tuple[Range, ...]) -> Iterator[Range]:
    for low, high in ranges:
        for factor in (1.0, 0.5, 2.0):
            yield None if low is None else low * factor, None if high is None else high * factor


_PITCH_CLASS: Final = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
_ACCIDENTAL: Final = {"": 0, "#": 1, "♯": 1, "sharp": 1, "b": -1, "♭": -1, "flat": -1}
_KEY: Final = re.compile(r"([A-Ga-g])\s*(#|♯|b|♭|sharp|flat)?\s*(m|min|minor|M|maj|major)?")
_CAMELOT: Final = re.compile(r"(1[0-2]|0?[1-9])\s*([ABab])")
_BY_CAMELOT: Final = {camelot(tonic, mode): (tonic, mode) for tonic in range(12) for mode in ("major", "minor")}


def read_key(text: str) -> tuple[Key, ...]:
    """Read ``Am``, ``A minor``, ``F#``, ``Bb major`` or the Camelot code ``8A``; without a mode both are meant.

    Raises
    ------
    UsageError
        If it is none of these.
    """
    plain = text.strip()
    if found := _CAMELOT.fullmatch(plain):
        return (_BY_CAMELOT[f"{int(found[1])}{found[2].upper()}"],)
    found = _KEY.fullmatch(plain) or _KEY.fullmatch(plain.lower())
    if found is None:
        raise UsageError(f"--key {_quoted(text)} is no key: write it as Am, A minor, F#, Bb major or 8A")
    tonic = _tone(found[1], found[2])
    mode = found[3]
    if mode is None:
        return ((tonic, None),)
    return ((tonic, "minor" if mode in {"m", "min", "minor"} else "major"),)


_CHORD: Final = re.compile(r"([A-Ga-g])(#|♯|b|♭)?([a-z]*[2-7]?)(?:/([A-Ga-g])(#|♯|b|♭)?)?")


def read_chord(text: str) -> str:
    """Read a chord (``Am``, ``Bbmaj7``, ``Gsus4``, ``C/E``), and return its name in the record.

    Raises
    ------
    UsageError
        If it is none.
    """
    found = _CHORD.fullmatch(text.strip())
    quality = chord_quality(found[3]) if found else None
    if found is None or quality is None:
        raise UsageError(f"--chord {_quoted(text)} is no chord: write it as C, Am, F#7, Bbmaj7, Gsus4, Edim, D5 or C/E")
    root = _tone(found[1], found[2])
    return chord_name(root, quality, _tone(found[4], found[5]) if found[4] else root)


def _tone(letter: str, accidental: str | None) -> int:
    return (_PITCH_CLASS[letter.lower()] + _ACCIDENTAL[accidental or ""]) % 12


_NOTE: Final = re.compile(r"([A-Ga-g])(#|♯|b|♭)?(-?\d)?")
_HIGHEST_MIDI: Final = 127


def read_pitch(text: str) -> tuple[Range, ...]:
    """Read a note (``C3``), a range of notes or of MIDI numbers (``C3..B3``, ``48..59``), or a pitch class (``F#``).

    Raises
    ------
    UsageError
        If it is none of these, or reversed.
    """
    low, dots, high = text.partition("..")
    if not dots and (found := _NOTE.fullmatch(text.strip())) and found[3] is None:
        tonic = _tone(found[1], found[2])
        return tuple((float(midi), float(midi)) for midi in range(tonic, _HIGHEST_MIDI + 1, 12))
    first = _midi(low, text) if low.strip() else None
    last = _midi(high, text) if high.strip() else None
    if first is None and last is None:
        raise UsageError(f"--pitch {_quoted(text)} is empty")
    return (_in_order(first, last if dots else first, text, "--pitch"),)


def _midi(text: str, whole: str) -> float:
    plain = text.strip()
    if plain.isascii() and plain.isdigit() and len(plain) <= len(str(_HIGHEST_MIDI)):
        midi = int(plain)
    elif (found := _NOTE.fullmatch(plain)) and found[3] is not None:
        midi = 12 * (int(found[3]) + 1) + _PITCH_CLASS[found[1].lower()] + _ACCIDENTAL[found[2] or ""]
    else:
        midi = -1
    if not 0 <= midi <= _HIGHEST_MIDI:
        raise UsageError(f"--pitch {_quoted(whole)} is no note such as C3, no MIDI number and no range such as C3..B3")
    return float(midi)


def read_spans(text: str, option: str) -> Range:
    """Read a range of time spans, or one: ``0..2``, ``500ms..2s``, ``..1.5 min``; numbers are seconds.

    Raises
    ------
    UsageError
        If it is none, or reversed.
    """
    low, dots, high = text.partition("..")
    try:
        first, last = (times.read_span(each) if each.strip() else None for each in (low, high))
    except ValueError:
        first = last = None
    if first is None and last is None:
        raise UsageError(
            f"{option} {_quoted(text)} is no time such as {times.SPANS}, and no range such as 0..2 or 500ms..2s"
        )
    return _in_order(first, last if dots else first, text, option)


def read_times(since: str | None, until: str | None) -> tuple[datetime | None, datetime | None]:
    """Read where a list begins and ends, both ``times.PERIODS``; None means no limit.

    A day, week or month begins at its first midnight here, and ends after its last day.

    Raises
    ------
    UsageError
        If one is no time, or the end is before the beginning.
    """
    begin = None if since is None else _period(since, "--since")[0]
    end = None if until is None else _period(until, "--until")[1]
    if begin is not None and end is not None and end < begin:
        raise UsageError(f"--until {_quoted(until or '')} is before --since {_quoted(since or '')}")
    return begin, end


def _period(text: str, option: str) -> times.Period:
    try:
        return times.read_period(text, datetime.now(UTC))
    except ValueError:
        raise UsageError(f"{option} {_quoted(text)} is no time such as {times.PERIODS}") from None


def paths_of(text: str, roots: Mapping[str, Location]) -> tuple[str, ...]:
    """Return a path of this machine as entries may write it: in full, and below a named root.

    Raises
    ------
    UsageError
        If it is no path.
    """
    if "\0" in text:
        raise UsageError("--path holds a character that no path has")
    full = library.absolute(library.where(text))
    if full == Path("/"):
        return ()
    found = [library.shown(full)]
    if roots:
        with suppress(UsageError):
            root, below = library.locate(full, roots)
            found.append(f"{root}/{library.printable(below)[0]}".removesuffix("/."))
    return tuple(found)
