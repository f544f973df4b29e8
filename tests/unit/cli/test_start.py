"""Ctrl-C while the command line is still being loaded."""

import subprocess
import sys

import pytest

_INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == sys.argv[1]:
            os.kill(os.getpid(), signal.SIGINT)

sys.meta_path.insert(0, Interrupt())
from samplemind_cli.__main__ import main
sys.argv = ["samplemind", "--version"]
main()
"""


@pytest.mark.parametrize("module", ["samplemind_worker.isolation", "samplemind_cli.app"])
def test_ctrl_c_while_modules_are_loaded_ends_without_a_traceback(module: str):
    code = _INTERRUPTED.replace("sys.argv[1]", repr(module))
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=False)
    assert (ended.returncode, ended.stdout, ended.stderr) == (130, "", "")
