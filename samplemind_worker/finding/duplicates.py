"""Files that are the same sound: by their bytes, by their decoded audio, or as altered copies of each other.

Everything is read from the record; the disk is only asked which files share their space. Nothing is deleted: each
group names one file to keep, and says of every other one how it differs from that.
"""

import os
import stat
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from typing_extensions import TypedDict

from config.settings import Settings
from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.errors import OutsideRootsError
from samplemind_worker.finding import overview
from samplemind_worker.finding.alterations import Alteration, Index
from samplemind_worker.store import copies, library, places, results
from samplemind_worker.store.places import Place

Kind = Literal["same_bytes", "same_audio", "near"]

_LOSSY: Final = ("VORBIS", "OPUS", "MPEG", "MP3", "AAC", "AC3", "WMA", "AMR", "GSM", "ADPCM", "SPEEX", "DCA", "LAW")
_DAMAGED: Final = frozenset({"truncated", "damaged_frames", "non_finite_samples"})
_BITS: Final = {"PCM_S8": 8, "PCM_U8": 8, "PCM_16": 16, "PCM_24": 24, "PCM_32": 32, "FLOAT": 32, "DOUBLE": 64}
_USUAL_BITS: Final = 16
_RATES: Final = (8000, 11025, 16000, 22050, 32000, 44100, 48000, 88200, 96000, 176400, 192000)
_LEAK: Final = 1.05  # poor resampling adds so much above half the old rate
_FEWEST: Final = 2  # files of a group
_PAGE: Final = 1000


@dataclass(frozen=True, slots=True)
class Copy:
    """One file of a group."""

    place: Place
    path: bytes
    """Its path on this machine, where its root is known here."""
    audio: AudioFacts
    evidence: str
    """How it differs from the file to keep, in words; empty for that file."""
    alike: float | None
    """How alike it sounds, 0 to 1; None where the bytes or the decoded audio are the same."""
    is_linked: bool
    """Whether it shares its space on the disk with the file to keep: a hard or symbolic link."""


@dataclass(frozen=True, slots=True)
class Group:
    """Files that are one sound; the first one is the one to keep."""

    kind: Kind
    files: tuple[Copy, ...]
    bytes: int
    """The space that they take on the disk."""
    frees: int
    """The part of it that is free if only the first one is kept."""


class DuplicateFile(TypedDict):
    """A file of a group."""

    path: str
    """The path, below the root's folder or name."""
    file_id: str
    """SHA-256 of its bytes."""
    keep: bool
    """Whether it is the one to keep."""
    evidence: str
    """How it differs from the file to keep, in words; empty for that file."""
    alike: float | None
    """How alike it sounds, 0 to 1; null where the bytes or the decoded audio are the same."""
    linked: bool
    """Whether it shares its space on the disk with the file to keep."""
    bytes: int
    """Its size."""
    format: str
    """The container."""
    subtype: str
    """The coding of the samples."""
    sample_rate: int
    """Hz."""
    channels: int
    """How many channels it has."""
    duration: float
    """Seconds."""


class DuplicateGroup(TypedDict):
    """Files that are one sound."""

    kind: Kind
    """In which way they are the same."""
    keep: str
    """The path of the file to keep."""
    bytes: int
    """The space that they take on the disk."""
    frees: int
    """The part of it that is free if only one is kept."""
    files: list[DuplicateFile]
    """The files, first the one to keep."""


@dataclass(frozen=True, slots=True)
class Found:
    """The duplicates of a library."""

    groups: tuple[Group, ...]
    """Those that free most space come first."""
    files: int
    """How many analysed files the library has."""
    outdated: int
    """Files that an older version analysed: they were compared by their bytes alone."""


@dataclass(frozen=True, slots=True)
class _Star:
    """Contents of one sound, and how some of them are altered relative to the others, which have the same audio."""

    contents: frozenset[str]
    altered: Mapping[str, Alteration]


