/** The width of the window, for what CSS alone cannot decide. */
import { useSyncExternalStore } from "react";

function subscribe(tell: () => void): () => void {
  window.addEventListener("resize", tell);
  return () => window.removeEventListener("resize", tell);
}

/** Return the width of the window in CSS pixels. */
export function useWidth(): number {
  return useSyncExternalStore(subscribe, () => window.innerWidth);
}
