"""The vectors for likeness as the server asks them: one set of connections, and a look at their health now and then."""

import asyncio
import time
from typing import Final

from config.settings import Settings
from samplemind_web.threads import Threads
from samplemind_worker.documents.versions import VERSIONS
from samplemind_worker.errors import IndexDamagedError, IndexMissingError, SetupError
from samplemind_worker.store.vectors import Vectors
from samplemind_worker.upkeep.index_health import Health, compare

_TRUSTED: Final = 30.0  # s for which a comparison with the record is trusted
_DOUBTED: Final = 3.0  # s for which it is, if something is wrong
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
        """What was found of each recipe, and until when that is trusted."""
        self._comparing = asyncio.Lock()

    async def health(self, vectors: Vectors) -> Health:
        """Return how vectors stand, or stood a moment ago.

        Raises
        ------
        IndexMissingError, IndexDamagedError, ServiceUnavailableError
            If they cannot answer.
        """
        async with self._comparing:
            until, health = self._known.get(vectors.version, (0.0, None))
            if health is None or time.monotonic() > until:
                health = await self._threads.run(lambda: compare(vectors), seconds=_PATIENCE)
                kept = _TRUSTED if health.state == "complete" else _DOUBTED
                self._known[vectors.version] = (time.monotonic() + kept, health)
        if health.state == "missing":
            raise IndexMissingError(health.message)
        if health.state == "damaged":
            raise IndexDamagedError(health.message)
        return health

    async def close(self) -> None:
        """Close the connections."""
        await self.vectors.chroma.aclose()
        self.vectors.close()
