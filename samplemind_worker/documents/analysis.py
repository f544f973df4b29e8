"""The analysis of one content."""

from datetime import datetime
from typing import Any, ClassVar

from beanie import Document
from pymongo import ASCENDING, IndexModel

from samplemind_worker.documents.facts import AnalysisFacts
from samplemind_worker.documents.states import LOCAL
from samplemind_worker.documents.versions import PLANNED

BY_STEPS = "steps"
"""The index of analyses by the versions of their steps."""


class Analysis(AnalysisFacts, Document):
    """The analysis of one content: exactly one per ``file_id``, which is also its id."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- one analysis per content
    user_id: str = LOCAL
    """Who submitted the file that was analysed."""
    analyzed_at: datetime  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues]

    class Settings:
        name = "analyses"
        indexes: ClassVar[list[Any]] = [
            IndexModel([("analyzed_at", ASCENDING)]),
            # Few of a million summaries are deferred, so the index holds only those.
            IndexModel([("ai_state", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"ai_state": "deferred"}),
            IndexModel([("ai_wanted", ASCENDING), ("_id", ASCENDING)], partialFilterExpression={"ai_wanted": True}),
            # The number of vectors that Chroma must hold is counted often, from the index keys alone.
            IndexModel([("vector_version", ASCENDING), ("versions.store", ASCENDING)]),
            # Which analyses are of an older version is counted from the index keys, and read in the order of their ids.
            IndexModel([(f"versions.{step}", ASCENDING) for step in PLANNED] + [("_id", ASCENDING)], name=BY_STEPS),
        ]
