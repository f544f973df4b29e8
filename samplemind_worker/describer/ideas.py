"""Writes creative ideas, which suit the category and follow from the numbers of a sample."""

from collections.abc import Callable, Iterator
from itertools import islice

from samplemind_worker.describer import one_shots, theory
from samplemind_worker.describer.categories import Sort
from samplemind_worker.describer.reading import Reading
from samplemind_worker.describer.wording import choose, length, listed, milliseconds, number, tempo
from samplemind_worker.text import plural

MOST = 3
_EDITABLE = 0.5  # seconds; a shorter sound makes no swell
_LONG = 1.5  # seconds
_HALF_TIME = 110.0  # BPM; slower loops drag at half speed


def creative_ideas(r: Reading) -> tuple[str, ...]:
    """Return the ideas for a sample."""
    return tuple(islice((one_shots.ideas if r.kind == "one_shot" else _LONGER.get(r.sort, _nothing))(r), MOST))


def _held(r: Reading) -> Iterator[str]:
    """Yield ideas for loops of sustained sounds."""
    if r.sure_key is not None:
        yield f"Hold it under a melody in {r.sure_key.relative.code}: the same notes, another home."
        yield "Gate it with a sixteenth-note pattern, so that the held sound becomes the rhythm."
    else:
        yield "Gate it in rhythm, or sweep a band-pass across it, so that it moves."
    yield from _reverse(r)


def _reverse(r: Reading) -> Iterator[str]:
    if r.seconds is not None and r.seconds >= _EDITABLE:
        yield choose(
            100.0 * r.seconds,
            f"Reverse it and start it {length(r.seconds)} before the downbeat, so that it swells into the drop.",
            f"Bounce it through a long reverb, reverse that, and let its {length(r.seconds)} land on the beat.",
            f"Play it backward ahead of every fourth bar: it needs a lead of {length(r.seconds)}.",
        )


def _drum_loops(r: Reading) -> Iterator[str]:
    bpm = r.sure_tempo
    if r.on_the_beat and r.beats is not None and bpm is not None:
        slices = int(r.beats) * 2
        yield choose(
            r.centroid or bpm,
            f"Slice it into its {plural(slices, 'eighth note')} and move the last four to the front for a fill.",
            f"Slice it into {plural(slices, 'eighth note')} of {milliseconds(theory.note_length(bpm, 0.5))} and "
            "mute every third "
            "one for a broken version.",
        )
    else:
        yield "Slice it at its hits, and put them in another order."
    if bpm is not None and bpm >= _HALF_TIME:
        yield choose(
            r.mark,
            f"Repitch it down an octave to {tempo(bpm / 2)} for a half-time break with heavier drums.",
            f"Slow it to {tempo(theory.repitched(bpm, -5))}, five semitones down, for a darker, dustier version.",
        )
    elif bpm is not None:
        yield choose(
            r.mark,
            f"Repitch it up an octave to {tempo(bpm * 2)} as a skittering layer over itself.",
            f"Speed it up to {tempo(theory.repitched(bpm, 7))}, seven semitones up, for a breakbeat.",
        )
    if r.sort == "top_loop":
        yield "Pan a copy that is moved by an eighth to the other side, quieter, so that the top never repeats exactly."
    else:
        yield choose(
            r.centroid or 0.0,
            "High-pass it into a top loop, and program your own kick under it.",
            "Crush a copy with heavy compression, and fade it in under the clean one for the chorus.",
            "Gate it with short notes so that only the transients stay, and add a new room.",
        )


