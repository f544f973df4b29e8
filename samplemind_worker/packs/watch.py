"""Takes in packs as they appear in a folder."""

import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Final

from config.locations import Location
from config.settings import Settings
from samplemind_worker.errors import ServiceUnavailableError
from samplemind_worker.packs import ingest
from samplemind_worker.packs.inbox import DONE, REFUSED, UNKNOWN, Found, Inbox
from samplemind_worker.packs.report import Report

_LOOK_EVERY: Final = 2.0  # s without an event: network folders send none, and an unchanged pack becomes complete
_TRY_AGAIN: Final = 300.0  # s until a pack is tried again that could not be taken, because the disk was full
_MOST_NAMED: Final = 20


def watch(settings: Settings, folder: Path, *, say: ingest.Say) -> Iterator[Report]:
    """Take in the complete packs of a folder, now and whenever it changes; yield a report each time that any was taken.

    Raises
    ------
    UsageError
        If there is no such folder, or it and the library are in each other.
    """
    inbox = Inbox(ingest.require_inbox(settings, folder))
    library = settings.library_folder
    say(f"packs in {inbox.folder} (zips, folders, single files) are taken into {library}; Ctrl-C ends it")
    say(f"originals are moved to {inbox.folder / DONE}, or to {inbox.folder / REFUSED} with the reason")
    if there := inbox.look().packs:
        _announce(there, library, say)
        if settle := settings.inbox_settle_seconds:
            say(f"that begins in {settle:g} s; Ctrl-C leaves all of it where it is")
            time.sleep(settle)
    named = {pack.path for pack in there}
    tried: set[tuple[str, int]] = set()
    again = 0.0
    for _ in _news(inbox.folder):
        look = inbox.look()
        if time.monotonic() > again:
            tried.clear()
        ready = {
            (pack.path, pack.changed_ns)
            for pack in look.packs
            if look.is_complete(pack, settle=settings.inbox_settle_seconds)
        }
        if ready - tried:
            _announce([pack for pack in look.packs if pack.path not in named], library, say)
            named = {pack.path for pack in look.packs}
            try:
                report = ingest.ingest(settings, inbox=inbox.folder, wait_for_incomplete=False, say=say)
            except ServiceUnavailableError as error:
                say(f"{error}; trying again")
                continue
            tried, again = ready, time.monotonic() + _TRY_AGAIN
            if report is not None and report.has_news:
                yield report


def _announce(packs: Sequence[Found], library: Location, say: ingest.Say) -> None:
    """Say where packs will go."""
    for pack in packs[:_MOST_NAMED]:
        say(f"{pack.path} goes into {library}/{pack.vendor or UNKNOWN}/{pack.title}")
    if len(packs) > _MOST_NAMED:
        say(f"and {len(packs) - _MOST_NAMED:,} more")


def _news(folder: Path) -> Iterator[object]:
    """Yield at once, whenever something changes, and every few seconds otherwise."""
    import watchfiles  # noqa: PLC0415 -- slow import

    yield None
    yield from watchfiles.watch(
        folder,
        # Hidden files are no packs, and `Inbox.look` makes one itself.
        watch_filter=lambda _, path: not Path(path).name.startswith("."),
        rust_timeout=int(_LOOK_EVERY * 1000),
        yield_on_timeout=True,
        ignore_permission_denied=True,
    )
