"""Asks one writer about samples, within its rate limits and the budgets, and caches the replies.

A reply is cached in Redis before anything else is written, so a retry after a crash finds it and pays nothing.
"""

import dataclasses
import time
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from functools import lru_cache, partial
from typing import Any, Final

from loguru import logger

from config.ai import AiTask, Writer
from samplemind_worker.documents.samples import Sample, Summary
from samplemind_worker.documents.spend import micro_usd
from samplemind_worker.errors import (
    ProviderError,
    ProviderRefusedError,
    ProviderSetupError,
    ProviderUnavailableError,
    RateLimitedError,
    ServiceUnavailableError,
    UnreadableReplyError,
)
from samplemind_worker.providers import prompt
from samplemind_worker.providers.base import Provider, Reply
from samplemind_worker.providers.registry import Providers
from samplemind_worker.store import spend
from samplemind_worker.store.cache import Cache, redis_cache
from samplemind_worker.store.limits import Limiter
from samplemind_worker.store.spend import Call, Caps, Reservation
from samplemind_worker.tracing import spans
from samplemind_worker.usage import NOTHING_USED, Usage

_WEEK: Final = 7 * 86_400.0
_TRIES: Final = 3  # of a request that the provider rejects as too many
_LONGEST_WAIT: Final = 60.0
"""Most seconds that a request waits for its rate limit. A limit per minute has passed by then; others take longer."""
_FIRST_PAUSE: Final = 5.0  # s after a 429 without a Retry-After; doubled each time
_SETUP_PAUSE: Final = 300.0  # s; asking again does not mend a key
_LONGEST_PAUSE: Final = 86_400.0
_SOON: Final = 3600.0  # s; a limit that lasts longer is not waited for
_ASKED_AGAIN: Final = Usage(input_tokens=200)
"""What a second request for missing summaries adds to the prompt."""
_SMALLEST: Final = 5
"""A request covers fewer samples if the budget does not suffice, but not fewer than this."""
_IN_PEACE: Final = "rate: it asked to be left in peace"
_LONGEST_REASON: Final = 200  # characters

_CODES: Final[Mapping[type[ProviderError], str]] = {
    ProviderSetupError: "setup",
    RateLimitedError: "rate",
    ProviderUnavailableError: "unavailable",
    ProviderRefusedError: "refused",
    UnreadableReplyError: "unreadable",
}


def reason_of(error: ProviderError) -> str:
    """Return the reason of an error as one short line that begins with a code."""
    code = next((code for kind, code in _CODES.items() if isinstance(error, kind)), "unavailable")
    return f"{code}: {' '.join(str(error).split())}"[:_LONGEST_REASON]


