"""Writes the production tips for loops and tracks that follow from length, tempo, key and form."""

from collections.abc import Iterator

from samplemind_worker.describer import theory
from samplemind_worker.describer.balance import LOW_END_HZ
from samplemind_worker.describer.reading import Reading
from samplemind_worker.describer.wording import (
    decibels,
    frequency,
    length,
    number,
)
from samplemind_worker.text import plural

_STREAMING = -14.0  # LUFS; what most streaming services play at
_WORTH = 2.0  # dB; less is not worth a sentence
_NEAR_BEAT = 0.25  # beats; a loop this close to a whole number was meant to have it


def for_loops(r: Reading) -> Iterator[str]:
    """Yield tips about its length, its swing, and what is uncertain about its tempo and its key."""
    yield from _cut(r)
    yield from _count(r)
    yield from check_key(r)
    yield from _swing(r)


def _cut(r: Reading) -> Iterator[str]:
    """Say how to cut a loop that does not repeat in time as it is."""
    if r.beats is None or r.sure_tempo is None or r.seconds is None or r.on_the_beat:
        return
    bpm = number(r.sure_tempo)
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


def _swing(r: Reading) -> Iterator[str]:
    """Say how a grid has to swing so that added hits fall with it."""
    if r.swing is None or r.sure_tempo is None:
        return
    unit, ratio = r.swing
    # 100 % * first / (first + second), as sequencers count swing: 50 % is straight.
    percent = round(100.0 * ratio / (1.0 + ratio))
    notes = {8: "eighths", 16: "sixteenths"}[unit]
    yield f"Its {notes} swing at {number(ratio)} to 1: give hits that you add {percent} % swing."


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
