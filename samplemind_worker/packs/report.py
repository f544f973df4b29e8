"""The report of a run of `ingest`, as JSON and as text; both are kept under ``reports``."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Literal, get_args

from typing_extensions import TypedDict

from samplemind_worker import times
from samplemind_worker.text import clean, plural

Status = Literal["taken", "known", "refused", "postponed", "waiting"]


class OutcomeReport(TypedDict):
    """The outcome of one pack."""

    pack: str
    """The name of the archive, folder or file in the inbox."""
    status: Status
    """What was done with it."""
    reason: str | None
    """Why it was refused or postponed, or what it waits for."""
    sha256: str | None
    """Hash of its contents, by which it is known again."""
    folder: str | None
    """Where it was unpacked."""
    moved_to: str | None
    """Where it was moved in the inbox."""
    batch_id: str | None
    """The batch that analyses it."""
    files: int
    """Audio files in it."""
    new: int
    """Files that were not known before."""
    known: int
    """Files that were known; they are not analysed again."""
    bytes: int
    """Its size, unpacked."""
    left_out: dict[str, int]
    """Entries that were left out, by the reason."""


class RunReport(TypedDict):
    """One run of `ingest`, or one time that `watch` has taken something in."""

    run: str
    """The id of the run."""
    inbox: str
    """The folder that packs were taken from."""
    library: str
    """The folder that they were unpacked into."""
    started_at: str
    """When it began (UTC, ISO 8601)."""
    seconds: float
    """How long it took."""
    packs: dict[str, int]
    """How many packs ended so, by status."""
    files: int
    """Audio files that were taken."""
    new: int
    """Files of them that were not known before."""
    known: int
    """Files of them that were known."""
    analyzed: int
    """Files whose result is there."""
    failed: int
    """Files whose analysis failed, so far."""
    pending: int
    """Files whose analysis has not ended yet."""
    summary_spend_usd: float
    """What their summaries have cost so far, in US dollars."""
    removed: dict[str, int]
    """What tidying has removed since the last report."""
    outcomes: list[OutcomeReport]
    """The packs, one by one."""
    left_alone: list[str]
    """Entries of the inbox that are neither archive, folder nor audio."""


@dataclass(slots=True)
class Outcome:
    """The outcome of one pack."""

    pack: str
    status: Status
    reason: str | None = None
    digest: str | None = None
    folder: str | None = None
    moved_to: str | None = None
    batch_id: str | None = None
    files: int = 0
    new: int = 0
    bytes: int = 0
    left_out: Mapping[str, int] = field(default_factory=dict[str, int])

    def as_dict(self) -> OutcomeReport:
        """Return it as an object of the report; files that were known are linked, not analysed again."""
        return {
            "pack": self.pack,
            "status": self.status,
            "reason": self.reason,
            "sha256": self.digest,
            "folder": self.folder,
            "moved_to": self.moved_to,
            "batch_id": self.batch_id,
            "files": self.files,
            "new": self.new,
            "known": self.files - self.new,
            "bytes": self.bytes,
            "left_out": dict(self.left_out),
        }


@dataclass(slots=True)
class Report:
    """One run."""

    run: str
    inbox: str
    library: str
    started_at: datetime
    seconds: float = 0.0
    outcomes: list[Outcome] = field(default_factory=list[Outcome])
    left_alone: list[str] = field(default_factory=list[str])
    failed: int = 0
    """Files whose analysis failed, so far."""
    pending: int = 0
    """Files whose analysis has not ended yet."""
    spent_usd: float = 0.0
    """What their summaries have cost, so far."""
    removed: Mapping[str, int] = field(default_factory=dict[str, int])
    """What tidying has removed since the last report: items of how many batches, contents and places."""

    def count(self, status: Status) -> int:
        """Return how many packs ended so."""
        return sum(outcome.status == status for outcome in self.outcomes)

    @property
    def batches(self) -> list[str]:
        """The batches that the run recorded."""
        return [outcome.batch_id for outcome in self.outcomes if outcome.status == "taken" and outcome.batch_id]

    @property
    def has_news(self) -> bool:
        """Something was taken or refused, or could not be."""
        return any(outcome.status != "waiting" for outcome in self.outcomes)

    @property
    def is_clean(self) -> bool:
        """Nothing was refused or failed, and nothing waits for help."""
        return not (self.count("refused") or self.count("postponed") or self.failed)

    def as_dict(self) -> RunReport:
        """Return the JSON object."""
        taken = [outcome for outcome in self.outcomes if outcome.status == "taken"]
        files, new = sum(outcome.files for outcome in taken), sum(outcome.new for outcome in taken)
        return {
            "run": self.run,
            "inbox": self.inbox,
            "library": self.library,
            "started_at": self.started_at.isoformat(timespec="milliseconds").replace("+00:00", "Z"),
            "seconds": round(self.seconds, 3),
            "packs": {status: self.count(status) for status in get_args(Status)},
            "files": files,
            "new": new,
            "known": files - new,
            "analyzed": files - self.failed - self.pending,
            "failed": self.failed,
            "pending": self.pending,
            "summary_spend_usd": round(self.spent_usd, 4),
            "removed": dict(self.removed),
            "outcomes": [outcome.as_dict() for outcome in self.outcomes],
            "left_alone": self.left_alone,
        }

    def as_text(self) -> str:
        """Return the report for people; names are written so that they steer no terminal."""
        values = self.as_dict()
        packs = ", ".join(f"{count} {status}" for status, count in values["packs"].items() if count) or "none"
        files, new, known = values["files"], values["new"], values["known"]
        lines = [
            f"Sample packs from {clean(self.inbox)}, {times.local(self.started_at)}",
            "",
            f"packs    {packs}",
            # The counts of each line add up to the files.
            f"files    {files:,}: {new:,} new, {known:,} known",
            f"so far   {values['analyzed']:,} analysed or linked, {self.failed:,} failed, {self.pending:,} pending",
            f"time     {times.span(self.seconds)}",
            f"spend    {values['summary_spend_usd']:.2f} USD on summaries",
            *_removed(self.removed),
            *(f"alone    {clean(name)}: neither archive, folder nor audio" for name in self.left_alone),
        ]
        if self.outcomes:
            lines.append("")
        for outcome in self.outcomes:
            said = {
                "taken": f"{plural(outcome.files, 'file')} ({outcome.new:,} new), batch {outcome.batch_id}, "
                f"in {clean(outcome.folder or '')}{_left_out(outcome)}",
                "known": f"taken before, in {clean(outcome.folder or '')}",
            }.get(outcome.status, clean(outcome.reason or ""))
            lines.append(f"{outcome.status:9} {clean(outcome.pack)}: {said}")
        return "\n".join(lines) + "\n"

    def write(self, folder: Path) -> Path:
        """Write both forms into a folder, each in one step; returns the path of the JSON."""
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = folder / f"ingest-{self.run}.json"
        for target, text in (
            (path, json.dumps(self.as_dict(), indent=1) + "\n"),
            (path.with_suffix(".txt"), self.as_text()),
        ):
            draft = target.with_name(f".{target.name}.new")
            draft.write_text(text, encoding="utf-8")
            draft.replace(target)
        return path


def _left_out(outcome: Outcome) -> str:
    """Return how many files of a pack were not taken, and why."""
    reasons = ", ".join(f"{count:,} {reason}" for reason, count in outcome.left_out.items())
    return f"; left out: {reasons}" if reasons else ""


def _removed(counts: Mapping[str, int]) -> list[str]:
    """Say what tidying has removed, if anything."""
    parts: list[str] = []
    if items := counts.get("items"):
        parts.append(
            f"{plural(items, 'file entry', 'file entries')} of "
            f"{plural(counts.get('batches', 0), 'batch', 'batches')} that ended long ago"
        )
    if contents := counts.get("contents"):
        parts.append(f"{plural(contents, 'analysis', 'analyses')} of files that are nowhere any more")
    return [f"removed  {', '.join(parts)}"] if parts else []
