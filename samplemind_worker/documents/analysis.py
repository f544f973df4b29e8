"""The Analysis of one content."""

from datetime import datetime
from typing import Any, ClassVar

from beanie import Document
from pymongo import ASCENDING, IndexModel

from samplemind_worker.documents.facts import AnalysisFacts


class Analysis(AnalysisFacts, Document):
    """The analysis of one content: exactly one a ``file_id``, which is also its id (``analysis_id``)."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- one analysis a content
    analyzed_at: datetime  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]

    class Settings:
        name = "analyses"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("analyzed_at", ASCENDING)]),
            # Of a million summaries few wait.
            IndexModel([("ai_state", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"ai_state": "deferred"}),
            IndexModel([("ai_wanted", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"ai_wanted": True}),
            # How many vectors Chroma must have is counted often, from the keys alone.
            IndexModel([("vector_version", ASCENDING), ("versions.store", ASCENDING)]),
        ]

    @property
    def analysis_id(self) -> str:
        """The id of this analysis."""
        return self.id
