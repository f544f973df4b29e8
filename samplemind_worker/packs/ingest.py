"""Takes in the packs of an inbox: each is unpacked into the library, recorded as a batch, and moved away.

A pack's state is recorded before the action that it stands for (`documents.pack`), so the next run finishes the work of
a killed one. One run works at a time, under a lease. Originals are moved, never changed or deleted.
"""

import os
import secrets
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Final

from config.locations import Location, ObjectPath
from config.settings import Settings
from samplemind_worker.documents.batch import BatchStatus
from samplemind_worker.documents.pack import Pack, PackState
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import PackNotNowError, PackRefusedError, UsageError
from samplemind_worker.packs import sources
from samplemind_worker.packs.archive import Limits
from samplemind_worker.packs.inbox import UNKNOWN, Found, Inbox
from samplemind_worker.packs.report import Outcome, Report
from samplemind_worker.packs.shelf import BucketShelf, FolderShelf
from samplemind_worker.packs.sources import Source
from samplemind_worker.packs.staging import Budget
from samplemind_worker.store import batches, library, mongo, packs, results
from samplemind_worker.submission import scan
from samplemind_worker.submission.listing import Listing
from samplemind_worker.submission.options import SubmitOptions

_LEASE: Final = 60.0  # s
_PAUSE: Final = 0.5  # s between two listings of the inbox
_PAGE: Final = 1000
_MOST_NAMESAKES: Final = 1000
_LONGEST_NAME: Final = 200  # bytes of a folder in the library
_STILL_CHANGES: Final = "it still changes; a file named like it with .done at the end says that it is complete"

Say = Callable[[str], None]


def ingest(
    settings: Settings,
    *,
    inbox: Path | None = None,
    wait_for_turn: bool = True,
    wait_for_incomplete: bool = True,
    say: Say,
) -> Report | None:
    """Take in the complete packs of an inbox; return None if another run is working and is not waited for.

    A run that waits for incomplete packs gives them the time to become complete, once.

    Raises
    ------
    UsageError
        If there is no such inbox, or inbox and library are in each other.
    """
    place = require_inbox(settings, inbox)
    began = mongo.now()
    run = f"{began:%Y%m%d-%H%M%S}-{secrets.token_hex(3)}"
    told = False
    while not packs.take_turn(run, lease=_LEASE):
        if not wait_for_turn:
            return None
        if not told:
            say("another run takes in packs; waiting for its end")
            told = True
        time.sleep(_PAUSE)
    with packs.turn_kept(run, lease=_LEASE):
        made = _Run(settings, Inbox(place), run, began, say)
        made.all(wait_for_incomplete=wait_for_incomplete)
        packs.note_run(run, began=began)
    return made.report


def refresh(report: Report) -> None:
    """Bring a report's counts of failed and pending files up to date, and what their summaries have cost."""
    states = [batches.report(batches.find(batch_id)) for batch_id in report.batches]
    report.failed = sum(state["failed"] for state in states)
    report.pending = sum(state["pending"] + state["running"] for state in states)
    report.spent_usd = sum(state["ai"]["usd"] for state in states)


def limits(settings: Settings) -> Limits:
    """Return the limits of one pack."""
    return Limits(
        entries=settings.pack_max_entries,
        bytes=settings.pack_max_bytes,
        ratio=settings.pack_max_ratio,
        depth=settings.pack_max_depth,
        name_bytes=settings.pack_max_name_bytes,
    )


def require_inbox(settings: Settings, given: Path | None) -> Path:
    """Return the folder to take packs from; the one of the settings is created if it is missing.

    Raises
    ------
    UsageError
        If the folder does not exist, inbox and library are in each other, or the library is below no root.
    """
    place = Path(os.path.abspath(given or settings.inbox_folder))  # noqa: PTH100 -- keep links
    if given is None:
        place.mkdir(parents=True, exist_ok=True)
    if not place.is_dir():
        raise UsageError(f"no such folder: {place}")
    root = settings.library_folder
    if settings.roots:
        try:
            library.locate(root, settings.roots)
        except UsageError as error:
            raise UsageError(f"SAMPLEMIND_LIBRARY_ROOT: {error}") from error
    if isinstance(root, Path):
        real_inbox, real_root = place.resolve(), root.resolve()
        if real_inbox.is_relative_to(real_root) or real_root.is_relative_to(real_inbox):
            raise UsageError(f"the inbox {place} and the library {root} must not lie in each other")
    return place


