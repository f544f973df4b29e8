"""What every describer promises: samples in, as many summaries out.

A provider takes a parcel of samples at once, so that one that talks to a service can put them into one request, and
gets values only: it reads no file and no database.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

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


class Provider(Protocol):
    """Writes summaries. Safe to call from several threads."""

    @property
    def name(self) -> str:
        """The name under which the registry knows it, and the record shows it."""
        ...

    def describe(self, samples: Sequence[Sample]) -> list[Summary]:
        """Return one summary a sample, in the order of the samples.

        Raises
        ------
        TransientError
            If the parcel may succeed later: no network, over the rate, a busy service.
        PermanentError
            If it never will: refused, no key, a reply that cannot be read.
        """
        ...
