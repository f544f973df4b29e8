"""Gives advice about one-shots, each from a trait, so that it applies to at most a third of the sounds of its kind."""

from collections.abc import Iterator
from typing import Final

from samplemind_worker.describer import theory
from samplemind_worker.describer.advice import Advice, chosen
from samplemind_worker.describer.reading import Reading
from samplemind_worker.describer.traits import SLOW_SECONDS

_KICKS: Final = frozenset({"kick", "tom"})
_LOW: Final = _KICKS | {"sub", "bass"}
_METAL: Final = frozenset({"hat", "cymbal"})
_HITS: Final = _KICKS | {"snare", "perc", "hit"}
_DRUMS: Final = _KICKS | _METAL | {"snare", "perc"}
_TONES: Final = frozenset({"note", "pad", "vocal", "bass", "sub"})
_OTHERS: Final = frozenset({"note", "pad", "vocal", "fx", "hit"})
_ALL: Final = _DRUMS | _TONES | _OTHERS


ADVICE: Final = (
    Advice(
        "click", "+attack_brightness_hz", _KICKS,
        "Its click stands out ({reason}): soften its first milliseconds if it fights the hi-hats.",
        "Use it as the top of a layer, over a rounder one without a click.",
        "Transient Processor: less attack puts the click back.",
    ),
    Advice(
        "click", "-attack_brightness_hz", _KICKS,
        "It has little click ({reason}): layer a short tick on it if it gets lost on small speakers.",
        "Use it as the bottom of a layer, under a clicky one without weight.",
        "Transient Processor: more attack brings out what click there is.",
    ),
    Advice(
        "low", "+sub_share", _LOW,
        "Much of it is sub ({reason}): small speakers will not play that, so saturate a copy until overtones carry it.",
        "Leave out the bass on the first beat of the drop, and let this fill the bottom alone.",
        "Fruity Waveshaper: a gentle S-curve adds overtones to its sub.",
        least=0.1,
    ),
    Advice(
        "low", "-bottom_share", _LOW,
        "It has little weight ({reason}): let another sound carry the bottom.",
        "Layer it with a sine an octave below, as short as it is.",
    ),
    Advice(
        "low", "+low_mid_share", _KICKS | {"snare"},
        "It may sound boxy ({reason}): try a cut in that range before you turn it up.",
        None,
        "Fruity Parametric EQ 2: a wide cut between 200 and 635 Hz.",
        least=0.15,
    ),
    Advice(
        "low", "+weight_share", _METAL,
        "It holds more low end than others ({reason}): high-pass it until the sound thins.",
        None,
        "Fruity Parametric EQ 2: turn band 1 into a high-pass, and raise it until the sound thins.",
        least=0.05,
    ),
    Advice(
        "time", "+decay_seconds", _HITS | {"hat"},
        "It rings on ({reason}): fade it where the next hit comes sooner.",
        "Gate it to the groove, so that its ring becomes a part of the rhythm.",
        "Envelope tab: shorten its ring with HOLD and DEC.",
    ),
    Advice(
        "time", "-decay_seconds", _HITS | _METAL,
        "It is over fast ({reason}): rolls and fast patterns stay clear with it.",
        "Program rolls of thirty-second notes that climb: it is short enough to stay clear.",
        "Piano roll: chop long notes into rolls with Chop (Alt+U).",
    ),
    Advice(
        "time", "+length_seconds", frozenset({"cymbal", "fx", "vocal", "note", "pad", "hit"}),
        "It lasts long ({reason}): fade it before the section changes.",
        "Reverse it, and let its length swell into the next section.",
        "Edison: reverse it and drag the result to the Playlist as a swell.",
    ),
    Advice(
        "time", "-sustain", frozenset({"note", "pad", "vocal"}),
        "It dies away early ({reason}): write short notes for it, or loop its beginning.",
        None,
        "Edison: set loop points near its start with the loop tool, so that it can be held.",
    ),
    Advice(
        "attack", "+attack_seconds", _ALL,
        "It rises slowly ({reason}): start it that much early if it drags behind the beat.",
        "Layer a short click at its start, and it becomes a stab.",
        None,
        least=SLOW_SECONDS,
    ),
    Advice(
        "attack", "+transient_db", _DRUMS,
        "Its first moment towers over the rest ({reason}): a limiter takes the tip off before you hear it.",
        None,
        "Fruity Limiter: take a few decibels off its tip, and turn the rest up by as much.",
        least=3.0,
    ),
    Advice(
        "attack", "-crest_db", _ALL,
        "It is squashed already ({reason}): a compressor has little left to do.",
        most=12.0,
    ),
    Advice(
        "top", "-air_share", _METAL | {"snare", "vocal"},
        "It has little air ({reason}): layer a brighter one on it where it gets lost.",
        "Keep it for the verse, and bring in a brighter one for the chorus.",
    ),
    Advice(
        "top", "+air_share", _METAL | {"snare", "perc", "vocal"},
        "It has much air ({reason}): take some of it away with a high shelf if it hisses.",
        "Automate a low-pass over eight bars that opens on it into the chorus.",
        "Fruity Parametric EQ 2: a high shelf from 6.4 kHz up sets how much it hisses.",
        least=0.05,
    ),
    Advice(
        "top", "+high_share", frozenset({"snare", "perc", "vocal", "note", "hit"}),
        "Much of it lies where ears are keenest ({reason}): dip there if it hurts at full level.",
        None,
        "Fruity Parametric EQ 2: a dip between 2 and 6.4 kHz, as deep as it hurts.",
        least=0.15,
    ),
    Advice(
        "top", "+brightness_hz", frozenset({"bass", "note", "pad", "fx"}),
        "It is bright for what it is ({reason}): low-pass it where it should stand behind other parts.",
        "Automate a low-pass over eight bars that opens on it into the chorus.",
        "Fruity Love Philter: automate a low-pass that opens over eight bars.",
    ),
    Advice(
        "top", "-brightness_hz", frozenset({"bass", "note", "pad", "fx"}),
        "It is dark for what it is ({reason}): there is room above it for a bright lead or a vocal.",
    ),
    Advice(
        "room", "+roominess", _ALL - {"cymbal"},
        "It fades as in a room ({reason}): hear it in the mix before you add reverb.",
        "Gate its tail, so that the room stops with the beat.",
        "Transient Processor: less release takes some of its room away.",
    ),
    Advice(
        "room", "-roominess", _ALL - {"cymbal"},
        "It stops dry ({reason}): send it to the reverb that the other parts share.",
        None,
        "Fruity Reeverb 2 on a send, with its low cut up, gives it a room.",
    ),
    Advice(
        "stereo", "+width", _ALL,
        "It is wide ({reason}): listen in mono before you build on it.",
        None,
        "Fruity Stereo Shaper: bring its sides in if it thins out in mono.",
        least=0.05,
    ),
    Advice(
        "movement", "+modulation_db", frozenset({"note", "pad", "vocal"}),
        "Its level moves by itself ({reason}): leave chorus and tremolo off it.",
        None,
        None,
        least=1.0,
    ),
)  # fmt: skip
"""All advice; a sound gets one piece per family."""


def tips(r: Reading) -> Iterator[str]:
    """Yield the tips for its traits."""
    for advice, one in chosen(r, ADVICE):
        yield advice.tip.format(reason=one.reason)


def ideas(r: Reading) -> Iterator[str]:
    """Yield the idea for its rarest trait that has one; a series is played from a kit."""
    if r.sort == "series":
        yield "Play its sounds from one kit: they were recorded together, and sit together."
        return
    yield from [advice.idea for advice, _ in chosen(r, ADVICE) if advice.idea is not None][:1]


def tools(r: Reading) -> Iterator[str]:
    """Yield where FL Studio sets the root of a note, else what cuts a series, else the tool for its rarest trait."""
    if r.sort in _TONES and r.sure_midi is not None:
        in_fl = theory.note_in_fl(r.sure_midi)
        yield f"Sampler, Misc tab: set the root note to {in_fl}, FL Studio's name for MIDI {r.sure_midi}."
        return
    if r.sort == "series":
        yield "Slicex: drop it in, and each of its sounds lies on a key of its own."
        return
    yield from [advice.tool for advice, _ in chosen(r, ADVICE) if advice.tool is not None][:1]
