"""Task names: part of the wire contract. A message outlives a deployment, so names are only ever added.

`config.queues` says which queue each task goes to.
"""

from typing import Final

WIRE: Final = 2
"""The version of messages and of workers' signs of life, raised when an older worker would misread a message.

1: from before messages named a version. 2: they do.
"""

DECODE: Final = "samplemind.decode"
FEATURES: Final = "samplemind.features"
TEMPO_KEY: Final = "samplemind.tempo_key"
SUMMARIZE: Final = "samplemind.summarize"
STORE: Final = "samplemind.store"
CHAIN: Final = (DECODE, FEATURES, TEMPO_KEY, SUMMARIZE, STORE)

DISPATCH: Final = "samplemind.dispatch"
TAKE_BACK: Final = "samplemind.take_back"
SWEEP: Final = "samplemind.sweep"
INGEST: Final = "samplemind.ingest"
BULK: Final = "samplemind.bulk"
FILL_IN: Final = "samplemind.fill_in"
REINDEX: Final = "samplemind.reindex"
SOUND_MAP: Final = "samplemind.sound_map"
TIDY: Final = "samplemind.tidy"


def of_step(step: str) -> str:
    """Name the task of a step of the pipeline."""
    return f"samplemind.{step}"


def step_of(name: str) -> str:
    """Name the step of a task of the pipeline."""
    return name.removeprefix("samplemind.")
