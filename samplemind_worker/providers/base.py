"""The interface of every provider: it takes samples, and returns a summary for each and what they cost.

One request asks about several samples. A provider gets values only: it reads no file and no database.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from pydantic import SecretStr

from config.ai import AiTask
from samplemind_worker.documents.samples import Sample, Summary
from samplemind_worker.usage import Usage


@dataclass(frozen=True, slots=True)
class Access:
    """What an adapter needs to connect to its service."""

    key: SecretStr | None
    """Present if the provider needs one, but for a server of one's own."""
    url: str | None
    """The address that the settings name; None for the usual one."""
    headers: Mapping[str, SecretStr]
    seconds: float
    """Most seconds for one reply."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to one request."""

    summaries: tuple[Summary | None, ...]
    """One per sample, in the order of the samples; None where the reply has no usable one."""
    usage: Usage
    """What all requests used, including the one that asked again for missing summaries."""


def always() -> bool:
    """Return True."""
    return True


class Asked(Protocol):
    """A model, and the version of the prompt that it gets."""

    @property
    def name(self) -> str:
        """The name that the record shows: claude, gemini, local and so on."""
        ...

    @property
    def model(self) -> str | None:
        """The name of the model; None for the local describer."""
        ...

    @property
    def prompt_version(self) -> str:
        """A hash that changes whenever the text of the prompt does."""
        ...


class Provider(Asked, Protocol):
    """Writes summaries. Several threads may call it."""

    def estimate(self, task: AiTask, samples: Sequence[Sample]) -> Usage:
        """Return what one request about these samples uses, before anything is spent.

        The output is the most that the request allows; the input is rounded up. A second request for missing summaries
        is not counted.
        """
        ...

    def describe(self, task: AiTask, samples: Sequence[Sample], *, may_repair: Callable[[], bool] = always) -> Reply:
        """Write about samples, at most as many as one request may cover (`config.ai.Writer.samples`).

        If summaries are missing or unusable, ``may_repair`` is called, and if it returns True they are asked for once
        more.

        Raises
        ------
        ProviderError
            If this provider gives no summary now; its ``usage`` says what was used nevertheless.
        """
        ...

    def close(self) -> None:
        """Close the connections."""
        ...
