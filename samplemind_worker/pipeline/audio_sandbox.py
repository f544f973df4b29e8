"""The sandbox that decodes audio files. Light on purpose: it is started while the caller still loads the engine."""

from typing import Final

from samplemind_worker.sandbox import Sandbox, shared

READER: Final = "samplemind_worker.pipeline.reader"
"""The module that the sandbox's server loads to read files."""


def audio_sandbox() -> Sandbox:
    """Return this process's sandbox for audio files; it starts when it is first used."""
    return shared(READER)
