"""The command line answers quickly because it loads little."""

import subprocess
import sys

import pytest

_SLOW = {
    "anthropic", "beanie", "bson", "celery", "chromadb", "google.genai", "httpx", "kombu", "librosa", "loguru", "numba",
    "numpy", "ollama", "orjson", "psutil", "pydantic", "pydantic_settings", "pymongo", "questionary", "redis", "rich",
    "scipy", "soundfile", "soxr", "textual",
}  # fmt: skip

_HELP = """
import contextlib, io, sys
from samplemind_cli.app import run
with contextlib.redirect_stdout(io.StringIO()) as shown:
    assert run({arguments!r}) == 0
assert "submit" in shown.getvalue()
print("\\n".join(sys.modules))
"""


def loaded_by(program: str) -> set[str]:
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def test_the_cli_loads_nothing_slow():
    assert loaded_by("import samplemind_cli.app, sys; print('\\n'.join(sys.modules))") & _SLOW == set()


def test_help_loads_nothing_slow():
    assert loaded_by(_HELP.format(arguments=["--help"])) & _SLOW == set()


@pytest.mark.parametrize("role", ["io", "store", "ai"])
def test_workers_without_signals_load_no_engine(role: str):
    program = (
        "import sys\n"
        "from config.settings import get_settings\n"
        "from samplemind_worker.app import create_app\n"
        f"create_app(get_settings(), role={role!r}).loader.import_default_modules()\n"
        "print('\\n'.join(sys.modules))"
    )
    loaded = loaded_by(program)

    assert "tasks.ai" in loaded
    assert loaded & {"numba", "scipy", "soundfile", "librosa", "samplemind_worker.pipeline.engine"} == set()


def test_a_decoder_loads_nothing_that_judges_signals():
    loaded = loaded_by("import sys, samplemind_worker.pipeline.reader; print('\\n'.join(sys.modules))")

    assert "samplemind_worker.pipeline.signals" in loaded
    assert (
        loaded & {f"samplemind_worker.{name}" for name in ("pipeline.engine", "dsp.instrument", "dsp._notes")} == set()
    )


def test_the_engine_loads_nothing_that_no_kernel_uses():
    loaded = loaded_by(
        "import sys\n"
        "import samplemind_worker.pipeline.analyze\n"
        "from samplemind_worker import dsp\n"
        "dsp.warm_up()\n"
        "print('\\n'.join(sys.modules))\n"
        "import cffi, scipy.linalg  # numba alone does without them"
    )

    assert "numba.np.arraymath" in loaded
    assert loaded & {"cffi", "pycparser", "scipy.linalg"} == set()


def test_the_record_is_opened_without_the_engine():
    loaded = loaded_by("import samplemind_cli.client, sys; print('\\n'.join(sys.modules))")

    assert loaded & {"numba", "numpy", "scipy", "soundfile", "librosa", "celery", "chromadb"} == set()
    assert "beanie" in loaded


def test_commands_that_only_read_the_record_load_no_documents():
    modules = (
        "samplemind_cli.app, samplemind_cli.record, samplemind_cli.library, samplemind_cli.index, samplemind_cli.tables"
    )
    loaded = loaded_by(f"import {modules}, sys; print('\\n'.join(sys.modules))")

    assert loaded & _SLOW - {"bson", "loguru", "psutil", "pydantic", "pydantic_settings", "pymongo"} == set()
