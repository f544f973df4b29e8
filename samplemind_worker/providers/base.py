"""The interface of every provider: it takes samples, and returns as many summaries and what they cost.

A provider takes several samples at once, so that one request asks about all of them. It gets values only: it reads no
file and no database.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from config.ai import AiTask
from samplemind_worker.documents.samples import Sample, Summary
from samplemind_worker.usage import Usage


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request."""

    summaries: tuple[Summary | None, ...]
    """One per sample, in their order; None where the reply lacks a usable one."""
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
