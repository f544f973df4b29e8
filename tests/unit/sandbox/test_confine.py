"""The program that the kernel asks before each system call, run here for both kinds of machine."""

import os
import struct

import pytest

from samplemind_worker.sandbox import confine

X86, ARM = 0xC000003E, 0xC00000B7
ALLOWED, REFUSED, KILLED = 0x7FFF0000, 0x00050001, 0x80000000


def verdict(machine: str, arch: int, number: int, *arguments: int) -> int:
    """Run the program as the kernel does."""
    data = struct.pack("<IIQ6Q", number, arch, 0, *arguments, *[0] * (6 - len(arguments)))
    lines = list(struct.iter_unpack("=HBBI", confine._filter(machine)))  # noqa: SLF001 -- what the kernel is given
    at = value = 0
    while True:
        code, then, otherwise, k = lines[at]
        at += 1
        match code:
            case 0x20:
                (value,) = struct.unpack_from("<I", data, k)
            case 0x15:
                at += then if value == k else otherwise
            case 0x45:
                at += then if value & k else otherwise
            case _:
                return k


@pytest.mark.parametrize(
    ("x86", "arm"),
    [(0, 63), (1, 64), (17, 67), (8, 62), (5, 80), (47, 212), (12, 214), (202, 98), (231, 94), (15, 139)],
    ids=["read", "write", "pread64", "lseek", "fstat", "recvmsg", "brk", "futex", "exit_group", "rt_sigreturn"],
)
def test_what_decoding_needs_is_allowed(x86: int, arm: int):
    assert verdict("x86_64", X86, x86) == ALLOWED
    assert verdict("aarch64", ARM, arm) == ALLOWED


@pytest.mark.parametrize(
    ("x86", "arm"),
    [(257, 56), (437, 437), (41, 198), (42, 203), (59, 221), (322, 281), (56, 220), (435, 435),
     (101, 117), (62, 129), (46, 211), (310, 270), (165, 40), (263, 35), (425, 425)],
    ids=[
        "openat", "openat2", "socket", "connect", "execve", "execveat", "clone", "clone3", "ptrace", "kill", "sendmsg",
        "process_vm_readv", "mount", "unlinkat", "io_uring_setup",
    ],
)  # fmt: skip
def test_all_else_is_refused(x86: int, arm: int):
    assert verdict("x86_64", X86, x86) == REFUSED
    assert verdict("aarch64", ARM, arm) == REFUSED


@pytest.mark.parametrize("numbers", [("x86_64", X86, 9, 10), ("aarch64", ARM, 222, 226)], ids=["x86-64", "ARM64"])
def test_memory_cannot_be_made_executable(numbers: tuple[str, int, int, int]):
    machine, arch, mmap, mprotect = numbers
    for call in (mmap, mprotect):
        assert verdict(machine, arch, call, 0, 4096, 3) == ALLOWED
        assert verdict(machine, arch, call, 0, 4096, 5) == REFUSED


def test_limits_of_cpu_time_and_signals_are_its_own():
    own = os.getpid()
    assert verdict("x86_64", X86, 302, 0, 0) == ALLOWED  # prlimit64 of RLIMIT_CPU
    assert verdict("x86_64", X86, 302, 0, 9) == REFUSED  # of RLIMIT_AS
    assert verdict("x86_64", X86, 302, 1, 0) == REFUSED
    assert verdict("x86_64", X86, 234, own, own, 6) == ALLOWED  # tgkill
    assert verdict("x86_64", X86, 234, 1, 1, 6) == REFUSED


def test_the_state_of_a_file_is_told_only_of_an_open_one():
    assert verdict("x86_64", X86, 262, 3, 0, 0, 0x1000) == ALLOWED  # newfstatat, AT_EMPTY_PATH
    assert verdict("x86_64", X86, 262, 3, 0, 0, 0) == REFUSED


def test_calls_of_another_kind_of_machine_end_the_process():
    assert verdict("x86_64", 0x40000003, 4) == KILLED  # write of 32-bit programs
    assert verdict("x86_64", X86, 0x40000000 | 2) == REFUSED  # open of the x32 kind
