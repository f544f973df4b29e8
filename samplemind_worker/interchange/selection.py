"""The sounds that leave for a DAW: files and folders, a batch, or what a search finds, with their facts."""

import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

from config.settings import Settings
from samplemind_worker.documents.facts import AnalysisFacts, AudioFacts
from samplemind_worker.documents.states import State
from samplemind_worker.errors import OutsideRootsError, UsageError
from samplemind_worker.finding import search
from samplemind_worker.finding.filters import Filter
from samplemind_worker.finding.query import Query
from samplemind_worker.store import batches, library, places, results
from samplemind_worker.store.places import Place
from samplemind_worker.submission.listing import Listing

T = TypeVar("T")

_PAGE: Final = 500
_MOST_FOUND: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Sample:
    """An analysed file of this machine."""

    path: Path
    top: Path
    """The folder from which it is mirrored: the one that was named, or its root."""
    place: Place
    audio: AudioFacts
    analysis: AnalysisFacts


@dataclass(frozen=True, slots=True)
class Left:
    """A file that nothing is done with, and why."""

    path: Path
    reason: str


@dataclass(frozen=True, slots=True)
class _Candidate:
    path: Path
    top: Path
    place: Place | None


def below(paths: Sequence[Path], settings: Settings) -> Iterator[Sample | Left]:
    """Yield the audio files at or below some paths.

    Raises
    ------
    UsageError
        If a path does not exist, lies in no root, or there is no audio at all.
    """
    listing = Listing(paths)
    listing.require_audio()
    audio = ((Path(str(top)), found.path) for top, found in listing if found.skip_reason is None)
    for page in _pages(audio):
        located = [library.locate(Path(os.fsdecode(path)), settings.roots) for _, path in page]
        known = places.with_ids([library.location_id(*each) for each in located])
        yield from _samples(
            _Candidate(
                Path(os.fsdecode(path)),
                top if top.is_dir() else top.parent,
                known.get(library.location_id(*each)),
            )
            for (top, path), each in zip(page, located, strict=True)
        )


def of_batch(batch_id: str, settings: Settings) -> Iterator[Sample | Left]:
    """Yield the files that a batch analysed, or found analysed.

    Raises
    ------
    UsageError
        If there is no such batch.
    """
    for page in _pages(batches.iterate(batches.find(batch_id).id)):
        located = [
            (item.root, item.raw_path or item.path.encode())
            for item in page
            if item.state in (State.COMPLETED, State.SKIPPED) and item.file_id is not None
        ]
        known = places.with_ids([library.location_id(*each) for each in located])
        yield from _of_places(
            [known[key] for each in located if (key := library.location_id(*each)) in known], settings
        )


def found(query: Query, chosen: Filter, settings: Settings) -> Iterator[Sample | Left]:
    """Yield the files that a search finds, at all places that pass the filter."""
    hits = search.search(query, chosen, limit=_MOST_FOUND).hits
    for page in _pages(hit.entry["_id"] for hit in hits):
        lying = places.of(page)
        yield from _of_places(
            [place for content in page for place in lying.get(content, ()) if chosen.admits(place.shown)], settings
        )


def _of_places(lying: Sequence[Place], settings: Settings) -> Iterator[Sample | Left]:
    candidates: list[_Candidate] = []
    for place in lying:
        try:
            folder = library.folder_of(place.root, settings.roots)
        except OutsideRootsError as error:
            yield Left(Path(place.shown), str(error))
            continue
        candidates.append(_Candidate(folder / os.fsdecode(place.path), folder, place))
    yield from _samples(candidates)


def _samples(candidates: Iterable[_Candidate]) -> Iterator[Sample | Left]:
    page = list(candidates)
    facts = results.load(sorted({each.place.file_id for each in page if each.place is not None}))
    for each in page:
        if each.place is None or each.place.gone_at is not None:
            yield Left(each.path, "it is not in the library; `samplemind submit` adds it")
        elif each.place.file_id not in facts:
            yield Left(each.path, "it is not analysed; `samplemind submit` takes it in")
        else:
            yield Sample(each.path, each.top, each.place, *facts[each.place.file_id])


def _pages(values: Iterable[T]) -> Iterator[list[T]]:
    rest = iter(values)
    while page := list(islice(rest, _PAGE)):
        yield page


def require_words(words: Sequence[str]) -> None:
    """Check that words of a search are no mistyped paths.

    Raises
    ------
    UsageError
        If one looks like a path and nothing is there.
    """
    for word in words:
        if word.startswith("s3://"):
            raise UsageError(f"{word} is in a bucket, where nothing is written; name a folder of this machine")
        if os.sep in word or Path(word).suffix.lower() in {".wav", ".mp3", ".flac", ".aif", ".aiff", ".ogg", ".m4a"}:
            raise UsageError(f"no such file or folder: {word}")
