"""Loads numba without its configuration file, and without what no kernel uses: the kernels import `nb` from here.

`KernelCache` loads compiled kernels without what only compiling needs: half of the time in which the kernels load.

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

__all__ = ["KernelCache", "nb"]

# Set in the environment, so that child processes use them too.
os.environ[kernel_cache.VARIABLE] = str(kernel_cache.prepare())
os.environ["NUMBA_CACHE_LOCATOR_CLASSES"] = "UserProvidedCacheLocator"

_UNUSED: Final = ("cffi", "coverage", "scipy.linalg")
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
    from llvmlite import binding
    from numba.core import caching, config
    from numba.core.codegen import JITCodeLibrary
    from numba.core.compiler import CompileResult
    from numba.core.runtime.nrt import rtsys

    # The one that would load them: compiled kernels name it, as they contain parts of it.
    importlib.import_module("numba.np.arraymath")

_config: Any = config
_config._config_fname = os.devnull  # noqa: SLF001 -- nothing public names another file, or none


class _Kernel(JITCodeLibrary):
    """A compiled kernel. Its LLVM code is read when a kernel that calls it is compiled."""

    def __init__(self, codegen: Any, reduced: Any, *, entry: str) -> None:
        """Load what `serialize_using_object_code` has returned; ``entry`` is the symbol that Python calls."""
        name, _, (machine_code, code) = reduced
        super().__init__(codegen, name)
        self._llvm_code: bytes = code
        self._linkable: Any = None
        self.enable_object_caching()
        self._set_compiled_object(machine_code)
        self._finalize_final_module()
        # numba finds only symbols that it was told of. It would read the LLVM code to list all of them.
        codegen._engine._defined_symbols.add(entry)  # noqa: SLF001 -- nothing public

    def _get_module_for_linking(self) -> Any:
        if self._linkable is None:
            self._linkable = binding.parse_bitcode(self._llvm_code)
        return self._linkable


class _Results(caching.CompileResultCacheImpl):
    def rebuild(self, target_context: Any, payload: Any) -> Any:
        reduced, description, environment, signature, objectmode, lifted, annotation, _, environments = payload
        codegen = target_context.codegen()
        library = _Kernel(codegen, reduced, entry=description.llvm_cpython_wrapper_name)
        for one in environments:
            codegen.set_env(one.env_name, one)
        return CompileResult(
            target_context=target_context,
            typing_context=target_context.typing_context,
            library=library,
            environment=environment,
            entry_point=target_context.get_executable(library, description, environment),
            fndesc=description,
            type_annotation=annotation,
            signature=signature,
            objectmode=objectmode,
            lifted=lifted,
            typing_error=None,
            call_helper=None,
            metadata=None,
            reload_init=(),
            referenced_envs=environments,
        )


class KernelCache(caching.FunctionCache):
    """numba's cache of a kernel, in numba's files, which loads a compiled one without preparing to compile.

    numba prepares first: it loads the implementations of all functions that kernels could use.
    """

    _impl_class = _Results

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return the kernel compiled for these types, or None."""
        rtsys.initialize(target_context)
        return self._load_overload(sig, target_context)
