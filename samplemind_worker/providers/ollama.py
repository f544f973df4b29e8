"""Ollama, through its SDK: /api/chat with a JSON schema as the format."""

from config.ai import Writer
from samplemind_worker.errors import ProviderError
from samplemind_worker.providers import reply_schema, transport
from samplemind_worker.providers.base import Access
from samplemind_worker.providers.prompt import Prompt
from samplemind_worker.providers.remote import Answer, RemoteProvider
from samplemind_worker.usage import Usage

_HOST = "http://127.0.0.1:11434"
_CONTEXT_STEP = 2048  # tokens; Ollama reloads a model for each context size


class OllamaProvider(RemoteProvider):
    """Sends requests to a model on a machine of the user's."""

    def __init__(self, writer: Writer, access: Access) -> None:
        super().__init__(writer, access)
        import httpx  # noqa: PLC0415 -- slow import
        import ollama  # noqa: PLC0415 -- slow import

        self._response_error = ollama.ResponseError
        self._http_error = httpx.HTTPError
        self._status_error = httpx.HTTPStatusError
        options = transport.client_options(httpx, access)
        self._client = ollama.Client(access.url or _HOST, follow_redirects=False, **options)

    def close(self) -> None:
        """Close its connections."""
        self._client.close()

    def _send(self, question: Prompt, output_tokens: int) -> Answer:
        # Ollama silently truncates prompts beyond its default context of 4,096 tokens.
        needed = self._expected(question, 0).input_tokens + output_tokens
        response = self._client.chat(
            model=self.model,
            messages=[{"role": "system", "content": question.system}, {"role": "user", "content": question.user}],
            format=reply_schema.SCHEMA,
            think=False,
            stream=False,
            options={"num_predict": output_tokens, "num_ctx": -(-needed // _CONTEXT_STEP) * _CONTEXT_STEP},
        )
        return Answer(
            text=response.message.content or "",
            model=response.model,
            usage=Usage(response.prompt_eval_count or 0, response.eval_count or 0, 1),
        )

    def _translate(self, error: Exception) -> ProviderError | None:
        if isinstance(error, self._response_error):
            # The SDK drops the response, but its error keeps the httpx error that holds it.
            headers = error.__context__.response.headers if isinstance(error.__context__, self._status_error) else {}
            return transport.failure(
                self.name,
                error.status_code,
                str(error.error),
                headers=headers,
                setting=self.setting,
                secrets=self._secrets,
            )
        known = isinstance(error, (self._http_error, ConnectionError))
        return self._unreachable(error) if known else None


def connect(writer: Writer, access: Access) -> OllamaProvider:
    """Return the provider for a writer; connections open with its first request."""
    return OllamaProvider(writer, access)