def find(
    settings: Settings,
    *,
    threshold: float | None,
    say: Callable[[str], None],
    since: datetime | None = None,
    until: datetime | None = None,
) -> Found:
    """Find the duplicates of the whole library.

    With a threshold, altered copies that are at least so much alike (0 to 1) are found, too. With a time, only the
    groups are returned of which a content was analysed for the first time since then, and before ``until``.

    Raises
    ------
    ServiceUnavailableError
        If MongoDB does not answer.
    """
    first_of = {content: group[0] for group in copies.same_audio() for content in group}
    equal: dict[str, frozenset[str]] = {content: frozenset({content}) for content in copies.repeated()}
    for content, first in first_of.items():
        equal[first] = equal.get(first, frozenset()) | {content, first}
        if content != first:
            equal.pop(content, None)
    outdated = copies.without_hash()
    stars = [_Star(group, {}) for group in equal.values()]
    if threshold is not None:
        index = Index(skip={content for content, first in first_of.items() if content != first})
        for page in copies.fingerprints():
            index.add(page)
        say(f"comparing {len(index):,} sounds")
        stars = _join(equal, index, threshold)
        outdated += copies.count_files(index.outdated)
    contents = sorted({content for star in stars for content in star.contents})
    living, facts = _living(contents), copies.facts_of(contents)
    groups = [group for star in stars if (group := _group(star, living, facts, settings)) is not None]
    if since is not None or until is not None:
        added = results.added_between(contents, since, until)
        groups = [group for group in groups if any(copy.place.file_id in added for copy in group.files)]
    groups.sort(key=lambda group: (-group.frees, group.files[0].place.shown))
    return Found(tuple(groups), overview.count_files(), outdated)


def _living(contents: Sequence[str]) -> dict[str, list[Place]]:
    found: dict[str, list[Place]] = {}
    for first in range(0, len(contents), _PAGE):
        found |= places.of(contents[first : first + _PAGE])
    return found


def _join(equal: Mapping[str, frozenset[str]], index: Index, threshold: float) -> list[_Star]:
    """Join groups of equal audio whose sounds are altered copies of each other.

    Each new group consists of the sound to keep and of what is alike to that one: likeness is not handed on from copy
    to copy, or a chain of small differences would join what differs much.
    """
    alike = index.pairs(threshold=threshold)
    contents = sorted({content for pair in alike for content in pair})
    living = _living(sorted({each for content in contents for each in equal.get(content, {content})}))
    facts = copies.facts_of(contents)
    near: dict[str, dict[str, Alteration]] = {
        content: {}
        for content in contents
        if content in facts and not living.keys().isdisjoint(equal.get(content, {content}))
    }
    for (one, other), alteration in alike.items():
        if one in near and other in near:
            near[one][other] = alteration
            near[other][one] = alteration.reversed()

    def worth(content: str) -> tuple[object, ...]:
        audio = facts[content]
        others = near[content].items()
        lacks = max((-other.ends_sooner(audio.duration - facts[key].duration) for key, other in others), default=0.0)
        oldest = min((place.mtime_ns for place in living.get(content, ())), default=0)
        is_cut = any(other.completes for _, other in others)
        is_raised = any(_rate_of_use(audio) <= facts[key].sample_rate < audio.sample_rate for key, _ in others)
        return (is_cut, *_worth(audio, is_raised=is_raised), round(max(lacks, 0.0), 2), oldest, content)

    stars: list[_Star] = []
    taken: set[str] = set()
    for kept in sorted(near, key=worth):
        others = near[kept].keys() - taken
        if kept in taken or not others:
            continue
        taken |= {kept, *others}
        altered = {each: near[kept][other] for other in others for each in equal.get(other, {other})}
        stars.append(_Star(equal.get(kept, frozenset({kept})) | altered.keys(), altered))
    return stars + [_Star(group, {}) for first, group in equal.items() if first not in taken]


def _worth(audio: AudioFacts, *, is_raised: bool) -> tuple[object, ...]:
    """Return a key by which the file that is best kept comes first: lossless, whole, of the best rate.

    One that a file of a lower rate holds as well may be raised from that one, and its bits may be, too.
    """
    return (
        is_lossy(audio),
        bool(_DAMAGED.intersection(audio.warnings)),
        -_rate_of_use(audio),
        -_USUAL_BITS if is_raised else -_BITS.get(audio.subtype, _USUAL_BITS),
        -audio.channels,
    )


def _rate_of_use(audio: AudioFacts) -> int:
    """Return the lowest usual rate that holds all of the sound: resampling to a higher one adds nothing."""
    if audio.bandwidth is None:
        return audio.sample_rate
    enough = (rate for rate in _RATES if rate >= 2.0 * audio.bandwidth / _LEAK)
    return min(audio.sample_rate, next(enough, audio.sample_rate))


def is_lossy(audio: AudioFacts) -> bool:
    """Return whether the codec of a file loses something."""
    return any(name in audio.subtype for name in _LOSSY)


