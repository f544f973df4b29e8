"""The environment of a user, without the tools of development, runs what `make run` runs."""

import re
import subprocess
import sys
from pathlib import Path

TOP = Path(__file__).parents[2]
_ABSENT = (
    "scipy",
    "sklearn",
    "librosa",
    "pyloudnorm",
    "pytest",
    "hypothesis",
    "kubernetes",
    "onnxruntime",
    "tokenizers",
)
_USE = """
import importlib, pathlib, sys
absent, modules = sys.argv[1].split(), sys.argv[2].split()
sys.modules.update(dict.fromkeys(absent))
for name in modules:
    importlib.import_module(name)
from benchmarks.library import main
from samplemind_worker.dsp import SR, compute_features, estimate
from training.signals import drum_loop
y = drum_loop(120.0, sr=SR)
print(estimate(compute_features(y, sr=SR), duration=y.size / SR).kind)
"""


def _loaded() -> list[str]:
    """What the Makefile has compiled beforehand."""
    found = re.search(r"^LOADED := ((?:.*\\\n)*.*)$", (TOP / "Makefile").read_text(), re.MULTILINE)
    assert found is not None
    return found[1].replace("\\", " ").split()


def test_what_users_run_needs_no_tool_of_development():
    done = subprocess.run(
        [sys.executable, "-c", _USE, " ".join(_ABSENT), " ".join(_loaded())],
        check=False,
        capture_output=True,
        text=True,
        cwd=TOP,
    )

    assert (done.returncode, done.stdout, done.stderr) == (0, "loop\n", "")
