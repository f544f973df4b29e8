/** Peaks of waveforms: asked for in bulk, once per sample, and decoded from their bytes. */
import { api, taken } from "@/api/client";

/** Per bucket six bytes: minimum and maximum of the low, middle and high band; 128 is zero. */
export interface Peaks {
  buckets: number;
  data: Uint8Array;
}

const MOST_AT_ONCE = 200;
const MOST_KEPT = 20_000;
const kept = new Map<string, Peaks | null>();
const wanted = new Set<string>();
const listeners = new Set<() => void>();
let timer = 0;

/** The peaks of a sample if they are here; null if it has none; undefined while they are asked for. */
export function peaksOf(id: string): Peaks | null | undefined {
  const found = kept.get(id);
  if (found !== undefined) return found;
  wanted.add(id);
  if (!timer) timer = window.setTimeout(() => void ask(), 16);
  return undefined;
}

/** Call `tell` whenever peaks have come; returns how to end it. */
export function onPeaks(tell: () => void): () => void {
  listeners.add(tell);
  return () => listeners.delete(tell);
}

async function ask(): Promise<void> {
  timer = 0;
  const ids = [...wanted].slice(-MOST_AT_ONCE);
  for (const id of ids) wanted.delete(id);
  if (wanted.size > MOST_AT_ONCE * 4)
    wanted.clear(); // scrolled past
  else if (wanted.size) timer = window.setTimeout(() => void ask(), 16);
  try {
    const { peaks, missing } = await taken(api.POST("/api/v1/peaks", { body: { ids } }));
    for (const [id, { buckets, data }] of Object.entries(peaks)) kept.set(id, { buckets, data: bytesOf(data) });
    for (const id of missing) kept.set(id, null);
    for (const id of kept.keys()) {
      if (kept.size <= MOST_KEPT) break;
      kept.delete(id);
    }
  } catch {
    // They are asked for again when the rows are drawn the next time.
    return;
  }
  for (const tell of listeners) tell();
}

/** The bytes of a base64 text. */
function bytesOf(text: string): Uint8Array {
  return Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
}
