"""``samplemind web`` as a command."""

import signal
import socket
import subprocess
import sys

import pytest

from config.settings import Settings
from samplemind_worker.local_services.services import setting_env

pytestmark = pytest.mark.services


def test_a_port_that_is_taken_is_named_with_a_way_out(settings: Settings):
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
        command = [sys.executable, "-P", "-m", "samplemind_cli", "web", "--no-open", "--port", str(port)]
        given = {**setting_env(settings), "PATH": "/usr/bin:/bin", "SAMPLEMIND_ENV_FILE": "/dev/null"}
        done = subprocess.run(command, env=given, capture_output=True, text=True, timeout=60, check=False)

    assert (done.returncode, done.stdout) == (3, "")
    assert done.stderr == (
        f"samplemind: error: port {port} is taken, perhaps by another `samplemind web`; another port is chosen with "
        "--port or SAMPLEMIND_WEB_PORT\n"
    )


def test_an_interrupt_ends_it_without_a_traceback(settings: Settings, chroma: str):  # noqa: ARG001 -- it must answer
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = other.getsockname()[1]
    command = [sys.executable, "-P", "-m", "samplemind_web", "--port", str(port)]
    given = {**setting_env(settings), "PATH": "/usr/bin:/bin", "SAMPLEMIND_ENV_FILE": "/dev/null"}
    with subprocess.Popen(command, env=given, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        for line in process.stderr:
            if "Ctrl-C ends it" in line:
                break
        process.send_signal(signal.SIGINT)
        rest = process.stderr.read()
        assert process.wait(30) == 130
    assert "Traceback" not in rest
