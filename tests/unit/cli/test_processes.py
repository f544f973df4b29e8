"""Which queues a worker may be told to read."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from config.queues import ROLES
from samplemind_cli.app import app
from samplemind_cli.commands.processes import Role


def test_every_role_can_be_asked_for():
    assert [role.value for role in Role] == list(ROLES)


def test_a_cpu_worker_has_no_other_role():
    told = CliRunner().invoke(app, ["worker", "--queues", "cpu", "--queues", "io"])

    assert told.exit_code != 0
    assert "a cpu worker reads no other queues" in str(told.exception)


@pytest.mark.parametrize(
    ("roles", "said"),
    [((), "--role"), (("cpu", "ai"), "a cpu worker has no other role"), (("gpu",), "invalid choice: 'gpu'")],
)
def test_a_worker_without_a_proper_role_does_not_start(roles: tuple[str, ...], said: str):
    words = [word for role in roles for word in ("--role", role)]
    done = subprocess.run(
        [sys.executable, "-m", "samplemind_worker.app", "worker", *words], capture_output=True, text=True, check=False
    )

    assert done.returncode == 2
    assert said in done.stderr
