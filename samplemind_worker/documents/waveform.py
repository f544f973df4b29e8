"""The waveform of a content, by which it is drawn: a document of its own, because searches and reports need none."""

from typing import Any, ClassVar

from beanie import Document
from pymongo import ASCENDING, IndexModel


class Waveform(Document):
    """The waveform of one content; its id is ``file_id``."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- one waveform per content
    version: int
    data: bytes
    """As in `dsp.waveform`: six bytes per bucket, at most 2,040."""

    class Settings:
        name = "waveforms"
        indexes: ClassVar[list[Any]] = [
            # It tells which contents have a waveform without reading any.
            IndexModel([("_id", ASCENDING), ("version", ASCENDING)])
        ]
