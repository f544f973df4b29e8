"""Corrects what FastAPI writes into the OpenAPI document: all errors are problems, of the media type of problems."""

from typing import Any, Final

from samplemind_web.problems import MEDIA_TYPE

_REF: Final = {"$ref": "#/components/schemas/Problem"}
_FIRST_ERROR: Final = 400
_NOT_OURS: Final = ("HTTPValidationError", "ValidationError")


def correct(document: dict[str, Any]) -> dict[str, Any]:
    """Correct a document in place, and return it."""
    for operations in document["paths"].values():
        for operation in operations.values():
            for status, answer in list(operation["responses"].items()):
                _correct(operation["responses"], status, answer)
    for name in _NOT_OURS:
        document["components"]["schemas"].pop(name, None)
    return document


def _correct(answers: dict[str, Any], status: str, answer: dict[str, Any]) -> None:
    content = answer.get("content", {})
    schemas = [media.get("schema", {}).get("$ref", "").rpartition("/")[2] for media in content.values()]
    if status == "422" and schemas == ["HTTPValidationError"]:
        del answers[status]  # `default` has it
    elif status == "default" or (int(status) >= _FIRST_ERROR and (not content or schemas == ["Problem"])):
        answer["content"] = {MEDIA_TYPE: {"schema": _REF}}
