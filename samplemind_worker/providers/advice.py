"""What to do with a sample: production tips, creative ideas, FL Studio features; each follows from a number.

Plug-ins and features are those of the FL Studio manual (image-line.com/fl-studio-learning).
"""

from samplemind_worker.providers.reading import CYMBALS, Reading
from samplemind_worker.providers.units import cents, decibels, frequency, length, number, plural

_CEILING = -1.0  # dBTP; EBU R 128 and the streaming services ask for it
_QUIET_PEAK = -6.0  # dBTP; a sample that peaks lower wastes its range
_STEADY, _DYNAMIC = 8.0, 16.0  # LU between true peak and loudness
_DETUNED = 5.0  # cents; below it nobody tunes
_SLOW, _FAST = 100.0, 140.0  # BPM; outside, the double or half is as usual a count
_NEAR_BEAT = 0.25  # beats; a loop this close was meant to be whole
_DARK = 1200.0  # Hz, of the centroid
_CYMBAL_HIGH_PASS_HZ = 250.0  # no cymbal has a partial below it
_FULL_RATE = 44100
_EDITABLE = 0.1  # seconds; shorter hits have no inside to cut


def production_tips(r: Reading) -> tuple[str, ...]:
    """Return what to mend or mind, most urgent first."""
    if r.silent:
        return ("There is nothing to hear: check the export, or leave the file out of the library.",)
    found = (
        *_damage(r), _headroom(r), _gain(r), _tuning(r), _mixing_keys(r), _cut(r), _count(r), _dynamics(r), _room(r)
    )  # fmt: skip
    return tuple(tip for tip in found if tip)


def _damage(r: Reading) -> list[str]:
    tips = {
        "truncated": "The file ends before its header says: get it again if the end matters.",
        "non_finite_samples": "It holds samples that are no numbers, taken as silence here: export it again.",
        "opposite_phase": "Its channels are in opposite phase and cancel in mono: invert one of them.",
    }
    found = [tip for warning, tip in tips.items() if warning in r.warnings]
    if 0 < r.sample_rate < _FULL_RATE:
        top = frequency(r.sample_rate / 2)
        found.append(f"At {r.sample_rate} Hz it holds nothing above {top}: layer it where air is wanted.")
    return found


def _headroom(r: Reading) -> str | None:
    if r.peak is None or r.peak <= _CEILING:
        return None
    state = "is over full scale" if r.peak > 0.0 else "leaves little headroom"
    turn = decibels(r.peak - _CEILING)
    return f"Its true peak of {decibels(r.peak)} dBTP {state}: turn it down by {turn} dB before mixing or encoding it."


def _gain(r: Reading) -> str | None:
    if r.peak is None or r.peak >= _QUIET_PEAK:
        return None
    gain = decibels(_CEILING - r.peak)
    return f"It peaks at {decibels(r.peak)} dBTP: {gain} dB of gain brings it to {decibels(_CEILING)} dBTP."


def _tuning(r: Reading) -> str | None:
    if r.cents is None or abs(r.cents) < _DETUNED:
        return None
    way, repair = ("sharp", "down") if r.cents > 0 else ("flat", "up")
    return (
        f"It is {cents(r.cents)} {way} of concert pitch (A = 440 Hz): tune it {repair} by as much before layering it."
    )


def _mixing_keys(r: Reading) -> str | None:
    if r.key is None or r.kind == "one_shot":
        return None
    relative, up, down = r.key.neighbours()
    doubt = "" if r.key_sure else " Check the key by ear first."
    return f"{r.key.code} mixes with {relative.code}, {up.code} and {down.code}.{doubt}"


def _cut(r: Reading) -> str | None:
    """Say whether a loop repeats in time as it is, and else how to cut it."""
    if r.beats is None or r.sure_tempo is None or r.seconds is None:
        return None
    if r.on_the_beat:
        return (
            f"It is cut to {plural(int(r.beats), 'beat')}: at {number(r.sure_tempo)} BPM it repeats in time as it is."
        )
    extent = f"Its {length(r.seconds)} are {number(r.beats)} beats at {number(r.sure_tempo)} BPM"
    whole = round(r.beats)
    if whole < 1 or abs(r.beats - whole) > _NEAR_BEAT:
        return f"{extent}: cut it to whole beats before looping it."
    # whole beats * (60 s a minute / beats a minute) = seconds
    seconds = whole * 60.0 / r.sure_tempo
    way = "cut" if seconds < r.seconds else "pad"
    return f"{extent}: {way} it to {plural(whole, 'beat')} ({length(seconds)})."


