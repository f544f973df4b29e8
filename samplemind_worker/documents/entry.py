"""The library entry: what searches read of one content, in one narrow document. It is derived from the record.

An entry can always be made anew from the content, its analysis, its places and its batches. What changes those marks
the content as stale first (`StaleEntry`), so that a process that dies before it has written the entry leaves a mark.
"""

from datetime import datetime
from typing import Any, ClassVar

from beanie import Document
from pydantic import Field
from pymongo import ASCENDING, DESCENDING, IndexModel

_FITS = (
    "camelot", "tempo", "pitch", "kind", "instrument", "tuning", "duration", "loudness", "brightness", "size", "_id",
)  # fmt: skip


class LibraryEntry(Document):
    """What filters and ranks one content that is analysed and lies somewhere; its id is ``file_id``."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- one entry per content
    ticket: int
    """The number of the refresh that wrote it; an earlier refresh must not overwrite it."""
    name: str = ""
    """The name of its first file without case, by which files are sorted."""
    kind: str | None = None
    instrument: str | None = None
    sure: dict[str, float] = Field(default_factory=dict)
    """The confidences, 0 to 1, of ``kind``, ``instrument``, ``tempo`` and ``key``, where there are any."""
    tempo: float | None = None
    """BPM."""
    tempo_runner_up: float | None = None
    """The second most likely tempo."""
    key: int | None = None
    """The tonic, 0 (C) to 11 (B)."""
    mode: str | None = None
    camelot: str | None = None
    key_runner_up: str | None = None
    """The second most likely key, such as ``C major``."""
    chord: str | None = None
    duration: float = 0.0
    """Seconds."""
    loudness: float | None = None
    """LUFS."""
    brightness: float | None = None
    """``brightness_hz`` of its character."""
    pitch: int | None = None
    """The MIDI number of a single note."""
    tuning: float | None = None
    """Cents from A4 = 440 Hz; of a single note, cents from that note."""
    size: int = 0
    """Bytes of the file."""
    descriptors: dict[str, float] = Field(default_factory=dict)
    """Words for the measured sound, each with its strength in 0..1."""
    tags: list[str] = Field(default_factory=list)
    user_tags: list[str] = Field(default_factory=list)
    """The tags that people have set."""
    collections: list[str] = Field(default_factory=list)
    """The collections that it is in, of all users, favourites included."""
    paths: list[str] = Field(default_factory=list)
    """Where it lies: the first 16 of its places, by path."""
    roots: list[int] = Field(default_factory=list)
    """How many characters of each path are its root."""
    packs: list[str] = Field(default_factory=list)
    """The folders directly below the roots of its places."""
    batches: list[str] = Field(default_factory=list)
    """The batches that analysed it, as far as their items are kept."""
    terms: list[str] = Field(default_factory=list)
    """All that it is found by: words, and values such as ``kind=loop`` (see `finding.terms`)."""
    vector: bytes | None = None
    """The vector for likeness, as half-precision numbers, little-endian."""
    recipe: int | None = None
    """The version of its recipe."""
    added_at: datetime
    """When the content was analysed for the first time."""
    moment: int
    """The same as a number, in which contents of one moment differ too (`documents.moments`)."""

    class Settings:
        name = "library_entries"
        indexes: ClassVar[list[Any]] = [
            # Every search reads the entries of one term, newest first, and ends once it has enough of them.
            IndexModel([("terms", ASCENDING), ("moment", DESCENDING)]),
            # The orders in which all entries can be listed, page by page.
            IndexModel([("moment", DESCENDING)]),
            IndexModel([("name", ASCENDING), ("_id", ASCENDING)]),
            IndexModel([("tempo", ASCENDING), ("_id", ASCENDING)]),
            IndexModel([("duration", ASCENDING), ("_id", ASCENDING)]),
            IndexModel([("loudness", DESCENDING), ("_id", ASCENDING)]),
            # It holds all that `match` compares and `library` counts, so that neither reads the entries themselves.
            IndexModel([(name, ASCENDING) for name in _FITS], name="fits"),
            IndexModel([("packs", ASCENDING)]),
        ]
        replaced_indexes: ClassVar[list[str]] = [
            "terms_1_added_at_-1",
            "added_at_-1",
            "tempo_1",
            "duration_1",
            "loudness_-1",
        ]
        """Names of indexes of earlier versions, which are dropped when the entries are made anew."""


class StaleEntry(Document):
    """A content whose entry may not be true; its id is ``file_id``."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- one mark per content
    token: str
    """Names the last change. A refresh removes the mark only if no other change has come meanwhile."""

    class Settings:
        name = "stale_entries"


class EntryIndex(Document):
    """How far the entries are made; there is one, with the id ``entries``."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- there is only one
    ticket: int = 0
    """The number of the last refresh."""
    version: int = 0
    """The version of all entries; 0 until they are made for the first time."""
    building: int = 0
    """The version that is being made, and 0 if none is."""
    after: str = ""
    """The last content that was made; contents are taken in the order of their ids."""
    since: int = 0
    """The number of the last refresh before the building began."""
    generation: int = 0
    """Raised after every change of an entry; what was read before it may be outdated."""
    looked_at: datetime | None = None
    """When it was last asked whether workers of an older release have analysed anything."""
    counts: dict[str, Any] = Field(default_factory=dict)
    """Counts of the entries for an overview, and the ``ticket`` at which they were true."""

    class Settings:
        name = "entry_indexes"
