"""Compiled kernels are loaded without what only compiling needs, and can still be compiled into others."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

_CALLED = """
from samplemind_worker.dsp._jit import SIGNAL, kernel, ty

@kernel(ty.f8(SIGNAL))
def total(y):
    summed = 0.0
    for value in y:
        summed += value
    if summed < 0.0:
        raise ValueError("negative")
    return summed
"""
_CALLER = """
from called import total
from samplemind_worker.dsp._jit import SIGNAL, kernel, ty

@kernel([ty.f8(SIGNAL), ty.f8(ty.Array(ty.f8, 1, "C"))])
def mean(y):
    return FACTOR * total(y.astype("f4")) / len(y)
"""
_PROGRAM = """
import sys
import numpy as np
from caller import mean
from called import total
y = np.arange(4, dtype=np.float32)
print(mean(y), mean(y.astype(float)), total(y), total.stats.cache_hits.total(), mean.stats.cache_hits.total())
print("numba.np.npyimpl" in sys.modules)
try:
    mean(-y)
except ValueError as error:
    print(error)
"""


@pytest.fixture
def run(tmp_path: Path) -> Callable[[str], list[str]]:
    (tmp_path / "called.py").write_text(_CALLED)

    def in_process_of_its_own(factor: str) -> list[str]:
        (tmp_path / "caller.py").write_text(_CALLER.replace("FACTOR", factor))
        return subprocess.run(
            [sys.executable, "-c", _PROGRAM],
            env={**os.environ, "PYTHONPATH": str(tmp_path), "NUMBA_CACHE_DIR": str(tmp_path / "cache")},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.splitlines()

    return in_process_of_its_own


def test_a_kernel_is_compiled_once_and_then_loaded_without_the_compiler(run: Callable[[str], list[str]]):
    compiled = run("1.0")
    loaded = run("1.0")

    assert compiled == ["1.5 1.5 6.0 0 0", "True", "negative"]
    assert loaded == ["1.5 1.5 6.0 1 2", "False", "negative"]


def test_a_kernel_that_has_changed_is_compiled_with_those_that_were_loaded(run: Callable[[str], list[str]]):
    run("1.0")

    assert run("20.0") == ["30.0 30.0 6.0 1 0", "True", "negative"]
