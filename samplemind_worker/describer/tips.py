"""Production tips: what to mend or mind, most urgent first; each follows from a number."""

from collections.abc import Iterator

from samplemind_worker.describer import theory
from samplemind_worker.describer.balance import LOW_END_HZ
from samplemind_worker.describer.long_tips import check_key, for_loops, for_tracks
from samplemind_worker.describer.reading import DETUNED, PLAIN, Reading
from samplemind_worker.describer.wording import (
    article,
    cents,
    choose,
    decibels,
    frequency,
    length,
    number,
    two_digits,
)
from samplemind_worker.pitches import midi_to_hz, note_name

MOST = 5
CEILING = -1.0  # dBTP; EBU R 128 and the streaming services ask for it
OVER = 0.3  # dBTP; what a resampling filter adds to a normalized sample is not worth a word
_WORKING = -18.0  # LUFS; a usual level for a part in a mix
_WORTH = 2.0  # dB; less is not worth a sentence
_QUIET_HIT, _QUIET = -6.0, -9.0  # dBTP; what peaks lower wastes its range
_DENSE, _DYNAMIC = 8.0, 16.0  # LU between true peak and loudness
_FULL_RATE = 44100
_SMALL_SPEAKERS = 80.0  # Hz; below it they are silent
_CLICKY = 900.0  # Hz, of a kick's centroid
_MID = 150.0  # Hz; a fundamental below it is bass
_SIBILANT = 3500.0  # Hz, of a voice's centroid
_REFERENCE_TEMPO = 120.0
_LONG_HIT, _LONG, _MANY_HITS = 1.0, 1.5, 6.0  # seconds


def production_tips(r: Reading) -> tuple[str, ...]:
    """Return what to mend or mind, most urgent first."""
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
    if r.cents is not None and abs(r.cents) >= DETUNED:
        way, repair = ("sharp", "down") if r.cents > 0 else ("flat", "up")
        yield (
            f"It is {cents(r.cents)} {way} of concert pitch (A = 440 Hz): tune it {repair} by as much before "
            "layering it."
        )
    if r.midi is not None and r.sure_midi is None:
        yield f"{note_name(r.midi)} is a guess: compare it with a held synth note before you set it as the root."


def _of_its_sort(r: Reading) -> Iterator[str]:
    if r.kind == "loop" and r.kind_confidence < PLAIN:
        yield "It may be a single long sound and no loop: listen to it before you slice or stretch it."
    match r.sort:
        case "kick" | "sub" | "bass" | "tom":
            yield from _low(r)
        case "snare" | "hat" | "cymbal" | "perc":
            yield from _drum(r)
        case "vocal" | "note" | "pad" | "fx" | "hit":
            yield from _tone(r)
        case "drum_loop" | "top_loop" | "melodic_loop" | "loop":
            yield from for_loops(r)
        case "track":
            yield from for_tracks(r)
        case _:
            pass


def rumble(r: Reading) -> float | None:
    """Return a high-pass half an octave below the fundamental, to two digits."""
    return None if r.fundamental is None else two_digits(r.fundamental * 2.0**-0.5)


def clearing(r: Reading) -> float | None:
    """Return where to begin with a high-pass: below a fundamental, at a tenth of a cymbal's center, at the low end."""
    if r.fundamental is not None:
        return rumble(r)
    if r.sort in {"hat", "cymbal"} and r.centroid is not None:
        return two_digits(min(max(r.centroid / 10.0, 150.0), 600.0))
    return LOW_END_HZ if r.kind != "one_shot" and r.balance is not None and r.balance.bassless else None


def _low(r: Reading) -> Iterator[str]:
    """Yield the tips for kicks, toms and basses."""
    pitch, high_pass = r.fundamental, rumble(r)
    if r.sure_midi is not None and pitch is not None:
        if r.sort in {"kick", "tom"}:
            up, down = (f"{note_name(r.sure_midi + k)} ({frequency(midi_to_hz(r.sure_midi + k))})" for k in (1, -1))
            yield (
                f"Tune it to the root or fifth of the song before you reach for EQ: one semitone up is {up}, one down "
                f"{down}."
            )
        yield choose(
            pitch,
            f"High-pass it at {frequency(high_pass or 0.0)}: that clears rumble and leaves its fundamental alone.",
            f"Nothing useful lies below {frequency(high_pass or 0.0)}: filter it out and win headroom.",
        )
        if r.sort in {"sub", "bass"} and pitch < _SMALL_SPEAKERS:
            yield (
                f"Small speakers will not play {frequency(pitch)}: saturate it until the overtones at "
                f"{frequency(2 * pitch)} and {frequency(3 * pitch)} carry the note."
            )
    yield from _fit(r)
    if r.sort == "tom":
        yield from _presence(r)
    if r.sort == "kick" and r.centroid is not None and r.centroid >= _CLICKY:
        yield f"Centered on {frequency(r.centroid)}, it is mostly click: let another kick or the bass carry the bottom."
    elif r.sort == "kick" and r.seconds is not None:
        yield choose(
            1000.0 * r.seconds,
            "Duck the bass with it by sidechain, so that the two never push at once.",
            "Let it trigger the ducking of the bass, and set the release by ear until the two lock.",
            "High-pass what plays with it, or duck it, so that the hit keeps the bottom to itself.",
        )
    elif r.channels > 1 and r.sort in {"sub", "bass"} and "opposite_phase" not in r.warnings:  # it would cancel
        yield "It is a stereo file: fold its low end to mono, and check the level when you do."


