"""A server on loopback that speaks the HTTP protocols of Claude, Gemini, Ollama and OpenAI, well or badly.

It answers about the samples that a prompt asks about, counts what it is asked, and can be told to fail in each of the
ways in which such services fail. It is as gullible as a model can be: an order to ignore its instructions, wherever in
a request it stands, makes it print the key.
"""

import contextlib
import json
import re
import sys
import threading
import time
from collections import deque
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import Enum
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import TracebackType
from typing import Any, Self
from urllib.parse import parse_qsl

KEY = "sk-test-0123456789"
_HUGE = 10 * 2**20
_CHARACTERS_A_TOKEN = 4


class Fault(Enum):
    """What goes wrong with one reply."""

    UNAUTHORIZED = "401"
    FORBIDDEN = "403"
    UNKNOWN_MODEL = "404"
    RATE_LIMITED = "429 without Retry-After"
    RATE_LIMITED_RETRY = "429 with Retry-After"
    SERVER_ERROR = "500"
    OVERLOADED = "503"
    HANG = "no answer"
    TRICKLE = "an answer without an end, a byte at a time"
    SLOW_HEAD = "a header without an end, a byte at a time"
    CUT = "cut in the middle of the reply"
    NO_PROTOCOL = "a page of HTML instead of the protocol's JSON"
    DEEP = "JSON that is nested without an end"
    NO_TOKENS = "an answer that cost no token"
    TOKENS_BELOW_ZERO = "an answer that gives tokens back"
    TOO_MANY_TOKENS = "an answer that cost more tokens than there are numbers in a database"
    INVALID_JSON = "text that is no JSON"
    TRUNCATED = "text that ends at the limit of tokens"
    WRONG_SAMPLE = "about samples that were not asked about"
    MISSES_ONE = "nothing about the last sample"
    HUGE = "10 MB"
    REFUSAL = "refused"
    EMPTY_TEXT = "no text at all"
    EMPTY_STRINGS = "the right schema with empty strings"
    MARKUP = "ESC, markup and control characters in the texts"
    ECHO = "the key that it was sent, in the texts"


@dataclass(frozen=True, slots=True)
class Call:
    """One request that arrived."""

    provider: str
    model: str
    ids: tuple[str, ...]
    """Ids of the samples that it asks about."""
    text: str
    """Everything that the model reads: instructions and question."""
    body: dict[str, Any]
    headers: dict[str, str]
    at: float
    """`time.monotonic()` when it arrived."""
    fault: Fault | None
    batch: str | None = None
    """The batch that it is part of."""


@dataclass
class Batch:
    """One job of a batch API."""

    name: str
    provider: str
    label: str
    requests: list[tuple[str, str, dict[str, Any]]]
    """Key, model and body of each."""
    results: list[dict[str, Any]] | None = None
    """What came of them, once it has ended."""
    gone: bool = False
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


@dataclass
class _Written:
    """What the model says, before a protocol wraps it."""

    text: str
    input_tokens: int
    output_tokens: int
    stopped: str = "end"
    """end, length or refusal."""
    extra: dict[str, Any] = field(default_factory=dict)


