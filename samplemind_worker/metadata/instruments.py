"""Reads kind and instrument from the words of a name, which are in lower case and singular."""

from collections.abc import Sequence
from itertools import pairwise

from samplemind_worker.metadata.said import Said
from samplemind_worker.metadata.words import (
    CLEAR_INSTRUMENTS,
    CODES,
    DRUMS,
    INSTRUMENTS,
    MACHINES,
    MAKERS,
    MELODIC,
    MODELS,
    NEGATIONS,
    NO_INSTRUMENTS,
    NOTED,
    OTHERS,
    PHRASES,
    PITCHED,
    STRUCK,
    VAGUE_CODES,
)

_VAGUE_KINDS = frozenset({"os", "hit", "bar", "bars", "break", "breakbeat"})
"""Words that tell a kind beside others."""
_BARS = frozenset({"1", "2", "4", "8"})
_SINGLE = frozenset({"hit", "fill", "shot", "kit", "riff"})
"""Words beside which drums with a tempo are no loop."""
_STATES = {frozenset({"open", "oh"}): "open", frozenset({"closed", "ch"}): "closed"}
_CYMBALS = frozenset({"ride", "hat", "hat_closed", "hat_open"})


def kind_of(flat: Sequence[str]) -> Said | None:
    """Return the kind that words name, if it is one."""
    pairs = list(pairwise(flat))
    is_loop = "loop" in flat
    is_shot = "oneshot" in flat or any(pair in {("one", "shot"), ("1", "shot")} for pair in pairs)
    if is_loop and is_shot:
        return None
    if is_loop or is_shot:
        return Said("kind", "loop", "loop", "clear") if is_loop else Said("kind", "one_shot", "one shot", "clear")
    if _VAGUE_KINDS.isdisjoint(flat):
        return None
    # "Kick_OS" and "Bass Hit" are single sounds; "4 bars" of music, and a break of drums, are loops.
    shot = next((word for word in ("os", "hit") if word in flat and PHRASES.isdisjoint(flat)), None)
    bars = next((pair for pair in pairs if pair[0] in _BARS and pair[1] in {"bar", "bars"}), None)
    is_sound = any(word in INSTRUMENTS or word in PITCHED or word == "drum" for word in flat)
    if shot is not None and bars is None and is_sound:
        return Said("kind", "one_shot", shot, "likely")
    is_music = (is_sound or "bpm" in flat) and not any(_is_passage(word) for word in flat)
    if bars is not None and shot is None and is_music:
        return Said("kind", "loop", " ".join(bars), "likely")
    return Said("kind", "loop", "break", "likely") if _is_break(flat) else None


def _is_passage(word: str) -> bool:
    """Tell whether a word names a sound that leads on, and is not repeated."""
    return word in {"fill", "roll", "build", "buildup", "rise"} or INSTRUMENTS.get(word) == "fx"


def _is_break(flat: Sequence[str]) -> bool:
    """Tell whether words name a break of drums, and nothing else that sounds."""
    is_named = "breakbeat" in flat or ("break" in flat and ("drum", "break") in pairwise(flat))
    return is_named and not any(word in INSTRUMENTS or word in PITCHED for word in flat)


