"""Checks of a running deployment: who writes summaries, what that cost, its vectors, and the machines that work."""

from collections.abc import Generator
from contextlib import closing, contextmanager

from config.ai import AiTask, Writer, load_table
from config.queues import AI, CPU, IO, ROLE_TO_START
from config.settings import Settings
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import ServiceUnavailableError, SetupError, TransientError
from samplemind_worker.local_services.checks import Check
from samplemind_worker.text import plural

_NEARLY_ALL = 0.95  # of a cap: what is left is not enough for a request
_TIMEOUT = 3.0  # s for one reply of Chroma


def summaries(settings: Settings, answering: set[str]) -> Check:
    """Say which providers write summaries and what that cost, without a request to any of them."""
    try:
        table = load_table(settings.ai_table, tuple(sorted(settings.ai_models.items())))
    except ValueError as error:
        mend = "mend that entry, or SAMPLEMIND_AI_TABLE and SAMPLEMIND_AI_MODELS"
        return Check("summaries", ok=False, detail=str(error), mend=mend)
    able = [each for each in table.writers.values() if each.provider != "local" and settings.can_ask(each.provider)]
    if not able:
        return Check("summaries", ok=True, detail="by the local describer; no key of a provider is set")
    asked = [writer for writer in table.route(AiTask.AUDIO_ANALYSIS) if writer in able]
    details = [f"asked: {', '.join(f'{each.name} ({each.model})' for each in asked) or 'nobody'}"]
    mends: list[str] = []
    if idle := sorted({each.provider for each in able} - {each.provider for each in asked}):
        details.append(f"set up, but on no route: {', '.join(idle)}")
        mends.append("put it on a route of SAMPLEMIND_AI_TABLE, or use `samplemind summarize --provider`")
    if answering & {"mongod", "mongodb"}:
        _add_money(settings, details, mends)
    if answering & {"valkey", "redis"}:
        _add_pauses(settings, able, details, mends)
    return Check("summaries", ok=True, detail="; ".join(details), mend="; ".join(mends))


@contextmanager
def _record(settings: Settings) -> Generator[None]:
    """Open the record for the block, unless it is open."""
    from samplemind_worker.store import mongo  # noqa: PLC0415 -- slow import

    opened = False
    try:
        mongo.database()
    except ServiceUnavailableError:
        url = settings.mongodb_url
        mongo.connect(url.get_secret_value() if url else "", database=settings.database, create_indexes=False)
        opened = True
    try:
        yield
    finally:
        if opened:
            mongo.close()


def vectors(settings: Settings) -> list[Check]:
    """Compare the vectors in Chroma with the record; nothing if a store stops answering meanwhile."""
    from samplemind_worker.store.vectors import Vectors  # noqa: PLC0415 -- slow import
    from samplemind_worker.upkeep import index_health  # noqa: PLC0415 -- slow import

    url, version = settings.chroma_url.get_secret_value() if settings.chroma_url else "", VERSIONS["store"]
    try:
        with _record(settings), Vectors(url, database=settings.database, version=version, seconds=_TIMEOUT) as vectors:
            health = index_health.compare(vectors)
    except (TransientError, SetupError):
        return []  # its own line says what is wrong
    if not health.message:
        return [Check("vectors", ok=True, detail=f"has {plural(health.expected, 'vector')}, as the record")]
    detail, _, mend = health.message.rpartition("; ")
    return [Check("vectors", ok=False, detail=detail, mend=mend)]


def workers(settings: Settings) -> list[Check]:
    """Say which machines have workers that take work; nothing if Redis stops answering meanwhile."""
    from samplemind_worker.store.cache import Board  # noqa: PLC0415 -- slow import

    url = settings.redis_url.get_secret_value() if settings.redis_url else ""
    try:
        with closing(Board(url, settings.database)) as board:
            signs = board.workers()
    except (TransientError, SetupError):
        return []  # its own line says what is wrong
    kinds = [CPU, IO, *([AI] if settings.can_ask_a_model else [])]
    read = {kind: [sign for sign in signs if settings.queues.of(kind) in sign.queues] for kind in kinds}
    details = [
        f"{kind}: " + (", ".join(sorted(f"{sign.host} ({sign.slots})" for sign in found)) or "none")
        for kind, found in read.items()
    ]
    missing = [f"`samplemind worker --queues {ROLE_TO_START[kind]}`" for kind, found in read.items() if not found]
    return [
        Check(
            "workers",
            ok=True,
            detail="; ".join(details),
            mend=f"files wait until one is started: {', '.join(missing)}" if missing else "",
        )
    ]


def _add_money(settings: Settings, details: list[str], mends: list[str]) -> None:
    from samplemind_worker.documents.spend import from_usd, to_usd  # noqa: PLC0415 -- slow import
    from samplemind_worker.store import ai_jobs, spend  # noqa: PLC0415 -- slow import

    try:
        with _record(settings):
            spent, coming = spend.counted(), len(ai_jobs.contents_under_way())
    except (TransientError, SetupError):
        return  # its own line says what is wrong
    caps = (("day", "today", settings.ai_budget_day_usd), ("month", "this month", settings.ai_budget_month_usd))
    for (name, now, cap), micro in zip(caps, spent, strict=True):
        details.append(f"{to_usd(micro):.4f} of {cap} USD spent {now}")
        if micro >= _NEARLY_ALL * from_usd(cap):
            mends.append(f"raise SAMPLEMIND_AI_BUDGET_{name.upper()}_USD, or wait for the next {name} (UTC)")
    if coming:
        details.append(f"{coming:,} to come from a batch API")


def _add_pauses(settings: Settings, writers: list[Writer], details: list[str], mends: list[str]) -> None:
    from samplemind_worker.store.limits import Limiter  # noqa: PLC0415 -- slow import

    limiter = Limiter(settings.redis_url.get_secret_value() if settings.redis_url else "", settings.database)
    for writer in writers:
        if (busy := limiter.held(writer.account)) is not None:
            details.append(f"{writer.name} is left in peace for {busy.seconds:.0f} s: {busy.reason}")
            if busy.reason.startswith("setup"):
                mends.append(f"mend what {writer.name} refuses, and wait or restart")
    limiter.close()
