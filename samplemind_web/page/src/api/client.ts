/** The one door to the API: a client whose paths, parameters and answers have the types of the server's OpenAPI. */
import createClient, { type Middleware } from "openapi-fetch";
import { csrfToken, noteRefusal } from "./login";
import type { components, paths } from "./schema";

export type Schemas = components["schemas"];

/** An answer that is no success, as the server words it (RFC 9457). */
export class Problem extends Error {
  constructor(
    readonly status: number,
    readonly code: string,
    message: string,
    readonly retryAfter: number | null = null,
  ) {
    super(message);
  }

  /** Whether the same request may succeed in a few seconds. */
  get passing(): boolean {
    return this.status === 0 || this.status === 429 || this.status >= 502;
  }
}

const problems: Middleware = {
  onRequest({ request }) {
    const token = csrfToken();
    if (token !== null && request.method !== "GET") request.headers.set("X-CSRF-Token", token);
    return request;
  },
  async onResponse({ response }) {
    if (response.ok || response.status === 304) return undefined;
    if (response.status === 401) noteRefusal();
    throw await problemOf(response);
  },
  onError({ error }) {
    if (error instanceof DOMException && error.name === "AbortError") return undefined;
    return new Problem(0, "unreachable", "The server does not answer.");
  },
};

export const api = createClient<paths>({ credentials: "same-origin" });
api.use(problems);

/** The problem that a response states. */
export async function problemOf(response: Response): Promise<Problem> {
  const wait = Number(response.headers.get("Retry-After")) || null;
  try {
    const body = (await response.json()) as { code?: string; detail?: string; title?: string };
    return new Problem(response.status, body.code ?? "unknown", body.detail ?? body.title ?? response.statusText, wait);
  } catch {
    return new Problem(response.status, "unknown", response.statusText || `HTTP ${response.status}`, wait);
  }
}

/** The data of an answer. All failures were thrown before as a `Problem`. */
export async function taken<T>(answer: Promise<{ data?: T }>): Promise<T> {
  return (await answer).data as T;
}