def instrument_of(flat: Sequence[str]) -> Said | None:
    """Return the instrument that words name, if it is one."""
    flat = _without_genres(flat)
    # In "guitar E1" the letter is a note, and no end of "guitare".
    pairs = ["" if len(second) == 1 and first in PITCHED else first + second for first, second in pairwise(flat)]
    found: dict[str, str] = {}
    for at, word in enumerate(flat):
        if at and flat[at - 1] in NEGATIONS:
            continue
        joined = next((pairs[k] for k in (at, at - 1) if 0 <= k < len(pairs) and pairs[k] in INSTRUMENTS), None)
        if joined or word in INSTRUMENTS:
            found[INSTRUMENTS[joined or word]] = joined or word
    if "drum" in flat and "loop" in flat and found.keys() <= DRUMS:
        return Said("instrument", "drum_loop", "drum loop", "clear")
    found = _without_any_cymbal(found, flat)
    # "open", "closed" or a code beside "hat" selects the instrument.
    if {"hat", "hat_open"} >= found.keys() or {"hat", "hat_closed"} >= found.keys():
        found = {name: word for name, word in found.items() if name != "hat"} or found
    states = [state for words, state in _STATES.items() if not words.isdisjoint(flat)]
    if "hat" in found and len(states) == 1:
        found[f"hat_{states[0]}"] = found.pop("hat")
    if not found and _are_drums(flat):
        return Said("instrument", "drum_loop", "drum", "likely")
    # Drums are not confused with the instruments beyond the list.
    if not found or (not OTHERS.isdisjoint(flat) and not found.keys() <= DRUMS):
        return _music_of(flat)
    if len(found) != 1 or (found.keys() == {"piano"} and not STRUCK.isdisjoint(flat)):
        return None
    name, word = next(iter(found.items()))
    return Said("instrument", name, word, "clear" if word in CLEAR_INSTRUMENTS else "likely")


def _are_drums(flat: Sequence[str]) -> bool:
    """Tell whether words that name no drum name many: a break, a top loop, or drums that have a tempo."""
    if _is_break(flat) or ("top" in flat and ("top", "loop") in pairwise(flat)):
        return True
    return {"drum", "bpm"} <= set(flat) and not any(word in _SINGLE or word in PITCHED for word in flat)


def _without_any_cymbal(found: dict[str, str], flat: Sequence[str]) -> dict[str, str]:
    """Leave out "cymbal" where a word or a code says which: "Cymbal Ride", "Cymbals CH"."""
    if found.get("crash") != "cymbal":
        return found
    named = {name: word for name, word in found.items() if name != "crash"}
    if named:
        return named if named.keys() <= _CYMBALS else found
    return {CODES[word]: word for word in flat if CODES.get(word) in _CYMBALS} or found


def _music_of(flat: Sequence[str]) -> Said | None:
    """Return that a loop is music, where words say so; words of single notes count beside "loop" or a tempo only."""
    if "drum" in flat:
        return None
    words = MELODIC | NOTED if {"loop", "bpm"} & set(flat) else MELODIC
    pairs = list(pairwise([*flat, ""]))
    # "ARP 2600" is a synthesizer, and "music" alone is often the end of an artist's name.
    word = next((word for word, after in pairs if word in words and not _is_model(word, after)), None)
    word = "music loop" if ("music", "loop") in pairs else word
    return None if word is None else Said("instrument", "music_loop", word, "likely")


def _without_genres(flat: Sequence[str]) -> list[str]:
    """Leave out "drum and bass", drums that are not there, and words that name no instrument together."""
    left: list[str] = []
    for word in flat:
        if word in {"and", "n"}:
            continue
        pair = (left[-1], word) if left else ("", word)
        if pair == ("drum", "bass") or pair in NO_INSTRUMENTS or (word == "drum" and pair[0] in NEGATIONS):
            left.pop()
        else:
            left.append(word)
    return left


def code_of(flat: Sequence[str]) -> Said | None:
    """Read the letters of a drum machine's button, where nothing but numbers and machines stands beside them."""
    codes = [
        word
        for at, word in enumerate(flat)
        if word in CODES and not (at + 1 < len(flat) and _is_model(word, flat[at + 1], flat[at - 1] if at else ""))
    ]
    others = [word for word in flat if word not in codes and not word.isdecimal()]
    if len(codes) != 1 or any(word not in MACHINES and word not in MODELS for word in others):
        return None
    is_vague = codes[0] in VAGUE_CODES and not any(word in MODELS or word in MACHINES for word in others)
    return Said("instrument", CODES[codes[0]], codes[0], "weak" if is_vague else "likely")


def _is_model(word: str, number: str, before: str = "") -> bool:
    """Tell whether a word and a number name a machine: "MT 32"; after its maker also one that is not known."""
    if word not in MODELS or not number.isdecimal() or number.startswith("0"):
        return False
    return int(number[:5]) in MODELS[word] or (before in MAKERS and len(number) > 1)
