"""Queue names, and the queue of each task: part of the wire contract, as the record names queues too.

Every name begins with the deployment's database, so that two deployments can share one Redis database.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

from config import task_names

CPU: Final = "cpu"
AI: Final = "ai"
IO: Final = "io"
CONTROL: Final = "control"

KINDS: Final = (CPU, IO, AI, CONTROL)

ROLES: Final = {"cpu": (CPU,), "io": (CONTROL, IO, AI), "store": (CONTROL, IO), "ai": (AI,)}
"""The kinds of queue that a worker of each role reads, in this order.

Models are asked in `ai` alone. Where a model can be asked, a store worker and an ai worker replace the io worker, so
that a model that hangs holds no other threads. Summaries that ask no model are written in `io`.
"""

ROLE_TO_START: Final[Mapping[str, str]] = {CPU: "cpu", AI: "ai", IO: "io", CONTROL: "io"}
"""The role of the worker to start if no worker reads a kind of queue."""

KIND_OF_TASK: Final[Mapping[str, str]] = {
    task_names.DECODE: CPU,
    task_names.FEATURES: CPU,
    task_names.TEMPO_KEY: CPU,
    task_names.SWEEP: CPU,
    task_names.SUMMARIZE: AI,
    task_names.BULK: AI,
    task_names.FILL_IN: AI,
    task_names.STORE: IO,
    task_names.REINDEX: IO,
    task_names.TIDY: IO,
    task_names.SOUND_MAP: IO,
    task_names.DISPATCH: CONTROL,
    task_names.TAKE_BACK: CONTROL,
    task_names.INGEST: CONTROL,
}
"""The kind of queue that each task goes to."""

HOST_TASKS: Final = frozenset({task_names.FEATURES, task_names.TEMPO_KEY, task_names.SWEEP})
"""Tasks that stay on the host that publishes them, because its scratch memory holds the signals."""


def kind_of_step(step: str, *, ask_models: bool = True) -> str:
    """Return the kind of queue of a step; a step that asks no model does not wait behind those that ask one."""
    kind = KIND_OF_TASK[task_names.of_step(step)]
    return IO if kind == AI and not ask_models else kind


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

    def of_step(self, step: str, *, ask_models: bool = True) -> str:
        """Name the queue of a step."""
        if task_names.of_step(step) in HOST_TASKS:
            return self.own
        return self.of(kind_of_step(step, ask_models=ask_models))

    @property
    def own(self) -> str:
        """The queue of this machine's cpu workers."""
        return self.of(host_queue(self.host))

    @property
    def declared(self) -> list[str]:
        """All names that a task of ours may be sent to, except the queues of roots."""
        names = [*KINDS, host_queue(self.host)]
        return [*map(self.of, names), *names]

    def read_by(self, role: str) -> list[str]:
        """List what a worker of a role reads, most urgent first: work that a host has begun precedes new work.

        The names without a prefix come last. Workers from before the prefix publish to them, and run beside these
        while a deployment is upgraded. The next release drops them.
        """
        names = [*([host_queue(self.host)] if role == "cpu" else []), *ROLES[role]]
        return [*map(self.of, names), *names]

    def routes(self) -> dict[str, dict[str, str]]:
        """Return the queue of each task, as Celery takes it."""
        return {
            task: {"queue": self.own if task in HOST_TASKS else self.of(kind)} for task, kind in KIND_OF_TASK.items()
        }


def is_of_root(name: str) -> bool:
    """Return whether a queue is that of the files below one root (`Queues.of_root`)."""
    return f":{CPU}@" in name


def host_queue(host: str) -> str:
    """Name the queue of one machine's cpu workers, without the prefix."""
    return f"{CPU}.{host}"
