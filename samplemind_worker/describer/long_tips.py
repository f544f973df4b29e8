"""Writes production tips for loops and tracks: length, tempo, key, low end."""

from collections.abc import Iterator

from samplemind_worker.describer import theory
from samplemind_worker.describer.balance import LOW_END_HZ
from samplemind_worker.describer.reading import Reading
from samplemind_worker.describer.wording import (
    choose,
    decibels,
    frequency,
    length,
    listed,
    milliseconds,
    number,
    plural,
    tempo,
)

_STREAMING = -14.0  # LUFS; what most streaming services play at
_WORTH = 2.0  # dB; less is not worth a sentence
_SLOW, _FAST = 100.0, 140.0  # BPM; outside it, half or double the tempo is counted as often
_NEAR_BEAT = 0.25  # beats; a loop this close to a whole number was meant to have it


def for_loops(r: Reading) -> Iterator[str]:
    """Yield tips about its position on the beat, its pitch after repitching, and the room that it leaves."""
    yield from _cut(r)
    yield from _count(r)
    yield from _swing(r)
    yield from _repitch(r)
    yield from _loop_room(r)
    yield from _times(r)


def _cut(r: Reading) -> Iterator[str]:
    """Say whether a loop repeats in time as it is, or how to cut it."""
    if r.beats is None or r.sure_tempo is None or r.seconds is None:
        return
    bpm = number(r.sure_tempo)
    if r.on_the_beat:
        extent = plural(r.bars, "bar") if r.bars is not None else plural(int(r.beats), "beat")
        yield choose(
            r.centroid or r.sure_tempo,
            f"It is cut to exactly {extent}, so it repeats in time at {bpm} BPM as it is.",
            f"No trimming needed: it holds {extent} and loops at {bpm} BPM without a gap.",
            f"Its length is right: {extent} at {bpm} BPM, with nothing to trim.",
        )
        return
    extent = f"Its {length(r.seconds)} are {number(r.beats)} beats at {bpm} BPM"
    whole = round(r.beats)
    if whole < 1 or abs(r.beats - whole) > _NEAR_BEAT:
        # Cutting is worth it only to whole bars.
        bar = r.meter[0] if r.meter is not None and r.meter[1] == 4 else 4  # noqa: PLR2004 -- beats are quarters
        bars = int(r.beats) // bar
        if bars:
            kept = length(theory.note_length(r.sure_tempo, bars * bar))
            yield f"{extent}: cut it to {plural(bars * bar, 'beat')} ({kept}) before looping it."
        return
    seconds = theory.note_length(r.sure_tempo, whole)
    way = "cut" if seconds < r.seconds else "pad"
    yield f"{extent}: {way} it to {plural(whole, 'beat')} ({length(seconds)})."


def _count(r: Reading) -> Iterator[str]:
    if r.tempo is None:
        if r.sort in {"drum_loop", "top_loop", "loop"}:
            yield "No steady tempo was found: line it up by ear, or use single hits from it."
    elif r.sure_tempo is None:
        yield f"{number(r.tempo)} BPM is a guess: check it against a metronome before stretching it."
    elif r.other_tempo is not None:
        yield f"It can be counted at {number(r.other_tempo)} BPM as well: try both before stretching it."
    elif r.tempo >= _FAST:
        yield choose(
            r.centroid or r.tempo,
            f"Over drums at half time it feels like {tempo(r.tempo / 2)}.",
            f"Count it at {tempo(r.tempo / 2)} to use it in a half-time track.",
        )
    elif r.tempo <= _SLOW:
        yield choose(
            r.centroid or r.tempo,
            f"It also works under double-time hats at {tempo(r.tempo * 2)}.",
            f"Counted double, it runs at {tempo(r.tempo * 2)}.",
        )


def _swing(r: Reading) -> Iterator[str]:
    """Say how a grid has to swing so that added hits fall with it."""
    if r.swing is None or r.sure_tempo is None:
        return
    unit, ratio = r.swing
    # 100 % * first / (first + second), as sequencers count swing: 50 % is straight.
    percent = round(100.0 * ratio / (1.0 + ratio))
    notes = {8: "eighths", 16: "sixteenths"}[unit]
    yield f"Its {notes} swing at {number(ratio)} to 1: give hits that you add {percent} % swing."


