/**
 * Which samples are selected. Any room may set it; the library shows only these at `/?only=selection`. A small selection
 * outlasts a reload of the tab; of a large one, only its size is kept, so that the page can say that it is gone.
 */
import { create } from "zustand";

const MOST_KEPT = 200;
const KEY = "selection";

interface Selection {
  ids: ReadonlySet<string>;
  /** How many samples were selected before the page was loaded anew, where they were too many to be kept. */
  lost: number;
  set: (ids: Iterable<string>) => void;
  clear: () => void;
}

export const useSelection = create<Selection>((set) => ({
  ...restored(),
  set: (ids) => set({ ids: new Set(ids), lost: 0 }),
  clear: () => set({ ids: new Set(), lost: 0 }),
}));

useSelection.subscribe(({ ids, lost }) => {
  try {
    const kept = ids.size > MOST_KEPT || lost ? { lost: ids.size || lost } : { ids: [...ids] };
    sessionStorage.setItem(KEY, JSON.stringify(kept));
  } catch {
    // Storage may be off: the selection lasts as long as the page.
  }
});

function restored(): { ids: ReadonlySet<string>; lost: number } {
  try {
    const { ids, lost } = JSON.parse(sessionStorage.getItem(KEY) ?? "{}") as { ids?: unknown; lost?: unknown };
    const known = Array.isArray(ids) ? ids.filter((id): id is string => typeof id === "string") : [];
    return { ids: new Set(known.slice(0, MOST_KEPT)), lost: typeof lost === "number" ? lost : 0 };
  } catch {
    return { ids: new Set(), lost: 0 };
  }
}
