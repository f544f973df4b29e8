"""What every describer promises: samples in, as many summaries out, and what it cost.

A provider takes a parcel of samples at once, so that one that talks to a service can put them into one request, and
gets values only: it reads no file and no database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from config.ai import AiTask
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.usage import Usage


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


@dataclass(frozen=True, slots=True)
class Reply:
    """What came back for a parcel."""

    summaries: tuple[Summary | None, ...]
    """One a sample, in the order of the samples; None where the reply missed or spoiled one."""
    usage: Usage
    """All that was spent, with the try at repair."""


def always() -> bool:
    """Say yes."""
    return True


class Asked(Protocol):
    """Who is asked, in which words."""

    @property
    def name(self) -> str:
        """The name that the record shows: claude, gemini, local and so on."""
        ...

    @property
    def model(self) -> str | None:
        """The model that is asked; None where none is."""
        ...

    @property
    def prompt_version(self) -> str:
        """Changes whenever the words of the question do."""
        ...


class Provider(Asked, Protocol):
    """Writes summaries. Safe to call from several threads."""

    def estimate(self, task: AiTask, samples: Sequence[Sample]) -> Usage:
        """Return what one request about these samples uses, before anything is spent.

        The output is the most that the request allows, the input is rounded up. A try at repair is not counted.
        """
        ...

    def describe(self, task: AiTask, samples: Sequence[Sample], *, may_repair: Callable[[], bool] = always) -> Reply:
        """Write about as many samples as the writer takes at once (`config.ai.Writer.samples`), at most.

        ``may_repair`` is asked before a second request, about those whose text is missing or spoiled.

        Raises
        ------
        ProviderError
            If nothing can be had from this provider now; its ``usage`` says what was spent all the same.
        """
        ...

    def close(self) -> None:
        """Close its connections."""
        ...