class WriterRun:
    """The requests to one writer for samples of one batch."""

    def __init__(
        self,
        providers: Providers,
        limiter: Limiter,
        writer: Writer,
        *,
        batch_id: str,
        task: AiTask,
        caps: Caps,
        until: float,
    ) -> None:
        self._writer = writer
        self._limiter = limiter
        self._breaker = providers.breaker(writer)
        self._price = providers.table.price(writer)
        self._rates = providers.table.rates(writer)
        self._providers = providers
        self._batch_id = batch_id
        self._task = task
        self._caps = caps
        self._until = until
        self._size = writer.samples
        self._over = False
        self.reason = ""
        """Why summaries are missing; empty if none are."""
        self.soon = False
        """Whether a retry within minutes may succeed, because only a rate limit was in the way."""

    def write(self, cache: Cache, samples: Sequence[Sample]) -> tuple[dict[str, Summary], str]:
        """Return this writer's summaries by content, from the cache or new, and the version of its prompt."""
        try:
            provider = self._providers.get(self._writer)
        except ProviderSetupError as error:
            # Perhaps on this machine only: other workers may have a key.
            self._stop(reason_of(error))
            _say_once(self._writer.name, str(error))
            return {}, ""
        keys = {sample.audio.file_id: prompt.key(provider, self._task, sample) for sample in samples}
        wanted = {keys[sample.audio.file_id]: sample for sample in samples}
        patience = min(_LONGEST_WAIT, max(0.0, self._until - time.monotonic()))
        replies = _replies(cache, wanted, patience, self, provider)
        if len(replies) < len(wanted) and not self.reason:
            self._stop("busy: another worker asks for it", soon=True)
        found = {content: _summary(replies[key]) for content, key in keys.items() if key in replies}
        return found, provider.prompt_version

    def ask(self, provider: Provider, wanted: Mapping[str, Sample]) -> Iterator[Mapping[str, Any]]:
        """Ask about all of these in as few requests as possible, and yield the replies as they come."""
        held = self._limiter.held(self._writer.account)
        if held is not None and time.monotonic() + held.seconds > self._deadline():
            self._stop(held.reason, soon=held.reason.startswith("rate") and held.seconds < _SOON)
        todo = list(wanted)
        while todo and not self._over:
            lot, todo = todo[: self._size], todo[self._size :]
            enough = yield from self._ask_some(provider, lot, wanted)
            if not enough:
                # The budget does not suffice for so many: try again with fewer.
                todo = lot + todo

    def _ask_some(
        self, provider: Provider, keys: Sequence[str], wanted: Mapping[str, Sample]
    ) -> Generator[Mapping[str, Any], None, bool]:
        """Make one request and yield its replies. Return False instead if the budget allows only fewer samples."""
        samples = [wanted[key] for key in keys]
        usage = provider.estimate(self._task, samples)
        made = self._reserve(len(samples), usage)
        if isinstance(made, str):
            if len(keys) > _SMALLEST:
                self._size = max(_SMALLEST, len(keys) // 2)
                return False
            self._stop(f"budget: what is left for this {made} is not enough")
            return True
        funds = [made]
        spent, reply = self._request(provider, samples, usage, funds)
        got = {
            key: dataclasses.asdict(summary)
            for key, summary in zip(keys, reply.summaries if reply is not None else (), strict=False)
            if summary is not None
        }
        if got:
            # Cached before the reservation is settled, so that a paid reply is not lost.
            yield got
        if reply is not None and len(got) < len(keys):
            self.reason = "unreadable: the reply missed it"
        self._settle(funds, spent)
        return True

    def _reserve(self, samples: int, usage: Usage) -> Reservation | str:
        most = micro_usd(self._price, usage)
        writer = self._writer
        call = Call(self._batch_id, writer.provider, writer.model, self._task.value, samples, most)
        return spend.reserve(call, self._caps)

    def _request(
        self, provider: Provider, samples: Sequence[Sample], usage: Usage, funds: list[Reservation]
    ) -> tuple[Usage, Reply | None]:
        """Make one request, and repeat it after a rate limit; return the total usage, and the reply if there is one."""
        spent = NOTHING_USED
        may_repair = partial(self._may_repair, len(samples), usage, funds)
        for number in range(_TRIES):
            if not self._may_ask(usage.input_tokens):
                return spent, None
            try:
                with self._breaker.attempt(), self._traced(len(samples)):
                    reply = provider.describe(self._task, samples, may_repair=may_repair)
            except ProviderError as error:
                spent += error.usage
                self._heed(error, number)
                if not isinstance(error, RateLimitedError):
                    return spent, None
            except Exception as error:  # noqa: BLE001 -- a fault in a library must not fail files: logged, and told in the record
                logger.opt(exception=error).error("ai.fault", fields={"writer": self._writer.name})
                self._stop(f"unavailable: {type(error).__name__} in the provider's library")
                return spent + usage, None
            else:
                return spent + reply.usage, reply
        self._stop(_IN_PEACE, soon=True)
        return spent, None

    def _traced(self, samples: int) -> AbstractContextManager[None]:
        facts = {"gen_ai.provider.name": self._writer.provider, "gen_ai.request.model": self._writer.model or ""}
        return spans.span(f"ask {self._writer.provider}", {**facts, "samplemind.samples": samples})

    def _heed(self, error: ProviderError, number: int) -> None:
        """React to an error; ``number`` is how many came before it."""
        logger.warning("ai.failed", fields={"writer": self._writer.name, "reason": reason_of(error)})
        match error:
            case RateLimitedError():
                asked = _FIRST_PAUSE * 2**number if error.retry_after is None else error.retry_after
                seconds = min(max(asked, 0.1), _LONGEST_PAUSE)
                self._limiter.hold(self._writer.account, seconds=seconds, reason=_IN_PEACE)
            case ProviderSetupError():
                # All workers stop asking. Only the first logs the error.
                self._stop(reason_of(error))
                if self._limiter.hold(self._writer.account, seconds=_SETUP_PAUSE, reason=self.reason):
                    logger.error("ai.setup", fields={"writer": self._writer.name, "error": str(error)})
            case ProviderUnavailableError():
                self._stop(reason_of(error))
            case _:
                # It concerns these samples; the next request may succeed.
                self.reason = reason_of(error)

    def _may_ask(self, tokens: int) -> bool:
        """Wait until the rate limits allow a request; if that takes too long, return False and stop asking."""
        busy = self._limiter.acquire(self._writer.account, self._rates, tokens=tokens, until=self._deadline())
        if busy is not None:
            self._stop(busy.reason, soon=busy.reason.startswith("rate") and busy.seconds < _SOON)
        return busy is None

    def _may_repair(self, samples: int, usage: Usage, funds: list[Reservation]) -> bool:
        """Reserve money for a second request, and wait until the rate limits allow it."""
        made = self._reserve(samples, usage + _ASKED_AGAIN)
        if isinstance(made, str):
            return False
        funds.append(made)
        return self._may_ask(usage.input_tokens)

    def _deadline(self) -> float:
        return min(self._until, time.monotonic() + _LONGEST_WAIT)

    def _stop(self, reason: str, *, soon: bool = False) -> None:
        self._over = True
        self.reason = reason
        self.soon = soon

    def _settle(self, funds: Sequence[Reservation], usage: Usage) -> None:
        left = micro_usd(self._price, usage)
        try:
            for number, made in enumerate(funds):
                part = left if made is funds[-1] else min(left, made.amount)
                spend.settle(made, usage=NOTHING_USED if number else usage, spent=part, error=self.reason or None)
                left -= part
        except ServiceUnavailableError as error:
            # The money stays reserved, which counts as spent.
            logger.warning("ai.not_settled", fields=str(error))


@redis_cache(ttl=_WEEK, key_prefix="samplemind:reply")
def _replies(wanted: Mapping[str, Sample], run: WriterRun, provider: Provider) -> Iterator[Mapping[str, Any]]:
    yield from run.ask(provider, wanted)


@lru_cache(maxsize=64)
def _say_once(writer: str, text: str) -> None:
    logger.error("ai.setup", fields={"writer": writer, "error": text})


def _summary(value: Mapping[str, Any]) -> Summary:
    parts: dict[str, Any] = {name: tuple(part) if isinstance(part, list) else part for name, part in value.items()}
    return Summary(**parts)
