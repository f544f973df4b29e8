"""The texts below the fields of a class: what documents and schemas say of settings and of fields of JSON."""

import ast
import inspect
import textwrap
from functools import cache
from typing import Any


@cache
def docs_of(cls: type) -> dict[str, str]:
    """Return the docstring that follows each field in a class or its bases, as one paragraph in Markdown."""
    found: dict[str, str] = {}
    # A TypedDict has no other bases than dict at run time.
    bases: tuple[Any, ...] = vars(cls).get("__orig_bases__", cls.__bases__)
    for base in reversed(bases):
        if isinstance(base, type) and base.__module__.partition(".")[0].startswith(("samplemind_", "config")):
            found |= docs_of(base)
    body = ast.parse(textwrap.dedent(inspect.getsource(cls))).body[0]
    assert isinstance(body, ast.ClassDef)  # noqa: S101 -- the source of a class
    field = None
    for node in body.body:
        match node:
            case ast.AnnAssign(target=ast.Name(id=name)):
                field = name
                continue
            case ast.Expr(value=ast.Constant(value=str(text))) if field is not None:
                found[field] = paragraph(text)
            case _:
                pass
        field = None
    return found


def paragraph(text: str) -> str:
    """Return a docstring as one paragraph, with code as Markdown has it."""
    return " ".join(text.split()).replace("``", "`")
