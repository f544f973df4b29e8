"""What running the command line in this process gives (the fixture `cli`)."""

from collections.abc import Callable

Told = tuple[int, str, str]
"""Exit code, stdout and stderr."""
Cli = Callable[..., Told]
