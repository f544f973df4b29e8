"""Recommends tools of FL Studio, with the values to set.

Plug-ins and features are those of the FL Studio manual (image-line.com/fl-studio-learning). FL Studio counts octaves
from 0: its C5 is MIDI 60.
"""

from collections.abc import Callable, Iterator
from itertools import islice

from samplemind_worker.describer import one_shots, theory
from samplemind_worker.describer.balance import LOW_END_HZ
from samplemind_worker.describer.categories import Sort
from samplemind_worker.describer.ideas import section_bars
from samplemind_worker.describer.reading import DETUNED, Reading
from samplemind_worker.describer.tips import CEILING, OVER
from samplemind_worker.describer.wording import (
    cents,
    choose,
    decibels,
    frequency,
    length,
    milliseconds,
    number,
    tempo,
)
from samplemind_worker.text import plural

MOST = 4
_GROSS_BEAT_BARS = 2
_DYNAMIC, _DENSE = 16.0, 8.0  # LU between true peak and loudness
_OPEN = 3000.0  # Hz, of the centroid


def fl_studio(r: Reading) -> tuple[str, ...]:
    """Return the plug-ins and features that suit a sample, most useful first."""
    return tuple(islice((one_shots.tools if r.kind == "one_shot" else _LONGER.get(r.sort, _nothing))(r), MOST))


def _any(r: Reading) -> Iterator[str]:
    """Yield tools that correct level and tuning."""
    if r.peak is not None and r.peak >= OVER and r.kind != "one_shot":
        yield f"Fruity Limiter: set the ceiling to {decibels(CEILING)} dB, as its true peak is {decibels(r.peak)} dBTP."
    elif r.peak is not None and r.peak < -6.0:  # noqa: PLR2004 -- dBTP
        where = (
            "Edison: run Normalize" if r.kind == "track" else "Sampler: turn on Normalize among the precomputed effects"
        )
        yield f"{where}, as it peaks at {decibels(r.peak)} dBTP."
    if r.cents is not None and abs(r.cents) >= DETUNED:
        yield f"Channel settings: set the pitch knob to {'-' if r.cents > 0 else '+'}{cents(r.cents)}."


def _eq(hz: float | None, why: str) -> Iterator[str]:
    if hz is not None:
        yield choose(
            hz,
            f"Fruity Parametric EQ 2: turn band 1 into a high-pass at {frequency(hz)}, {why}.",
            f"Fruity Parametric EQ 2: high-pass at {frequency(hz)}, {why}.",
        )


def _held(r: Reading) -> Iterator[str]:
    """Yield tools for loops of sustained sounds."""
    yield from _key_in_piano_roll(r)
    yield choose(
        r.centroid or 0.0,
        "Sampler: set loop points in Edison with the loop tool, turn on Use loop points, and it sustains for as long "
        "as you hold a key.",
        "Fruity Granulizer: load it, slow the grains down, and it becomes an endless bed.",
        "Harmor: drag it in to resynthesize it, and play it at any length and pitch.",
    )
    if r.balance is not None and r.balance.bassless:
        yield from _eq(LOW_END_HZ, "which leaves the low end to the bass")
    yield from _any(r)


def _key_in_piano_roll(r: Reading) -> Iterator[str]:
    if r.sure_key is not None:
        yield f"Piano roll: turn on scale highlighting for {r.sure_key.name} before you write over it."


def _to_tempo(r: Reading) -> Iterator[str]:
    """Yield ways to lock a loop to the project's tempo."""
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


_LONGER: dict[Sort, Callable[[Reading], Iterator[str]]] = {
    "unknown": _any, "pad": _held, "drum_loop": _drum_loops, "top_loop": _drum_loops, "melodic_loop": _melodic_loops,
    "loop": _melodic_loops, "track": _tracks,
}  # fmt: skip
