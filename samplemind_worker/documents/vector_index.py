"""Where the vectors of one recipe are in Chroma, and the progress of a rebuild.

A rebuild fills a collection beside the one in use and takes over in one update of this document. After a crash it goes
on from the content that was copied last.
"""

from beanie import Document

from samplemind_worker.documents.index_state import IndexState


class VectorIndex(IndexState, Document):
    """The index of one recipe; its id is ``v`` followed by the recipe's version."""

    id: str  # pyright: ignore[reportIncompatibleVariableOverride, reportGeneralTypeIssues] -- the recipe is the id

    class Settings:
        name = "vector_indexes"