def _count(r: Reading) -> str | None:
    if r.tempo is None:
        return None
    if r.other_tempo is not None:
        return f"It can be counted at {number(r.other_tempo)} BPM as well: try both before stretching it."
    if not r.tempo_sure:
        return f"{number(r.tempo)} BPM is a guess: check it against a metronome before stretching the sample."
    if r.tempo >= _FAST:
        return f"It also sits at half time, over {number(r.tempo / 2)} BPM."
    if r.tempo <= _SLOW:
        return f"It also sits at double time, under {number(r.tempo * 2)} BPM."
    return None


def _dynamics(r: Reading) -> str | None:
    if r.spread is None:
        return None
    gap = f"Its true peak lies {decibels(r.spread)} dB over its loudness"
    if r.spread < _STEADY:
        return f"{gap}: it is dense already, and a compressor has little left to do."
    if r.spread > _DYNAMIC:
        return f"{gap}: parallel compression brings it forward without losing its hits."
    return None


def _room(r: Reading) -> str | None:
    """Say where in the spectrum it leaves or needs room."""
    if r.sure_instrument == "kick":
        return "Give the kick its own room: high-pass what plays with it, or duck the bass when it hits."
    high_pass = _high_pass(r)
    if high_pass is not None:
        return f"A high-pass at {frequency(high_pass)} clears the low end for kick and bass and leaves the sound alone."
    if r.centroid is not None and r.centroid < _DARK and r.rolloff is not None:
        return f"It mostly lies below {frequency(r.rolloff)}, which leaves the range above to vocals and cymbals."
    return None


def _high_pass(r: Reading) -> float | None:
    """Return a cut-off below all partials, where that is known: of cymbals, and of notes above the bass."""
    if r.sure_instrument in CYMBALS:
        return _CYMBAL_HIGH_PASS_HZ
    if r.midi is None or not r.pitch_sure or r.midi < 57:  # noqa: PLR2004 -- A3, 220 Hz
        return None
    # Half an octave below the fundamental, to two digits.
    hertz = 440.0 * 2.0 ** ((r.midi - 69 - 6) / 12)
    return float(f"{hertz:.1e}")


def creative_ideas(r: Reading) -> tuple[str, ...]:
    """Return things to try."""
    if r.silent:
        return ()
    if r.kind == "loop":
        return _ideas_for_loops(r)
    if r.kind == "track":
        return _ideas_for_tracks(r)
    return _ideas_for_hits(r)


def _ideas_for_hits(r: Reading) -> tuple[str, ...]:
    ideas: list[str] = []
    if r.midi is not None:
        ideas.append(f"Play it as an instrument: map {r.note} to its own key and write a line with it.")
        ideas.append("Stretch it to several seconds and let it swell into the next section.")
    elif r.drums:
        partner = "darker" if r.brightness in {"bright", "very bright"} else "brighter"
        ideas.append(f"Layer it with a {partner} hit: the attack of one, the body of the other.")
        ideas.append("Pitch a copy down an octave and low-pass it for a second, heavier voice of the kit.")
    else:
        ideas.append("Pitch copies of it up and down and scatter them as fills before each change of section.")
    if r.seconds is not None and r.seconds >= _EDITABLE:
        ideas.append(f"Reverse it so that its {length(r.seconds)} lead up to a beat.")
    return tuple(ideas)


