"""Queue names: part of the wire contract, as the record names them too.

Every name begins with the deployment's database, so that two deployments can share one Redis database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

CPU: Final = "cpu"
AI: Final = "ai"
IO: Final = "io"
CONTROL: Final = "control"

KINDS: Final = (CPU, IO, AI, CONTROL)

ROLES: Final = {"cpu": (CPU,), "io": (CONTROL, IO, AI), "store": (CONTROL, IO), "ai": (AI,)}
"""Which kinds of queue each kind of worker reads, in this order.

Models are asked in `ai` alone: where one can be asked, a store and an ai worker stand in for an io worker, so that
models that hang keep the threads of nothing else. What asks none is summarized in `io`.
"""

ROUTES: Final[Mapping[str, str]] = {
    "samplemind.decode": CPU,
    "samplemind.summarize": AI,
    "samplemind.store": IO,
    "samplemind.dispatch": CONTROL,
    "samplemind.take_back": CONTROL,
    "samplemind.ingest": CONTROL,
    "samplemind.bulk": AI,
    "samplemind.fill_in": AI,
    "samplemind.reindex": IO,
    "samplemind.tidy": IO,
}
"""The kind of queue that each task goes to."""

HOST_TASKS: Final = ("samplemind.features", "samplemind.tempo_key", "samplemind.sweep")
"""Tasks that stay on the host that publishes them, because its scratch memory holds the signals."""


@dataclass(frozen=True, slots=True)
class Queues:
    """The queue names of one deployment, as seen from one machine."""

    database: str
    host: str

    def of(self, kind: str) -> str:
        """Name the queue of a kind."""
        return f"{self.database}:{kind}"

    def of_root(self, root: str) -> str:
        """Name the queue of the files below one root, which is read by the workers that reach it."""
        return self.of(f"{CPU}@{quote(root, safe='')}")

    @property
    def own(self) -> str:
        """The queue of this machine's cpu workers."""
        return self.of(host_queue(self.host))

    @property
    def declared(self) -> list[str]:
        """All names that a task of ours may be sent to, but for the queues of roots."""
        names = [*KINDS, host_queue(self.host)]
        return [*map(self.of, names), *names]

    def read_by(self, role: str) -> list[str]:
        """List what a kind of worker reads, most urgent first: what a host has begun goes before what is new.

        The names without a prefix come last. Workers from before the prefix publish to them, and run beside these
        while a deployment is upgraded. The next release drops them.
        """
        names = [*([host_queue(self.host)] if role == "cpu" else []), *ROLES[role]]
        return [*map(self.of, names), *names]

    def routes(self) -> dict[str, dict[str, str]]:
        """Return the queue of each task, as Celery takes it."""
        shared = {task: {"queue": self.of(kind)} for task, kind in ROUTES.items()}
        return shared | {task: {"queue": self.own} for task in HOST_TASKS}


def host_queue(host: str) -> str:
    """Name the queue of one machine's cpu workers, without the prefix."""
    return f"{CPU}.{host}"
