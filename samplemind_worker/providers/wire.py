"""Bounds on what a service may do to us, below the SDKs, and the meaning of its status codes."""

import contextlib
import email.utils
import math
import re
import socket
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from types import ModuleType
from typing import Any

from pydantic import SecretStr

from samplemind_worker.errors import (
    ProviderError,
    ProviderNotReachedError,
    ProviderSetupError,
    ProviderUnavailableError,
    RateLimitedError,
    UnreadableReplyError,
)
from samplemind_worker.providers import text
from samplemind_worker.providers.base import Access

MOST_BYTES = 2 * 2**20
"""Of one reply; twenty notes take 50 KB."""
_MOST_BYTES_COLLECTED = 64 * 2**20
"""Of what a batch is collected as."""
_CONNECT_SECONDS = 10.0
_LONGEST_WAIT = 86_400.0  # s that a service may ask to be left alone
_LONGEST_MESSAGE = 200  # characters of a service's own words
_NOT_CONNECTED = frozenset({"ConnectError", "ConnectTimeout"})
"""What httpx and httpx2 raise before anything is sent."""
_LONGEST_SCHEME = len("Bearer")
_TOO_MANY = 429
_BUSY = frozenset({408, 409, 425})


class ReplyTooLargeError(Exception):
    """The service sends more than any answer takes."""


def client_options(library: ModuleType, access: Access) -> dict[str, Any]:
    """Return arguments for ``library.Client`` that bound its replies in time and size; library is httpx or httpx2."""
    seconds = access.seconds

    def limit(request: Any) -> None:
        request.extensions["trace"] = _Deadline(
            seconds, library.ReadTimeout(f"no whole reply within {seconds:.0f} s", request=request)
        )

    def bound(response: Any) -> None:
        if response.headers.get("content-encoding", "identity").lower() != "identity":
            raise library.DecodingError("compressed, though that was not asked for", request=response.request)
        most = MOST_BYTES if response.request.method == "POST" else _MOST_BYTES_COLLECTED
        response.stream = _bounded(library, response.stream, most=most)

    return {
        "timeout": library.Timeout(seconds, connect=min(seconds, _CONNECT_SECONDS)),
        "limits": library.Limits(max_keepalive_connections=0),  # a connection is one request's, and ends with it
        "headers": {name: value.get_secret_value() for name, value in access.headers.items()}
        | {"Accept-Encoding": "identity"},  # a few bytes may unpack to any number
        "event_hooks": {"request": [limit], "response": [bound]},
    }


class _Deadline:
    """Ends a request's connection when its time is over, wherever it is: told by the library of each of its stages.

    The library's timeouts are for each read. A server that sends a byte now and then, be it of a header, would be
    waited for for ever.
    """

    def __init__(self, seconds: float, over: Exception) -> None:
        self._seconds = seconds
        self._over = over
        """What is raised then."""
        self._is_over = False
        self._timer: threading.Timer | None = None

    def __call__(self, event: str, info: Mapping[str, Any]) -> None:
        *_, stage, state = event.split(".")
        if self._timer is not None and (state == "failed" or stage == "response_closed"):
            self._timer.cancel()
            if state == "failed" and self._is_over:
                raise self._over
        elif stage in {"connect_tcp", "start_tls"} and state == "complete":
            if self._timer is not None:
                self._timer.cancel()
            self._timer = threading.Timer(self._seconds, self._cut_off, [info["return_value"].get_extra_info("socket")])
            self._timer.daemon = True
            self._timer.start()

    def _cut_off(self, connection: socket.socket) -> None:
        """Let whoever reads from a connection find its end; of the socket below TLS, which knows of no other thread."""
        self._is_over = True
        with contextlib.suppress(OSError):
            socket.socket.shutdown(connection, socket.SHUT_RDWR)


def _bounded(library: ModuleType, stream: Any, *, most: int) -> Any:
    class Bounded(library.SyncByteStream):
        def __iter__(self) -> Iterator[bytes]:
            received = 0
            for chunk in stream:
                received += len(chunk)
                if received > most:
                    raise ReplyTooLargeError(f"more than {most} bytes")
                yield chunk

        def close(self) -> None:
            stream.close()

    return Bounded()


def failure(
    provider: str, status: int, message: str, *, headers: Mapping[str, str], setting: str, secrets: Iterable[SecretStr]
) -> ProviderError:
    """Return the error that a status code means; ``setting`` is the variable to look at if the key is wrong."""
    message = f"{provider}: HTTP {status}: {_quoted(message, secrets)}"
    if status == _TOO_MANY:
        return RateLimitedError(message, retry_after=retry_after(headers))
    if status in _BUSY or status >= 500:  # noqa: PLR2004 -- faults of the service
        return ProviderUnavailableError(message)
    return ProviderSetupError(f"{message} (set {setting}, or another model or address: see .env.example)")


def hidden(value: str, secrets: Iterable[SecretStr]) -> str:
    """Return a text without the secrets that a service was sent, and may say back."""
    for secret in secrets:
        for word in secret.get_secret_value().split():  # it may quote the key of "Bearer <key>" alone
            if len(word) > _LONGEST_SCHEME:
                value = re.sub(re.escape(word), "***", value, flags=re.IGNORECASE)
    return value


def _quoted(message: str, secrets: Iterable[SecretStr]) -> str:
    """Return a service's own words, fit for a log; cleaning may change a secret in them, or put one together."""
    secrets = list(secrets)
    return hidden(text.sentence(hidden(message, secrets), _LONGEST_MESSAGE), secrets)


def unreachable(provider: str, error: Exception, *, secrets: Iterable[SecretStr]) -> ProviderError:
    """Return the error for a request that got no whole answer; looks for the reason below the SDK's own error."""
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ReplyTooLargeError):
            return UnreadableReplyError(f"{provider} sends {cause}")
        if type(cause).__name__ in _NOT_CONNECTED:
            reason = _quoted(str(cause), secrets)
            return ProviderNotReachedError(f"{provider} cannot be reached: {reason} (its address is in .env.example)")
        cause = cause.__cause__ or cause.__context__
    return ProviderUnavailableError(f"{provider} does not answer: {_quoted(str(error), secrets)}")


def retry_after(headers: Mapping[str, str], *, clock: Callable[[], float] = time.time) -> float | None:
    """Return the seconds that a reply asks to wait: a number, or a date; None if it says nothing of use."""
    milliseconds, value = headers.get("retry-after-ms"), headers.get("retry-after")
    for given, part in ((milliseconds, 1000.0), (value, 1.0)):
        seconds = _number(given)
        if seconds is not None:
            return min(max(seconds / part, 0.0), _LONGEST_WAIT)
    if value is None:
        return None
    try:
        date = email.utils.parsedate_to_datetime(value)
    except ValueError:
        return None
    return min(max(date.timestamp() - clock(), 0.0), _LONGEST_WAIT)


def _number(value: str | None) -> float | None:
    try:
        number = float(value or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None
