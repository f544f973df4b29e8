"""Task names, and the queue each goes to: the wire contract. A message outlives a deployment; names only get added."""

from typing import Final

from config import queues

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

HOST_TASKS: Final = frozenset({FEATURES, TEMPO_KEY, SWEEP})
"""Tasks that stay on the host whose scratch memory they are about."""

QUEUES: Final = {
    DECODE: queues.CPU,
    SUMMARIZE: queues.AI,
    STORE: queues.IO,
    DISPATCH: queues.CONTROL,
    TAKE_BACK: queues.CONTROL,
    INGEST: queues.CONTROL,
    BULK: queues.AI,
    FILL_IN: queues.AI,
}
"""The queue of every other task."""
