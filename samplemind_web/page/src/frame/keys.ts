/** Keys: each part of the page says which it takes, and `?` lists them all. No key acts while somebody types. */
import { useEffect, useRef } from "react";
import { create } from "zustand";

export interface Key {
  /** As `KeyboardEvent.key` says it, such as `ArrowDown`; `g m` is one key after the other; `Shift+ArrowDown`. */
  key: string;
  /** What it does, for the list. */
  says: string;
  act: (event: KeyboardEvent) => void;
  /** Left out of the list, where another key of the same meaning is in it. */
  quiet?: boolean;
}

interface Group {
  id: number;
  title: string;
  keys: () => Key[];
}

let next = 0;
/** The groups of keys that act now; the last one is asked first. */
export const useKeyGroups = create<{ groups: Group[] }>(() => ({ groups: [] }));

/** Take keys while the component is shown. */
export function useKeys(title: string, keys: Key[]): void {
  const latest = useRef(keys);
  latest.current = keys;
  useEffect(() => {
    next += 1;
    const group: Group = { id: next, title, keys: () => latest.current };
    useKeyGroups.setState(({ groups }) => ({ groups: [...groups, group] }));
    return () => useKeyGroups.setState(({ groups }) => ({ groups: groups.filter(({ id }) => id !== group.id) }));
  }, [title]);
}

/** Whether the keys of an event belong to a field in which somebody types, or to an open dialog or menu. */
function isTyping(event: KeyboardEvent): boolean {
  const target = event.target;
  if (!(target instanceof HTMLElement)) return false;
  if (target.isContentEditable || target.closest("dialog, [role=menu], [role=listbox], [role=dialog]")) return true;
  if (target instanceof HTMLInputElement) return !["checkbox", "radio", "range", "button"].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

/** The name of what was pressed: modifiers, then the key. A letter in capitals needs no `Shift+`. */
function nameOf(event: KeyboardEvent): string {
  const shift = event.shiftKey && event.key.length > 1 ? "Shift+" : "";
  const command = event.ctrlKey || event.metaKey ? "Ctrl+" : "";
  return `${command}${event.altKey ? "Alt+" : ""}${shift}${event.key}`;
}

const SEQUENCE_MS = 1_200;
let prefix = "";
let prefixAt = 0;

function onKey(event: KeyboardEvent): void {
  if (event.defaultPrevented || event.isComposing) return;
  if (isTyping(event)) return;
  // Buttons and links take Enter and space themselves.
  const target = event.target;
  const control = target instanceof HTMLElement && target.closest("button, a, summary, input");
  if (control && (event.key === "Enter" || event.key === " ")) return;
  if (target instanceof HTMLInputElement && target.type === "range" && event.key.startsWith("Arrow")) return;
  const name = nameOf(event);
  const sequence = prefix && event.timeStamp - prefixAt < SEQUENCE_MS ? `${prefix} ${name}` : name;
  prefix = "";
  const groups = useKeyGroups.getState().groups;
  for (const group of [...groups].reverse()) {
    const found = group.keys().find(({ key }) => key === sequence);
    if (found) {
      event.preventDefault();
      found.act(event);
      return;
    }
  }
  if (groups.some((group) => group.keys().some(({ key }) => key.startsWith(`${name} `)))) {
    prefix = name;
    prefixAt = event.timeStamp;
    event.preventDefault();
  }
}

/** Listen for keys from now on. */
export function listenForKeys(): () => void {
  window.addEventListener("keydown", onKey);
  return () => window.removeEventListener("keydown", onKey);
}