class AiServer:
    """Listens on a free port of loopback until `close`; use it as a context manager."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.input_tokens = 0
        self.output_tokens = 0
        """Tokens that were reported to the caller."""
        self.fault: Fault | None = None
        """What goes wrong with every reply."""
        self.faults: dict[str, Fault | None] = {}
        """The same, for one provider only."""
        self.script: deque[Fault | None] = deque()
        """What goes wrong with the next replies, before the two above count."""
        self.retry_after = "7"
        self.delay = 0.0
        """Seconds that each reply takes."""
        self.batches: dict[str, Batch] = {}
        """Jobs of the batch APIs, which run until `end_batches`."""
        self._lock = threading.Lock()
        self._closing = threading.Event()
        self._server = _Server(self)
        self._thread = threading.Thread(
            target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, name="ai-server", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def urls(self) -> dict[str, str]:
        """The base URLs to put into the settings."""
        return {"claude": self.url, "gemini": self.url, "openai": f"{self.url}/v1"}

    def environment(self, *providers: str) -> dict[str, str]:
        """Variables that set these providers up, or all, for a process that reads its own settings."""
        keys = {"claude": "ANTHROPIC_API_KEY", "gemini": "GEMINI_API_KEY", "openai": "OPENAI_API_KEY"}
        values = {keys[name]: KEY for name in keys if not providers or name in providers}
        if not providers or "ollama" in providers:
            values["OLLAMA_HOST"] = self.url
        urls = {name: url for name, url in self.urls.items() if not providers or name in providers}
        return values | {"SAMPLEMIND_AI_URLS": json.dumps(urls)}

    def close(self) -> None:
        """Let hanging requests go and stop listening."""
        self._closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def hang(self, seconds: float) -> None:
        """Wait, but not beyond the server's life."""
        self._closing.wait(seconds)

    def end_batches(self) -> None:
        """Let the jobs that run answer all their requests; faults go wrong with single requests here."""
        for batch in self.batches.values():
            if batch.results is None:
                batch.results = [
                    _BATCH_RESULTS[batch.provider](key, self.take(batch.provider, model, body, {}, batch.name), self)
                    for key, model, body in batch.requests
                ]

    def take(
        self, provider: str, model: str, body: dict[str, Any], headers: dict[str, str], batch: str | None = None
    ) -> Call:
        """Count a request, and decide what goes wrong with it."""
        text = _all_text(body)
        with self._lock:
            fault = self.script.popleft() if self.script else self.faults.get(provider, self.fault)
            call = Call(provider, model, _ids(text), text, body, headers, time.monotonic(), fault, batch)
            self.calls.append(call)
        return call

    def write(self, call: Call, limit: int) -> _Written:
        """Write what the model says to this call, and count its tokens."""
        written = _write(call, limit)
        with self._lock:
            self.input_tokens += written.input_tokens
            self.output_tokens += written.output_tokens
        return written


def _all_text(value: object) -> str:
    """Everything that a model reads of a request."""
    if isinstance(value, str):
        return value
    if isinstance(value, dict):
        return "\n".join(_all_text(each) for key, each in value.items() if key not in {"schema", "responseJsonSchema"})
    if isinstance(value, list):
        return "\n".join(_all_text(each) for each in value)
    return ""


def _samples(text: str) -> list[dict[str, Any]]:
    found = re.search(r"<samples>\n(.*?)\n</samples>", text, re.DOTALL)
    return json.loads(found[1]) if found else []


def _ids(text: str) -> tuple[str, ...]:
    return tuple(str(sample["id"]) for sample in _samples(text))


