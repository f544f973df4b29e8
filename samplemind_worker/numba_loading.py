"""Loads numba without its configuration file: the kernels import `nb` from here.

numba reads ``.numba_config.yaml`` in the working folder when it is loaded and whenever it compiles. That file can name
the folder from which numba unpickles kernels.
"""

import os
from typing import Any

from samplemind_worker import kernel_cache
from samplemind_worker.isolation import neutral_folder

__all__ = ["nb"]

# Set in the environment, so that child processes use them too.
os.environ[kernel_cache.VARIABLE] = str(kernel_cache.prepare())
os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] = "UserProvidedCacheLocator"

with neutral_folder():
    import numba as nb
    from numba.core import config

_config: Any = config
_config._config_fname = os.devnull  # noqa: SLF001 -- nothing public names another file, or none
