"""Name to provider; the only module that imports one, and only when it is asked for."""

from samplemind_worker.errors import UsageError
from samplemind_worker.providers.base import Provider


def get_provider(name: str) -> Provider:
    """Return the provider of this name.

    Raises
    ------
    UsageError
        If there is none.
    """
    if name == "local":
        from samplemind_worker.providers.local import LocalProvider  # noqa: PLC0415 -- slow import

        return LocalProvider()
    raise UsageError(f"no provider {name!r}; there is: local")
