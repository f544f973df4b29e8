"""OpenAI and compatible servers (vLLM, llama.cpp, LM Studio): chat completions with a JSON schema."""

from config.ai import Writer
from samplemind_worker.errors import ProviderError, ProviderSetupError, how_to_add
from samplemind_worker.providers import reply_schema, transport
from samplemind_worker.providers.base import Access
from samplemind_worker.providers.prompt import Prompt
from samplemind_worker.providers.remote import Answer, RemoteProvider
from samplemind_worker.usage import Usage

_NO_KEY = "none"
"""The SDK requires a key, even for servers of the user's that need none."""


class OpenAiProvider(RemoteProvider):
    """Sends requests to a model of OpenAI or of a compatible server."""

    def __init__(self, writer: Writer, access: Access) -> None:
        super().__init__(writer, access)
        try:
            import httpx2  # noqa: PLC0415 -- slow import
            import openai  # noqa: PLC0415 -- slow import
        except ImportError as error:
            raise ProviderSetupError(f"openai: the extra is missing; add it with {how_to_add('openai')}") from error

        self._library = openai
        self._own_server = access.url is not None
        self._http = httpx2.Client(**transport.client_options(httpx2, access))
        self._client = openai.OpenAI(
            api_key=self._key or _NO_KEY,
            base_url=access.url,
            max_retries=0,
            timeout=access.seconds,
            http_client=self._http,
        )

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def _send(self, question: Prompt, output_tokens: int) -> Answer:
        omit = self._library.omit
        # OpenAI's reasoning models reject `max_tokens`; other servers may not know `max_completion_tokens`.
        completion = self._client.chat.completions.create(
            model=self.model,
            messages=[{"role": "system", "content": question.system}, {"role": "user", "content": question.user}],
            max_tokens=output_tokens if self._own_server else omit,
            max_completion_tokens=omit if self._own_server else output_tokens,
            reasoning_effort="low" if self._thinking and not self._own_server else omit,
            response_format={
                "type": "json_schema",
                "json_schema": {"name": "notes", "strict": True, "schema": reply_schema.SCHEMA},
            },
        )
        choice = completion.choices[0] if completion.choices else None
        usage = completion.usage
        return Answer(
            text=(choice.message.content or "") if choice else "",
            model=completion.model,
            usage=Usage(usage.prompt_tokens if usage else 0, usage.completion_tokens if usage else 0, 1),
            refused=choice is not None and (bool(choice.message.refusal) or choice.finish_reason == "content_filter"),
        )

    def _translate(self, error: Exception) -> ProviderError | None:
        if isinstance(error, self._library.APIStatusError):
            return transport.failure(
                self.name,
                error.status_code,
                error.message,
                headers=error.response.headers,
                setting=self.setting,
                secrets=self._secrets,
            )
        return self._unreachable(error) if isinstance(error, self._library.OpenAIError) else None


def connect(writer: Writer, access: Access) -> OpenAiProvider:
    """Return the provider for a writer; connections open with its first request."""
    return OpenAiProvider(writer, access)
