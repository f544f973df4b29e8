/** Sends a file into the inbox, as it is. */
import { problemOf } from "./client";

/** Upload one file; raises a `Problem` if it is refused. */
export async function upload(file: File): Promise<void> {
  const response = await fetch(`/api/v1/inbox/${encodeURIComponent(file.name)}`, {
    method: "PUT",
    body: file,
    credentials: "same-origin",
    headers: { "Content-Type": "application/octet-stream" },
  });
  if (!response.ok) throw await problemOf(response);
}
