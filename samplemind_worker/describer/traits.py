"""Finds the traits of a one-shot: measures in which few recorded sounds of its instrument are as extreme."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from samplemind_worker import reference
from samplemind_worker.describer.reading import Reading
from samplemind_worker.describer.wording import listed

MUCH: Final = 0.7
"""Share of the sounds of its group that a sound exceeds in a trait; so a trait applies to at most three in ten."""
_MOST = 3
_LOW: Final = frozenset({"kick", "tom", "sub", "bass"})
_ADJECTIVES: Final[Mapping[str, tuple[str, str]]] = {
    "brightness_hz": ("bright", "dark"),
    "bottom_share": ("heavy", "light"),
    "attack_seconds": ("soft", "sharp"),
    "decay_seconds": ("long", "short"),
    "noisiness_db": ("noisy", "clean"),
    "roominess": ("roomy", "dry"),
}
"""Producers' words for more and for less of a measure."""
SLOW_SECONDS: Final = 0.008
"""An attack that is heard as one."""
_FAST_SECONDS = 0.005
_NOTABLE_NOISE = -35.0  # dB of flatness; a sound with less is not noisy
_ABOVE: Final = ("low_mid", "mid", "high", "air")
_LIMITS: Final = ("63 Hz", "200 Hz", "635 Hz", "2 kHz", "6.4 kHz")
_MOST_ENERGY = 0.6


@dataclass(frozen=True, slots=True)
class Trait:
    """A measure with a value that is rare in one direction."""

    measure: str
    more: bool
    value: float
    share: float
    """Share of the sounds of the group on the other side."""
    group: str

    @property
    def written(self) -> str:
        """The value with its unit."""
        return reference.MEASURES[self.measure].written(self.value)

    @property
    def reason(self) -> str:
        """The measure, its value and how rare it is: "attack 24 ms, slower than 85 % of snares"."""
        label = reference.MEASURES[self.measure].label
        return f"{label} {self.written}, {self.compared} of {reference.noun(self.group)}"

    @property
    def compared(self) -> str:
        """How rare it is: "slower than 85 %"."""
        return reference.comparison(self.share if self.more else 1.0 - self.share, self.measure, more=self.more)


def trait(r: Reading, measure: str, *, more: bool) -> Trait | None:
    """Return a trait, if the sound exceeds enough others in this direction."""
    value, share = r.measures.get(measure), r.share(measure)
    if value is None or share is None:
        return None
    reached = share if more else 1.0 - share
    return Trait(measure, more, value, reached, r.group_with(measure)) if reached >= MUCH else None


def particulars(r: Reading) -> str | None:
    """Name in producers' words what distinguishes a one-shot from the sounds of its instrument."""
    if r.share("brightness_hz") is None:
        return None
    found: list[tuple[Trait, str]] = []
    for measure, words in _ADJECTIVES.items():
        for more, adjective in zip((True, False), words, strict=True):
            one = trait(r, measure, more=more)
            if one is not None and _says_something(r, one):
                found.append((one, adjective))
    found.sort(key=lambda pair: -pair[0].share)
    if not found:
        return f"Among {reference.noun(r.group)} it is ordinary in brightness and length."
    said = [f"{adjective} ({_label(one)}{one.written}, {one.compared})" for one, adjective in found[:_MOST]]
    return f"Among {reference.noun(r.group)} it is {listed(said)}."


def _label(one: Trait) -> str:
    return f"{reference.MEASURES[one.measure].label} "


def _says_something(r: Reading, one: Trait) -> bool:
    """Drop inaudible traits: little weight in a hi-hat, a rise of milliseconds, the noise of a clean tone."""
    if one.measure == "bottom_share":
        return r.sort in _LOW
    if one.measure == "attack_seconds":
        return one.value >= SLOW_SECONDS if one.more else one.value <= _FAST_SECONDS
    if one.measure == "noisiness_db":
        return not r.drums and (not one.more or one.value >= _NOTABLE_NOISE)
    return True


def body_and_click(r: Reading) -> str | None:
    """Describe the body of a kick or tom (frequency and length) and, separately, the brightness of its click."""
    click, share = r.measures.get("attack_brightness_hz"), r.share("attack_brightness_hz")
    bottom, decay = r.measures.get("bottom_share"), r.measures.get("decay_seconds")
    if click is None or share is None or bottom is None or decay is None:
        return None
    energy, seconds = (reference.MEASURES[name].written for name in ("bottom_share", "decay_seconds"))
    centre = reference.MEASURES["attack_brightness_hz"].written(click)
    compared = reference.comparison(share, "attack_brightness_hz", more=share >= 0.5)  # noqa: PLR2004 -- the middle
    return (
        f"Body: {energy(bottom)} of its energy lies below 200 Hz, and it falls by 20 dB within {seconds(decay)}. "
        f"Click: its start centers on {centre}, {compared} of {reference.noun(r.group)}."
    )


def place(r: Reading) -> str | None:
    """Say in which frequency range a one-shot has most of its energy."""
    measures = r.measures
    if "bottom_share" not in measures:
        return None
    known = [measures["sub_share"], measures["bottom_share"] - measures["sub_share"]]
    known += [measures[f"{name}_share"] for name in _ABOVE]
    first, last = _narrowest(known)
    share = reference.MEASURES["air_share"].written(sum(known[first : last + 1]))
    if first == 0 and last == len(known) - 1:
        return "Its energy is spread over the whole spectrum."
    if first == 0:
        where = f"below {_LIMITS[last]}"
    elif last == len(known) - 1:
        where = f"above {_LIMITS[first - 1]}"
    else:
        where = f"between {_LIMITS[first - 1]} and {_LIMITS[last]}"
    return f"{share} of its energy lies {where}."


def _narrowest(shares: Sequence[float]) -> tuple[int, int]:
    """Return the smallest run of neighbouring ranges that holds most of the energy."""
    for width in range(1, len(shares)):
        best = max(range(len(shares) - width + 1), key=lambda k: sum(shares[k : k + width]))
        if sum(shares[best : best + width]) >= _MOST_ENERGY * sum(shares):
            return best, best + width - 1
    return 0, len(shares) - 1
