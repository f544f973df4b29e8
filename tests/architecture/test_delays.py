"""No message waits in a worker for longer than Redis lets it: what is not acknowledged by then is delivered twice.

A task with a countdown or an ETA is taken from its queue at once, and held until its time. The visibility timeout is at
least ten minutes, and half of it is left for the task itself.
"""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

from config.celery_options import celery_options
from config.settings import Settings
from tasks.retry import POLICY

ROOT = Path(__file__).parents[2]
OURS = ("config", "tasks", "samplemind_cli", "samplemind_web", "samplemind_worker")
SHORTEST = 600.0  # s of the visibility timeout, whatever the settings
DELAYS = {"countdown", "eta", "retry_backoff_max", "default_retry_delay"}


def delays(source: str) -> Iterator[tuple[int, str, float | None]]:
    """Line, name and seconds of each delay that a source gives to a call, a task or a mapping; None if not a number."""
    for node in ast.walk(ast.parse(source)):
        named: list[tuple[str, ast.expr]] = []
        if isinstance(node, ast.Call):
            named = [(each.arg, each.value) for each in node.keywords if each.arg is not None]
        elif isinstance(node, ast.Dict):
            pairs = zip(node.keys, node.values, strict=True)
            named = [
                (key.value, value) for key, value in pairs if isinstance(key, ast.Constant) and type(key.value) is str
            ]
        for name, value in named:
            if name in DELAYS:
                constant = value.value if isinstance(value, ast.Constant) else None
                yield value.lineno, name, float(constant) if isinstance(constant, (int, float)) else None


def too_long(source: str) -> list[tuple[int, str]]:
    return [
        (line, name)
        for line, name, seconds in delays(source)
        # An ETA is a moment, of which nothing here tells how far away it is.
        if name == "eta" or seconds is None or seconds > SHORTEST / 2
    ]


def test_no_delay_of_ours_is_longer():
    files = [path for folder in OURS for path in (ROOT / folder).rglob("*.py") if "node_modules" not in path.parts]
    found = {str(path.relative_to(ROOT)): too_long(path.read_text()) for path in files}

    assert {path: lines for path, lines in found.items() if lines} == {}
    assert [name for _, name, _ in delays((ROOT / "tasks" / "retry.py").read_text())] == ["retry_backoff_max"]


@pytest.mark.parametrize(
    "source",
    [
        "task.apply_async(countdown=301)",
        "task.retry(countdown=delay)",
        "signature.set(eta=soon)",
        'POLICY = {"retry_backoff_max": 3600}',
        "shared_task(default_retry_delay=1e3)",
    ],
)
def test_what_is_too_long_is_found(source: str):
    assert len(too_long(source)) == 1


def test_the_visibility_timeout_is_never_shorter():
    settings = Settings(step_seconds=1.0, _env_file=None)  # the least that it may be

    assert celery_options(settings)["broker_transport_options"]["visibility_timeout"] >= SHORTEST
    assert POLICY["retry_backoff_max"] <= SHORTEST / 2
