"""Compiles the loops of this package: kernels, which Python calls, and parts, which only kernels call.

Kernels are compiled at their definition, for the types that it names, and cached on disk. They run without the
interpreter's lock, and divide by zero as IEEE 754 says.
"""

from collections.abc import Callable
from typing import Any

from samplemind_worker.numba_loading import KernelCache, nb

ty: Any = nb.types
SIGNAL: Any = ty.Array(ty.f4, 1, "C", readonly=True)
"""Signals, which may lie in read-only memory."""

FUSED = frozenset({"contract"})
"""Lets the compiler fuse a product and a sum into one operation."""
SUMS = frozenset({"reassoc", "contract", "nsz"})
"""Also lets it sum in any order, eight numbers at a time."""

_jit: Any = nb.njit


def kernel(types: Any, *, math: frozenset[str] = frozenset()) -> Callable[..., Any]:
    """Return a decorator that compiles a function for these types; ``math`` names the allowed changes of rounding."""

    def compiled(function: Callable[..., Any]) -> Any:
        dispatcher = _jit(nogil=True, error_model="numpy", fastmath=set(math))(function)
        dispatcher._cache = KernelCache(function)  # noqa: SLF001 -- as its own enable_caching does
        for signature in types if isinstance(types, list) else [types]:
            dispatcher.compile(signature)
        dispatcher.disable_compile()
        return dispatcher

    return compiled


def part(function: Callable[..., Any]) -> Any:
    """Compile a function together with the kernels that call it; Python cannot load it on its own."""
    return _jit(nogil=True, error_model="numpy", fastmath=set(FUSED))(function)
