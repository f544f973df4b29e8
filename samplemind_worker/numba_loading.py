"""Loads numba without its configuration file; import this module before numba.

numba reads ``.numba_config.yaml`` in the working folder when it is loaded and whenever it compiles. That file can name
the folder from which numba unpickles kernels.
"""

import os
from typing import Any

from samplemind_worker import kernel_cache
from samplemind_worker.isolation import neutral_folder

# Set in the environment, so that child processes use them too.
os.environ[kernel_cache.VARIABLE] = str(kernel_cache.prepare())
os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] = "UserProvidedCacheLocator"

with neutral_folder():
    from numba.core import config

_config: Any = config
_config._config_fname = os.devnull  # noqa: SLF001 -- nothing public names another file, or none
