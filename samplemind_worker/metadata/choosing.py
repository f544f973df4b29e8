"""Chooses among the answers that were heard and those that are stated, by their weights."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from samplemind_worker.metadata.evidence import SOURCES, Statement

_MOST_ODDS = 20.0
"""Most odds of all statements for one answer together: sources copy from each other."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Choice(Generic[T]):
    """The answer that weighs most."""

    value: T
    confidence: float
    is_heard: bool
    """Whether the sound gave this answer, too."""
    believed: tuple[Statement, ...]
    """The statements for this answer, best first."""


def choose(
    heard: Mapping[T, float],
    claims: Sequence[tuple[Statement, T]],
    *,
    confidence: float,
    prior: Callable[[T], float],
    fits: Callable[[T], float] = lambda _: 1.0,
) -> Choice[T] | None:
    """Choose the answer with the greatest weight, or None.

    ``prior`` is the least weight of a stated answer before its odds, and ``fits`` gives further odds to stated answers.
    """
    groups: dict[T, list[Statement]] = {}
    for statement, value in claims:
        groups.setdefault(value, []).append(statement)
    weights = dict(heard)
    for value, group in groups.items():
        group.sort(key=lambda one: (-one.odds, SOURCES.index(one.source)))
        several = len({one.source for one in group}) > 1
        odds = min(_MOST_ODDS, group[0].odds * (2.0 if several else 1.0) * fits(value))
        weights[value] = max(weights.get(value, 0.0), prior(value)) * odds
    none = 1.0 - confidence
    best = max(weights, key=lambda value: weights[value], default=None)
    if best is None or (not heard and weights[best] <= none):
        return None
    # Lesser candidates express doubt about the best one; they are not independent answers.
    rivals = {value: weight for value, weight in weights.items() if value in groups or value == next(iter(heard), None)}
    total = weights[best] + sum(weight for value, weight in rivals.items() if value != best) + none
    return Choice(best, weights[best] / total, best in heard, tuple(groups.get(best, ())))


def note_source(provenance: dict[str, str], name: str, choice: Choice[Any]) -> None:
    """Record where an answer comes from."""
    sources = {one.source for one in choice.believed}
    parts = (["audio"] if choice.is_heard else []) + [name for name in SOURCES if name in sources]
    provenance[name] = "+".join(parts)
