"""Describes a sample in plain sentences that follow from its numbers, without a network.

Equal numbers give equal sentences, and no sentence claims what was not measured.
"""

import dataclasses

from samplemind_worker.describer.categories import advised_as
from samplemind_worker.describer.fl_studio import fl_studio
from samplemind_worker.describer.ideas import creative_ideas
from samplemind_worker.describer.reading import PLAIN, Reading, read
from samplemind_worker.describer.summary import summarize
from samplemind_worker.describer.tips import production_tips
from samplemind_worker.documents.samples import Sample, Summary
from samplemind_worker.pitches import note_name

NAME = "local"
PROMPT_VERSION = "none"
"""The prompt version in the record of summaries that need no prompt."""
_SORT_TAGS = {"sub": "808", "top_loop": "top-loop", "melodic_loop": "melodic", "pad": "pad"}
_QUIET, _LOUD = -25.0, -10.0  # LUFS


def describe(sample: Sample) -> Summary:
    """Write the summary of one sample; raises nothing."""
    reading = read(sample)
    advised = dataclasses.replace(reading, sort=advised_as(reading.sort, reading.instrument))
    return Summary(
        summary=summarize(reading),
        production_tips=production_tips(advised),
        creative_ideas=creative_ideas(advised),
        fl_studio_recommendations=fl_studio(advised),
        tags=_tags(reading),
        provider=NAME,
        model=None,
    )


def _tags(r: Reading) -> tuple[str, ...]:
    """Return short lower-case tags, none of which is a guess.

    What the sound is like is said by the words of the vocabulary alone: a search finds those by what was measured.
    """
    if r.silent:
        return ("silence",)
    found: list[str | None] = [
        r.kind.replace("_", "-") if r.kind and r.kind_confidence >= PLAIN else None,
        r.instrument.replace("_", "-") if r.instrument and r.instrument_confidence >= PLAIN else None,
        _SORT_TAGS.get(r.sort) if r.kind_confidence >= PLAIN else None,
        "drums" if r.drums else None,
        f"{round(r.sure_tempo)}-bpm" if r.sure_tempo is not None else None,
        note_name(r.sure_midi).lower() if r.sure_midi is not None else None,
        r.sure_key.name.lower().replace(" ", "-") if r.sure_key else None,
        r.sure_key.camelot.lower() if r.sure_key else None,
        _outer(r.lufs, _QUIET, "quiet", _LOUD, "loud") if r.kind != "one_shot" else None,
    ]
    return tuple(dict.fromkeys(tag for tag in found if tag))


def _outer(value: float | None, low: float, below: str, high: float, above: str) -> str | None:
    """Return tags for what is unusual."""
    if value is None:
        return None
    return below if value < low else above if value >= high else None
