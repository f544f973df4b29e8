"""The providers of summaries, and the table of routes, models and prices (``ai.toml``), which is read once."""

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
"""Most samples that one prompt covers; a writer may take fewer (`Writer.samples`)."""

ProviderName = Literal["claude", "gemini", "ollama", "openai", "local"]
_TABLE = Path(__file__).with_name("ai.toml")


@dataclass(frozen=True, slots=True)
class ProviderFacts:
    """What the program needs to know about a provider. Its adapter is the module of its name in `providers`."""

    setting: str | None
    """The field of `Settings` that holds its key, or its address; None if it needs neither."""
    needs_key: bool = True
    charges: bool = False
    """Whether it costs money. A table with a writer of such a provider must have a price for it, which may be zero."""
    has_batch_api: bool = False
    accepts_own_server: bool = False
    """Whether an address in SAMPLEMIND_AI_URLS is enough, without a key."""

    @property
    def variable(self) -> str | None:
        """The environment variable that sets it up, under its usual name."""
        return None if self.setting is None else self.setting.upper()


PROVIDERS: Mapping[ProviderName, ProviderFacts] = {
    "claude": ProviderFacts("anthropic_api_key", charges=True, has_batch_api=True),
    "gemini": ProviderFacts("gemini_api_key", charges=True, has_batch_api=True),
    "ollama": ProviderFacts("ollama_host", needs_key=False),
    "openai": ProviderFacts("openai_api_key", charges=True, accepts_own_server=True),
    "local": ProviderFacts(None, needs_key=False),
}


class AiTask(StrEnum):
    """What a summary is for. It decides which writers are asked and which prompt they get."""

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
"""Only writers on the route of these tasks are ever asked for them; otherwise the local describer writes."""


@dataclass(frozen=True, slots=True)
class Writer:
    """A provider with one of its models, under the name that routes use."""

    name: str
    provider: ProviderName
    model: str | None
    thinking: int = 0
    """Most output tokens that the model may spend on reasoning."""
    samples: int = SAMPLES_PER_REQUEST
    """Most samples per request."""

    @property
    def account(self) -> str:
        """The key of its rate limits and pauses; writers that use the same model share them."""
        return f"{self.provider}:{self.model}"


@dataclass(frozen=True, slots=True)
class Price:
    """USD per million tokens; `documents.spend.micro_usd` computes with it."""

    input: float
    output: float


@dataclass(frozen=True, slots=True)
class Expected:
    """Tokens that summaries usually take. Only `submit --dry-run` uses them; a table may set others."""

    request: int = 900
    """Input tokens per request, without its samples."""
    question: int = 150
    """Input tokens per sample."""
    reply: int = 350
    """Output tokens per sample."""

    def of(self, samples: int, writer: Writer) -> tuple[int, int, int]:
        """Return the requests, input tokens and output tokens that a writer takes for this number of samples."""
        requests = -(-samples // writer.samples)
        return requests, requests * self.request + samples * self.question, samples * self.reply


@dataclass(frozen=True, slots=True)
class Rates:
    """The limits that a provider sets; None where there is none."""

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
    """The routes, writers and models of one table."""

    routes: Mapping[AiTask, tuple[str, ...]]
    writers: Mapping[str, Writer]
    expected: Expected
    _models: Mapping[str, _Model] = field(repr=False)

    def route(self, task: AiTask) -> tuple[Writer, ...]:
        """Return the writers for this task, first choice first."""
        return tuple(self.writers[name] for name in self.routes[task])

    def price(self, writer: Writer, *, batch: bool = False, on: date | None = None) -> Price:
        """Return the price of a writer's tokens, now or on a day.

        A model that the table does not list counts at the highest prices of its provider, or as free if none of that
        provider is listed.
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
        """Return the limits for a writer's model; an unlisted model has none but what its service answers."""
        known = self._known(writer)
        return known.rates if known else Rates()

    def _known(self, writer: Writer) -> _Model | None:
        found = self._models.get(writer.model or "")
        return found if found is not None and found.provider == writer.provider else None


def ways_to_set_up(writers: Iterable[Writer]) -> str:
    """Name the variables that set up one of these writers: ``A``, or ``A, B or C``; empty if none needs one."""
    variables = (PROVIDERS[writer.provider].variable for writer in writers)
    names = list(dict.fromkeys(variable for variable in variables if variable is not None))
    return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def _on(model: _Model, day: date) -> Price:
    begun = [price for start, price in model.prices if start <= day]
    return begun[-1] if begun else model.prices[0][1]


@lru_cache(maxsize=4)
def load_table(path: Path | None = None, models: tuple[tuple[str, str], ...] = ()) -> AiTable:
    """Read the table that ships, or the one at a path, and replace the models of single writers.

    Raises
    ------
    ValueError
        If the file is not such a table; the message names the file and the entry.
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
        if PROVIDERS[writer.provider].charges and writer.provider not in priced:
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