def _drum(r: Reading) -> Iterator[str]:
    high_pass = clearing(r)
    if high_pass is not None and r.fundamental is None:
        yield choose(
            r.centroid or high_pass,
            f"Begin with a high-pass at {frequency(high_pass)}, a tenth of its center, and raise it until the "
            "sound thins.",
            f"High-pass it at {frequency(high_pass)} and up: kick and bass need that room more than it does.",
            f"Filter it below {frequency(high_pass)} at least, where cymbals leave little but bleed and rumble.",
        )
    elif high_pass is not None:
        yield (
            f"High-pass it at {frequency(high_pass)}, half an octave below its fundamental, to keep the ring and "
            "lose the thump."
        )
    yield from _fit(r)
    if r.sort in {"snare", "perc"}:
        yield from _presence(r)


def _presence(r: Reading) -> Iterator[str]:
    """Say where it speaks."""
    if r.centroid is not None:
        center = frequency(r.centroid)
        yield choose(
            r.centroid,
            f"If it gets lost, dip the other parts around {center}, where it is centered, before you turn it up.",
            f"Leave a gap around {center} in pads and guitars: that is where it speaks.",
            f"Its presence is around {center}: boost or tame it there.",
        )


def _fit(r: Reading) -> Iterator[str]:
    """Relate the length to note values, or, where the file is much longer than a hit, say so."""
    if r.seconds is None:
        return
    if r.drums and r.sort != "cymbal" and r.seconds >= _MANY_HITS:
        yield f"At {length(r.seconds)} it may hold more than one hit: cut it apart before you use it."
        return
    if r.drums and r.sort != "cymbal" and r.seconds >= _LONG_HIT:
        if r.instrument != "hat_open":
            noun = r.instrument_noun or "hit"
            yield (
                f"The file runs for {length(r.seconds)}, long for {article(noun)}: trim it where the hit has died away."
            )
        return
    fit = theory.fits_note(r.seconds)
    if fit is None:
        if r.seconds >= _LONG:
            yield _span(r.seconds, "fade it before that if the section changes sooner")
        return
    name, fastest = fit
    top = f"{int(fastest)} BPM"
    yield choose(
        1000.0 * r.seconds,
        f"Its {length(r.seconds)} fit into {article(name)} up to {top}; above that, shorten the tail.",
        f"Up to {top} it is over within {article(name)}; faster than that, fade it early or it runs into the next hit.",
        f"Placed on every {name}, it stays separate up to {top}.",
    )


def _span(seconds: float, advice: str) -> str:
    # seconds / (60 s a minute) * beats a minute / 4 beats a bar = bars
    bars = round(seconds / 60.0 * _REFERENCE_TEMPO / 4.0, 1)
    extent = f"{number(bars)} {'bar' if bars == 1 else 'bars'}"
    return f"Its {length(seconds)} span {extent} of 4/4 at {number(_REFERENCE_TEMPO)} BPM: {advice}."


def _tone(r: Reading) -> Iterator[str]:
    high_pass = clearing(r)
    if high_pass is not None:
        reason = "half an octave below its fundamental" if r.fundamental is not None else "where there is little of it"
        if r.fundamental is not None and r.fundamental < _MID:
            yield f"High-pass it at {frequency(high_pass)}, {reason}: rumble goes, and its own low end stays."
        else:
            yield choose(
                high_pass,
                f"A high-pass at {frequency(high_pass)}, {reason}, makes room for kick and bass.",
                f"High-pass it at {frequency(high_pass)}, {reason}: the sound stays, the mud goes.",
            )
    if r.sort == "vocal" and r.centroid is not None:
        if r.centroid >= _SIBILANT:
            yield f"With its center at {frequency(r.centroid)} it will hiss once compressed: de-ess it first."
        else:
            yield "Compress it before any reverb, so that the quiet ends of words are not lost."
    if r.seconds is not None and r.seconds >= _LONG:
        end = {
            "pad": "loop a part of it if it must last longer",
            "fx": "line its end up with the downbeat",
            "vocal": "cut it to the phrase that you need",
        }.get(r.sort, "shape its end with an envelope if the part is busier")
        yield _span(r.seconds, end)
    else:
        yield from _fit(r)
    if r.sort == "pad" and r.sure_key is not None:
        yield from check_key(r)
    if r.kind == "loop" and r.balance is not None and r.balance.bassy:
        yield f"It is heavy below {frequency(LOW_END_HZ)}: thin it there whenever a bass plays."


def _last(r: Reading) -> Iterator[str]:
    """Give what is worth a word if there is room."""
    if r.kind == "loop" and r.sort != "pad":
        yield from check_key(r)
    if 0 < r.sample_rate < _FULL_RATE:
        top = frequency(r.sample_rate / 2)
        yield f"At {r.sample_rate} Hz it holds nothing above {top}: layer it where air is wanted."
    if r.spread is not None:
        gap = f"Its true peak lies {decibels(r.spread)} dB over its loudness"
        if r.spread < _DENSE:
            yield f"{gap}: it is dense already, and a compressor has little left to do."
        elif r.spread > _DYNAMIC:
            yield f"{gap}: parallel compression brings it forward without losing its hits."
    if r.kind == "loop" and r.lufs is not None and r.lufs - _WORKING >= _WORTH:
        yield (
            f"Pull its fader to -{decibels(r.lufs - _WORKING)} dB to bring it to {number(_WORKING)} LUFS, a usual "
            "level for a part."
        )