def _ideas_for_loops(r: Reading) -> tuple[str, ...]:
    ideas: list[str] = []
    if r.on_the_beat and r.beats is not None and r.tempo_sure:
        ideas.append(f"Slice it into its {plural(int(r.beats), 'beat')} and put them in another order.")
    else:
        ideas.append("Slice it at its hits and put them in another order.")
    if r.sure_key is not None:
        relative = r.sure_key.neighbours()[0]
        ideas.append(f"Put chords of {relative.code} under it: the same notes with another home.")
    if r.drums:
        ideas.append("High-pass it into a top loop and program your own kick under it.")
    elif r.sure_tempo is not None:
        ideas.append(f"Play it at half speed, {number(r.sure_tempo / 2)} BPM and an octave down, as a bed for a break.")
    return tuple(ideas)


def _ideas_for_tracks(r: Reading) -> tuple[str, ...]:
    ideas = ["Take a moment that stands alone, filter it, and build a new loop around it."]
    if r.sure_tempo is not None and r.meter == (4, 4):
        # 16 bars * 4 beats a bar * 60 s a minute / beats a minute = seconds
        section = length(16 * 4 * 60.0 / r.sure_tempo)
        ideas.append(f"Cut it by sections: 16 bars last {section} at {number(r.sure_tempo)} BPM.")
    if r.sure_key is not None:
        relative = r.sure_key.neighbours()[0]
        ideas.append(f"Write a counter-melody in {relative.code}, which shares its notes.")
    return tuple(ideas)


def fl_studio(r: Reading) -> tuple[str, ...]:
    """Return the plug-ins and features of FL Studio that fit."""
    if r.silent:
        return ()
    if r.kind == "loop":
        return (*_fl_loops(r), *_fl_channel(r))
    if r.kind == "track":
        return (*_fl_tracks(r), *_fl_channel(r))
    return (*_fl_hits(r), *_fl_channel(r))


def _fl_hits(r: Reading) -> list[str]:
    if r.midi is not None:
        # FL Studio counts octaves from 0: its C5 is MIDI 60.
        note = f"{(r.note or '').rstrip('-0123456789')}{r.midi // 12}"
        return [
            f"Channel Sampler: set the root note to MIDI {r.midi}, which FL Studio calls {note}.",
            "DirectWave: turn it into a playable instrument.",
        ]
    if r.drums:
        return ["FPC: load it on a pad and play the kit from there.", "Edison: trim its start to the transient."]
    return ["Channel Sampler: shape it with the volume envelope.", "Edison: trim it, and try its Reverse function."]


def _fl_loops(r: Reading) -> list[str]:
    slicer = "Slicex or Fruity Slicer" if r.drums else "Slicex"
    if r.sure_tempo is not None:
        tempo = number(r.sure_tempo)
        found = [
            f"{slicer}: load it with its tempo at {tempo} BPM, so that the slices follow the project.",
            f"Channel Sampler: under time stretching give {tempo} BPM as its tempo to lock it to the project.",
        ]
    else:
        found = [f"{slicer}: slice it at its transients and play the slices from the piano roll."]
    if r.sure_key is not None and not r.drums:
        found.append(f"NewTone: correct or rewrite single notes within {r.sure_key.name}.")
    found.append("Gross Beat: half-speed and stutter presets for fills.")
    return found


def _fl_tracks(r: Reading) -> list[str]:
    found = ["Edison: mark the sections with regions and drag them out one by one."]
    if r.sure_tempo is not None:
        found.append(f"Playlist: set the project to {number(r.sure_tempo)} BPM before dropping it in.")
    found.append("Playlist: 'Extract stems from sample' (21.2 or later) separates drums, bass, instruments and vocals.")
    return found


def _fl_channel(r: Reading) -> list[str]:
    found: list[str] = []
    high_pass = _high_pass(r)
    if high_pass is not None:
        found.append(f"Fruity Parametric EQ 2: high-pass at {frequency(high_pass)}.")
    if r.cents is not None and abs(r.cents) >= _DETUNED:
        found.append(f"Channel pitch knob: {'-' if r.cents > 0 else '+'}{cents(r.cents)}.")
    if r.peak is not None and r.peak > _CEILING:
        found.append(f"Fruity Limiter: ceiling at {decibels(_CEILING)} dB.")
    elif r.spread is not None and r.spread > _DYNAMIC:
        found.append("Fruity Limiter in COMP mode: a gentle ratio on a parallel mixer track.")
    return found
