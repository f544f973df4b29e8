"""HTTP below the SDKs: limits on the time and size of a reply, and the errors that its status codes mean."""

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
"""Per reply; twenty summaries take 50 KB."""
_MOST_BYTES_COLLECTED = 64 * 2**20
"""Per collected batch job."""
_CONNECT_SECONDS = 10.0
_LONGEST_WAIT = 86_400.0  # s; the longest pause that a service may ask for
_LONGEST_MESSAGE = 200  # characters quoted from a service's error
_NOT_CONNECTED = frozenset({"ConnectError", "ConnectTimeout"})
"""The errors that httpx and httpx2 raise before they send anything."""
_LONGEST_SCHEME = len("Bearer")
_TOO_MANY = 429
_BUSY = frozenset({408, 409, 425})


class ReplyTooLargeError(Exception):
    """The service sends more than any valid reply takes."""


def client_options(library: ModuleType, access: Access) -> dict[str, Any]:
    """Return arguments for ``library.Client`` that limit replies in time and size; library is httpx or httpx2."""
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
        "limits": library.Limits(max_keepalive_connections=0),  # each connection serves one request
        "headers": {name: value.get_secret_value() for name, value in access.headers.items()}
        | {"Accept-Encoding": "identity"},  # a compressed reply may expand to any size
        "event_hooks": {"request": [limit], "response": [bound]},
    }


class _Deadline:
    """Closes a request's connection at its deadline, in whatever stage it is; the library reports each stage to it.

    The library's own timeouts apply to each read. A server that sends a byte now and then would never exceed them.
    """

    def __init__(self, seconds: float, over: Exception) -> None:
        self._seconds = seconds
        self._over = over
        """Raised when the deadline has passed."""
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
        """Shut down the socket below TLS (which is not thread-safe): the reading thread sees the end of the stream."""
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
    """Return the error for a status code; ``setting`` is the variable to check if the key is wrong."""
    message = f"{provider}: HTTP {status}: {_quoted(message, secrets)}"
    if status == _TOO_MANY:
        return RateLimitedError(message, retry_after=retry_after(headers))
    if status in _BUSY or status >= 500:  # noqa: PLR2004 -- faults of the service
        return ProviderUnavailableError(message)
    return ProviderSetupError(f"{message} (set {setting}, or another model or address: see .env.example)")


def hidden(value: str, secrets: Iterable[SecretStr]) -> str:
    """Return a text without the secrets that we sent to a service and that it may quote."""
    for secret in secrets:
        for word in secret.get_secret_value().split():  # it may quote only the key of "Bearer <key>"
            if len(word) > _LONGEST_SCHEME:
                value = re.sub(re.escape(word), "***", value, flags=re.IGNORECASE)
    return value


def _quoted(message: str, secrets: Iterable[SecretStr]) -> str:
    """Return a service's message for a log. Secrets are hidden twice, because cleaning may join the pieces of one."""
    secrets = list(secrets)
    return hidden(text.sentence(hidden(message, secrets), _LONGEST_MESSAGE), secrets)


def unreachable(provider: str, error: Exception, *, secrets: Iterable[SecretStr]) -> ProviderError:
    """Return the error for a request without a complete reply; its reason is among the causes of the SDK's error."""
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
    """Return the seconds to wait that a reply asks for, as a number or a date; None if it gives no usable value."""
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
