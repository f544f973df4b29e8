"""What all providers that ask a service have in common: one request a parcel, one try at repair, errors as ours."""

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
from samplemind_worker.providers import notes, prompt, text, wire
from samplemind_worker.providers.base import Access, Reply, always
from samplemind_worker.providers.prompt import Prompt
from samplemind_worker.usage import NOTHING_USED, Usage

_CHARACTERS_A_TOKEN = 2.5  # few: JSON, with numbers, takes more tokens than prose
_TOKENS_A_REQUEST = 200  # roles, schema preamble and the brackets around the answer
_TOKENS_A_SAMPLE = 450  # in the answer: about 1,300 characters are asked for
_NOT_OF_THE_PROTOCOL = (
    wire.ReplyTooLargeError, ValueError, TypeError, AttributeError, LookupError, RecursionError
)  # fmt: skip
"""What reading a body raises that is no JSON, or not of the protocol: the SDKs do not check it."""
_LONGEST_MODEL = 80  # characters of a model's name
_MOST_TOKENS = 10_000_000  # of one request: more than any model takes, and no sum of them is too large for the record


@dataclass(frozen=True, slots=True)
class Answer:
    """What a service said."""

    text: str
    model: str | None
    usage: Usage
    """As the service says, which need not make sense."""
    refused: bool = False


class RemoteProvider(ABC):
    """A provider that asks one model of a service, which gets these secrets."""

    def __init__(self, writer: Writer, access: Access) -> None:
        if writer.model is None:
            raise ValueError(f"{writer.name} has no model")
        self.name: str = writer.provider
        self.model: str = writer.model
        self.prompt_version = prompt.version(notes.SCHEMA_TEXT)
        self._thinking = writer.thinking
        self._most = writer.samples
        self.setting = PROVIDERS[writer.provider].variable or ""
        self._key = access.key.get_secret_value() if access.key else ""
        self._secrets = [*access.headers.values(), *([access.key] if access.key else [])]

    def estimate(self, task: AiTask, samples: Sequence[Sample]) -> Usage:
        """Return the input, rounded up, and the most output that one request about these samples allows."""
        return self._expected(prompt.build(task, samples, prompt.short_ids(samples)), len(samples))

    def describe(self, task: AiTask, samples: Sequence[Sample], *, may_repair: Callable[[], bool] = always) -> Reply:
        """Ask once about all, and once more about those whose note is missing or spoiled."""
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
                break  # what was had is worth more than the error
            used += answer.usage
            if answer.refused and not summaries:
                raise ProviderRefusedError(f"{self.name} declines to write about these samples", usage=used)
            summaries |= self._read(answer, {key for key, _ in missing})
        if not summaries:
            raise UnreadableReplyError(f"{self.name} does not answer in the form asked for", usage=used)
        return Reply(tuple(summaries.get(key) for key in ids), used)

    @abstractmethod
    def close(self) -> None:
        """Close its connections."""

    @abstractmethod
    def _send(self, question: Prompt, output_tokens: int) -> Answer:
        """Make one request and return what came of it; what the library raises passes through."""

    @abstractmethod
    def _translate(self, error: Exception) -> ProviderError | None:
        """Make an error of the library one of ours; None if it is none of the library's."""

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
            # The service may have answered, and may charge for it, though the answer did not arrive.
            ours.usage = self._expected(question, count)
        else:
            ours.usage = Usage(requests=1)
        raise ours

    @contextmanager
    def _ours(self) -> Generator[None]:
        """Make what the library raises an error of ours."""
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
        return wire.unreachable(self.name, error, secrets=self._secrets)

    def _question(self, task: AiTask, samples: Sequence[Sample]) -> tuple[Prompt, int]:
        """Return what a parcel of a batch asks, and the most output tokens that it may take."""
        return prompt.build(task, samples, prompt.short_ids(samples)), self._output_tokens(len(samples))

    def _reply(self, answer: Answer, samples: Sequence[Sample]) -> Reply:
        """Read what came back for a parcel of a batch."""
        ids = prompt.short_ids(samples)
        summaries = self._read(answer, set(ids))
        used = _used(answer, self.estimate(AiTask.BATCH, samples))
        return Reply(tuple(summaries.get(key) for key in ids), used)

    def _expected(self, question: Prompt, count: int) -> Usage:
        characters = question.length + len(notes.SCHEMA_TEXT)
        tokens = math.ceil(characters / _CHARACTERS_A_TOKEN) + _TOKENS_A_REQUEST
        return Usage(input_tokens=tokens, output_tokens=self._output_tokens(count), requests=1)

    def _output_tokens(self, count: int) -> int:
        return _TOKENS_A_REQUEST + _TOKENS_A_SAMPLE * count + self._thinking

    def _read(self, answer: Answer, wanted: set[str]) -> dict[str, Summary]:
        model = self._hide(text.sentence(answer.model or "", _LONGEST_MODEL)) or self.model
        return {
            key: Summary(
                summary=note.summary,
                production_tips=tuple(note.production_tips),
                creative_ideas=tuple(note.creative_ideas),
                fl_studio_recommendations=tuple(note.fl_studio_recommendations),
                tags=tuple(note.tags),
                provider=self.name,
                model=model,
            )
            for key, note in notes.read(answer.text, wanted, hide=self._hide).items()
        }

    def _hide(self, value: str) -> str:
        return wire.hidden(value, self._secrets)


def _used(answer: Answer, most: Usage) -> Usage:
    """Return what an answer used; what its service does not say, or what cannot be, counts as the most."""
    told = answer.usage
    return Usage(
        told.input_tokens if _is_count(told.input_tokens, least=1) else most.input_tokens,
        told.output_tokens if _is_count(told.output_tokens, least=1 if answer.text else 0) else most.output_tokens,
        told.requests,
    )


def _is_count(value: object, *, least: int) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and least <= value <= _MOST_TOKENS
