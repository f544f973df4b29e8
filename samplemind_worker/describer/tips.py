"""Writes production tips, most urgent first; each follows from a number."""

import math
from collections.abc import Iterator
from typing import Final

from samplemind_worker.describer import loops, one_shots
from samplemind_worker.describer.advice import MOST
from samplemind_worker.describer.long_tips import for_loops, for_tracks
from samplemind_worker.describer.reading import DETUNED, PLAIN, Reading
from samplemind_worker.describer.wording import cents, choose, decibels, frequency, length
from samplemind_worker.pitches import note_name
from samplemind_worker.text import plural

CEILING = -1.0  # dBTP; EBU R 128 and the streaming services ask for it
OVER = 0.3  # dBTP; the overshoot of a resampling filter after normalizing is not worth a tip
_QUIET_HIT, _QUIET = -6.0, -9.0  # dBTP; a lower peak wastes dynamic range
_DENSE, _DYNAMIC = 8.0, 16.0  # LU between true peak and loudness
_FULL_RATE = 44100
_REST = 0.5  # seconds
_OUT_OF_TUNE = 10.0  # cents, of a single note
_TONES: Final = frozenset({"sub", "bass", "note", "pad", "vocal"})


def production_tips(r: Reading) -> tuple[str, ...]:
    """Return the tips for a sample, most urgent first."""
    if r.silent:
        return ("There is nothing to hear: check the export, or leave the file out of the library.",)
    return tuple([*_damage(r), *_level(r), *_tuning(r), *_of_its_sort(r), *_last(r)][:MOST])


def _damage(r: Reading) -> Iterator[str]:
    if "truncated" in r.warnings:
        yield "The file ends before its header says: get it again if the end matters."
    if "damaged_frames" in r.warnings:
        yield "Some of the sound inside the file is damaged or gone: get it again, or cut around that place."
    if "chained" in r.warnings:
        yield "The file holds several recordings one after the other, read as one: split it if you want them apart."
    if "unknown_length" in r.warnings:
        yield "The header does not tell how long the file is, and all of it was read: save it anew for other programs."
    if r.warnings & {"leading_bytes", "trailing_bytes"}:
        yield "Bytes that are no sound stand around the sound: it is whole, and saving it anew takes them out."
    if "non_finite_samples" in r.warnings:
        yield "It holds samples that are not numbers, taken as silence here: export it again."
    if "opposite_phase" in r.warnings:
        yield "Its channels are in opposite phase and cancel in mono: invert one of them."


def _level(r: Reading) -> Iterator[str]:
    if r.peak is not None and r.peak >= OVER:
        turned = decibels(r.peak - CEILING)
        yield (
            f"Its true peak of {decibels(r.peak)} dBTP is over full scale: turn it down by {turned} dB before "
            "mixing or "
            "encoding it."
        )
    elif r.peak is not None and r.peak < (_QUIET_HIT if r.kind == "one_shot" else _QUIET):
        gain = decibels(CEILING - r.peak)
        yield choose(
            10.0 * r.peak,
            f"It peaks at {decibels(r.peak)} dBTP: {gain} dB of gain brings it to {decibels(CEILING)} dBTP.",
            f"Raise it by {gain} dB: it peaks at {decibels(r.peak)} dBTP, which leaves range unused.",
            f"Its highest peak is {decibels(r.peak)} dBTP, so {gain} dB of gain still leaves {decibels(-CEILING)} "
            "dB of room.",
        )


def _tuning(r: Reading) -> Iterator[str]:
    heard = DETUNED if r.kind != "one_shot" else _OUT_OF_TUNE if r.sort in _TONES else math.inf
    if r.cents is not None and abs(r.cents) >= heard:
        way, repair = ("sharp", "down") if r.cents > 0 else ("flat", "up")
        yield (
            f"It is {cents(r.cents)} {way} of concert pitch (A = 440 Hz): tune it {repair} by as much before "
            "layering it."
        )
    if r.midi is not None and r.sure_midi is None:
        yield f"{note_name(r.midi)} is a guess: compare it with a held synth note before you set it as the root."


def _of_its_sort(r: Reading) -> Iterator[str]:
    if r.kind == "one_shot":
        yield from _rest_of_the_file(r)
        yield from one_shots.tips(r)
        return
    if r.kind == "loop" and r.kind_confidence < PLAIN:
        yield "It may be a single long sound and no loop: listen to it before you slice or stretch it."
    if r.kind == "loop":
        yield from for_loops(r)
        yield from loops.tips(r)
    elif r.kind == "track":
        yield from for_tracks(r)


def _rest_of_the_file(r: Reading) -> Iterator[str]:
    """Say whether a hit is followed by others, or by silence."""
    audible = r.measures.get("length_seconds")
    if r.sort == "series":
        yield f"It holds about {plural(r.hits, 'sound')}: cut it at its onsets, and each can be found by itself."
    elif r.seconds is None or not r.drums or r.sort == "cymbal":
        return
    elif audible is not None and r.seconds - audible >= max(_REST, audible):
        yield f"The hit has died away after {length(audible)}: trim the rest of the {length(r.seconds)}."


def _last(r: Reading) -> Iterator[str]:
    """Yield less important tips, for when there is room."""
    if 0 < r.sample_rate < _FULL_RATE:
        top = frequency(r.sample_rate / 2)
        yield f"At {r.sample_rate} Hz it holds nothing above {top}: layer it where air is wanted."
    if r.kind == "track" and r.spread is not None:
        gap = f"Its true peak lies {decibels(r.spread)} dB over its loudness"
        if r.spread < _DENSE:
            yield f"{gap}: it is squashed already, and a compressor has little left to do."
        elif r.spread > _DYNAMIC:
            yield f"{gap}: parallel compression brings it forward without losing its hits."
