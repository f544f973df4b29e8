"""Gives advice about loops, each from a trait, so that it applies to at most a third of the loops of its kind."""

from collections.abc import Iterator
from typing import Final

from samplemind_worker.describer.advice import Advice, chosen
from samplemind_worker.describer.reading import Reading

_DRUMS: Final = frozenset({"drum_loop", "top_loop"})
_NOTES: Final = frozenset({"melodic_loop", "pad"})
_PLAYED: Final = _DRUMS | {"melodic_loop"}
"""Loops with hits; the onsets of a pad are beats of its voices."""
_ALL: Final = _DRUMS | _NOTES | {"loop"}

ADVICE: Final = (
    Advice(
        "low", "+sub_share", _ALL,
        "It has a sub of its own ({reason}): high-pass it at 63 Hz wherever your bass or 808 plays.",
        least=0.1,
    ),
    Advice(
        "low", "+bottom_share", _DRUMS,
        "Its weight lies at the bottom ({reason}): high-pass it at 200 Hz before you add a kick of your own.",
        least=0.3,
    ),
    Advice(
        "low", "+bottom_share", _NOTES,
        "It has a bass of its own ({reason}): high-pass it at 200 Hz, or leave your bass out while it plays.",
        least=0.3,
    ),
    Advice(
        "low", "-bottom_share", _ALL,
        "It is thin at the bottom ({reason}): your own kick and bass fit under it as it is.",
        most=0.25,
    ),
    Advice(
        "middle", "+low_mid_share", _ALL,
        "Much of it lies where mixes grow muddy ({reason}): dip there if chords or a voice play beside it.",
        least=0.3,
    ),
    Advice(
        "middle", "+high_share", _ALL,
        "Much of it lies where ears are keenest ({reason}): dip there under a voice.",
        least=0.15,
    ),
    Advice(
        "top", "+air_share", _ALL,
        "It is bright at the top ({reason}): take some of it away with a high shelf if your own hats play over it.",
        least=0.05,
    ),
    Advice(
        "top", "-air_share", _DRUMS,
        "It has little at the top ({reason}): program hats or a shaker over it.",
        most=0.01,
    ),
    Advice(
        "top", "+brightness_hz", _NOTES,
        "It is bright for what it is ({reason}): low-pass it where it should stand behind a lead.",
    ),
    Advice(
        "top", "-brightness_hz", _NOTES,
        "It is dark for what it is ({reason}): there is room above it for a bright lead or a voice.",
    ),
    Advice(
        "level", "-crest_db", _ALL,
        "It is squashed already ({reason}): a compressor has little left to do.",
        most=12.0,
    ),
    Advice(
        "level", "+crest_db", _ALL,
        "Its peaks stand far out ({reason}): parallel compression brings up what lies between them.",
        least=16.0,
    ),
    Advice(
        "level", "-modulation_db", _NOTES,
        "Its level hardly moves ({reason}): duck it under the kick, and it breathes with the beat.",
        most=3.0,
    ),
    Advice(
        "level", "+modulation_db", _NOTES,
        "Its level moves much by itself ({reason}): duck it under the kick only a little.",
        least=6.0,
    ),
    Advice(
        "density", "+onsets_per_second", _PLAYED,
        "It is busy ({reason}): keep what plays with it sparse, or mute every second hit.",
        least=5.0,
        most=12.0,
    ),
    Advice(
        "density", "-onsets_per_second", _PLAYED,
        "It leaves gaps ({reason}): ghost notes or a second loop fit between its hits.",
        most=4.0,
    ),
    Advice(
        "stereo", "+width", _ALL,
        "It is wide ({reason}): listen in mono before you build on it.",
        least=0.05,
    ),
)  # fmt: skip
"""All advice; a loop gets one piece per family."""


def tips(r: Reading) -> Iterator[str]:
    """Yield the tips for its traits."""
    for advice, one in chosen(r, ADVICE):
        yield advice.tip.format(reason=one.reason)
