"""Task names: each explicit, ours, and with a queue."""

import ast
import subprocess
import sys
from pathlib import Path

from config import task_names as names
from config.celery_options import celery_options
from config.settings import Settings

TASKS = Path(__file__).parents[2] / "tasks"
KNOWN = {value for name, value in vars(names).items() if name.isupper() and isinstance(value, str)}


def registered() -> set[str]:
    """The tasks that workers of all roles offer, but for Celery's own."""
    # In an interpreter of its own: the test run's plugins register tasks too.
    code = (
        "from samplemind_worker.app import app\n"
        "app.loader.import_default_modules(); app.finalize(auto=True); print(*app.tasks)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=TASKS.parent)
    return {name for name in done.stdout.split() if not name.startswith("celery.")}


def task_names_in_source() -> list[tuple[str, str | None]]:
    """(function, its `name=` as written) of each task."""
    found: list[tuple[str, str | None]] = []
    for path in sorted(TASKS.glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if not isinstance(node, ast.FunctionDef):
                continue
            for decorator in node.decorator_list:
                if "shared_task" in ast.unparse(decorator):
                    keywords = decorator.keywords if isinstance(decorator, ast.Call) else []
                    given = {keyword.arg: ast.unparse(keyword.value) for keyword in keywords}
                    found.append((node.name, given.get("name")))
    return found


def test_every_task_is_registered_under_a_name_of_the_contract():
    assert registered() == KNOWN


def test_every_task_names_itself_from_the_contract():
    assert task_names_in_source() != []
    assert [(function, name) for function, name in task_names_in_source() if name != f"names.{function.upper()}"] == []


def test_no_other_module_repeats_a_name():
    top = TASKS.parent
    repeated = [
        (str(path.relative_to(top)), node.value)
        for package in ("config", "samplemind_cli", "samplemind_worker", "tasks")
        for path in sorted((top / package).rglob("*.py"))
        if path != Path(names.__file__)
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Constant) and node.value in KNOWN
    ]

    assert repeated == []


def test_every_name_begins_with_that_of_the_project():
    assert [name for name in KNOWN if not name.startswith("samplemind.")] == []


def test_every_name_has_a_queue_that_is_declared():
    options = celery_options(Settings(_env_file=None))

    assert set(options["task_routes"]) == KNOWN
    assert [route for route in options["task_routes"].values() if route["queue"] not in options["task_queues"]] == []


def test_chain_holds_names_of_the_contract():
    assert set(names.CHAIN) <= KNOWN
