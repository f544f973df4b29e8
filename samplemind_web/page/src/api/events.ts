/** Server-sent events: one connection for the page, which resumes where it broke off. */
import { useEffect, useRef } from "react";
import { create } from "zustand";

type Listener = (data: unknown) => void;

const listeners = new Map<string, Set<Listener>>();
let source: EventSource | null = null;

/** Since when the server has not been heard (ms since 1970), or null while it is. */
export const useConnection = create<{ downSince: number | null }>(() => ({ downSince: null }));

/** Call `listener` with the data of each event of this name, while the component is shown. */
export function useEvents(name: string, listener: Listener): void {
  const latest = useRef(listener);
  latest.current = listener;
  useEffect(() => subscribe(name, (data) => latest.current(data)), [name]);
}

/** Call `listener` with the data of each event of this name; returns how to end it. */
export function subscribe(name: string, listener: Listener): () => void {
  let group = listeners.get(name);
  if (!group) {
    group = new Set();
    listeners.set(name, group);
    source?.addEventListener(name, deliver);
  }
  group.add(listener);
  if (!source) open();
  return () => {
    group.delete(listener);
  };
}

function deliver(event: MessageEvent<string>): void {
  let data: unknown;
  try {
    data = JSON.parse(event.data);
  } catch {
    return;
  }
  for (const listener of listeners.get(event.type) ?? []) listener(data);
}

function open(): void {
  source = new EventSource("/api/v1/events");
  source.onopen = () => useConnection.setState({ downSince: null });
  source.onerror = () => {
    const { downSince } = useConnection.getState();
    if (downSince === null) useConnection.setState({ downSince: Date.now() });
    // A browser gives up where the answer was no stream; it is opened anew.
    if (source?.readyState === EventSource.CLOSED) {
      source = null;
      setTimeout(() => source ?? open(), 5_000);
    }
  };
  for (const name of listeners.keys()) source.addEventListener(name, deliver);
}
