"""The version of each step. It is raised when results may change, so that a re-run repeats the step and all later ones.

The versions are not beside the code of the steps, because the CLI and the scanner read them without loading the engine.
"""

from typing import Final

VERSIONS: Final[dict[str, int]] = {"decode": 4, "features": 5, "tempo_key": 14, "summarize": 7, "store": 2}
"""``store`` is the version of the vector's recipe."""

RECIPE_WITH_STATISTICS: Final = 2
"""The first recipe of the vector whose contents have the statistics in the record, from which it can be made anew."""

CPU_STEPS: Final = ("decode", "features", "tempo_key")
"""The steps whose results are saved together, by ``tempo_key``."""

PLANNED: Final = (*CPU_STEPS, "summarize")
"""The steps that are done again on request; the vectors of a new recipe are made by the workers (`upkeep.recipe`)."""

WAVEFORM_VERSION: Final = 1
"""The version of the waveforms, which `decode` makes. If it is raised, files are decoded again for it and no more."""

SCHEMAS: Final[dict[str, int]] = {"analyses": 2, "audio_files": 2, "batch_jobs": 2}
"""The version of the form of documents, where it was ever changed (`upkeep.migrations`)."""

ENTRY_VERSION: Final = 7
"""The version of the library entries, raised when they are made in another way; the workers then make all anew."""