def _repitch(r: Reading) -> Iterator[str]:
    """Say which key results if it is repitched instead of stretched."""
    bpm, key = r.sure_tempo, r.sure_key
    if bpm is None:
        return
    if key is None:
        landings = [f"{k:+} to {tempo(theory.repitched(bpm, k))[:-4]}" for k in (-3, -2, -1, 1, 2, 3)]
        yield f"Repitched by semitones instead of stretched, it goes {listed(landings)} BPM."
        return
    landings = [
        f"{way} {plural(abs(k), 'semitone')} to {tempo(theory.repitched(bpm, k))} in {key.moved(k).code}"
        for way, k in (("up", 1), ("up", 2), ("down", -1), ("down", -2))
    ]
    yield f"Repitched instead of stretched, it goes {listed(landings, 'or')}."


def _loop_room(r: Reading) -> Iterator[str]:
    balance = r.balance
    if balance is None:
        return
    if r.sort == "top_loop":
        yield f"High-pass it at {frequency(LOW_END_HZ)} and put your own kick and bass under it: it has little there."
    elif r.sort == "drum_loop" and balance.bassy:
        yield choose(
            r.centroid or 0.0,
            f"Its low end is full: high-pass it at {frequency(LOW_END_HZ)} before you add a kick of your own.",
            f"Most of its weight is below {frequency(LOW_END_HZ)}: keep the bass line out of the way of its kicks.",
        )
    elif r.sort == "melodic_loop" and balance.bassy:
        yield (
            f"It has a bass of its own: high-pass it at {frequency(LOW_END_HZ)}, or leave your bass out while it plays."
        )
    elif balance.bassless:
        yield choose(
            r.centroid or 0.0,
            f"It is thin below {frequency(LOW_END_HZ)}: a high-pass there is free, and a bass fits under it.",
            f"High-pass it at {frequency(LOW_END_HZ)} without fear: there is little of it below.",
        )


def _times(r: Reading) -> Iterator[str]:
    """Say to which note lengths delays and compressors are set."""
    bpm = r.sure_tempo
    if bpm is None:
        return
    by = r.centroid or bpm
    if r.sure_key is not None:
        yield choose(
            by,
            f"At {number(bpm)} BPM a dotted eighth is {_time(bpm, 0.75)}: a delay at that time answers between its "
            "notes.",
            f"A reverb that has died away after {_time(bpm, 2.0)}, a half note at {number(bpm)} BPM, stays out of "
            "its way.",
            f"An eighth triplet lasts {_time(bpm, 1 / 3)} at {number(bpm)} BPM: as a delay it rubs against the "
            "straight grid.",
        )
        return
    yield choose(
        by,
        f"A sixteenth lasts {_time(bpm, 0.25)} at {number(bpm)} BPM: a compressor released by then breathes with "
        "the groove.",
        f"A triplet swing at {number(bpm)} BPM moves every second sixteenth from {_time(bpm, 0.25)} to "
        f"{_time(bpm, 1 / 3)}: "
        "compare that with its feel before you add hits.",
        f"Keep added reverb under {_time(bpm, 0.5)}, an eighth note at {number(bpm)} BPM, and its gaps stay open.",
    )


def _time(bpm: float, quarters: float) -> str:
    return milliseconds(theory.note_length(bpm, quarters))


def check_key(r: Reading) -> Iterator[str]:
    """Say how to use a key that is not certain."""
    key = r.sure_key
    if key is not None and r.other_key is not None:
        yield f"Check the key by ear: {r.other_key.code} is nearly as likely as {key.code}."
    elif key is None and r.key is not None:
        yield f"{r.key.code} is a guess: check it against a held note before you build on it."


def for_tracks(r: Reading) -> Iterator[str]:
    """Say what to mind when it is sampled, mixed, or compared with."""
    yield from check_key(r)
    if r.lufs is not None and r.lufs - _STREAMING >= _WORTH:
        yield (
            f"Services that play at {number(_STREAMING)} LUFS turn it down by {decibels(r.lufs - _STREAMING)} dB: "
            "do the "
            "same before you compare a mix with it."
        )
    yield from _count(r)
    if r.loop is not None and r.sure_tempo is not None:
        yield (
            f"Its best loop is {plural(r.loop.bars, 'bar')} from {number(r.loop.start)} to {number(r.loop.end)} s: "
            "what follows is like what comes before."
        )
    yield from _swing(r)
    if r.first_beat is not None and r.sure_tempo is not None and r.first_beat >= 0.05:  # noqa: PLR2004 -- 50 ms are heard
        yield (
            f"The first beat was found {length(r.first_beat)} in: line that up with the grid, not the start of the "
            "file."
        )
    if r.balance is not None and r.balance.bassy:
        yield f"Its low end leads: cut below {frequency(LOW_END_HZ)} on one deck when you blend it with another track."
    yield from _times(r)
