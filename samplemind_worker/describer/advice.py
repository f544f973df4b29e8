"""Chooses advice by a sound's traits: measures in which few recorded sounds of its kind are as extreme."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from samplemind_worker.describer.reading import Reading
from samplemind_worker.describer.traits import Trait, trait

MOST: Final = 3
"""Tips about one sound, whatever they are about."""


@dataclass(frozen=True, slots=True)
class Advice:
    """A tip about a trait, and perhaps an idea and a tool of FL Studio. ``family`` names the subject."""

    family: str
    trait: str
    """The measure, after a plus for more of it, or a minus for less."""
    sorts: frozenset[str]
    tip: str
    idea: str | None = None
    tool: str | None = None
    least: float | None = None
    """Least value of the measure at which the trait is audible."""
    most: float | None = None
    """Greatest value of the measure at which the tip makes sense."""


def chosen(r: Reading, table: Sequence[Advice]) -> tuple[tuple[Advice, Trait], ...]:
    """Return the advice of a table that fits a sound, the rarest trait first, one of each family."""
    found: list[tuple[Advice, Trait]] = []
    for advice in table:
        one = trait(r, advice.trait[1:], more=advice.trait[0] == "+") if r.sort in advice.sorts else None
        if one is None or not _is_heard(advice, one.value):
            continue
        if advice.family == "stereo" and "opposite_phase" in r.warnings:  # cancelling in mono has a tip of its own
            continue
        found.append((advice, one))
    found.sort(key=lambda pair: -pair[1].share)
    kept: dict[str, tuple[Advice, Trait]] = {}
    for advice, one in found:
        kept.setdefault(advice.family, (advice, one))
    return tuple(kept.values())[:MOST]


def _is_heard(advice: Advice, value: float) -> bool:
    return (advice.least is None or value >= advice.least) and (advice.most is None or value <= advice.most)
