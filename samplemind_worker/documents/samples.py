"""One content as it is written about, and what was written. Plain values: no database is behind them."""

from dataclasses import dataclass

from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts


@dataclass(frozen=True, slots=True)
class Sample:
    """All that is known of one content."""

    audio: AudioFacts
    analysis: AnalysisFacts


@dataclass(frozen=True, slots=True)
class Summary:
    """What was written about one sample, and who wrote it."""

    summary: str
    production_tips: tuple[str, ...]
    creative_ideas: tuple[str, ...]
    fl_studio_recommendations: tuple[str, ...]
    tags: tuple[str, ...]
    provider: str
    model: str | None
    """Model that answered; None where no model was asked."""
