"""How the loops of this package are compiled: kernels, which Python calls, and parts, which only kernels call.

Kernels are compiled where they are defined, for the types named there, and kept on disk. None of them takes the
interpreter's lock; a division by zero gives what IEEE 754 says.
"""

from collections.abc import Callable
from typing import Any

from samplemind_worker.numba_loading import nb

ty: Any = nb.types
SIGNAL: Any = ty.Array(ty.f4, 1, "C", readonly=True)
"""Signals may come from memory that must not be written to."""

FUSED = frozenset({"contract"})
"""A product and a sum may be one operation."""
SUMS = frozenset({"reassoc", "contract", "nsz"})
"""Sums may also be taken in any order: eight at a time."""

_jit: Any = nb.njit


def kernel(types: Any, *, math: frozenset[str] = frozenset()) -> Callable[..., Any]:
    """Return a decorator for what Python calls with these types; ``math`` says what rounding may differ."""
    return _jit(types, cache=True, nogil=True, error_model="numpy", fastmath=set(math))


def part(function: Callable[..., Any]) -> Any:
    """Compile what only kernels call together with them: it is not loaded on its own."""
    return _jit(nogil=True, error_model="numpy", fastmath=set(FUSED))(function)