def _loops(r: Reading) -> Iterator[str]:
    bpm, key = r.sure_tempo, r.sure_key
    if key is not None:
        relative = key.relative
        yield choose(
            r.centroid or 0.0,
            f"Put chords of {relative.name} under it: the same notes with another home.",
            f"Let the bass walk {listed(key.triad())}, the home chord of {key.name}, beneath it.",
            f"Answer it four bars later in {key.moved(7).name}, one step up the Camelot wheel at "
            f"{key.moved(7).camelot}.",
        )
    if len(r.strong_notes) > 1:
        drone = r.strong_notes[0]
        others = listed(r.strong_notes[1:])
        yield choose(
            r.mark,
            f"Hold a drone on {drone} beneath it: of the notes of its key it carries the most energy, before {others}.",
            f"Tune a kick or an 808 to {drone}, the strongest note of its key; {others} come next.",
            f"Build the top line from {listed([drone, *r.strong_notes[1:]])}, the notes of its key that already "
            "ring most.",
        )
    if bpm is not None and key is not None:
        yield _repitched(bpm, key)
    elif bpm is not None:
        if bpm >= _HALF_TIME:
            yield choose(
                r.mark,
                f"Play it at half speed, {tempo(bpm / 2)} and an octave down, as a bed for a break.",
                f"Gate it in sixteenth notes of {milliseconds(theory.note_length(bpm, 0.25))}, and let the pattern "
                "change the "
                "phrase.",
                f"Shift a copy by three eighth notes, {milliseconds(theory.note_length(bpm, 1.5))}, and pan the "
                "two apart.",
            )
        else:
            yield (
                f"Chop it into eighth notes of {milliseconds(theory.note_length(bpm, 0.5))} and replay it as a new "
                "phrase."
            )
    elif key is None:
        yield "Cut the moments that you like and play them as one-shots."
    yield from _reverse_loop(r)


def _repitched(bpm: float, key: theory.Key) -> str:
    """Say which keys result if it is repitched instead of stretched."""
    landings = [
        f"{way} {plural(abs(k), 'semitone')} to {tempo(theory.repitched(bpm, k))} in {key.moved(k).code}"
        for way, k in (("up", 1), ("up", 2), ("down", -1), ("down", -2))
    ]
    return f"Repitched instead of stretched, it goes {listed(landings, 'or')}."


def _reverse_loop(r: Reading) -> Iterator[str]:
    if r.seconds is not None:
        yield f"Reverse the whole {length(r.seconds)} and filter it for an intro that gives the theme away only later."


def section_bars(r: Reading, bpm: float) -> int | None:
    """Return the length in bars of a section of 4/4 that the sample contains more than once."""
    for bars in (16, 8, 4):
        if r.seconds is not None and 2.0 * theory.note_length(bpm, 4.0 * bars) <= r.seconds:
            return bars
    return None


def _tracks(r: Reading) -> Iterator[str]:
    bpm, key = r.sure_tempo, r.sure_key
    bars = None if bpm is None or r.meter != (4, 4) else section_bars(r, bpm)
    if bpm is not None and bars is not None:
        yield (
            f"Cut it by sections: {bars} bars last {length(theory.note_length(bpm, 4.0 * bars))} at {number(bpm)} BPM."
        )
    if key is not None:
        up = key.moved(7)
        yield choose(
            r.centroid or 0.0,
            f"Blend it into a track in {up.code} for a lift, or {key.relative.code} for a change of mood.",
            f"Write a counter-melody in {key.relative.code}, which shares its notes.",
            f"Mash it up with something in {key.moved(5).code}: one step back on the wheel eases the tension.",
        )
    if bpm is not None and key is not None:
        yield f"Slow it by a semitone to {tempo(theory.repitched(bpm, -1))} for a remix in {key.moved(-1).code}."
    elif len(r.strong_notes) > 1:
        yield f"Sample a moment where {r.strong_notes[0]} rings alone and rebuild a chord from it."
    if r.key is None:
        yield choose(
            r.mark,
            "Loop its best bar, and layer hits of your own over it.",
            "Cut its last beat before a change, and use that as a transition of your own.",
        )
        return
    yield choose(
        r.mark,
        "Take a moment that stands alone, filter it, and build a new loop around it.",
        "Cut its last beat before a change, and use that as a transition of your own.",
        "Stretch one chord of it to a whole bar, and write a verse over that.",
    )


def _nothing(_: Reading) -> Iterator[str]:
    return iter(())


_LONGER: dict[Sort, Callable[[Reading], Iterator[str]]] = {
    "pad": _held, "drum_loop": _drum_loops, "top_loop": _drum_loops, "melodic_loop": _loops, "loop": _loops,
    "track": _tracks,
}  # fmt: skip
