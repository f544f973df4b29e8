"""Loads numba without its configuration file, and without what no kernel uses: the kernels import `nb` from here.

numba reads ``.numba_config.yaml`` in the working folder when it is loaded and whenever it compiles. That file can name
the folder from which numba unpickles kernels.
"""

import importlib
import os
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any, Final

from samplemind_worker import kernel_cache
from samplemind_worker.isolation import neutral_folder

__all__ = ["nb"]

# Set in the environment, so that child processes use them too.
os.environ[kernel_cache.VARIABLE] = str(kernel_cache.prepare())
os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] = "UserProvidedCacheLocator"

_UNUSED: Final = ("cffi", "scipy.linalg")
"""Numba does without them where they are not installed. They are a sixth of the time in which a process starts."""


@contextmanager
def _without_unused() -> Generator[None]:
    """Have imports of these modules fail inside the block, unless they are loaded already."""
    hidden = [name for name in _UNUSED if name not in sys.modules]
    modules: dict[str, Any] = sys.modules
    modules.update(dict.fromkeys(hidden))
    try:
        yield
    finally:
        for name in hidden:
            del modules[name]


with neutral_folder(), _without_unused():
    import numba as nb
    from numba.core import config

    # All that would load them; numba itself does so at the first kernel.
    importlib.import_module("numba.np.arraymath")
    importlib.import_module("numba.core.typing.cffi_utils")

_config: Any = config
_config._config_fname = os.devnull  # noqa: SLF001 -- nothing public names another file, or none