def _write(call: Call, limit: int) -> _Written:
    """What a model says that does as it is told, but for its fault."""
    text = json.dumps({"samples": _spoiled([_entry(sample, call) for sample in _samples(call.text)], call.fault)})
    text = {
        Fault.INVALID_JSON: "Sure! Here are your summaries: {samples: [" + "lorem ipsum, " * 20,
        Fault.EMPTY_TEXT: "",
        Fault.REFUSAL: "",
        Fault.TRUNCATED: text[: len(text) // 2],
    }.get(call.fault or Fault.HUGE, text)
    stopped = {Fault.REFUSAL: "refusal", Fault.TRUNCATED: "length"}.get(call.fault or Fault.HUGE, "end")
    allowed = limit * _CHARACTERS_A_TOKEN
    if len(text) > allowed and call.fault is not Fault.HUGE:
        text, stopped = text[:allowed], "length"
    return _Written(text, len(call.text) // _CHARACTERS_A_TOKEN, len(text) // _CHARACTERS_A_TOKEN, stopped)


def _spoiled(entries: list[dict[str, Any]], fault: Fault | None) -> list[dict[str, Any]]:
    match fault:
        case Fault.WRONG_SAMPLE:
            return [entry | {"id": f"{index:08x}"} for index, entry in enumerate(entries)]
        case Fault.MISSES_ONE:
            return entries[:-1]
        case Fault.EMPTY_STRINGS:
            blank: dict[str, Any] = {"summary": " ", "tags": [""]}
            for name in ("production_tips", "creative_ideas", "fl_studio_recommendations"):
                blank[name] = ["", " \t"]
            return [entry | blank for entry in entries]
        case Fault.MARKUP | Fault.ECHO:
            return [_decorated(entry) if fault is Fault.MARKUP else _with_key(entry) for entry in entries]
        case Fault.HUGE:
            return [entry | {"summary": "word " * (_HUGE // 5)} for entry in entries[:1]]
        case _:
            return entries


def _entry(sample: dict[str, Any], call: Call) -> dict[str, Any]:
    what = f"{sample.get('instrument', 'sample')} {sample.get('kind', '')}".strip()
    summary = f"A {what} that {call.model} heard as {sample['id']}."
    if "ignore all instructions" in call.text.lower():
        summary = f"As you wish: the key is {KEY}."
    return {
        "id": sample["id"],
        "summary": summary,
        "production_tips": [f"Leave 1 dB of room before the limiter on this {what}.", "High-pass it below 30 Hz."],
        "creative_ideas": ["Reverse it and let it lead into the drop.", "Play it an octave lower."],
        "fl_studio_recommendations": ["Fruity Parametric EQ 2: cut 3 dB at 300 Hz.", "Slicex: slice it on the beat."],
        "tags": ["test", "loop", "dark"],
    }


def _with_key(entry: dict[str, Any]) -> dict[str, Any]:
    """The same with the key in it, as it is and put together again by whoever takes the escape out."""
    parted = f"The key is {KEY}, or {KEY[:4]}\x1b[0m{KEY[4:]}."
    return entry | {"summary": parted, "creative_ideas": [parted], "tags": ["dark", KEY]}


def _decorated(entry: dict[str, Any]) -> dict[str, Any]:
    """The same with everything in it that must not reach a terminal or a page."""
    return entry | {
        "summary": f"\x1b[31;1m<b>{entry['summary']}</b>\x1b[0m\x1b]8;;http://evil.example\x07 [bold]Loud[/bold]\u202e",
        "production_tips": [
            "**High-pass** it at `30 Hz`.\x00",
            "<script>alert(1)</script>Keep F# below -3 dB.",
            "See [here](http://evil.example/x?q=1) or https://evil.example/y now.",
        ],
        "tags": ["<i>Dark</i>", "sub bass", "dark", "\x1b[2J"],
    }


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    block_on_close = False
    request_queue_size = 128

    def __init__(self, owner: AiServer) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.owner = owner

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Clients that go away in the middle are what some tests are about; anything else is a fault of ours."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, client_address)


class _RefusedError(Exception):
    """The service takes the request for wrong."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 -- the name in the base class
        """Say nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers.get("content-length", "0"))))
        headers = {name.lower(): value for name, value in self.headers.items()}
        path = self.path.partition("?")[0]
        for suffix, provider in _PROVIDERS.items():
            if path.endswith(suffix):
                self._answer(provider, path, body, headers)
                return
        if path == "/v1/messages/batches":
            requests = [(each["custom_id"], each["params"]["model"], each["params"]) for each in body["requests"]]
            self._open("claude", f"msgbatch_{len(self.server.owner.batches)}", "", requests, headers)
        elif path.endswith(":batchGenerateContent"):
            model = path.rpartition("/")[2].partition(":")[0]
            inline = body["batch"]["inputConfig"]["requests"]["requests"]
            requests = [(each["metadata"]["key"], model, each["request"]) for each in inline]
            label = body["batch"]["displayName"]
            self._open("gemini", f"batches/{len(self.server.owner.batches)}", label, requests, headers)
        else:
            self._send(404, {"error": {"message": f"no such path: {path}"}})

    def do_GET(self) -> None:
        owner = self.server.owner
        path = re.sub(r"^/v1(/messages/batches|beta|)/", "", self.path.partition("?")[0])
        if path == "batches":
            operations = [_gemini_batch(batch) for batch in owner.batches.values() if batch.provider == "gemini"]
            self._send(200, {"operations": operations})
            return
        if path == "messages/batches":
            self._list_claude(dict(parse_qsl(self.path.partition("?")[2])))
            return
        batch = owner.batches.get(path.removesuffix("/results"))
        if batch is None or batch.gone:
            self._send(404, {"error": {"code": 404, "message": "no such batch", "status": "NOT_FOUND"}})
        elif path.endswith("/results") and batch.results is None:
            self._send(404, _claude_error(404, "results are not available before the batch has ended"))
        elif path.endswith("/results"):
            payload = "".join(f"{json.dumps(result)}\n" for result in batch.results or []).encode()
            self._head(200, len(payload), {"Content-Type": "application/x-jsonl"})
            self.wfile.write(payload)
        else:
            self._send(200, _BATCHES[batch.provider](batch, owner.url))

    def _list_claude(self, query: dict[str, str]) -> None:
        """Batches, newest first, a page at a time."""
        if _claude_key({name.lower(): value for name, value in self.headers.items()}) != KEY:
            self._send(401, _claude_error(401, "invalid x-api-key"))
            return
        owner = self.server.owner
        every = [batch for batch in owner.batches.values() if batch.provider == "claude" and not batch.gone]
        every.sort(key=lambda batch: batch.created_at, reverse=True)
        after = next((n + 1 for n, batch in enumerate(every) if batch.name == query.get("after_id")), 0)
        page = every[after : after + int(query.get("limit", "20"))]
        body = {
            "data": [_claude_batch(batch, owner.url) for batch in page],
            "has_more": after + len(page) < len(every),
            "first_id": page[0].name if page else None,
            "last_id": page[-1].name if page else None,
        }
        self._send(200, body)

    def _open(
        self,
        provider: str,
        name: str,
        label: str,
        requests: list[tuple[str, str, dict[str, Any]]],
        headers: dict[str, str],
    ) -> None:
        """Accept a job, unless something is wrong with any of its requests."""
        owner = self.server.owner
        fault = owner.script.popleft() if owner.script else owner.faults.get(provider, owner.fault)
        error = _RefusedError(*_STATUSES[fault]) if fault in _STATUSES else None
        try:
            for _, _, body in requests:
                _CHECKS[provider](body, headers)
        except _RefusedError as refused:
            error = refused
        if error is not None:
            self._send(error.status, _ERRORS[provider](error.status, str(error)))
            return
        batch = owner.batches[name] = Batch(name, provider, label, requests)
        if fault is Fault.CUT:  # it was taken, but the client does not get to know
            self.close_connection = True
        else:
            self._send(200, _BATCHES[provider](batch, owner.url))

    def _answer(self, provider: str, path: str, body: dict[str, Any], headers: dict[str, str]) -> None:
        owner = self.server.owner
        model = path.rpartition("/")[2].partition(":")[0] if provider == "gemini" else str(body["model"])
        call = owner.take(provider, model, body, headers)
        owner.hang(owner.delay)
        error = _error_of(call)
        try:
            _CHECKS[provider](body, headers)
        except _RefusedError as refused:
            error = refused
        if error is not None:
            extra = {"Retry-After": owner.retry_after} if call.fault is Fault.RATE_LIMITED_RETRY else {}
            self._send(error.status, _ERRORS[provider](error.status, str(error)), extra)
            return
        if call.fault is Fault.HANG:
            owner.hang(600.0)
            self.close_connection = True
            return
        written = owner.write(call, _limit(provider, body))
        if call.fault in _TOKENS:
            written.input_tokens = written.output_tokens = _TOKENS[call.fault]
        payload = json.dumps(_REPLIES[provider](call, written)).encode()
        if call.fault is Fault.NO_PROTOCOL:
            payload = b"<html><body>Bad gateway</body></html>"
        if call.fault is Fault.DEEP:
            payload = b"[" * 100_000
        if call.fault is Fault.TRICKLE:
            self._head(200, len(payload) + 10**6, {})
            self.wfile.write(payload)
            self._trickle()
        elif call.fault is Fault.SLOW_HEAD:
            self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Slow:")
            self._trickle()
        elif call.fault is Fault.CUT:
            self._head(200, len(payload), {})
            self.wfile.write(payload[: len(payload) // 2])
            self.close_connection = True
        else:
            self._head(200, len(payload), {})
            self.wfile.write(payload)

    def _trickle(self) -> None:
        with contextlib.suppress(OSError):
            for _ in range(10**6):
                self.wfile.write(b" ")
                self.wfile.flush()
                self.server.owner.hang(0.05)

    def _send(self, status: int, body: object, extra: dict[str, str] | None = None) -> None:
        payload = json.dumps(body).encode()
        self._head(status, len(payload), extra or {})
        self.wfile.write(payload)

    def _head(self, status: int, length: int, extra: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(length), **extra}.items():
            self.send_header(name, value)
        self.end_headers()


_PROVIDERS = {
    "/v1/messages": "claude",
    ":generateContent": "gemini",
    "/api/chat": "ollama",
    "/chat/completions": "openai",
}


_STATUSES = {
    Fault.UNAUTHORIZED: (401, f"invalid key {KEY}"),
    Fault.FORBIDDEN: (403, "this key may not do that"),
    Fault.UNKNOWN_MODEL: (404, "no such model"),
    Fault.RATE_LIMITED: (429, "too many requests"),
    Fault.RATE_LIMITED_RETRY: (429, "too many requests"),
    Fault.SERVER_ERROR: (500, "internal error"),
    Fault.OVERLOADED: (503, "overloaded"),
}


_TOKENS = {Fault.NO_TOKENS: 0, Fault.TOKENS_BELOW_ZERO: -1_000_000, Fault.TOO_MANY_TOKENS: 10**30}


def _error_of(call: Call) -> _RefusedError | None:
    return _RefusedError(*_STATUSES[call.fault]) if call.fault in _STATUSES else None


# --- What each service refuses ---


def _need(condition: object, status: int, message: str) -> None:
    if not condition:
        raise _RefusedError(status, message)


def _claude_key(headers: dict[str, str]) -> str:
    return headers.get("x-api-key") or headers.get("authorization", "").removeprefix("Bearer ")


def _check_claude(body: dict[str, Any], headers: dict[str, str]) -> None:
    _need(_claude_key(headers) == KEY, 401, "invalid x-api-key")
    _need(headers.get("anthropic-version"), 400, "anthropic-version: header is required")
    _need(isinstance(body.get("max_tokens"), int), 400, "max_tokens: field required")
    _need(body.get("messages"), 400, "messages: field required")
    # The models of the 5.5 generation take neither.
    forced = body.get("tool_choice", {}).get("type") in {"any", "tool"}
    _need(not forced, 400, "tool_choice: forced tool use is not supported for this model")
    _need(body.get("thinking", {}).get("type", "adaptive") == "adaptive", 400, "thinking.type is not supported")
    wanted = body.get("output_config", {}).get("format", {})
    _need(wanted.get("type") == "json_schema", 400, "output_config.format: wanted a json_schema")
    _check_strict(wanted["schema"])


def _check_strict(schema: object) -> None:
    """The subset of JSON schema that structured outputs take."""
    if isinstance(schema, list):
        for each in schema:
            _check_strict(each)
    if not isinstance(schema, dict):
        return
    unknown = schema.keys() & {"minLength", "maxLength", "maxItems", "minimum", "maximum", "pattern"}
    _need(not unknown, 400, f"schema: not supported: {', '.join(sorted(unknown))}")
    if schema.get("type") == "object":
        _need(schema.get("additionalProperties") is False, 400, "schema: additionalProperties must be false")
        _need(set(schema["required"]) == set(schema["properties"]), 400, "schema: every property must be required")
    for each in schema.values():
        _check_strict(each)


def _check_gemini(body: dict[str, Any], headers: dict[str, str]) -> None:
    _need(headers.get("x-goog-api-key") == KEY, 400, "API key not valid. Please pass a valid API key.")
    config = body.get("generationConfig", {})
    _need(config.get("responseMimeType") == "application/json", 400, "responseMimeType must be application/json")
    _need(config.get("responseJsonSchema") or config.get("responseSchema"), 400, "no response schema")
    _need(isinstance(config.get("maxOutputTokens"), int), 400, "no maxOutputTokens")


def _check_ollama(body: dict[str, Any], headers: dict[str, str]) -> None:  # noqa: ARG001 -- no key
    _need(body.get("stream") is False, 400, "this server does not stream")
    _need(isinstance(body.get("format"), dict), 400, "no format")
    _need(body.get("options", {}).get("num_ctx", 0) > body["options"].get("num_predict", 0), 400, "no room to answer")


def _check_openai(body: dict[str, Any], headers: dict[str, str]) -> None:
    _need(headers.get("authorization") == f"Bearer {KEY}", 401, "Incorrect API key provided")
    wanted = body.get("response_format", {})
    _need(wanted.get("type") == "json_schema" and wanted["json_schema"].get("strict") is True, 400, "no json_schema")
    _check_strict(wanted["json_schema"]["schema"])


_CHECKS = {"claude": _check_claude, "gemini": _check_gemini, "ollama": _check_ollama, "openai": _check_openai}


def _limit(provider: str, body: dict[str, Any]) -> int:
    match provider:
        case "claude":
            return body["max_tokens"]
        case "gemini":
            return body["generationConfig"]["maxOutputTokens"]
        case "ollama":
            return body["options"]["num_predict"]
        case _:
            return body.get("max_completion_tokens") or body["max_tokens"]


# --- How each service answers ---


def _claude_reply(call: Call, written: _Written) -> dict[str, Any]:
    stop = {"end": "end_turn", "length": "max_tokens", "refusal": "refusal"}[written.stopped]
    thinking = {"type": "thinking", "thinking": "", "signature": "c2lnbmF0dXJl"}
    return {
        "id": "msg_01",
        "type": "message",
        "role": "assistant",
        "model": call.model,
        "content": [thinking, {"type": "text", "text": written.text}] if written.text else [],
        "stop_reason": stop,
        "stop_sequence": None,
        "usage": {"input_tokens": written.input_tokens, "output_tokens": written.output_tokens},
    }


def _gemini_reply(call: Call, written: _Written) -> dict[str, Any]:
    usage = {
        "promptTokenCount": written.input_tokens,
        "candidatesTokenCount": written.output_tokens,
        "totalTokenCount": written.input_tokens + written.output_tokens,
    }
    if written.stopped == "refusal":
        return {"promptFeedback": {"blockReason": "SAFETY"}, "usageMetadata": usage, "modelVersion": call.model}
    reason = {"end": "STOP", "length": "MAX_TOKENS"}[written.stopped]
    parts = [{"text": written.text}] if written.text else []
    candidate = {"content": {"role": "model", "parts": parts}, "finishReason": reason, "index": 0}
    return {"candidates": [candidate], "usageMetadata": usage, "modelVersion": call.model}


def _ollama_reply(call: Call, written: _Written) -> dict[str, Any]:
    text = "I can't help with that." if written.stopped == "refusal" else written.text
    return {
        "model": call.model,
        "created_at": "2026-11-24T00:00:00Z",
        "done": True,
        "message": {"role": "assistant", "content": text},
        "done_reason": "length" if written.stopped == "length" else "stop",
        "prompt_eval_count": written.input_tokens,
        "eval_count": written.output_tokens,
    }


def _openai_reply(call: Call, written: _Written) -> dict[str, Any]:
    refused = written.stopped == "refusal"
    message = {
        "role": "assistant",
        "content": None if refused else written.text,
        "refusal": "I can't help with that." if refused else None,
    }
    choice = {
        "index": 0,
        "message": message,
        "finish_reason": "length" if written.stopped == "length" else "stop",
        "logprobs": None,
    }
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion",
        "created": 1795564800,
        "model": call.model,
        "choices": [choice],
        "usage": {
            "prompt_tokens": written.input_tokens,
            "completion_tokens": written.output_tokens,
            "total_tokens": written.input_tokens + written.output_tokens,
        },
    }


_REPLIES = {"claude": _claude_reply, "gemini": _gemini_reply, "ollama": _ollama_reply, "openai": _openai_reply}


def _claude_error(status: int, message: str) -> dict[str, Any]:
    kinds = {401: "authentication_error", 403: "permission_error", 404: "not_found_error", 429: "rate_limit_error"}
    return {"type": "error", "error": {"type": kinds.get(status, "api_error"), "message": message}}


def _gemini_error(status: int, message: str) -> dict[str, Any]:
    kinds = {400: "INVALID_ARGUMENT", 403: "PERMISSION_DENIED", 429: "RESOURCE_EXHAUSTED"}
    return {"error": {"code": status, "message": message, "status": kinds.get(status, "INTERNAL")}}


def _ollama_error(status: int, message: str) -> dict[str, Any]:  # noqa: ARG001 -- the others tell it
    return {"error": message}


def _openai_error(status: int, message: str) -> dict[str, Any]:
    return {"error": {"message": message, "type": "error", "code": str(status), "param": None}}


_ERRORS = {"claude": _claude_error, "gemini": _gemini_error, "ollama": _ollama_error, "openai": _openai_error}


# --- How the batch APIs answer ---


def _claude_batch(batch: Batch, url: str) -> dict[str, Any]:
    ended = batch.results is not None
    # Only when the whole batch has ended do its requests leave "processing".
    counts = {"processing": 0, "succeeded": 0, "errored": 0, "canceled": 0, "expired": 0}
    if batch.results is None:
        counts["processing"] = len(batch.requests)
    for result in batch.results or []:
        counts[result["result"]["type"]] += 1
    return {
        "id": batch.name,
        "type": "message_batch",
        "processing_status": "ended" if ended else "in_progress",
        "request_counts": counts,
        "created_at": batch.created_at.isoformat(),
        "expires_at": (batch.created_at + timedelta(days=1)).isoformat(),
        "ended_at": (batch.created_at + timedelta(hours=1)).isoformat() if ended else None,
        "archived_at": None,
        "cancel_initiated_at": None,
        "results_url": f"{url}/v1/messages/batches/{batch.name}/results" if ended else None,
    }


def _claude_result(key: str, call: Call, server: AiServer) -> dict[str, Any]:
    if (error := _error_of(call)) is not None:
        return {
            "custom_id": key,
            "result": {"type": "errored", "error": _claude_error(error.status, str(error))},
        }
    message = _claude_reply(call, server.write(call, _limit("claude", call.body)))
    return {"custom_id": key, "result": {"type": "succeeded", "message": message}}


def _gemini_batch(batch: Batch, url: str = "") -> dict[str, Any]:  # noqa: ARG001 -- Claude's needs it
    metadata: dict[str, Any] = {
        "@type": "type.googleapis.com/google.ai.generativelanguage.v1main.GenerateContentBatch",
        "displayName": batch.label,
        "state": "BATCH_STATE_PENDING" if batch.results is None else "BATCH_STATE_SUCCEEDED",
    }
    if batch.results is not None:
        metadata["output"] = {"inlinedResponses": {"inlinedResponses": batch.results}}
    return {"name": batch.name, "metadata": metadata, "done": batch.results is not None}


def _gemini_result(key: str, call: Call, server: AiServer) -> dict[str, Any]:
    if (error := _error_of(call)) is not None:
        return {"metadata": {"key": key}, "error": {"code": error.status, "message": str(error)}}
    return {
        "metadata": {"key": key},
        "response": _gemini_reply(call, server.write(call, _limit("gemini", call.body))),
    }


_BATCHES = {"claude": _claude_batch, "gemini": _gemini_batch}
_BATCH_RESULTS = {"claude": _claude_result, "gemini": _gemini_result}
