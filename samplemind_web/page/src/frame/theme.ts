/** Dark or light: what the system prefers, until somebody chooses. */
import { create } from "zustand";

type Theme = "dark" | "light";

/** The theme that is shown. */
export const useTheme = create<{ theme: Theme; turn: () => void }>((set, get) => ({
  theme: document.documentElement.dataset.theme === "light" ? "light" : "dark",
  turn: () => {
    const theme = get().theme === "dark" ? "light" : "dark";
    try {
      localStorage.setItem("theme", theme);
    } catch {
      // Storage may be off: the choice lasts as long as the page.
    }
    document.documentElement.dataset.theme = theme;
    set({ theme });
  },
}));

/** The value of a colour of the theme that is shown, for canvases. */
export function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--color-${name}`).trim();
}
