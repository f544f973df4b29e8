"""The categories of samples that the sentences distinguish."""

from collections.abc import Mapping
from typing import Literal

from samplemind_worker.describer.balance import Balance
from samplemind_worker.documents.facts import Kind

Sort = Literal[
    "silence", "unknown", "kick", "sub", "bass", "snare", "hat", "cymbal", "tom", "perc", "vocal", "note", "pad", "fx",
    "hit", "series", "drum_loop", "top_loop", "melodic_loop", "loop", "track",
]  # fmt: skip

DRUMS = frozenset({
    "kick", "snare", "clap", "rim", "hat_closed", "hat_open", "tom", "crash", "ride", "shaker", "cowbell", "perc",
    "drum_loop",
})  # fmt: skip
INSTRUMENTS = {
    "kick": "kick", "snare": "snare", "clap": "clap", "rim": "rimshot", "hat_closed": "closed hi-hat",
    "hat_open": "open hi-hat", "tom": "tom", "crash": "crash cymbal", "ride": "ride cymbal", "shaker": "shaker",
    "cowbell": "cowbell", "perc": "percussion", "bass": "bass", "synth": "synth", "piano": "piano", "guitar": "guitar",
    "strings": "string", "brass": "brass", "flute": "flute", "organ": "organ", "bell": "bell", "vocal": "vocal",
    "sax": "saxophone", "voice": "voice", "ambience": "ambience", "fx": "effect", "drum_loop": "drum",
    "music_loop": "melodic", "song": "full",
}  # fmt: skip
"""The spelling of each instrument before "one-shot", "loop" or "track"."""

ENDINGS = {
    "perc": " hit",
    "bass": " note",
    "synth": " note",
    "piano": " note",
    "guitar": " note",
    "strings": " note",
    "brass": " note",
    "sax": " note",
    "flute": " note",
    "organ": " note",
    "drum_loop": " loop",
    "music_loop": " loop",
    "song": " track",
}
"""The noun that completes an instrument which is no countable noun by itself."""

BY_INSTRUMENT: dict[str, Sort] = {
    "kick": "kick",
    "snare": "snare",
    "clap": "snare",
    "rim": "snare",
    "hat_closed": "hat",
    "hat_open": "hat",
    "shaker": "hat",
    "crash": "cymbal",
    "ride": "cymbal",
    "tom": "tom",
    "cowbell": "perc",
    "perc": "perc",
    "bass": "bass",
    "vocal": "vocal",
    "voice": "vocal",
    "ambience": "fx",
    "fx": "fx",
}
"""The sort of a one-shot, for instruments that determine it."""

_SUB_MIDI = 38  # D2, 73 Hz
_SUB_HZ = 300.0  # of the centroid
_SUB_SECONDS = 0.6
_PAD_SECONDS = 2.0
_SERIES_SECONDS = 6.0  # a shorter file is one sound
_PAUSES = 2.0  # least mean distance of the sounds of a series, in the time in which one falls by 20 dB
_PADS = frozenset({None, "strings", "synth", "organ", "brass", "sax", "flute"})


def count_hits(measures: Mapping[str, float], seconds: float | None) -> int:
    """Count the sounds of a long file by their onsets, if each falls well before the next one; else it is one."""
    rate, decay = measures.get("onsets_per_second"), measures.get("decay_seconds")
    if seconds is None or seconds < _SERIES_SECONDS or rate is None or decay is None:
        return 1
    count = max(round(rate * seconds), 1)
    return count if _PAUSES * decay * count <= seconds else 1


def sort_of(
    *,
    kind: Kind | None,
    instrument: str | None,
    seconds: float,
    midi: int | None,
    centroid: float | None,
    even: bool,
    pulse: bool,
    tonal: bool,
    balance: Balance | None,
    hits: int,
) -> Sort:
    """Return the category; an argument that is a guess is None."""
    if kind == "loop":
        return _sort_of_loop(instrument, even=even, pulse=pulse, tonal=tonal, balance=balance)
    if kind != "one_shot":
        return "unknown" if kind is None else "track"
    if hits > 1:
        return "series"
    found = BY_INSTRUMENT.get(instrument or "")
    if found in {"kick", "bass"} and midi is not None and midi <= _SUB_MIDI:
        long, dark = seconds >= _SUB_SECONDS, centroid is not None and centroid < _SUB_HZ
        return "sub" if long and dark else found
    if found is None and (midi is not None or instrument is not None):
        return "pad" if instrument in _PADS and even and seconds >= _PAD_SECONDS else "note"
    return found or "hit"


def _sort_of_loop(instrument: str | None, *, even: bool, pulse: bool, tonal: bool, balance: Balance | None) -> Sort:
    if instrument == "drum_loop":
        return "top_loop" if balance is not None and balance.top_heavy else "drum_loop"
    if tonal and even and not pulse:
        return "pad"
    return "melodic_loop" if tonal or instrument == "music_loop" else "loop"


def advised_as(sort: Sort, instrument: str | None) -> Sort:
    """Return the category for advice: that of the drum which a hit probably is."""
    return BY_INSTRUMENT[instrument] if sort == "hit" and instrument in DRUMS & BY_INSTRUMENT.keys() else sort
