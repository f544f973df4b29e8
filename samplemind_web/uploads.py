"""Receives a file in pieces and hands them to the inbox, off the loop."""

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from http import HTTPStatus
from typing import Final, TypeVar

from fastapi import Request
from loguru import logger

from config.settings import Settings
from samplemind_web.context import Context
from samplemind_web.problems import ProblemError
from samplemind_worker.errors import NameTakenError, NoRoomError, UploadTooLargeError, UsageError
from samplemind_worker.packs import upload
from samplemind_worker.packs.ingest import require_inbox
from samplemind_worker.packs.upload import Upload

T = TypeVar("T")

_BLOCK: Final = 2**20  # bytes that are written at once
_PIECE_SECONDS: Final = 60.0  # s that a client may take for its next piece
_DISK_SECONDS: Final = 60.0  # s


@dataclass(frozen=True, slots=True)
class Received:
    """A file that lies in the inbox."""

    name: str
    size: int
    content: str
    """Its SHA-256."""
    new: bool


async def receive(request: Request, name: str, context: Context) -> Received:
    """Put the body of a request into the inbox under a name; an upload that is interrupted leaves nothing.

    Raises
    ------
    ProblemError
        If the name may not be used or is taken, or there is no room.
    """
    length = request.headers.get("content-length", "")
    expected = int(length) if length.isascii() and length.isdecimal() else None
    await _on_disk(context, partial(_require_inbox, context.settings))
    with ExitStack() as stack:
        opened = upload.receiving(context.settings, name, expected=expected)
        file = await _on_disk(context, partial(stack.enter_context, opened))
        block = bytearray()
        pieces = request.stream()
        while True:
            try:
                piece = await asyncio.wait_for(anext(pieces, None), _PIECE_SECONDS)
            except TimeoutError:
                detail = f"nothing came for {_PIECE_SECONDS:g} s"
                raise ProblemError(HTTPStatus.REQUEST_TIMEOUT, "too_slow", detail) from None
            if piece is None:
                break
            block += piece
            if len(block) >= _BLOCK:
                await _on_disk(context, partial(file.write, bytes(block)))
                block.clear()
        return await _on_disk(context, partial(_finish, file, upload.file_name(name), bytes(block)))


def _require_inbox(settings: Settings) -> None:
    """Check that there can be an inbox; why not names folders and roots that an uploader may not see."""
    try:
        require_inbox(settings, None)
    except UsageError as error:
        logger.warning("no_inbox", fields={"error": str(error)})
        detail = "this server takes no packs in; its log says what an administrator has to set"
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "no_inbox", detail) from error


def _finish(file: Upload, name: str, rest: bytes) -> Received:
    file.write(rest)
    content, new = file.finish()
    return Received(name, file.size, content, new)


async def _on_disk(context: Context, call: Callable[[], T]) -> T:
    try:
        return await context.disks.run(call, seconds=_DISK_SECONDS)
    except NameTakenError as error:
        raise ProblemError(HTTPStatus.CONFLICT, "name_taken", str(error)) from error
    except NoRoomError as error:
        raise ProblemError(HTTPStatus.INSUFFICIENT_STORAGE, "no_room", str(error)) from error
    except UploadTooLargeError as error:
        raise ProblemError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too_large", str(error)) from error
    except UsageError as error:
        raise ProblemError(HTTPStatus.UNPROCESSABLE_ENTITY, "not_taken", str(error)) from error
