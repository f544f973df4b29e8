"""Queries are coroutine functions of a module; `mongo.synchronous` makes plain functions of them."""

import ast
from pathlib import Path

STORE = Path(__file__).parents[2] / "samplemind_worker/store"


def _nested_queries(path: Path) -> list[str]:
    """Return the functions that define a coroutine function and pass it to `mongo.run` themselves."""
    found: list[str] = []
    for function in ast.parse(path.read_text()).body:
        if isinstance(function, ast.FunctionDef):
            nested = {each.name for each in ast.walk(function) if isinstance(each, ast.AsyncFunctionDef)}
            runs = [ast.unparse(each) for each in ast.walk(function) if isinstance(each, ast.Call)]
            found += [f"{path.stem}.{function.name}" for name in nested if f"mongo.run({name}())" in runs]
    return found


def test_no_function_defines_a_query_only_to_run_it():
    assert [name for path in sorted(STORE.glob("*.py")) for name in _nested_queries(path)] == []
