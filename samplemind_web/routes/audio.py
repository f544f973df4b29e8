"""The sound of one sample: the file as it is, or a WAV copy where browsers cannot play it."""

import asyncio
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final, Literal
from urllib.parse import quote

from fastapi import APIRouter, Query, Request, Response
from starlette.types import Receive, Scope, Send

from samplemind_web import byte_ranges, etags
from samplemind_web.access import Reader
from samplemind_web.context import Context, ContextDep
from samplemind_web.parameters import FileIdPath
from samplemind_web.problems import ProblemError, not_found
from samplemind_web.sounds import Sounds, expected_bytes, refusal
from samplemind_worker.errors import MissingFileError
from samplemind_worker.pipeline import copies
from samplemind_worker.store import places, results
from samplemind_worker.store.library import printable
from samplemind_worker.store.originals import Readable
from samplemind_worker.store.places import Place

router = APIRouter(tags=["audio"])

_PLACES: Final = 16
_SEND_SECONDS: Final = 60.0
_FOREVER: Final = "private, max-age=31536000, immutable"
_WAV: Final = "audio/wav"
_PCM: Final = frozenset({"PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT"})
_PLAYED: Final[Mapping[str, frozenset[str]]] = {
    "WAV": _PCM,
    "WAVEX": _PCM,
    "FLAC": frozenset({"PCM_S8", "PCM_16", "PCM_24"}),
    "MP3": frozenset({"MPEG_LAYER_III"}),
    "OGG": frozenset({"VORBIS", "OPUS"}),
    "MP4": frozenset({"AAC"}),
}
"""What all common browsers play, by the container and the codec that the record names."""
_TYPES: Final[Mapping[str, str]] = {
    "WAV": _WAV,
    "WAVEX": _WAV,
    "FLAC": "audio/flac",
    "MP3": "audio/mpeg",
    "OGG": "audio/ogg",
    "MP4": "audio/mp4",
    "AIFF": "audio/aiff",
}
_IRREGULAR: Final = frozenset({"leading_bytes", "chained", "unknown_length", "damaged_frames"})
"""Warnings of files that one of our readers reads and browsers may not."""
_HEADS: Final[Mapping[str, bytes]] = {"WAV": b"RIFF", "WAVEX": b"RIFF", "FLAC": b"fLaC", "OGG": b"OggS"}
_RATES: Final = range(3_000, 192_001)
_CHANNELS: Final = 8
_LONGEST_NAME: Final = 200

Form = Annotated[
    Literal["wav", "original"] | None,
    Query(alias="format", description="By default the file as it is where browsers play it, and else a WAV copy."),
]
Download = Annotated[bool, Query(description="Whether the browser is to save it, under the file's name.")]

_CONTENT: dict[str, Any] = {"audio/*": {"schema": {"type": "string", "format": "binary"}}}
_RESPONSES: dict[int | str, dict[str, Any]] = {
    200: {"description": "The whole file.", "content": _CONTENT},
    206: {"description": "The range that was asked for.", "content": _CONTENT},
    304: {"description": "The caller has it already."},
    416: {"description": "The range lies behind the end."},
}


class _Answer(Response):
    """Sends an open file, or a part of it, block by block."""

    def __init__(self, sounds: Sounds, file: Readable, span: range, status: int, headers: dict[str, str]) -> None:
        super().__init__(status_code=status, headers=headers)
        del self.headers["content-length"]
        self.headers["Content-Length"] = str(len(span))
        self._sounds, self._file, self._span = sounds, file, span

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        try:
            async with asyncio.timeout(_SEND_SECONDS) as patience:
                await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
                if scope["method"] != "HEAD":
                    async for block in self._sounds.blocks(self._file, self._span):
                        patience.reschedule(asyncio.get_running_loop().time() + _SEND_SECONDS)
                        await send({"type": "http.response.body", "body": block, "more_body": True})
                        if await request.is_disconnected():
                            return
                await send({"type": "http.response.body", "body": b"", "more_body": False})
        finally:
            self._file.close()


@router.get("/samples/{file_id}/audio", response_class=Response, responses=_RESPONSES)
async def get_sample_audio(
    *,
    file_id: FileIdPath,
    request: Request,
    context: ContextDep,
    caller: Reader,
    form: Form = None,
    download: Download = False,
) -> Response:
    """Return the sound of a sample, whole or the range that is asked for."""
    return await _answer(context, request, caller.roots, _Wanted(file_id, form, download))


@router.head("/samples/{file_id}/audio", response_class=Response, responses=_RESPONSES)
async def head_sample_audio(
    *,
    file_id: FileIdPath,
    request: Request,
    context: ContextDep,
    caller: Reader,
    form: Form = None,
    download: Download = False,
) -> Response:
    """Return what a GET would, without the sound."""
    return await _answer(context, request, caller.roots, _Wanted(file_id, form, download))