class _Run:
    """One run, which holds the lease."""

    def __init__(self, settings: Settings, inbox: Inbox, run: str, began: datetime, say: Say) -> None:
        self._settings, self._inbox, self._run, self._say = settings, inbox, run, say
        self._root, self._shelf = settings.library_folder, _shelf_of(settings)
        self._name = library.shown(inbox.folder)
        self._started = time.monotonic()
        self._seen: set[str] = set()
        self._new: set[str] = set()
        self.report = Report(run, self._name, library.shown(self._root), began)

    def all(self, *, wait_for_incomplete: bool) -> None:
        """Take in the complete packs."""
        settle = self._settings.inbox_settle_seconds
        last_look = time.monotonic() + settle + _PAUSE
        while True:
            look = self._inbox.look()
            left = [pack for pack in look.packs if pack.path not in self._seen]
            for pack in left:
                if look.is_complete(pack, settle=settle):
                    self._seen.add(pack.path)
                    self._take(pack)
            left = [pack for pack in left if pack.path not in self._seen]
            if not left or not wait_for_incomplete or time.monotonic() > last_look:
                break
            soonest = settle - (look.now_ns - min(pack.changed_ns for pack in left)) / 1e9
            time.sleep(max(_PAUSE, min(soonest, last_look - time.monotonic())))
        self.report.outcomes += [Outcome(library.shown(pack.path), "waiting", _STILL_CHANGES) for pack in left]
        self.report.left_alone = [library.shown(name) for name in look.left_alone]
        self._clear_up({pack.path for pack in left})
        refresh(self.report)
        self.report.seconds = time.monotonic() - self._started

    def _take(self, found: Found) -> None:
        """Take in one pack, refuse it, or leave it for the next run; no error of a pack ends the run."""
        outcome = Outcome(library.shown(found.path), "taken")
        self._say(f"taking {found.path}")
        try:
            with sources.opened(self._inbox, found, limits(self._settings)) as source:
                outcome.digest = source.digest
                origin = packs.Origin(source.digest, self._name, outcome.pack, found.kind)
                try:
                    pack = packs.find(source.digest)
                    if pack is None or pack.state not in (PackState.RECORDED, PackState.DONE):
                        pack = self._into_library(found, source, origin, pack)
                except PackRefusedError as error:
                    self._refuse(found, origin, outcome, str(error))
                else:
                    self._finish(found, pack, outcome)
        except (PackNotNowError, UsageError) as error:
            outcome.status, outcome.reason = "postponed", str(error)
        except OSError as error:
            place = library.shown(str(error.filename or ""))
            outcome.status, outcome.reason = "postponed", f"{error.strerror}: {place}"
        if outcome.reason is not None:
            self._say(f"{outcome.status} {found.path}: {outcome.reason}")
        self.report.outcomes.append(outcome)

    def _refuse(self, found: Found, origin: packs.Origin, outcome: Outcome, reason: str) -> None:
        packs.require_turn(self._run)
        packs.refuse(origin, run=self._run, reason=reason)
        outcome.status, outcome.reason = "refused", reason
        words = f"{outcome.pack} was refused: {reason}. Put it into the inbox again when that has changed."
        outcome.moved_to = library.shown(self._inbox.move_refused(found, words))

    def _into_library(self, found: Found, source: Source, origin: packs.Origin, earlier: Pack | None) -> Pack:
        size, left_out = source.plan()
        folder = self._folder_of(earlier)
        pack = packs.begin(origin, run=self._run, folders=[folder] if folder else self._folders(found, origin.digest))
        if not self._shelf.has(pack):
            self._fill(pack, source, size=size, left_out=dict(left_out))
        return self._record(pack)

    def _folder_of(self, pack: Pack | None) -> str | None:
        """Return the folder that an earlier run chose, if it is still free or holds this pack."""
        if pack is None or pack.folder is None:
            return None
        # What lies in a bucket at the folder of this pack may be what a killed run has written.
        is_ours = self._shelf.has(pack) or isinstance(self._root, ObjectPath)
        return pack.folder if is_ours or not self._shelf.holds(pack.folder) else None

    def _folders(self, found: Found, digest: str) -> Iterator[str]:
        """Yield the free folders for the pack in the library, in order of preference."""
        vendor, title = _folder_name(found.vendor or UNKNOWN), _folder_name(found.title)
        names = (title if number == 1 else f"{title}-{number}" for number in range(1, _MOST_NAMESAKES))
        for name in (*names, f"{title}-{digest[:16]}"):
            if not self._shelf.holds(f"{vendor}/{name}"):
                yield f"{vendor}/{name}"

    def _fill(self, pack: Pack, source: Source, *, size: int, left_out: dict[str, int]) -> None:
        """Write the pack's audio into its folder."""
        with self._shelf.filling(pack, run=self._run, size=size) as stage:
            written = [stage.write(parts, blocks) for parts, blocks in source.contents()]
            inode = stage.inode
            new = _not_analysed([content for content, _ in written]) - self._new
            self._new |= new
            packs.update(
                pack.id,
                run=self._run,
                inode=inode,
                batch_id=None,
                files=len(written),
                new=len(new),
                bytes=sum(length for _, length in written),
                left_out=left_out,
            )
            packs.require_turn(self._run)
            stage.place((pack.folder or "").partition("/")[2])
        if inode is None:
            packs.update(pack.id, run=self._run, uploaded=True)

    def _record(self, pack: Pack) -> Pack:
        """Record the pack's batch, unless it is recorded."""
        earlier = packs.find(pack.id)
        batch_id = None if earlier is None else earlier.batch_id
        if batch_id is None or not _is_recorded(batch_id):
            scan.submit(
                Listing([_below(self._root, pack.folder or "")]),
                SubmitOptions(name=pack.folder, priority="bulk"),
                settings=self._settings,
                on_created=lambda made: packs.update(pack.id, run=self._run, batch_id=made),
            )
        packs.update(pack.id, run=self._run, state=PackState.RECORDED.value)
        return packs.find(pack.id) or pack

    def _finish(self, found: Found, pack: Pack, outcome: Outcome) -> None:
        """Move the original away, and complete the outcome."""
        outcome.status = "known" if pack.state is PackState.DONE else "taken"
        outcome.folder, outcome.batch_id = pack.folder, pack.batch_id
        outcome.files, outcome.new, outcome.bytes, outcome.left_out = pack.files, pack.new, pack.bytes, pack.left_out
        packs.require_turn(self._run)
        outcome.moved_to = library.shown(self._inbox.move_done(found))
        if pack.state is not PackState.DONE:
            packs.adopt(pack.id, run=self._run)
            packs.finish(pack.id, run=self._run)

    def _clear_up(self, waiting: set[str]) -> None:
        """End the packs that a killed run began and whose original is gone or was replaced."""
        for pack in packs.unfinished():
            if pack.inbox != self._name or pack.run == self._run or pack.source in waiting:
                continue
            packs.adopt(pack.id, run=self._run)
            outcome = Outcome(pack.source, "taken", digest=pack.id)
            if pack.state is PackState.RECORDED or self._shelf.has(pack):
                pack = self._record(pack)  # noqa: PLW2901 -- with its batch
                packs.finish(pack.id, run=self._run)
                outcome.folder, outcome.batch_id, outcome.files, outcome.new = (
                    pack.folder,
                    pack.batch_id,
                    pack.files,
                    pack.new,
                )
            else:
                outcome.status, outcome.reason = "refused", "it vanished, or changed, while it was being taken"
                self._shelf.discard(pack)
                packs.refuse(
                    packs.Origin(pack.id, pack.inbox, pack.source, pack.kind), run=self._run, reason=outcome.reason
                )
            self.report.outcomes.append(outcome)


