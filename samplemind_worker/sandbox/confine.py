"""Takes every right from a decoder but those to read the open files that it gets, to compute and to answer.

All platforms limit core files, processes (not for root), open files, the size of writes, and CPU time per file. Linux
also limits memory, and ends the decoder with its parent. With seccomp, on x86-64 and ARM64, only the system calls below
are allowed: a decoder cannot open files, make sockets, start programs, or signal or inspect other processes.
"""

import ctypes
import os
import platform
import resource
import signal
import struct
import sys
from pathlib import Path
from typing import Final

_PR_SET_PDEATHSIG: Final = 1
_PR_SET_SECCOMP: Final = 22
_PR_SET_NO_NEW_PRIVS: Final = 38
_SECCOMP_MODE_FILTER: Final = 2

# linux/filter.h, linux/seccomp.h, linux/audit.h
_LOAD, _IF_EQUAL, _IF_SET, _RETURN = 0x20, 0x15, 0x45, 0x06
_ALLOW, _REFUSE, _KILL = 0x7FFF0000, 0x00050000 | 1, 0x80000000  # 1 is EPERM
_AT_NUMBER, _AT_ARCH, _AT_ARGUMENTS = 0, 4, 16
_AUDIT_ARCH: Final = {"x86_64": 0xC000003E, "aarch64": 0xC00000B7}
_COLUMN: Final = {"x86_64": 0, "aarch64": 1}
_INSTRUCTION: Final = struct.Struct("=HBBI")

_PROT_EXEC: Final = 4
_AT_EMPTY_PATH: Final = 0x1000

# Number on x86-64 and on ARM64; -1 where there is none.
_FREE: Final = {
    "read": (0, 63), "write": (1, 64), "readv": (19, 65), "writev": (20, 66),
    "pread64": (17, 67), "pwrite64": (18, 68), "preadv": (295, 69), "lseek": (8, 62),
    "close": (3, 57), "fstat": (5, 80), "recvmsg": (47, 212), "recvfrom": (45, 207), "sendto": (44, 206),
    "poll": (7, -1), "ppoll": (271, 73),
    "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233), "brk": (12, 214), "futex": (202, 98),
    "clock_gettime": (228, 113), "clock_nanosleep": (230, 115), "nanosleep": (35, 101), "gettimeofday": (96, 169),
    "getrandom": (318, 278), "getpid": (39, 172), "gettid": (186, 178), "getrusage": (98, 165),
    "rt_sigaction": (13, 134), "rt_sigprocmask": (14, 135), "rt_sigreturn": (15, 139), "sigaltstack": (131, 132),
    "exit": (60, 93), "exit_group": (231, 94), "restart_syscall": (219, 128),
    "sched_yield": (24, 124), "sched_getaffinity": (204, 123), "sysinfo": (99, 179), "uname": (63, 160),
}  # fmt: skip
_MMAP, _MPROTECT, _NEWFSTATAT = (9, 222), (10, 226), (262, 79)
_PRLIMIT, _TGKILL = (302, 261), (234, 131)
_ZERO: Final = ctypes.c_ulong(0)


class _Program(ctypes.Structure):
    _fields_ = (("length", ctypes.c_ushort), ("instructions", ctypes.c_char_p))


def die_with_parent(parent: int) -> None:
    """Have the kernel end this process when its parent ends; only Linux can."""
    if sys.platform == "linux":
        _prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:
            os._exit(1)


def confine(*, memory: int, file_bytes: int, files: int) -> list[str]:
    """Give up all rights that decoding does not need, and return which `messages.PROTECTIONS` hold here.

    ``memory`` is how many bytes may be allocated from now on, ``file_bytes`` the largest size that a file may get.
    """
    holds = ["core files", "open files", "file size", "cpu time"]
    _limit(resource.RLIMIT_CORE, 0)
    _limit(resource.RLIMIT_NPROC, 0)
    _limit(resource.RLIMIT_NOFILE, files)
    _limit(resource.RLIMIT_FSIZE, file_bytes)
    if sys.platform == "linux":
        # On other systems this limit does not count mapped memory.
        pages = int(Path("/proc/self/statm").read_text().split()[0])
        _limit(resource.RLIMIT_AS, pages * os.sysconf("SC_PAGE_SIZE") + memory)
        holds.append("memory")
        if _prctl(_PR_SET_NO_NEW_PRIVS, 1):
            holds.append("no new privileges")
            if _filter_calls():
                holds += ["system calls", "network"]
    return holds


def allow_seconds(seconds: float) -> None:
    """Allow this process so many seconds of CPU time from now on; then the kernel ends it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    until = int(usage.ru_utime + usage.ru_stime + seconds) + 1
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (until if hard == resource.RLIM_INFINITY else min(until, hard), hard))


def _limit(kind: int, most: int) -> None:
    _, hard = resource.getrlimit(kind)
    most = most if hard == resource.RLIM_INFINITY else min(most, hard)
    resource.setrlimit(kind, (most, most))


def _prctl(option: int, first: int, second: object = _ZERO) -> bool:
    return ctypes.CDLL(None).prctl(option, ctypes.c_ulong(first), second, _ZERO, _ZERO) == 0


def _filter_calls() -> bool:
    machine = platform.machine()
    if machine not in _AUDIT_ARCH or sys.byteorder != "little":
        return False
    code = _filter(machine)
    program = _Program(len(code) // _INSTRUCTION.size, code)
    return _prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.byref(program))


def _filter(machine: str) -> bytes:
    """Return the BPF program that the kernel runs before each system call."""
    column = _COLUMN[machine]
    lines = [
        (_LOAD, 0, 0, _AT_ARCH),
        (_IF_EQUAL, 1, 0, _AUDIT_ARCH[machine]),
        (_RETURN, 0, 0, _KILL),
        (_LOAD, 0, 0, _AT_NUMBER),
    ]
    for numbers in _FREE.values():
        if numbers[column] >= 0:
            lines += [(_IF_EQUAL, 0, 1, numbers[column]), (_RETURN, 0, 0, _ALLOW)]
    # Memory may be mapped, but not made executable.
    for numbers in (_MMAP, _MPROTECT):
        tests = [(_LOAD, 0, 0, _argument(2)), (_IF_SET, 0, 1, _PROT_EXEC), (_RETURN, 0, 0, _REFUSE)]
        lines += _when(numbers[column], tests)
    # Allowed: fstat, its own limit of CPU time, and a signal to itself, as abort() sends it.
    lines += _when(_NEWFSTATAT[column], _unless_equal(3, _AT_EMPTY_PATH))
    lines += _when(_PRLIMIT[column], _unless_equal(0, 0) + _unless_equal(1, resource.RLIMIT_CPU))
    lines += _when(_TGKILL[column], _unless_equal(0, os.getpid()))
    lines.append((_RETURN, 0, 0, _REFUSE))
    return b"".join(_INSTRUCTION.pack(*line) for line in lines)


_Line = tuple[int, int, int, int]


def _when(number: int, tests: list[_Line]) -> list[_Line]:
    """Allow a call that passes all tests; a test refuses the call or goes on to the next one."""
    body = [*tests, (_RETURN, 0, 0, _ALLOW)]
    return [(_IF_EQUAL, 0, len(body), number), *body]


def _unless_equal(argument: int, value: int) -> list[_Line]:
    return [(_LOAD, 0, 0, _argument(argument)), (_IF_EQUAL, 1, 0, value), (_RETURN, 0, 0, _REFUSE)]


def _argument(index: int) -> int:
    # The lower half: flags, process ids and resources are ints, of which the kernel reads only these 32 bits.
    return _AT_ARGUMENTS + 8 * index
