"""Contents (one document per distinct content) and the places where they lie."""

from datetime import datetime
from typing import Any, ClassVar

from beanie import Document
from pymongo import ASCENDING, IndexModel

from samplemind_worker.documents.facts import AudioFacts
from samplemind_worker.documents.states import LOCAL


class AudioFile(AudioFacts, Document):
    """One distinct content; its id is ``file_id``, the SHA-256 of its bytes."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the content hash is the id
    user_id: str = LOCAL
    """Who submitted it first."""
    uploaded_at: datetime

    class Settings:
        name = "audio_files"
        indexes: ClassVar[list[Any]] = [IndexModel([("audio_hash", ASCENDING)])]


class FileLocation(Document):
    """Where a content lies: one document per (root, path).

    Kept apart from AudioFile: a folder of a hundred thousand copies of one silent file must not grow one document,
    and a file that changed its content is one update here.
    """

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- location_id(root, path)
    root: str
    path: str
    raw_path: bytes | None = None
    file_id: str
    size: int
    mtime_ns: int
    ctime_ns: int
    settled: bool
    """False if the file changed so shortly before it was read that its times cannot prove it unchanged later."""
    gone_at: datetime | None = None
    """When the file was found to be gone or changed, or was forgotten; a living place has no such field."""

    class Settings:
        name = "file_locations"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("file_id", ASCENDING)]),
            IndexModel([("root", ASCENDING), ("path", ASCENDING)]),
            IndexModel([("gone_at", ASCENDING)], sparse=True),
        ]


class DisplacedContent(Document):
    """A content whose file was replaced by another one; its id is ``file_id``."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the content hash is the id
    since: datetime

    class Settings:
        name = "displaced_contents"
        indexes: ClassVar[list[Any]] = [IndexModel([("since", ASCENDING)])]


class MountPoint(Document):
    """A folder where a file system was mounted when it was walked. While it is not mounted, its files are not gone."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- digest of host and folder
    host: str
    folder: bytes
    seen_at: datetime

    class Settings:
        name = "mount_points"
        indexes: ClassVar[list[Any]] = [IndexModel([("host", ASCENDING)])]
