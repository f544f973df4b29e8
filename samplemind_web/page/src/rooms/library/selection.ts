/** Which samples are selected. Any room may set it; the library shows only these at `/?only=selection`. */
import { create } from "zustand";

interface Selection {
  ids: ReadonlySet<string>;
  set: (ids: Iterable<string>) => void;
  clear: () => void;
}

export const useSelection = create<Selection>((set) => ({
  ids: new Set(),
  set: (ids) => set({ ids: new Set(ids) }),
  clear: () => set({ ids: new Set() }),
}));