@dataclass(frozen=True)
class _Wanted:
    file_id: str
    form: Literal["wav", "original"] | None
    download: bool

    @property
    def versions(self) -> tuple[str, str]:
        """The ETags of the file as it is, and of its copy: a content never changes."""
        return f'"{self.file_id}"', f'"{self.file_id}-wav{copies.VERSION}"'


async def _answer(context: Context, request: Request, roots: frozenset[str] | None, wanted: _Wanted) -> Response:
    found, lie = await asyncio.gather(
        results.form_of.aio(wanted.file_id), places.some_of.aio(wanted.file_id, limit=_PLACES, roots=roots)
    )
    if found is None or (roots is not None and not lie):
        raise not_found("sample")
    original, copy = wanted.versions
    possible = [original] if wanted.form == "original" else [original, copy]
    given = request.headers.get("if-none-match", "")
    if (known := next((tag for tag in possible if etags.names(given, tag)), None)) is not None:
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers={"ETag": known, "Cache-Control": _FOREVER})
    if not lie:
        raise refusal(MissingFileError("no file with this content is there any more"))
    file, media_type, etag = await _opened(context.sounds, found, lie, wanted)
    try:
        return _sent(
            context.sounds, request, file, {"Content-Type": media_type, "ETag": etag} | _named(lie, wanted, etag)
        )
    except BaseException:
        file.close()
        raise


async def _opened(
    sounds: Sounds, found: Mapping[str, Any], lie: list[Place], wanted: _Wanted
) -> tuple[Readable, str, str]:
    """Open the file or its copy; return it with its type and its ETag."""
    original, copy = wanted.versions
    as_it_is = wanted.form == "original" or (
        _is_played(found) and (wanted.form is None or found["format"] in {"WAV", "WAVEX"})
    )
    if as_it_is:
        opened = await sounds.open(wanted.file_id, lie)
        # A WAV may have its bytes in the other order (RIFX), which the record does not tell.
        if wanted.form == "original" or opened.head.startswith(_HEADS.get(found["format"], b"")):
            return opened.file, _TYPES.get(found["format"], "application/octet-stream"), original
        opened.file.close()
    expected = expected_bytes(duration=found["duration"], rate=found["sample_rate"], channels=found["channels"])
    return await sounds.copy_of(wanted.file_id, lie, expected=expected), _WAV, copy


def _is_played(found: Mapping[str, Any]) -> bool:
    return (
        found["subtype"] in _PLAYED.get(found["format"], ())
        and not _IRREGULAR.intersection(found.get("warnings", ()))
        and found["sample_rate"] in _RATES
        and found["channels"] <= _CHANNELS
    )


def _sent(sounds: Sounds, request: Request, file: Readable, headers: dict[str, str]) -> Response:
    size = file.size
    headers |= {"Accept-Ranges": "bytes", "Cache-Control": _FOREVER}
    try:
        span = byte_ranges.wanted(request.headers, size=size, etag=headers["ETag"])
    except byte_ranges.UnsatisfiableError:
        detail = f"the file has {size} bytes"
        asked = {"Content-Range": f"bytes */{size}", "Accept-Ranges": "bytes"}
        raise ProblemError(
            HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE, "range_not_satisfiable", detail, headers=asked
        ) from None
    if span is None:
        return _Answer(sounds, file, range(size), HTTPStatus.OK, headers)
    headers["Content-Range"] = f"bytes {span.start}-{span.stop - 1}/{size}"
    return _Answer(sounds, file, span, HTTPStatus.PARTIAL_CONTENT, headers)


def _named(lie: list[Place], wanted: _Wanted, etag: str) -> dict[str, str]:
    """Return the header that has a browser save the answer under a harmless name."""
    if not wanted.download:
        return {}
    name = safe_name(printable(lie[0].path)[0])
    if etag == wanted.versions[1]:
        name = f"{name.rpartition('.')[0] or name}.wav"
    plain = re.sub(r'["\\%;]', "_", unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode())
    plain = f"sample{plain}" if plain.startswith(".") or not plain else plain
    return {"Content-Disposition": f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"}


def safe_name(path: str) -> str:
    """Return the last part of a path without what could mislead a person or a file system."""
    name = path.rpartition("/")[2]
    # Control characters, and those that turn the direction of writing (a name that ends in `gpj.exe`, backwards).
    kept = "".join(letter for letter in name if unicodedata.category(letter) not in {"Cc", "Cf", "Cs", "Zl", "Zp"})
    kept = re.sub(r'[\\/:*?"<>|]', "_", kept).strip(" .")
    stem, dot, suffix = kept.rpartition(".")
    short = f"{stem[: _LONGEST_NAME - len(suffix)]}{dot}{suffix}" if dot else kept[:_LONGEST_NAME]
    return short[:_LONGEST_NAME] or "sample"