def _group(
    star: _Star, living: Mapping[str, Sequence[Place]], facts: Mapping[str, AudioFacts], settings: Settings
) -> Group | None:
    """Return the group of some contents, or None if fewer than two of their files are there."""
    contents = [content for content in star.contents if content in living and content in facts]
    files = [_look(place, facts[content], settings) for content in contents for place in living[content]]
    if len(files) < _FEWEST:
        return None
    files.sort(key=lambda file: (*_altered_by(star.altered.get(file.place.file_id)), is_lossy(file.audio), *file.age()))
    kept = files[0]
    found = tuple(_copy(file, kept, star.altered.get(file.place.file_id)) for file in files)
    spaces = {file.inode: file.place.size for file in files}
    kind: Kind = "same_audio" if len(contents) > 1 else "same_bytes"
    if not star.altered.keys().isdisjoint(contents):
        kind = "near"
    total = sum(spaces.values())
    return Group(kind, found, total, total - spaces[kept.inode])


def _altered_by(alteration: Alteration | None) -> tuple[bool, float]:
    """Return a key by which the least altered file comes first."""
    return (False, 0.0) if alteration is None else (True, -alteration.alike)


@dataclass(frozen=True, slots=True)
class _File:
    place: Place
    audio: AudioFacts
    path: bytes
    inode: object
    """What files that share their space have in common."""
    is_symlink: bool

    def age(self) -> tuple[object, ...]:
        """Return a key of files that are equally good: no link first, the oldest, the one in the highest folder."""
        place = self.place
        return (self.is_symlink, place.mtime_ns, place.path.count(b"/"), len(place.path), place.shown)


def _look(place: Place, audio: AudioFacts, settings: Settings) -> _File:
    """Look which space a file takes; one that cannot be seen from here is taken to have its own."""
    path = os.fsencode(place.root) + b"/" + place.path
    try:
        path = library.full_path(place.root, place.path, settings.roots)
        if library.is_object(place.root, settings.roots):
            return _File(place, audio, path, place.id, is_symlink=False)
        status = os.stat(path)  # noqa: PTH116 -- bytes
        is_symlink = stat.S_ISLNK(os.lstat(path).st_mode)
    except (OSError, OutsideRootsError):
        return _File(place, audio, path, place.id, is_symlink=False)
    return _File(place, audio, path, (status.st_dev, status.st_ino), is_symlink)


def _copy(file: _File, kept: _File, alteration: Alteration | None) -> Copy:
    linked = file is not kept and file.inode == kept.inode
    evidence = "" if file is kept else _evidence(kept.audio, file.audio, alteration)
    if linked:
        evidence += ", and a link to it" if file.is_symlink or kept.is_symlink else ", and shares its space"
    return Copy(file.place, file.path, file.audio, evidence, None if alteration is None else alteration.alike, linked)


def _evidence(kept: AudioFacts, audio: AudioFacts, alteration: Alteration | None) -> str:
    if audio.file_id == kept.file_id:
        return "same bytes"
    formats = sorted({_format(kept), _format(audio)})
    if alteration is None:
        return f"same audio in {' and '.join(formats)}" if len(formats) > 1 else "same audio, other tags or chunks"
    return ": ".join(filter(None, (f"{alteration.alike:.2f} alike", ", ".join(_differences(kept, audio, alteration)))))


def _format(audio: AudioFacts) -> str:
    bits = _BITS.get(audio.subtype, _USUAL_BITS)
    return audio.format if bits == _USUAL_BITS else f"{audio.format} of {bits} bits"


def _differences(kept: AudioFacts, audio: AudioFacts, alteration: Alteration) -> Iterator[str]:
    if _format(kept) != _format(audio):
        yield _format(audio)
    if kept.sample_rate != audio.sample_rate:
        yield f"{audio.sample_rate} Hz"
    if kept.channels != audio.channels:
        yield {1: "mono", 2: "stereo"}.get(audio.channels, f"{audio.channels} channels")
    yield from alteration.in_words(shorter=kept.duration - audio.duration)


def report(group: Group) -> DuplicateGroup:
    """Return a group as the JSON object of `duplicates --json`."""
    return {
        "kind": group.kind,
        "keep": group.files[0].place.shown,
        "bytes": group.bytes,
        "frees": group.frees,
        "files": [
            {
                "path": copy.place.shown,
                "file_id": copy.place.file_id,
                "keep": at == 0,
                "evidence": copy.evidence,
                "alike": None if copy.alike is None else round(copy.alike, 4),
                "linked": copy.is_linked,
                "bytes": copy.place.size,
                "format": copy.audio.format,
                "subtype": copy.audio.subtype,
                "sample_rate": copy.audio.sample_rate,
                "channels": copy.audio.channels,
                "duration": copy.audio.duration,
            }
            for at, copy in enumerate(group.files)
        ],
    }
