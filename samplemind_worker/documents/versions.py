"""The version of each step: raised whenever its answers may change, so that a re-run does it, and what follows, anew.

Here, and not beside the code of the steps, as those who only ask (the CLI, the scanner) must not load the engine.
"""

from typing import Final

VERSIONS: Final[dict[str, int]] = {"decode": 3, "features": 3, "tempo_key": 3, "summarize": 4, "store": 1}
"""``store`` is the version of the vector's recipe."""

CPU_STEPS: Final = ("decode", "features", "tempo_key")
"""The steps whose results are saved together, by ``tempo_key``."""
