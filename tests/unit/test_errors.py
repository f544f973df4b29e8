import inspect
import re

import pytest

from samplemind_worker import errors
from samplemind_worker.errors import InvalidSignalError, PermanentError, SampleMindError, UnreadableError

# `error.code` of docs/contract.md.
CODES = [
    "unreadable",
    "empty",
    "not_audio",
    "too_long",
    "too_large",
    "unsupported",
    "permission",
    "missing",
    "outside_roots",
    "timeout",
    "worker_crashed",
    "out_of_memory",
    "internal",
]

TREE = r"^    (?P<indent>[│├└─ ]*)(?P<name>\w+Error)\b +(?:.*``(?P<code>\w+)``)?"


def classes() -> dict[str, type[Exception]]:
    return {
        name: value
        for name, value in vars(errors).items()
        if inspect.isclass(value) and issubclass(value, Exception) and value.__module__ == errors.__name__
    }


def drawn() -> dict[str, tuple[str | None, str | None]]:
    """Name to (name of its base, code), as the module's docstring draws the tree."""
    found: dict[str, tuple[str | None, str | None]] = {}
    above: list[tuple[int, str]] = []
    for line in (errors.__doc__ or "").splitlines():
        match = re.match(TREE, line + " ")
        if match is None:
            continue
        depth = len(match["indent"])
        above = [pair for pair in above if pair[0] < depth]
        found[match["name"]] = (above[-1][1] if above else None, match["code"])
        above.append((depth, match["name"]))
    return found


def test_every_code_belongs_to_exactly_one_error():
    own = [
        error.code for name, error in classes().items() if issubclass(error, PermanentError) and "code" in vars(error)
    ]

    # PermanentError itself says `internal` for whoever forgets.
    assert sorted(own) == sorted([*CODES, "internal"])
    assert PermanentError.code == "internal"


def test_tree_is_as_it_is_drawn():
    tree = {
        name: (error.__bases__[0].__name__ if error is not SampleMindError else None, vars(error).get("code"))
        for name, error in classes().items()
        if error is not InvalidSignalError
    }
    tree["PermanentError"] = ("SampleMindError", None)

    assert drawn() == tree


def test_invalid_signal_is_an_unreadable_file_and_a_value_error():
    assert InvalidSignalError.__bases__ == (UnreadableError, ValueError)
    assert InvalidSignalError.code == "unreadable"


@pytest.mark.parametrize("name", sorted(classes()))
def test_every_error_says_what_it_means(name: str):
    assert (classes()[name].__doc__ or "").strip() != ""
