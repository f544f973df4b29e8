/** Uploads into the inbox: what is under way, how far, and how it ended. It goes on while other rooms are shown. */
import { create } from "zustand";
import { Problem } from "@/api/client";
import { csrfToken } from "@/api/login";

export type UploadState = "waiting" | "sending" | "done" | "conflict" | "failed" | "cancelled";

export interface Upload {
  readonly id: number;
  /** The name in the inbox. */
  readonly name: string;
  readonly file: File;
  readonly state: UploadState;
  readonly sent: number;
  readonly message: string | null;
}

interface Uploads {
  readonly uploads: readonly Upload[];
}

export const useUploads = create<Uploads>(() => ({ uploads: [] }));

const requests = new Map<number, XMLHttpRequest>();
let lastId = 0;

/** Send files, one after the other. */
export function upload(files: Iterable<File>): void {
  const added = [...files].map(
    (file): Upload => ({ id: ++lastId, name: file.name, file, state: "waiting", sent: 0, message: null }),
  );
  useUploads.setState(({ uploads }) => ({ uploads: [...uploads, ...added] }));
  sendNext();
}

/** Send a file again, under another name if there is one. */
export function sendAgain(id: number, name?: string): void {
  change(id, { state: "waiting", sent: 0, message: null, ...(name === undefined ? {} : { name }) });
  sendNext();
}

export function cancelUpload(id: number): void {
  const request = requests.get(id);
  change(id, { state: "cancelled", message: "Cancelled; nothing of it is in the inbox." });
  request?.abort();
}

/** Take what has ended off the list. */
export function clearUploads(): void {
  useUploads.setState(({ uploads }) => ({ uploads: uploads.filter(({ state }) => isUnderWay(state)) }));
}

export function isUnderWay(state: UploadState): boolean {
  return state === "waiting" || state === "sending";
}

/** Return a name that differs: `pack.zip`, `pack (2).zip`, `pack (3).zip`. */
export function nextName(name: string): string {
  const [, stem, number, suffix] = /^(.*?)(?: \((\d+)\))?(\.[^.]*)?$/su.exec(name) ?? ["", name, undefined, ""];
  return `${stem} (${Number(number ?? 1) + 1})${suffix ?? ""}`;
}

function change(id: number, values: Partial<Upload>): void {
  useUploads.setState(({ uploads }) => ({
    uploads: uploads.map((each) => (each.id === id ? { ...each, ...values } : each)),
  }));
}

function sendNext(): void {
  if (requests.size > 0) return;
  const next = useUploads.getState().uploads.find(({ state }) => state === "waiting");
  if (next !== undefined) send(next);
}

function send({ id, name, file }: Upload): void {
  // fetch tells nothing of how much was sent.
  const request = new XMLHttpRequest();
  requests.set(id, request);
  change(id, { state: "sending" });
  request.open("PUT", `/api/v1/inbox/${encodeURIComponent(name)}`);
  request.setRequestHeader("Content-Type", "application/octet-stream");
  const token = csrfToken();
  if (token !== null) request.setRequestHeader("X-CSRF-Token", token);
  request.upload.onprogress = ({ loaded }) => change(id, { sent: loaded });
  request.onloadend = () => {
    requests.delete(id);
    const still = useUploads.getState().uploads.find((each) => each.id === id)?.state;
    if (still === "sending") change(id, outcome(request, file));
    sendNext();
  };
  request.send(file);
}

function outcome(request: XMLHttpRequest, file: File): Partial<Upload> {
  if (request.status >= 200 && request.status < 300) return { state: "done", sent: file.size, message: null };
  if (request.status === 0)
    return { state: "failed", message: "The connection broke off; nothing of it is in the inbox." };
  return { state: request.status === 409 ? "conflict" : "failed", message: problemText(request) };
}

function problemText(request: XMLHttpRequest): string {
  try {
    const { detail } = JSON.parse(request.responseText) as { detail?: string };
    return detail ?? request.statusText;
  } catch {
    return new Problem(request.status, "unknown", request.statusText || `HTTP ${request.status}`).message;
  }
}
