"""Compiled kernels lie where nobody else can write, and nobody else holds up who compiles them."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

from samplemind_worker import kernel_cache
from samplemind_worker.local_services import places
from samplemind_worker.local_services.checks import Check

ROOT = Path(__file__).parents[2]


def test_the_folder_that_the_environment_names_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))

    made = kernel_cache.prepare()
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(made))  # as a child finds it

    assert made == tmp_path / "samplemind-kernels"
    assert made.stat().st_mode & 0o777 == 0o700
    assert kernel_cache.prepare() == made


@pytest.mark.parametrize("mode", [0o720, 0o702, 0o777])
def test_a_folder_that_others_can_write_to_is_not_used(mode: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    (tmp_path / "samplemind-kernels").mkdir()
    (tmp_path / "samplemind-kernels").chmod(mode)

    assert kernel_cache.prepare() == ROOT / "samplemind_worker/dsp/__pycache__/samplemind-kernels"


def test_a_link_is_not_followed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    (tmp_path / "elsewhere").mkdir(mode=0o700)
    (tmp_path / "samplemind-kernels").symlink_to(tmp_path / "elsewhere")

    assert kernel_cache.prepare().is_relative_to(ROOT)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    (tmp_path / "samplemind-kernels").mkdir(mode=0o700)
    os.chown(tmp_path / "samplemind-kernels", 65534, 65534)

    assert kernel_cache.prepare().is_relative_to(ROOT)


def test_the_lock_is_waited_for_with_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    with kernel_cache.compiling() as mine:
        assert mine
        assert kernel_cache.is_compiling(kernel_cache.prepare())
        with kernel_cache.compiling(patience=0.2) as again:
            assert not again
    assert not kernel_cache.is_compiling(kernel_cache.prepare())


def test_a_lock_in_the_shared_temporary_folder_holds_nobody_up(tmp_path: Path):
    held = os.open(tmp_path / f"samplemind-warm-up-{os.getuid()}.lock", os.O_RDWR | os.O_CREAT, 0o666)
    fcntl.flock(held, fcntl.LOCK_EX)

    done = subprocess.run(
        [sys.executable, "-m", "samplemind_worker.lifecycle", "warm-up"],
        env={**os.environ, "TMPDIR": str(tmp_path)},
        cwd=ROOT,
        timeout=200,
        check=False,
    )

    os.close(held)
    assert done.returncode == 0


def test_the_doctor_says_where_kernels_are_and_that_they_are_compiled(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path))
    with kernel_cache.compiling():
        check = numba_check()
    assert (check.state, check.detail) == ("ok", f"{tmp_path}/samplemind-kernels; a process compiles kernels")

    (tmp_path / "samplemind-kernels").chmod(0o777)
    check = numba_check()
    assert (check.state, check.detail) == ("warn", f"{ROOT}/samplemind_worker/dsp/__pycache__/samplemind-kernels")
    assert "others can write to it" in check.mend


def numba_check() -> Check:
    return places._numba_cache()  # noqa: SLF001 -- the others take seconds
