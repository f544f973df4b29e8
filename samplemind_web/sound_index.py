"""The vectors for likeness as the server asks them: one set of connections, and a look at their health now and then."""

import time
from typing import Final

from config.settings import Settings
from samplemind_web.threads import Threads
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import IndexDamagedError, IndexMissingError, SetupError
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep.index_health import Health, compare

_TRUSTED: Final = 30.0  # s for which a comparison with the record is trusted
_SECONDS: Final = 5.0  # s for one request to Chroma
_PATIENCE: Final = 20.0  # s for a comparison


class SoundIndex:
    """The vectors of the current recipe, and what comparisons of them and of older ones have found."""

    def __init__(self, settings: Settings, threads: Threads) -> None:
        """Prepare the connections; raises SetupError if there is no URL of Chroma."""
        if settings.chroma_url is None:
            raise SetupError("no ChromaDB: set SAMPLEMIND_CHROMA_URL")
        url = settings.chroma_url.get_secret_value()
        self.vectors = Vectors(url, database=settings.database, version=VERSIONS["store"], seconds=_SECONDS)
        self._threads = threads
        self._known: dict[int, tuple[float, Health]] = {}

    async def health(self, vectors: Vectors) -> Health:
        """Return how vectors stand, or stood a moment ago.

        Raises
        ------
        IndexMissingError, IndexDamagedError, ServiceUnavailableError
            If they cannot answer.
        """
        compared_at, health = self._known.get(vectors.version, (0.0, None))
        if health is None or time.monotonic() - compared_at > _TRUSTED:
            health = await self._threads.run(lambda: compare(vectors), seconds=_PATIENCE)
            if health.state == "complete":
                self._known[vectors.version] = (time.monotonic(), health)
        if health.state == "missing":
            raise IndexMissingError(health.message)
        if health.state == "damaged":
            raise IndexDamagedError(health.message)
        return health

    async def close(self) -> None:
        """Close the connections."""
        await self.vectors.chroma.aclose()
        self.vectors.close()
