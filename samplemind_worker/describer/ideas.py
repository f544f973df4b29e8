"""Creative ideas: things to try that suit the sort and follow from its numbers."""

from collections.abc import Callable, Iterator
from itertools import islice

from samplemind_worker.describer import theory
from samplemind_worker.describer.categories import Sort
from samplemind_worker.describer.reading import Reading
from samplemind_worker.describer.wording import choose, frequency, length, listed, milliseconds, number, plural, tempo
from samplemind_worker.pitches import midi_to_hz, note_name

MOST = 3
_EDITABLE = 0.5  # seconds; what is shorter makes no swell
_LONG = 1.5  # seconds
_LOW_NOTE = 36  # MIDI; five semitones below lies what nobody hears
_CHORDS_FROM = 48  # MIDI; chords below are mud
_THIN = 1500.0  # Hz, of the centroid
_DEEP = 200.0  # Hz, of a kick's centroid
_HALF_TIME = 110.0  # BPM; slower loops drag at half speed


def creative_ideas(r: Reading) -> tuple[str, ...]:
    """Return things to try."""
    return tuple(islice(_BY_SORT[r.sort](r), MOST))


def _reverse(r: Reading) -> Iterator[str]:
    if r.seconds is not None and r.seconds >= _EDITABLE:
        yield choose(
            100.0 * r.seconds,
            f"Reverse it and start it {length(r.seconds)} before the downbeat, so that it swells into the drop.",
            f"Bounce it through a long reverb, reverse that, and let its {length(r.seconds)} land on the beat.",
            f"Play it backward ahead of every fourth bar: it needs a lead of {length(r.seconds)}.",
        )


def _hits(r: Reading) -> Iterator[str]:
    number_of_it = r.centroid if r.centroid is not None else r.mark
    if r.sort == "kick":
        partner = "a clicky kick without its low end" if (r.centroid or 0.0) < _DEEP else "a soft sine sub"
        yield choose(
            number_of_it,
            f"Layer it with {partner}, aligned so that both attacks start on the same sample.",
            f"Put {partner} on top for the chorus and drop it for the verse.",
        )
        if r.sure_midi is not None:
            fifth = r.sure_midi + 7
            yield (
                f"Write a bass line out of it: {note_name(r.sure_midi)} on the beat, {note_name(fifth)} "
                f"({frequency(midi_to_hz(fifth))}) as the answer."
            )
        else:
            yield choose(
                r.mark,
                "Distort a copy, low-pass it, and stretch it into a rumble behind the dry hit.",
                "Send it to a dark room reverb, gate the return, and duck that with the dry kick.",
            )
    elif r.sort == "snare":
        yield choose(
            number_of_it,
            "Layer a short burst of noise under it and vary its length from bar to bar.",
            "Add ghost hits at low velocity on the sixteenths around the backbeat.",
            "Flam it: a second copy a few milliseconds ahead, much quieter.",
        )
        yield choose(
            r.mark,
            "Pitch it down an octave for the last bar of a section.",
            "Build a roll that climbs a semitone with each hit.",
            "Gate a big reverb on it, so that the tail stops before the next beat.",
        )
    elif r.sort == "tom" and r.sure_midi is not None:
        high, low = r.sure_midi + 4, r.sure_midi - 3
        yield (
            f"Make a set of three from it: {note_name(low)}, {note_name(r.sure_midi)}, and {note_name(high)} "
            "are -3, 0, and +4 semitones."
        )
    else:
        layer = "top" if number_of_it >= _THIN else "low"
        yield choose(
            number_of_it,
            "Pan copies left and right and play them against each other in threes over a straight beat.",
            "Pitch three copies a few semitones apart and write a fill that falls through them.",
            "Run it through a short delay that is not in time, and keep only the echoes.",
            f"Use it as the {layer} layer of a snare or clap, at the level where you only miss it when it is gone.",
        )
    if r.sort in {"tom", "perc", "hit"}:
        yield choose(
            r.mark,
            "Pitch it down an octave for a hit in the intro, and up an octave for the fill that leads out of it.",
            "Move it off the grid by ear, a little late, and let it answer the snare.",
            "Distort it hard, gate it, and blend that in under the dry hit.",
            "Repeat it in dotted eighths against the kick, and filter it darker with each repeat.",
        )
    if r.sort == "hit":
        yield from _reverse(r)


def _metal(r: Reading) -> Iterator[str]:
    by = r.centroid if r.centroid is not None else r.mark
    if r.sort == "hat":
        yield choose(
            by,
            "Alternate two copies a semitone apart, one panned left, one right, for a hat that is never the same "
            "twice.",
            "Program triplet rolls that rise in pitch into the snare.",
            "Push every second hit late and quieter until the line swings.",
        )
        if r.centroid is not None and r.centroid < 4000.0:  # noqa: PLR2004 -- Hz
            yield "Layer it with a brighter, shorter hat: this one for the body, the other for the tick."
        else:
            yield choose(
                r.mark,
                "Pitch it down an octave for a darker, lo-fi second hat.",
                "Automate a low-pass over eight bars so that it opens into the chorus.",
            )
    else:
        yield choose(
            by,
            "Cut off the attack and fade the wash in under a riser.",
            "Sidechain it to the kick, so that the wash pumps.",
            "Pitch it down an octave and use it as a gong at the start of a section.",
        )
        yield from _reverse(r)


