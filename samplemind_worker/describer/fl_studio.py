"""FL Studio: which tool to use for it, with the values to set.

Plug-ins and features are those of the FL Studio manual (image-line.com/fl-studio-learning). FL Studio counts octaves
from 0: its C5 is MIDI 60.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from samplemind_worker.describer import theory
from samplemind_worker.describer.balance import LOW_END_HZ
from samplemind_worker.describer.categories import Sort
from samplemind_worker.describer.ideas import section_bars
from samplemind_worker.describer.reading import DETUNED, Reading
from samplemind_worker.describer.tips import CEILING, OVER, clearing, rumble
from samplemind_worker.describer.wording import (
    cents,
    choose,
    decibels,
    frequency,
    length,
    milliseconds,
    number,
    plural,
    tempo,
    two_digits,
)

MOST = 4
_TAIL_SECONDS = 0.5
_GROSS_BEAT_BARS = 2
_DYNAMIC, _DENSE = 16.0, 8.0  # LU between true peak and loudness
_MID = 150.0  # Hz; a fundamental below it is bass
_OPEN = 3000.0  # Hz, of the centroid


def fl_studio(r: Reading) -> tuple[str, ...]:
    """Return the plug-ins and features that fit, most useful first."""
    found = _BY_SORT[r.sort](r)
    return tuple(islice(found, MOST))


def _any(r: Reading) -> Iterator[str]:
    """Mend level and tuning."""
    if r.peak is not None and r.peak >= OVER and r.kind != "one_shot":
        yield f"Fruity Limiter: set the ceiling to {decibels(CEILING)} dB, as its true peak is {decibels(r.peak)} dBTP."
    elif r.peak is not None and r.peak < -6.0:  # noqa: PLR2004 -- dBTP
        where = (
            "Edison: run Normalize" if r.kind == "track" else "Sampler: turn on Normalize among the precomputed effects"
        )
        yield f"{where}, as it peaks at {decibels(r.peak)} dBTP."
    if r.cents is not None and abs(r.cents) >= DETUNED:
        yield f"Channel settings: set the pitch knob to {'-' if r.cents > 0 else '+'}{cents(r.cents)}."


def _root(r: Reading) -> Iterator[str]:
    if r.sure_midi is not None:
        in_fl = theory.note_in_fl(r.sure_midi)
        yield choose(
            r.sure_midi,
            f"Channel settings, Misc tab: right-click {in_fl} on the keyboard to make it the root note (MIDI "
            f"{r.sure_midi}).",
            f"Sampler, Misc tab: set the root note to {in_fl}, FL Studio's name for MIDI {r.sure_midi}, so that "
            "keys play true.",
        )


def _eq(hz: float | None, why: str) -> Iterator[str]:
    if hz is not None:
        yield choose(
            hz,
            f"Fruity Parametric EQ 2: turn band 1 into a high-pass at {frequency(hz)}, {why}.",
            f"Fruity Parametric EQ 2: high-pass at {frequency(hz)}, {why}.",
        )


def _kicks(r: Reading) -> Iterator[str]:
    yield from _root(r)
    if r.fundamental is not None:
        yield from _eq(rumble(r), f"below its fundamental at {frequency(r.fundamental)}")
    if r.sort == "kick":
        yield choose(
            r.mark,
            "Mixer: right-click the send arrow of the bass track and choose Sidechain to this track, then let Fruity "
            "Limiter duck it.",
            "Fruity Peak Controller on the kick's mixer track: link its peak, inverted, to the level of the bass.",
            "Fruity Limiter in COMP mode on the bass track, with the kick as its sidechain input.",
        )
    elif r.sure_midi is not None:
        yield (
            f"Piano roll: write fills around {theory.note_in_fl(r.sure_midi)}, in fourths and fifths, and they "
            "sound like one kit."
        )
    if r.seconds is not None and r.seconds >= _TAIL_SECONDS:
        yield f"Envelope tab: turn on the volume envelope and shorten the {length(r.seconds)} with HOLD and DEC."
    else:
        yield choose(
            r.centroid or 0.0,
            "Transient Processor: a little more attack brings the beater out, a little less release dries it.",
            "FPC: give it a pad of its own and layer a second sample on the same pad.",
            "Fruity Waveshaper: a gentle S-curve adds overtones that laptops can play.",
        )
    if r.sort == "tom":
        yield choose(
            r.mark,
            "Piano roll: select a fill and open Strum (Alt+S) to drag its hits apart.",
            "Mixer: pan the high copy left and the low one right, and send both to one Fruity Reeverb 2.",
            "Channel rack: clone the channel twice and set the clones' pitch knobs apart for a set of three.",
        )
    elif r.fundamental is None:
        yield choose(
            r.mark,
            "Fruity Parametric EQ 2: watch the spectrum behind the bands, and put the cut for rumble just below "
            "its lowest peak.",
            "Edison: zoom in on the start, and trim to the first sample that moves.",
            "Channel settings: sweep the pitch knob while the bass plays, and stop where the two lock.",
        )
    yield from _any(r)


def _basses(r: Reading) -> Iterator[str]:
    yield from _root(r)
    yield choose(
        r.centroid or 0.0,
        "Misc tab: turn on Mono and Porta under polyphony, and draw slide notes in the piano roll for glides.",
        "Misc tab: put it into cut group 1 and let it cut itself, so that notes never overlap.",
    )
    if r.fundamental is not None:
        yield from _eq(rumble(r), f"below the fundamental at {frequency(r.fundamental)}")
        crossover = two_digits(2.5 * r.fundamental)
        yield choose(
            r.fundamental,
            f"Maximus: set the low crossover to {frequency(crossover)}, and saturate only what lies above it.",
            f"Patcher: split it at {frequency(crossover)} with Frequency Splitter, keep the low part clean and "
            "mono, and "
            "distort the rest.",
        )
    yield from _any(r)


def _snares(r: Reading) -> Iterator[str]:
    yield from _root(r)
    yield from _eq(clearing(r), "where it has nothing to lose")
    if r.centroid is not None:
        yield choose(
            r.centroid,
            f"Fruity Parametric EQ 2: a wide bell around {frequency(r.centroid)}, its center, sets how near it stands.",
            f"Maximus: put the upper crossover at {frequency(r.centroid)} and compress only the band above it.",
            f"Fruity Love Philter: a band-pass around {frequency(r.centroid)} with an envelope, as a parallel snap.",
        )
    yield choose(
        r.mark,
        "Mixer: send it to a track with Fruity Reeverb 2, a gate after that, and the low cut up.",
        "Transient Processor: raise the attack if it sits behind the hats, lower the release if the room is too long.",
        "FPC: one pad with two velocity layers, this one for the loud hits.",
        "Piano roll: select the notes and use Flam (Alt+F) for drags.",
    )
    if r.seconds is not None and r.seconds >= _TAIL_SECONDS:
        yield f"Envelope tab: shape the {length(r.seconds)} with the volume envelope, HOLD first, then DEC."
    yield from _any(r)


def _metal(r: Reading) -> Iterator[str]:
    if r.instrument in {"hat_open", "hat_closed"}:
        yield "Misc tab: give open and closed hi-hat the same cut group, so that the closed one chokes the open one."
    yield from _eq(clearing(r), "and raise it until the sound thins")
    if r.sort == "hat":
        yield choose(
            r.centroid or 0.0,
            "Channel rack: right-click, Fill each 2 steps, then bend velocities in the graph editor.",
            "Channel rack: raise the swing slider, and set how much of it this channel takes in its Misc tab.",
            "Piano roll: chop long notes with Chop (Alt+U) into rolls, and randomize velocities with Alt+R.",
        )
    else:
        yield choose(
            r.centroid or 0.0,
            "Gross Beat: a volume slot with quarter-note ducking turns the wash into a pump.",
            "Edison: reverse it and drag the result to the Playlist as a swell.",
            "Fruity Reeverb 2 with low damping: it lengthens the wash without more level.",
        )
    if r.seconds is not None and r.seconds >= _TAIL_SECONDS:
        yield choose(
            100.0 * r.seconds,
            f"Sampler: shorten its {length(r.seconds)} with the OUT fade knob.",
            f"Envelope tab: let the volume envelope close before the {length(r.seconds)} are over.",
        )
    else:
        yield choose(
            r.mark,
            "Fruity Stereo Enhancer: widen it a little, and leave kick and snare in the middle.",
            "Fruity PanOMatic: a slow movement keeps the pattern alive.",
        )
    yield from _any(r)


def _vocals(r: Reading) -> Iterator[str]:
    yield from _root(r)
    yield "NewTone: load it to correct single notes, or Pitcher for a hard tuned effect in real time."
    yield "Slicex: slice it into syllables and play them from the piano roll."
    yield from _eq(clearing(r), "below what the voice needs")
    yield "Vocodex: use it as the modulator over a chord of a synth."
    yield from _any(r)


def _tones(r: Reading) -> Iterator[str]:
    yield from _root(r)
    if r.cents is not None and abs(r.cents) >= DETUNED:
        yield f"Channel settings: set the pitch knob to {'-' if r.cents > 0 else '+'}{cents(r.cents)}."
    if r.sort == "pad":
        yield from _key_in_piano_roll(r)
        yield choose(
            r.centroid or 0.0,
            "Sampler: set loop points in Edison with the loop tool, turn on Use loop points, and it sustains for "
            "as long as "
            "you hold a key.",
            "Fruity Granulizer: load it, slow the grains down, and it becomes an endless bed.",
            "Harmor: drag it in to resynthesize it, and play it at any length and pitch.",
        )
    else:
        yield choose(
            r.mark,
            "DirectWave: make it a zone with its root note, and add velocity and release for a full instrument.",
            "Sampler: Stretch pro keeps its length the same over the keys; Resample keeps its character.",
            "Piano roll: Arpeggiate (Alt+A) over a held chord, with the arpeggio range at two octaves.",
        )
    low = r.fundamental is not None and r.fundamental < _MID
    yield from _eq(clearing(r), "just under its lowest note" if low else "which leaves the low end to the bass")
    if r.centroid is not None:
        yield (
            "Fruity Love Philter: automate a low-pass that opens over eight bars."
            if r.centroid >= _OPEN
            else choose(
                r.mark,
                "Fruity Delay 3: a dotted eighth, filtered, gives it depth.",
                "Vintage Chorus: two slow voices widen it without smearing its attack.",
                "Fruity Reeverb 2: a long decay with the low cut up, on a send, sets it back.",
                "Gross Beat: a half-speed time slot plays it an octave down.",
            )
        )
    yield from _any(r)


def _key_in_piano_roll(r: Reading) -> Iterator[str]:
    if r.sure_key is not None:
        yield f"Piano roll: turn on scale highlighting for {r.sure_key.name} before you write over it."


def _effects(r: Reading) -> Iterator[str]:
    yield choose(
        r.centroid or 0.0,
        "Fruity Convolver: load it as the impulse response on a send.",
        "Edison: reverse it, blur it, and keep the take that surprises you.",
        "Fruity Granulizer: spread its grains for a texture.",
        "Gross Beat: a half-speed time slot doubles its weight.",
    )
    yield from _eq(clearing(r), "so that it does not fight the bass")
    if r.seconds is not None and r.seconds >= _TAIL_SECONDS:
        yield f"Playlist: drop it as an audio clip so that its {length(r.seconds)} end at the section change."
    else:
        yield "FPC: keep it on a spare pad and trigger it live."
    yield from _any(r)


def _to_tempo(r: Reading) -> Iterator[str]:
    """Give the ways to lock a loop to the project."""
    bpm = r.sure_tempo
    if bpm is None:
        return
    if r.drums:
        yield choose(
            r.centroid or bpm,
            f"Fruity Slicer: load it at {number(bpm)} BPM, and the slices follow the project without stretching.",
            f"Slicex: set its tempo to {number(bpm)} BPM, and rearrange the slices in the piano roll.",
        )
        down, up = tempo(theory.repitched(bpm, -1)), tempo(theory.repitched(bpm, 1))
        yield choose(
            r.mark,
            f"Sampler, Resample mode: fit it to the tempo from {number(bpm)} BPM; the pitch moves with it, a "
            "semitone down at "
            f"{down}, one up at {up}.",
            f"Sampler, Stretch pro: fit it to the tempo from {number(bpm)} BPM if the hits should keep their "
            "pitch; in Resample "
            f"mode {up} is a semitone up.",
        )
    else:
        up = tempo(theory.repitched(bpm, 1))
        yield choose(
            r.centroid or bpm,
            f"Sampler, Stretch pro: fit it to the tempo from {number(bpm)} BPM; the key stays when the project is "
            "faster "
            "or slower.",
            f"Playlist: use Fit to tempo on the clip with {number(bpm)} BPM as its own, and Stretch pro to keep "
            "the key.",
            f"Sampler: with {number(bpm)} BPM as its tempo, Stretch pro holds the key; Resample lets it climb a "
            "semitone at "
            f"{up}.",
        )


def _drum_loops(r: Reading) -> Iterator[str]:
    yield from _to_tempo(r)
    bpm = r.sure_tempo
    if bpm is None:
        yield "Edison: find its regions with the slicing menu, and drag the hits to channels of their own."
        yield "NewTime: drag its hits onto the grid by hand."
    elif not r.on_the_beat:
        yield f"NewTime: set it to {number(bpm)} BPM and pull the hits that drift onto the grid."
    if r.sort == "top_loop":
        yield from _eq(LOW_END_HZ, "so that the kick and bass you add have that range to themselves")
    if r.spread is not None and r.spread > _DYNAMIC:
        yield (
            f"Maximus on a parallel send: its peaks stand {decibels(r.spread)} dB over its loudness, and there is room."
        )
    elif r.spread is not None and r.spread < _DENSE:
        yield (
            f"Transient Processor: with only {decibels(r.spread)} dB from loudness to peak it needs attack, not "
            "compression."
        )
    if bpm is not None:
        bar = theory.note_length(bpm, 4.0)
        yield choose(
            r.mark,
            f"Gross Beat: its buffer holds {_GROSS_BEAT_BARS} bars, {length(_GROSS_BEAT_BARS * bar)} at "
            f"{number(bpm)} BPM; a "
            "half-speed slot for the last one makes a fill.",
            f"Channel rack: at {number(bpm)} BPM a step is {milliseconds(theory.note_length(bpm, 0.25))}; match "
            "the swing "
            "slider to the loop by ear before you add hits.",
            f"Fruity Love Philter: a band-pass that sweeps once a bar, every {length(bar)}, thins it for a break.",
            f"Patcher: split it at {frequency(LOW_END_HZ)} with Frequency Splitter, and crush only what lies above.",
        )
    yield from _any(r)


def _melodic_loops(r: Reading) -> Iterator[str]:
    yield from _to_tempo(r)
    yield from _key_in_piano_roll(r)
    key, bpm = r.sure_key, r.sure_tempo
    if r.balance is not None and r.balance.bassy:
        yield (
            f"Fruity Parametric EQ 2: automate a high-pass at {frequency(LOW_END_HZ)} for the parts where your "
            "bass plays."
        )
    elif r.balance is not None and r.balance.bassless:
        yield from _eq(LOW_END_HZ, "which takes nothing but rumble")
    if bpm is not None:
        dotted = milliseconds(theory.note_length(bpm, 0.75))
        yield choose(
            r.mark,
            f"Fruity Delay 3 on a send: three steps, {dotted} at {number(bpm)} BPM, with the low end cut.",
            f"Gross Beat: a half-speed slot plays it an octave down, as at {tempo(bpm / 2)}.",
            f"Fruity Love Philter: sweep a low-pass over {plural(r.bars or 4, 'bar')} for the build.",
            "Edison: Convert to score and dump to piano roll gives its notes to another instrument.",
        )
    if key is not None and bpm is None:
        yield f"NewTone: check or rewrite single notes within {key.name}."
    yield "Slicex: slice it at its transients, and play the slices from the piano roll."
    yield from _any(r)


def _tracks(r: Reading) -> Iterator[str]:
    bpm = r.sure_tempo
    if bpm is not None:
        yield f"Playlist: set the project to {number(bpm)} BPM before you drop it in, so that cuts fall on the grid."
    if r.key is not None:
        yield "Playlist: Extract stems from sample (21.2 or later) separates drums, bass, instruments, and vocals."
    yield from _key_in_piano_roll(r)
    bars = None if bpm is None or r.meter != (4, 4) else section_bars(r, bpm)
    if bpm is not None and bars is not None:
        section = length(theory.note_length(bpm, 4.0 * bars))
        yield f"Edison: mark regions every {bars} bars ({section}), and drag out the ones you want."
    if bpm is None:
        yield "NewTime: map its beats by hand, as no steady tempo was found."
    if r.spread is not None and r.spread < _DENSE:
        yield f"Wave Candy: meter it next to your mix; its peaks stand only {decibels(r.spread)} dB over its loudness."
    yield from _any(r)


def _nothing(_: Reading) -> Iterator[str]:
    return iter(())


_BY_SORT: dict[Sort, Callable[[Reading], Iterator[str]]] = {
    "silence": _nothing, "unknown": _any, "kick": _kicks, "tom": _kicks, "sub": _basses, "bass": _basses,
    "snare": _snares, "perc": _snares, "hat": _metal, "cymbal": _metal, "vocal": _vocals, "note": _tones, "pad": _tones,
    "fx": _effects, "hit": _effects, "drum_loop": _drum_loops, "top_loop": _drum_loops, "melodic_loop": _melodic_loops,
    "loop": _melodic_loops, "track": _tracks,
}  # fmt: skip
