"""Queue names: part of the wire contract, as the record and every deployment name them too."""

from typing import Final

CPU: Final = "cpu"
AI: Final = "ai"
IO: Final = "io"
CONTROL: Final = "control"

ROLES: Final = {"cpu": (CPU,), "io": (CONTROL, IO, AI), "store": (CONTROL, IO), "ai": (AI,)}
"""Which queues the kinds of worker read, in this order; a cpu worker reads its host's queue too, and first.

Models are asked in `ai` alone: where one can be asked, a store and an ai worker stand in for an io worker, so that
models that hang keep the threads of nothing else. What asks none is summarized in `io`.
"""


def host_queue(host: str) -> str:
    """Name the queue of one machine's cpu workers."""
    return f"{CPU}.{host}"
