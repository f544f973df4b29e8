"""Claude, through Anthropic's SDK: the Messages API with structured outputs.

Forced tool use, the older way to get a schema, is an error for the models of 2026 (Sonnet 5.5, Opus 5.5), which always
reason first. An output schema works for these and for earlier models.
"""

from typing import TYPE_CHECKING

from config.ai import AiTask, Writer
from samplemind_worker.errors import ProviderError, ProviderUnavailableError
from samplemind_worker.providers import reply_schema, transport
from samplemind_worker.providers.base import Access, Reply
from samplemind_worker.providers.bulk import BulkJob, BulkState, SampleGroups, Sent
from samplemind_worker.providers.prompt import Prompt
from samplemind_worker.providers.remote import Answer, RemoteProvider
from samplemind_worker.usage import Usage

if TYPE_CHECKING:
    from anthropic.types import Message
    from anthropic.types.message_create_params import MessageCreateParamsNonStreaming
    from anthropic.types.messages import MessageBatch
    from anthropic.types.messages.batch_create_params import Request

_PAGE = 100  # batches per page of a listing


class ClaudeProvider(RemoteProvider):
    """Sends requests to one of Anthropic's models."""

    def __init__(self, writer: Writer, access: Access) -> None:
        super().__init__(writer, access)
        import anthropic  # noqa: PLC0415 -- slow import
        import httpx2  # noqa: PLC0415 -- slow import

        self._library = anthropic
        self._http = httpx2.Client(**transport.client_options(httpx2, access))
        self._client = anthropic.Anthropic(
            api_key=self._key,
            base_url=access.url,
            max_retries=0,
            timeout=access.seconds,
            http_client=self._http,
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _send(self, question: Prompt, output_tokens: int) -> Answer:
        return read(self._client.messages.create(**self._parameters(question, output_tokens)))

    def _parameters(self, question: Prompt, output_tokens: int) -> "MessageCreateParamsNonStreaming":
        return {
            "model": self.model,
            "max_tokens": output_tokens,
            "system": question.system,
            "messages": [{"role": "user", "content": question.user}],
            "output_config": {"effort": "low", "format": {"type": "json_schema", "schema": reply_schema.SCHEMA}},
        }

    def submit(self, task: AiTask, groups: SampleGroups, *, label: str) -> BulkJob:  # noqa: ARG002 -- the service stores no labels
        """Submit a job to the Message Batches API."""
        requests: list[Request] = []
        for key, samples in groups.items():
            question, output_tokens = self._question(task, samples)
            requests.append({"custom_id": key, "params": self._parameters(question, output_tokens)})
        with self._ours():
            batch = self._client.messages.batches.create(requests=requests)
            return BulkJob(batch.id, BulkState.RUNNING)

    def find(self, sent: Sent) -> BulkJob | None:
        """Search the service's batches, newest first, for one with our keys; the service stores no labels.

        It returns the keys only with the results. Until then a batch of the same size and of about the same time may
        be ours.
        """
        running = False
        with self._ours():
            for batch in self._client.messages.batches.list(limit=_PAGE):
                if batch.created_at < sent.since:
                    break
                if batch.created_at > sent.until or batch.id in sent.others or _size(batch) != len(sent.keys):
                    continue
                if batch.processing_status != "ended":
                    running = True
                elif batch.results_url and self._is_about(batch.id, sent.keys):
                    return BulkJob(batch.id, BulkState.ENDED)
        if running:
            raise ProviderUnavailableError(f"{self.name} is still at a batch that may be this one")
        return None

    def _is_about(self, name: str, keys: frozenset[str]) -> bool:
        results = self._client.messages.batches.results(name)
        try:
            return any(entry.custom_id in keys for entry in results)
        finally:
            results.close()

    def poll(self, name: str) -> BulkState:
        """Return the state of a batch."""
        with self._ours():
            try:
                batch = self._client.messages.batches.retrieve(name)
            except self._library.NotFoundError:
                return BulkState.GONE
            if batch.processing_status != "ended":
                return BulkState.RUNNING
            return BulkState.ENDED if batch.results_url else BulkState.GONE

    def collect(self, name: str, groups: SampleGroups) -> dict[str, Reply]:
        """Return the replies of a batch that has ended, by key."""
        replies: dict[str, Reply] = {}
        with self._ours():
            for entry in self._client.messages.batches.results(name):
                if entry.custom_id in groups and entry.result.type == "succeeded":
                    replies[entry.custom_id] = self._reply(read(entry.result.message), groups[entry.custom_id])
        return replies

    def _translate(self, error: Exception) -> ProviderError | None:
        if isinstance(error, self._library.APIStatusError):
            return transport.failure(
                self.name,
                error.status_code,
                error.api_message or error.message,
                headers=error.response.headers,
                setting=self.setting,
                secrets=self._secrets,
            )
        return self._unreachable(error) if isinstance(error, self._library.AnthropicError) else None


def _size(batch: "MessageBatch") -> int:
    counts = batch.request_counts
    return counts.processing + counts.succeeded + counts.errored + counts.canceled + counts.expired


def read(message: "Message") -> Answer:
    """Return the text of a message without its reasoning."""
    usage = message.usage
    cached = (usage.cache_creation_input_tokens or 0) + (usage.cache_read_input_tokens or 0)
    return Answer(
        text="".join(block.text for block in message.content if block.type == "text"),
        model=message.model,
        usage=Usage(usage.input_tokens + cached, usage.output_tokens, 1),
        refused=message.stop_reason == "refusal",
    )


def connect(writer: Writer, access: Access) -> ClaudeProvider:
    """Return the provider for a writer; connections open with its first request."""
    return ClaudeProvider(writer, access)
