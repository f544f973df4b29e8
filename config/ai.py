"""Who is asked for summaries, in which order, and what it costs: ``ai.toml``, read once."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from enum import StrEnum
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any, Literal, get_args

SAMPLES_PER_REQUEST = 20
"""Most samples that any prompt is about; a writer's may be about fewer (`Writer.samples`)."""

ProviderName = Literal["claude", "gemini", "ollama", "openai", "local"]
_TABLE = Path(__file__).with_name("ai.toml")
_MILLION = 1_000_000
_CHARGING = frozenset({"claude", "gemini", "openai"})
"""Providers that cost money: a table that names one must have a price of it, which may be zero."""


SET_UP_BY: Mapping[ProviderName, str] = {
    "claude": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY", "openai": "OPENAI_API_KEY", "ollama": "OLLAMA_HOST",
}  # fmt: skip
"""The variable that sets up each provider that needs it."""


class AiTask(StrEnum):
    """What a summary is for: decides who writes it, and in which register."""

    AUDIO_ANALYSIS = "audio_analysis"
    GENRE = "genre"
    BATCH = "batch"
    COACHING = "coaching"
    MIXING = "mixing"
    CREATIVE = "creative"
    THEORY = "theory"
    HARMONY = "harmony"
    OFFLINE = "offline"
    PRIVACY = "privacy"


PRIVATE = frozenset({AiTask.OFFLINE, AiTask.PRIVACY})
"""What is asked for these is asked of their route alone, then and later; what nobody on it writes is left to local."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A provider with one of its models, under a name that routes use."""

    name: str
    provider: ProviderName
    model: str | None
    thinking: int = 0
    """Output tokens that the model may think with."""
    samples: int = SAMPLES_PER_REQUEST
    """Most samples that one request is about."""

    @property
    def account(self) -> str:
        """What its rates and pauses are kept under: those of one model are shared."""
        return f"{self.provider}:{self.model}"


@dataclass(frozen=True, slots=True)
class Price:
    """USD for a million tokens."""

    input: float
    output: float

    def of(self, *, input_tokens: int, output_tokens: int) -> float:
        """Return what these tokens cost in USD."""
        return (input_tokens * self.input + output_tokens * self.output) / _MILLION


