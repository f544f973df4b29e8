/** Decoded sounds: loaded once, stretched where the project asks for it, and kept up to a number of bytes. */
import { problemOf } from "@/api/client";
import type { Fit } from "./fit";
import type { Playable } from "./player";
import type { Done, Order } from "./stretch.worker";

/** Longer sounds are streamed by an `<audio>` element. */
export const LONGEST_DECODED = 30; // s
const MOST_BYTES = 192e6;
const AT_ONCE = 4;
const MOST_STREAMS = 4; // long sounds whose beginnings the browser holds ready

let context: AudioContext | null = null;

/** The one AudioContext of the page. */
export function audio(): AudioContext {
  context ??= new AudioContext({ latencyHint: "interactive" });
  return context;
}

/** The address of a sample's sound. */
export function soundUrl(id: string, query = ""): string {
  return `/api/v1/samples/${encodeURIComponent(id)}/audio${query}`;
}

const kept = new Map<string, AudioBuffer>();
const loading = new Map<string, Promise<AudioBuffer>>();
let bytes = 0;

function sizeOf(buffer: AudioBuffer): number {
  return buffer.length * buffer.numberOfChannels * 4;
}

function keep(key: string, buffer: AudioBuffer): void {
  if (kept.has(key)) return;
  kept.set(key, buffer);
  bytes += sizeOf(buffer);
  // A Map remembers the order of insertion: the first was used the longest ago.
  for (const [oldest, old] of kept) {
    if (bytes <= MOST_BYTES || oldest === key) break;
    kept.delete(oldest);
    bytes -= sizeOf(old);
  }
}

function keyOf(id: string, { speed, shift }: Fit): string {
  return speed === 1 && shift === 0 ? id : `${id} ${speed.toFixed(5)} ${shift}`;
}

/** The sound if it is here already. */
export function ready(id: string, fit: Fit): AudioBuffer | null {
  const key = keyOf(id, fit);
  const buffer = kept.get(key);
  if (!buffer) return null;
  kept.delete(key);
  kept.set(key, buffer);
  return buffer;
}

/** Load a sound, and stretch it; raises a `Problem` where it cannot be had. */
export function load(sample: Playable, fit: Fit): Promise<AudioBuffer> {
  const key = keyOf(sample.file_id, fit);
  const here = ready(sample.file_id, fit);
  if (here) return Promise.resolve(here);
  let promise = loading.get(key);
  if (!promise) {
    promise = (key === sample.file_id ? decoded(sample.file_id) : stretched(sample, fit))
      .then((buffer) => {
        keep(key, buffer);
        return buffer;
      })
      .finally(() => loading.delete(key));
    loading.set(key, promise);
  }
  return promise;
}

async function decoded(id: string): Promise<AudioBuffer> {
  for (const query of ["", "?format=wav"]) {
    const response = await fetch(soundUrl(id, query), { credentials: "same-origin" });
    if (!response.ok) throw await problemOf(response);
    try {
      return await audio().decodeAudioData(await response.arrayBuffer());
    } catch (error) {
      // What this browser does not read, the server turns into WAV.
      if (query) throw error;
    }
  }
  throw new Error("unreachable");
}

async function stretched(sample: Playable, fit: Fit): Promise<AudioBuffer> {
  const source = await load(sample, { speed: 1, shift: 0 });
  const channels = Array.from({ length: source.numberOfChannels }, (_, c) => source.getChannelData(c).slice());
  const done = await order({ channels, speed: fit.speed, shift: fit.shift, ring: sample.kind === "loop" });
  const length = done[0]?.length ?? 1;
  const result = audio().createBuffer(done.length, Math.max(length, 1), source.sampleRate);
  done.forEach((channel, c) => {
    result.copyToChannel(channel as Float32Array<ArrayBuffer>, c);
  });
  return result;
}

let worker: Worker | null = null;
let orders = 0;
const waiting = new Map<number, (channels: Float32Array[]) => void>();

function order(what: Omit<Order, "id">): Promise<Float32Array[]> {
  if (!worker) {
    worker = new Worker(new URL("./stretch.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = ({ data }: MessageEvent<Done>) => {
      waiting.get(data.id)?.(data.channels);
      waiting.delete(data.id);
    };
  }
  orders += 1;
  const id = orders;
  const message: Order = { ...what, id };
  worker.postMessage(message, { transfer: what.channels.map(({ buffer }) => buffer) });
  return new Promise((resolve) => waiting.set(id, resolve));
}

const streams = new Map<string, HTMLAudioElement>();

/** An element that plays a long sound: one whose beginning is here already, if there is one. */
export function streamOf(id: string): HTMLAudioElement {
  const element = streams.get(id) ?? new Audio(soundUrl(id));
  streams.delete(id);
  return element;
}

/** Have the browser load the beginnings of long sounds; those that are far away by now are let go. */
function streamAhead(samples: readonly Playable[]): void {
  const ids = samples
    .filter(({ duration }) => (duration ?? 0) > LONGEST_DECODED)
    .slice(0, MOST_STREAMS)
    .map(({ file_id }) => file_id);
  for (const [id, element] of streams) {
    if (ids.includes(id)) continue;
    streams.delete(id);
    element.removeAttribute("src");
    element.load();
  }
  for (const id of ids) {
    if (streams.has(id)) continue;
    const element = new Audio();
    element.preload = "auto";
    element.src = soundUrl(id);
    streams.set(id, element);
  }
}

let queue: { sample: Playable; fit: Fit }[] = [];
let running = 0;

/** Load these sounds when there is time, the first ones first. What was asked for before and did not begin is dropped. */
export function loadAhead(samples: readonly Playable[], fitOf: (sample: Playable) => Fit): void {
  streamAhead(samples);
  queue = samples
    .filter(({ duration }) => duration !== null && duration !== undefined && duration <= LONGEST_DECODED)
    .map((sample) => ({ sample, fit: fitOf(sample) }))
    .filter(({ sample, fit }) => !kept.has(keyOf(sample.file_id, fit)));
  while (running < AT_ONCE && queue.length) next();
}

function next(): void {
  const first = queue.shift();
  if (!first) return;
  running += 1;
  load(first.sample, first.fit)
    .catch(() => {
      // It is said when it is to be played.
    })
    .finally(() => {
      running -= 1;
      next();
    });
}