def _basses(r: Reading) -> Iterator[str]:
    if r.sure_midi is not None:
        root = r.sure_midi
        yield (
            f"Slide from {note_name(root)} up to {note_name(root + 7)} at the end of the phrase: seven semitones, "
            f"{frequency(midi_to_hz(root))} to {frequency(midi_to_hz(root + 7))}."
            if root < _LOW_NOTE
            else f"Slide from {note_name(root)} down to {note_name(root - 5)} at the end of the phrase: "
            f"five semitones, {frequency(midi_to_hz(root))} to {frequency(midi_to_hz(root - 5))}."
        )
        yield (
            f"Double it an octave up, at {note_name(root + 12)}, through distortion, and keep the clean note below it "
            "in mono."
        )
    else:
        yield "Play it an octave apart in call and answer, and filter the upper one."
    if r.sort == "sub":
        yield "Leave out the kick on the first beat of the drop, and let this take its place."
    else:
        yield from _reverse(r)


def _tones(r: Reading) -> Iterator[str]:
    if r.sure_midi is not None:
        root = r.sure_midi
        if root < _CHORDS_FROM:
            fifth, octave = note_name(root + 7), note_name(root + 12)
            yield f"Stack it with {fifth} and {octave}: a fifth and an octave stay clear down there."
        chord = listed([note_name(root), note_name(root + 3), note_name(root + 7), note_name(root + 10)])
        major = listed([note_name(root), note_name(root + 4), note_name(root + 7), note_name(root + 11)])
        minor_or_major = choose(
            root,
            f"Stack it into a minor seventh ({chord}) and resample the chord as a stab.",
            f"Stack it into a major seventh ({major}) and resample that as a new one-shot.",
        )
        if root >= _CHORDS_FROM:
            yield minor_or_major
        if r.sort == "pad":
            yield "Granulate it and freeze single moments of it as the bed of a breakdown."
        else:
            yield choose(
                r.mark,
                "Stretch it to several bars and let it swell under the next section.",
                f"Sequence it as an arpeggio over {note_name(root)} and {note_name(root + 12)}, "
                "and open a filter over it.",
            )
    elif r.sure_key is not None:
        relative = r.sure_key.relative
        yield f"Hold it under a melody in {relative.code}: the same notes, another home."
        yield "Gate it with a sixteenth-note pattern, so that the held sound becomes the rhythm."
    else:
        yield "Gate it in rhythm, or sweep a band-pass across it, so that it moves."
    yield from _reverse(r)


def _vocals(r: Reading) -> Iterator[str]:
    yield choose(
        r.mark,
        "Chop it into syllables and play them from the keys as a lead.",
        "Repeat its first syllable as a stutter that speeds up into the drop.",
    )
    if r.sure_midi is not None:
        root = r.sure_midi
        yield f"Harmonize it with copies at {note_name(root + 4)} and {note_name(root + 7)}, with the formants kept."
    yield "Pitch a copy down an octave and blend it in for a shadow voice."
    yield from _reverse(r)


def _effects(r: Reading) -> Iterator[str]:
    if r.seconds is not None and r.seconds >= _LONG:
        yield f"Let its {length(r.seconds)} run into the change of section, and cut everything else for the last beat."
    else:
        yield "Use it as an ear candy hit off the beat, once every eight bars, panned to one side."
    yield choose(
        r.centroid or 0.0,
        "Use it as an impulse response: convolve a pad with it and the pad takes on its color.",
        "Pitch it down two octaves and low-pass it as a drone.",
    )
    yield from _reverse(r)


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
    if bpm is not None:
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


def _reverse_loop(r: Reading) -> Iterator[str]:
    if r.seconds is not None:
        yield f"Reverse the whole {length(r.seconds)} and filter it for an intro that gives the theme away only later."


def section_bars(r: Reading, bpm: float) -> int | None:
    """Return the length of a section of 4/4 that the sample holds more than once."""
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


_BY_SORT: dict[Sort, Callable[[Reading], Iterator[str]]] = {
    "silence": _nothing, "unknown": _nothing, "kick": _hits, "tom": _hits, "snare": _hits, "perc": _hits, "hit": _hits,
    "hat": _metal, "cymbal": _metal, "sub": _basses, "bass": _basses, "note": _tones, "pad": _tones, "vocal": _vocals,
    "fx": _effects, "drum_loop": _drum_loops, "top_loop": _drum_loops, "melodic_loop": _loops, "loop": _loops,
    "track": _tracks,
}  # fmt: skip
