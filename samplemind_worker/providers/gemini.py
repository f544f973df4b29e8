"""Gemini, through Google's SDK: generateContent with a response schema."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from config.ai import AiTask, Writer
from samplemind_worker.errors import ProviderError, RateLimitedError
from samplemind_worker.providers import reply_schema, transport
from samplemind_worker.providers.base import Access, Reply
from samplemind_worker.providers.bulk import BulkJob, BulkState, SampleGroups, Sent
from samplemind_worker.providers.prompt import Prompt
from samplemind_worker.providers.remote import Answer, RemoteProvider
from samplemind_worker.usage import Usage

if TYPE_CHECKING:
    from google.genai.types import BatchJob, GenerateContentConfig, GenerateContentResponse, InlinedRequest

_NOT_FOUND = 404
_REFUSALS = frozenset({"SAFETY", "RECITATION", "LANGUAGE", "BLOCKLIST", "PROHIBITED_CONTENT", "SPII", "MODEL_ARMOR"})


class GeminiProvider(RemoteProvider):
    """Sends requests to one of Google's models."""

    def __init__(self, writer: Writer, access: Access) -> None:
        super().__init__(writer, access)
        import httpx2  # noqa: PLC0415 -- slow import
        from google import genai  # noqa: PLC0415 -- slow import
        from google.genai import errors, types  # noqa: PLC0415 -- slow import

        self._types = types
        self._api_error = errors.APIError
        self._http_error = httpx2.HTTPError
        self._http = httpx2.Client(**transport.client_options(httpx2, access))
        # Without `retry_options` the SDK does not retry.
        self._client = genai.Client(
            api_key=self._key,
            vertexai=False,
            http_options=types.HttpOptions(
                base_url=access.url,
                timeout=round(access.seconds * 1000),
                httpx_client=self._http,
            ),
        )

    def _config(self, question: Prompt, output_tokens: int) -> "GenerateContentConfig":
        types = self._types
        return types.GenerateContentConfig(
            system_instruction=question.system,
            max_output_tokens=output_tokens,
            response_mime_type="application/json",
            response_json_schema=reply_schema.SCHEMA,
            thinking_config=types.ThinkingConfig(thinking_level=types.ThinkingLevel.LOW) if self._thinking else None,
            automatic_function_calling=types.AutomaticFunctionCallingConfig(disable=True),
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _send(self, question: Prompt, output_tokens: int) -> Answer:
        response = self._client.models.generate_content(
            model=self.model, contents=question.user, config=self._config(question, output_tokens)
        )
        return read(response)

    def submit(self, task: AiTask, groups: SampleGroups, *, label: str) -> BulkJob:
        """Submit a job to the batch API with inline requests: each takes 8 KB of the 20 MB that a job may have."""
        types = self._types
        requests: list[InlinedRequest] = []
        for key, samples in groups.items():
            question, output_tokens = self._question(task, samples)
            contents = [types.Content(role="user", parts=[types.Part(text=question.user)])]
            requests.append(
                types.InlinedRequest(
                    contents=contents, metadata={"key": key}, config=self._config(question, output_tokens)
                )
            )
        with self._ours():
            job = self._client.batches.create(
                model=self.model, src=requests, config=types.CreateBatchJobConfig(display_name=label)
            )
            return BulkJob(job.name or "", BulkState.RUNNING)

    def find(self, sent: Sent) -> BulkJob | None:
        """Return the job that the service lists under our label."""
        with self._ours():
            for job in self._client.batches.list():
                if job.display_name == sent.label and job.name:
                    return BulkJob(job.name, _state(job))
        return None

    def poll(self, name: str) -> BulkState:
        """Return the state of a job."""
        with self._ours():
            try:
                return _state(self._client.batches.get(name=name))
            except self._api_error as error:
                if error.code == _NOT_FOUND:
                    return BulkState.GONE
                raise

    def collect(self, name: str, groups: SampleGroups) -> dict[str, Reply]:
        """Return the replies of a job that has ended, by key."""
        replies: dict[str, Reply] = {}
        with self._ours():
            job = self._client.batches.get(name=name)
            for entry in (job.dest.inlined_responses or []) if job.dest is not None else []:
                key = (entry.metadata or {}).get("key", "")
                if key in groups and entry.response is not None:
                    replies[key] = self._reply(read(entry.response), groups[key])
        return replies

    def _translate(self, error: Exception) -> ProviderError | None:
        if not isinstance(error, self._api_error):
            return self._unreachable(error) if isinstance(error, self._http_error) else None
        headers: Mapping[str, str] = getattr(error.response, "headers", None) or {}
        ours = transport.failure(
            self.name, error.code, error.message or "", headers=headers, setting=self.setting, secrets=self._secrets
        )
        if isinstance(ours, RateLimitedError) and ours.retry_after is None:
            ours.retry_after = _retry_delay(error.details)
        return ours


def read(response: "GenerateContentResponse") -> Answer:
    """Return the text of a response without its reasoning, whose tokens count in the usage."""
    usage = response.usage_metadata
    candidate = response.candidates[0] if response.candidates else None
    blocked = response.prompt_feedback is not None and response.prompt_feedback.block_reason is not None
    reason = candidate.finish_reason.value if candidate is not None and candidate.finish_reason is not None else ""
    parts = (candidate.content.parts or []) if candidate is not None and candidate.content is not None else []
    return Answer(
        text="".join(part.text or "" for part in parts if not part.thought),
        model=response.model_version,
        usage=Usage(
            input_tokens=(usage.prompt_token_count or 0) if usage else 0,
            output_tokens=((usage.candidates_token_count or 0) + (usage.thoughts_token_count or 0)) if usage else 0,
            requests=1,
        ),
        refused=blocked or reason in _REFUSALS,
    )


def _state(job: "BatchJob") -> BulkState:
    if not job.done:
        return BulkState.RUNNING
    return BulkState.ENDED if job.dest is not None else BulkState.GONE


def _retry_delay(details: Any) -> float | None:
    """Return the delay that Gemini sends in the body of an error: {"retryDelay": "34s"}."""
    error = details.get("error", details) if isinstance(details, dict) else {}
    entries = error.get("details") if isinstance(error, dict) else None
    for entry in entries if isinstance(entries, list) else []:
        delay = entry.get("retryDelay") if isinstance(entry, dict) else None
        if isinstance(delay, str) and delay.endswith("s"):
            return transport.retry_after({"retry-after": delay[:-1]})
    return None


def connect(writer: Writer, access: Access) -> GeminiProvider:
    """Return the provider for a writer; connections open with its first request."""
    return GeminiProvider(writer, access)