def _is_recorded(batch_id: str) -> bool:
    """Return whether a batch was recorded completely; abandon it if not."""
    try:
        job = batches.find(batch_id)
    except UsageError:  # the record was restored from an older copy
        return False
    if job.recorded and job.status is not BatchStatus.FAILED:
        return True
    batches.abandon(batch_id)
    return False


def _shelf_of(settings: Settings) -> FolderShelf | BucketShelf:
    place = settings.library_folder
    if isinstance(place, ObjectPath):
        return BucketShelf(place, settings.pack_max_bytes)
    return FolderShelf(place, Budget(settings.pack_max_bytes, settings.pack_free_bytes))


def _below(place: Location, folder: str) -> Location:
    return place.at(folder) if isinstance(place, ObjectPath) else place / folder


def _not_analysed(contents: list[str]) -> set[str]:
    """Return the contents that are not analysed completely by the current versions of the steps."""
    left = set(contents)
    for start in range(0, len(contents), _PAGE):
        found = results.progress_of(contents[start : start + _PAGE])
        left -= {content for content, row in found.items() if row["versions"].items() >= VERSIONS.items()}
    return left


def _folder_name(name: str) -> str:
    """Return a name for a folder of the library: printable text, neither hidden nor too long."""
    shown = library.shown(name)
    text = "".join(letter if letter.isprintable() else "_" for letter in shown).strip().lstrip(".").strip()
    return text.encode()[:_LONGEST_NAME].decode(errors="ignore") or "pack"
