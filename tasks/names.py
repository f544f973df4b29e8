"""Task names: the wire contract. A message outlives a deployment; names only get added. `config.queues` routes them."""

from typing import Final

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
TIDY: Final = "samplemind.tidy"
