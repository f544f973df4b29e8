"""Loads numba so that no stranger has a say in it; importing this module before numba is enough.

numba reads ``.numba_config.yaml`` in the working folder, when it is loaded and whenever it compiles, and takes from it
the folder that it unpickles kernels from.
"""

import os
from typing import Any

from samplemind_worker import kernel_cache
from samplemind_worker.isolation import neutral_folder

# In the environment, where child processes find them as well.
os.environ[kernel_cache.VARIABLE] = str(kernel_cache.prepare())
os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] = "UserProvidedCacheLocator"

with neutral_folder():
    from numba.core import config

_config: Any = config
_config._config_fname = os.devnull  # noqa: SLF001 -- nothing public names another file, or none
