"""Turns chunks, tags and names into statements: one claim each, with its source.

The odds of each source are priors that follow from how the source comes about; they were not fitted to any collection
of files. A clear statement is assumed to be right in nine cases of ten (odds of 9), a likely one in four of five (4),
and a weak one in three of five (1.5).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from samplemind_worker import own_tags
from samplemind_worker.metadata import names
from samplemind_worker.metadata.names import FASTEST, SLOWEST
from samplemind_worker.metadata.said import About, Clarity, Said
from samplemind_worker.pitches import midi_to_hz
from samplemind_worker.text import plural

ODDS: Final[dict[Clarity, float]] = {"clear": 9.0, "likely": 4.0, "weak": 1.5}

SOURCES: Final = ("acid", "apple_loop", "smpl", "inst", "id3", "vorbis", "info", "aiff", "tags", "filename", "folder")
"""The order in which `provenance` names them."""

_TEXTS = ("id3", "vorbis", "info", "tags")
_TEMPO_FIELDS = ("bpm", "tbpm", "tempo")
_KEY_FIELDS = ("initial_key", "initialkey", "tkey", "key")
_MIDDLE_C = 60
"""Root notes that programs write as a default, without knowing one."""
_ROUND = 0.02
"""Largest deviation from a whole number of periods, for a sampler loop of a few periods."""
_FEW = 16


@dataclass(frozen=True, slots=True)
class Statement:
    """One claim about a sample."""

    source: str
    said: Said
    note: int | None = None
    """For a pitch: the MIDI number, where the octave is stated too."""

    @property
    def about(self) -> About:
        """The answer that the statement is about."""
        return self.said.about

    @property
    def odds(self) -> float:
        """Odds that the statement is right."""
        return ODDS[self.said.clarity]


def collect(metadata: Mapping[str, Any], named: str, *, duration: float, sample_rate: int) -> list[Statement]:
    """Return the statements of chunks, tags and the name, but for what SampleMind has written itself.

    Parameters
    ----------
    metadata : mapping
        The result of `tags.read`.
    named : str
        The file's name, after those of its folders, as ``folder/name.wav``; may be empty.
    duration : float
        Seconds of the whole file.
    sample_rate : int
        Rate of the file in Hz; frames in chunks count at this rate.
    """
    found: list[Statement] = []
    if metadata:
        metadata = own_tags.of_others(metadata)
        found += _acid(metadata.get("acid"))
        found += _apple_loop(metadata.get("apple_loop"), duration)
        found += _sampler(metadata.get("smpl"), metadata.get("inst"), sample_rate)
        for source in _TEXTS:
            found += _texts(source, metadata.get(source, {}))
    found += [Statement(source, said) for source, said in names.read(named)] if named else []
    return found


def _tempo(source: str, tempo: float | None, text: str, clarity: Clarity = "clear") -> list[Statement]:
    if tempo is None or not SLOWEST <= tempo <= FASTEST:
        return []
    return [Statement(source, Said("tempo", tempo, text, clarity))]


def _acid(acid: Mapping[str, Any] | None) -> list[Statement]:
    if acid is None:
        return []
    found: list[Statement] = []
    if acid["one_shot"]:
        found.append(Statement("acid", Said("kind", "one_shot", "one-shot", "clear")))
    elif acid["beats"]:
        # Some programs write the chunk into every file that they render.
        found.append(Statement("acid", Said("kind", "loop", plural(acid["beats"], "beat"), "likely")))
        found += _tempo("acid", acid["tempo"], f"{acid['tempo']} BPM, {plural(acid['beats'], 'beat')}")
    root = acid["root_note"]
    if root is not None and root != _MIDDLE_C:
        found.append(Statement("acid", Said("key", root % 12, f"root note {root}", "weak")))
    return found


def _apple_loop(loop: Mapping[str, Any] | None, duration: float) -> list[Statement]:
    if loop is None:
        return []
    found: list[Statement] = []
    if loop["beats"] and duration > 0.0:
        found += _tempo("apple_loop", loop["beats"] * 60.0 / duration, plural(loop["beats"], "beat"))
    if loop["root_note"] is not None and loop["mode"] is not None:
        text = f"root note {loop['root_note']}, {loop['mode']}"
        found.append(Statement("apple_loop", Said("key", loop["root_note"] % 12, text, "clear", loop["mode"])))
    return found


def _sampler(smpl: Mapping[str, Any] | None, inst: Mapping[str, Any] | None, sample_rate: int) -> list[Statement]:
    for source, chunk in (("smpl", smpl), ("inst", inst)):
        note = chunk["root_note"] if chunk else None
        if note is None:
            continue
        loops = (chunk or {}).get("loops", ())
        # A sampler loop of a few whole periods confirms the note: its length is a multiple of the period.
        proven = any(_holds_periods(loop, note, sample_rate) for loop in loops)
        clarity: Clarity = "clear" if proven else "weak" if note == _MIDDLE_C else "likely"
        return [Statement(source, Said("pitch", note % 12, f"root note {note}", clarity), note=note)]
    return []


def _holds_periods(loop: Mapping[str, int], note: int, sample_rate: int) -> bool:
    # frames * (periods / second) / (frames / second)
    periods = (loop["end"] - loop["start"] + 1) * midi_to_hz(note) / sample_rate
    return 0.5 < periods < _FEW and abs(periods - round(periods)) < _ROUND  # noqa: PLR2004 -- at least one


def _texts(source: str, fields: Mapping[str, str]) -> list[Statement]:
    found: list[Statement] = []
    tempo = next((fields[name] for name in _TEMPO_FIELDS if name in fields), None)
    if tempo is not None:
        found += _tempo(source, _number(tempo), tempo[:40])
    key = next((fields[name] for name in _KEY_FIELDS if name in fields), None)
    read = None if key is None else names.key_of(key)
    if key is not None and read is not None:
        # Most keys in tags were estimated from the sound by another program.
        tonic, mode = read
        found.append(Statement(source, Said("key", tonic, key[:40], "weak" if mode is None else "likely", mode)))
    return found


def _number(text: str) -> float | None:
    try:
        return float(text.strip().lower().removesuffix("bpm").strip().replace(",", "."))
    except ValueError:
        return None
