"""What the library holds, at a glance."""

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Annotated, Any, Final

from pydantic import Field
from typing_extensions import TypedDict

from samplemind_worker.finding import terms
from samplemind_worker.store import batches, mongo, overview, unfinished

PACKS: Final = 20
"""Packs that are listed; the others are only counted."""
DAYS: Final = (7, 30)


class Copies(TypedDict):
    """All files but one of each content."""

    files: int
    """How many they are."""
    bytes: int
    """Their size."""


TempoStep = TypedDict(
    "TempoStep",
    {
        "from": Annotated[int, Field(description="BPM, included.")],
        "to": Annotated[int, Field(description="BPM, not included.")],
        "contents": Annotated[int, Field(description="How many contents have a tempo in between.")],
    },
)
TempoStep.__doc__ = "A range of tempi."


class Overview(TypedDict):
    """What the library holds. Files count every copy; all other counts are of distinct contents."""

    files: int
    """All files that were analysed."""
    contents: int
    """Distinct contents."""
    seconds: float
    """Their duration."""
    bytes: int
    """Their size."""
    copies: Copies
    """What is there more than once."""
    kinds: dict[str, int]
    """Contents by kind."""
    instruments: dict[str, int]
    """Contents by instrument, the most frequent first."""
    keys: dict[str, int]
    """Contents by Camelot code."""
    tempi: list[TempoStep]
    """Contents by tempo, from the slowest to the fastest."""
    packs: dict[str, int]
    """Contents of the largest packs."""
    pack_count: int
    """How many packs there are."""
    added: dict[str, int]
    """Contents that were analysed for the first time within 7 and 30 days."""
    open: int
    """Files that are submitted and not analysed yet."""
    failed: dict[str, int]
    """Files that failed, by the code of the error."""


@mongo.synchronous
async def summary(roots: Collection[str] | None = None, admits: Callable[[str], bool] = bool) -> dict[str, Any]:
    """Return the JSON object of `library --json`.

    Files count every copy; all other counts and sums are of distinct contents. With ``roots`` only what lies in them is
    counted, and no packs; ``admits`` says whether a root is one of them.
    """
    if roots is None:
        seen, counts = None, await overview.counts.aio()
    else:
        seen = terms.seen_values(roots)
        counts = await overview.counts_of.aio(seen, roots)
    groups, packs = counts["groups"], counts["packs"]
    added = await overview.added_within.aio(DAYS, seen)
    made: Overview = {
        "files": _files(counts),
        "contents": _total(groups, "contents"),
        "seconds": round(_total(groups, "seconds"), 3),
        "bytes": _total(groups, "bytes"),
        "copies": counts["copies"],
        "kinds": _by(groups, "kind"),
        "instruments": _by(groups, "instrument"),
        "keys": dict(sorted(_by(groups, "camelot").items(), key=_on_the_wheel)),
        "tempi": _tempi(groups),
        "packs": {pack["name"]: pack["contents"] for pack in packs[:PACKS]},
        "pack_count": len(packs),
        "added": {str(days): count for days, count in added.items()},
        "open": await _open(admits),
        "failed": await overview.failures.aio(admits),
    }
    return {**made}


@mongo.synchronous
async def count_files() -> int:
    """Count all files that were analysed, with every copy."""
    return _files(await overview.counts.aio())


def _files(counts: Mapping[str, Any]) -> int:
    return _total(counts["groups"], "contents") + counts["copies"]["files"]


def _total(groups: Iterable[Mapping[str, Any]], name: str) -> Any:
    return sum(group[name] for group in groups)


def _by(groups: Iterable[Mapping[str, Any]], name: str) -> dict[str, int]:
    """Count the contents by one answer, the most frequent first; those without an answer are left out."""
    counts: Counter[str] = Counter()
    for group in groups:
        if group.get(name) is not None:
            counts[group[name]] += group["contents"]
    return dict(sorted(counts.items(), key=lambda pair: (-pair[1], pair[0])))


def _on_the_wheel(pair: tuple[str, int]) -> tuple[int, str]:
    return int(pair[0][:-1]), pair[0][-1]


def _tempi(groups: Iterable[Mapping[str, Any]]) -> list[TempoStep]:
    """Return the contents per step of tempo, from the slowest to the fastest."""
    counts: Counter[int] = Counter()
    for group in groups:
        if group.get("tempo") is not None:
            counts[int(group["tempo"]) * overview.TEMPO_STEP] += group["contents"]
    steps = range(min(counts), max(counts) + 1, overview.TEMPO_STEP) if counts else ()
    return [{"from": step, "to": step + overview.TEMPO_STEP, "contents": counts[step]} for step in steps]


async def _open(admits: Callable[[str], bool]) -> int:
    """Count the files of batches in admitted roots alone that are submitted and not analysed yet."""
    count = 0
    for batch in await unfinished.batch_ids.aio():
        job = await batches.find.aio(batch)
        if not all(admits(each.root) for each in job.roots):
            continue
        report = await batches.report.aio(job)
        count += report["pending"] + report["running"]
    return count
