"""The common part of all adapters: requests, the second request for missing summaries, and error translation."""

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

from config.ai import PROVIDERS, AiTask, Writer
from samplemind_worker.documents.samples import Sample, Summary
from samplemind_worker.errors import (
    ProviderError,
    ProviderNotReachedError,
    ProviderRefusedError,
    ProviderUnavailableError,
    UnreadableReplyError,
)
from samplemind_worker.providers import prompt, reply_schema, text, transport
from samplemind_worker.providers.base import Access, Reply, always
from samplemind_worker.providers.prompt import Prompt
from samplemind_worker.usage import NOTHING_USED, Usage

_CHARACTERS_PER_TOKEN = 2.5  # JSON with numbers takes more tokens than prose
_TOKENS_PER_REQUEST = 200  # roles, schema preamble and the brackets around the reply
_TOKENS_PER_SAMPLE = 450  # of output: the prompt asks for about 1,300 characters
_NOT_OF_THE_PROTOCOL = (
    transport.ReplyTooLargeError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    RecursionError,
)
"""What the SDKs raise when a body is not JSON or does not follow the protocol; they do not check it themselves."""
_LONGEST_MODEL = 80  # characters of a model's name
_MOST_TOKENS = 10_000_000  # per request: more than any model takes, and sums of it still fit into the record


@dataclass(frozen=True, slots=True)
class Answer:
    """The reply of a service, as text."""

    text: str
    model: str | None
    usage: Usage
    """As the service reports it; it may be wrong."""
    refused: bool = False


class RemoteProvider(ABC):
    """A provider that sends requests to one model of a service."""

    def __init__(self, writer: Writer, access: Access) -> None:
        if writer.model is None:
            raise ValueError(f"{writer.name} has no model")
        self.name: str = writer.provider
        self.model: str = writer.model
        self.prompt_version = prompt.version(reply_schema.SCHEMA_TEXT)
        self._thinking = writer.thinking
        self._most = writer.samples
        self.setting = PROVIDERS[writer.provider].variable or ""
        self._key = access.key.get_secret_value() if access.key else ""
        self._secrets = [*access.headers.values(), *([access.key] if access.key else [])]

    def estimate(self, task: AiTask, samples: Sequence[Sample]) -> Usage:
        """Return what one request about these samples uses at most; the input is rounded up."""
        return self._expected(prompt.build(task, samples, prompt.short_ids(samples)), len(samples))

    def describe(self, task: AiTask, samples: Sequence[Sample], *, may_repair: Callable[[], bool] = always) -> Reply:
        """Send one request about all samples, and a second about those whose summary is missing or unusable."""
        if not 1 <= len(samples) <= self._most:
            raise ValueError(f"wanted 1 to {self._most} samples, got {len(samples)}")
        ids = prompt.short_ids(samples)
        summaries: dict[str, Summary] = {}
        used = NOTHING_USED
        for again in (False, True):
            missing = [(key, sample) for key, sample in zip(ids, samples, strict=True) if key not in summaries]
            if not missing or (again and not may_repair()):
                break
            question = prompt.build(task, [sample for _, sample in missing], [key for key, _ in missing], again=again)
            try:
                answer = self._ask(question, len(missing))
            except ProviderError as error:
                error.usage = used = used + error.usage
                if not summaries:
                    raise
                break  # the summaries of the first request are kept
            used += answer.usage
            if answer.refused and not summaries:
                raise ProviderRefusedError(f"{self.name} declines to write about these samples", usage=used)
            summaries |= self._read(answer, {key for key, _ in missing})
        if not summaries:
            raise UnreadableReplyError(f"{self.name} does not answer in the form asked for", usage=used)
        return Reply(tuple(summaries.get(key) for key in ids), used)

    @abstractmethod
    def close(self) -> None:
        """Close the connections."""

    @abstractmethod
    def _send(self, question: Prompt, output_tokens: int) -> Answer:
        """Make one request and return the reply; errors of the SDK pass through."""

    @abstractmethod
    def _translate(self, error: Exception) -> ProviderError | None:
        """Translate an error of the SDK; return None for any other error."""

    def _ask(self, question: Prompt, count: int) -> Answer:
        try:
            with self._ours():
                answer = self._send(question, self._output_tokens(count))
                return replace(answer, usage=_used(answer, self._expected(question, count)))
        except ProviderError as error:
            ours = error
        if isinstance(ours, ProviderNotReachedError):
            ours.usage = NOTHING_USED
        elif isinstance(ours, (ProviderUnavailableError, UnreadableReplyError)):
            # The service may have replied, and may charge for it, although the reply did not arrive.
            ours.usage = self._expected(question, count)
        else:
            ours.usage = Usage(requests=1)
        raise ours

    @contextmanager
    def _ours(self) -> Generator[None]:
        """Translate errors of the SDK inside the block."""
        try:
            yield
        except ProviderError:
            raise
        except Exception as error:
            translated = self._translate(error)
            if translated is None and not isinstance(error, _NOT_OF_THE_PROTOCOL):
                raise
            raise (translated or self._unreachable(error)) from error

    def _unreachable(self, error: Exception) -> ProviderError:
        return transport.unreachable(self.name, error, secrets=self._secrets)

    def _question(self, task: AiTask, samples: Sequence[Sample]) -> tuple[Prompt, int]:
        """Return the prompt of one request of a batch job, and its limit of output tokens."""
        return prompt.build(task, samples, prompt.short_ids(samples)), self._output_tokens(len(samples))

    def _reply(self, answer: Answer, samples: Sequence[Sample]) -> Reply:
        """Read the reply to one request of a batch job."""
        ids = prompt.short_ids(samples)
        summaries = self._read(answer, set(ids))
        used = _used(answer, self.estimate(AiTask.BATCH, samples))
        return Reply(tuple(summaries.get(key) for key in ids), used)

    def _expected(self, question: Prompt, count: int) -> Usage:
        characters = question.length + len(reply_schema.SCHEMA_TEXT)
        tokens = math.ceil(characters / _CHARACTERS_PER_TOKEN) + _TOKENS_PER_REQUEST
        return Usage(input_tokens=tokens, output_tokens=self._output_tokens(count), requests=1)

    def _output_tokens(self, count: int) -> int:
        return _TOKENS_PER_REQUEST + _TOKENS_PER_SAMPLE * count + self._thinking

    def _read(self, answer: Answer, wanted: set[str]) -> dict[str, Summary]:
        model = self._hide(text.sentence(answer.model or "", _LONGEST_MODEL)) or self.model
        return {
            key: Summary(
                summary=written.summary,
                production_tips=tuple(written.production_tips),
                creative_ideas=tuple(written.creative_ideas),
                fl_studio_recommendations=tuple(written.fl_studio_recommendations),
                tags=tuple(written.tags),
                provider=self.name,
                model=model,
            )
            for key, written in reply_schema.read(answer.text, wanted, hide=self._hide).items()
        }

    def _hide(self, value: str) -> str:
        return transport.hidden(value, self._secrets)


def _used(answer: Answer, most: Usage) -> Usage:
    """Return the usage of a reply; a missing or impossible number counts as the maximum."""
    told = answer.usage
    return Usage(
        told.input_tokens if _is_count(told.input_tokens, least=1) else most.input_tokens,
        told.output_tokens if _is_count(told.output_tokens, least=1 if answer.text else 0) else most.output_tokens,
        told.requests,
    )


def _is_count(value: object, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST_TOKENS