@dataclass(frozen=True, slots=True)
class Expected:
    """Tokens that a summary uses as a rule; only `submit --dry-run` goes by it. A table may have others."""

    request: int = 900
    """What one request says in any case."""
    question: int = 150
    """What each sample adds to it."""
    reply: int = 350
    """What is said about each sample."""

    def of(self, samples: int, writer: Writer) -> tuple[int, int, int]:
        """Return requests, input tokens and output tokens for so many samples that a writer is asked about."""
        requests = -(-samples // writer.samples)
        return requests, requests * self.request + samples * self.question, samples * self.reply


@dataclass(frozen=True, slots=True)
class Rates:
    """What a provider allows; None where it sets no limit."""

    requests_a_minute: int | None = None
    tokens_a_minute: int | None = None
    requests_a_day: int | None = None


@dataclass(frozen=True, slots=True)
class _Model:
    provider: str
    prices: tuple[tuple[date, Price], ...]
    batch_discount: float
    rates: Rates


@dataclass(frozen=True, slots=True)
class AiTable:
    """The whole table."""

    routes: Mapping[AiTask, tuple[str, ...]]
    writers: Mapping[str, Writer]
    expected: Expected
    _models: Mapping[str, _Model] = field(repr=False)

    def route(self, task: AiTask) -> tuple[Writer, ...]:
        """Return who may write for this task, first choice first."""
        return tuple(self.writers[name] for name in self.routes[task])

    def price(self, writer: Writer, *, batch: bool = False, on: date | None = None) -> Price:
        """Return the price of a writer's tokens, now or on a day.

        A model that the table does not list for its provider costs as much as the dearest listed one, and nothing if
        there is none.
        """
        day = on or datetime.now(UTC).date()
        known = self._known(writer)
        listed = [known] if known else [model for model in self._models.values() if model.provider == writer.provider]
        prices = [(_on(model, day), 1.0 - model.batch_discount if batch else 1.0) for model in listed]
        return Price(
            max((price.input * part for price, part in prices), default=0.0),
            max((price.output * part for price, part in prices), default=0.0),
        )

    def rates(self, writer: Writer) -> Rates:
        """Return what the provider allows for a writer's model; an unlisted model has no limit but its own replies."""
        known = self._known(writer)
        return known.rates if known else Rates()

    def _known(self, writer: Writer) -> _Model | None:
        found = self._models.get(writer.model or "")
        return found if found is not None and found.provider == writer.provider else None


def ways_to_set_up(writers: Iterable[Writer]) -> str:
    """Say which variable sets up any of these writers: ``A``, or ``A, B or C``; empty if none of them needs one."""
    names = list(dict.fromkeys(SET_UP_BY[writer.provider] for writer in writers if writer.provider in SET_UP_BY))
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _on(model: _Model, day: date) -> Price:
    begun = [price for start, price in model.prices if start <= day]
    return begun[-1] if begun else model.prices[0][1]


@lru_cache(maxsize=4)
def load_table(path: Path | None = None, models: tuple[tuple[str, str], ...] = ()) -> AiTable:
    """Read the table, the one that ships or one of your own, and put other models in.

    Raises
    ------
    ValueError
        If it is no such table; the message names the file and the entry.
    """
    path = path or _TABLE
    try:
        return _parse(tomllib.loads(path.read_text(encoding="utf-8")), dict(models))
    except KeyError as error:
        raise ValueError(f"{path}: {error.args[0]!r} is missing") from error
    except (OSError, TypeError, AttributeError, ValueError) as error:
        raise ValueError(f"{path}: {error}") from error


def _parse(data: dict[str, Any], models: dict[str, str]) -> AiTable:
    if unknown := models.keys() - data["writers"].keys():
        raise ValueError(f"SAMPLEMIND_AI_MODELS names no writer: {', '.join(sorted(unknown))}")
    writers = {
        name: Writer(
            name,
            entry["provider"],
            models.get(name, entry.get("model")),
            entry.get("thinking", 0),
            entry.get("samples", SAMPLES_PER_REQUEST),
        )
        for name, entry in data["writers"].items()
    }
    for writer in writers.values():
        if writer.provider not in get_args(ProviderName):
            raise ValueError(f"writers.{writer.name}: no provider {writer.provider!r}")
        if (writer.model is None) != (writer.provider == "local"):
            raise ValueError(f"writers.{writer.name}: a model is needed, but for local")
        if not 1 <= writer.samples <= SAMPLES_PER_REQUEST:
            raise ValueError(f"writers.{writer.name}: samples must be 1 to {SAMPLES_PER_REQUEST}")
    routes = {task: tuple(data["routes"][task.value]) for task in AiTask}
    for task, names in routes.items():
        if missing := [name for name in names if name not in writers]:
            raise ValueError(f"routes.{task.value}: no writer {missing[0]!r}")
    expected = Expected(**data.get("expected", {}))
    listed = {name: _model(name, entry) for name, entry in data["models"].items()}
    priced = {model.provider for model in listed.values()}
    for writer in writers.values():
        if writer.provider in _CHARGING and writer.provider not in priced:
            raise ValueError(f"writers.{writer.name}: no price of any model of {writer.provider}: no cap would hold")
    return AiTable(routes, writers, expected, listed)


def _model(name: str, entry: dict[str, Any]) -> _Model:
    prices = [
        (price["from"], Price(float(price["input"]), float(price["output"])))
        for price in sorted(entry["prices"], key=itemgetter("from"))
    ]
    if not prices:
        raise ValueError(f"models.{name}: it has no price")
    if any(price.input < 0 or price.output < 0 for _, price in prices):
        raise ValueError(f"models.{name}: a price is below zero")
    return _Model(entry["provider"], tuple(prices), float(entry.get("batch_discount", 0.0)), Rates(**entry["rates"]))
