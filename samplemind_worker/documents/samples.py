"""What a summary is written from, and the summary. Plain values without a database."""

from dataclasses import dataclass

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts


@dataclass(frozen=True, slots=True)
class Sample:
    """All that is known about one content."""

    audio: AudioFacts
    analysis: AnalysisFacts


@dataclass(frozen=True, slots=True)
class Summary:
    """The summary of one sample, and the provider that wrote it."""

    summary: str
    production_tips: tuple[str, ...]
    creative_ideas: tuple[str, ...]
    fl_studio_recommendations: tuple[str, ...]
    tags: tuple[str, ...]
    provider: str
    model: str | None
    """The model that answered; None if no model was asked."""
