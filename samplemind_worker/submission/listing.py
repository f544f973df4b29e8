"""Lists what lies at or below some paths in one walk, and looks for audio before anything is recorded."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from pathlib import Path
from typing import Final

from config.locations import Location, ObjectPath
from samplemind_worker.errors import UsageError
from samplemind_worker.store.library import absolute
from samplemind_worker.submission.walk import Found, nothing_found, require_readable, walk

_MOST_KEPT: Final = 20_000  # entries: about 10 MB


@dataclass(slots=True)
class Survey:
    """What a submission would take in, and what it would skip by the reasons for it."""

    audio: int = 0
    bytes: int = 0
    skipped: Counter[str] = field(default_factory=Counter[str])


class Listing:
    """What lies at or below some paths, each entry once.

    The first iteration continues the walk that `require_audio` began, so that no folder is read twice. What that walk
    has passed is kept in memory; if more than ``most_kept`` entries precede the first audio file, the iteration begins
    again instead.
    """

    def __init__(self, paths: Sequence[Location], *, most_kept: int = _MOST_KEPT) -> None:
        """Take the paths.

        Raises
        ------
        UsageError
            If one of them does not exist or cannot be read.
        BucketNotReachedError, TransientError
            If a bucket cannot be listed.
        """
        self._given = tuple(paths)
        self._most_kept = most_kept
        self._has_audio = False
        self._begun: Iterator[tuple[Location, Found]] | None = None
        self.tops = _tops(paths)
        """The paths in full, without those that lie below another."""
        for path in paths:
            require_readable(path)

    def __iter__(self) -> Iterator[tuple[Location, Found]]:
        """Yield each entry after the top that it lies at or below, in the order of the paths."""
        begun, self._begun = self._begun, None
        return self._walk() if begun is None else begun

    def require_audio(self) -> None:
        """Walk as far as the first audio file.

        Raises
        ------
        UsageError
            If there is none; the message says what there is instead.
        """
        if self._has_audio:
            return
        skipped: Counter[str] = Counter()
        passed: list[tuple[Location, Found]] = []
        entries = self._walk()
        for entry in entries:
            reason = entry[1].skip_reason
            if len(passed) <= self._most_kept:
                passed.append(entry)
            if reason is None:
                self._has_audio = True
                self._begun = chain(passed, entries) if len(passed) <= self._most_kept else None
                return
            skipped[reason] += 1
        raise UsageError(nothing_found(self._given, skipped))

    def survey(self) -> Survey:
        """Count what would be submitted.

        Raises
        ------
        UsageError
            If there is no audio at all.
        """
        total = Survey()
        for _, found in self:
            if found.skip_reason is None:
                total.audio += 1
                total.bytes += found.size
            else:
                total.skipped[found.skip_reason] += 1
        if not total.audio:
            raise UsageError(nothing_found(self._given, total.skipped))
        return total

    def _walk(self) -> Iterator[tuple[Location, Found]]:
        return ((top, found) for top in self.tops for found in walk(top))


def _tops(paths: Sequence[Location]) -> list[Location]:
    full = dict.fromkeys(map(absolute, paths))
    return [path for path in full if not any(path != top and _lies_in(path, top) for top in full)]


def _lies_in(place: Location, other: Location) -> bool:
    if isinstance(place, ObjectPath):
        return isinstance(other, ObjectPath) and place.is_relative_to(other)
    return isinstance(other, Path) and place.is_relative_to(other)
