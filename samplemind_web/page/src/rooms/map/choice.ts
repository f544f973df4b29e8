/** How many points become a selection: as many as one request may mark. */
import { count } from "@/parts/format";

export const MOST_CHOSEN = 5_000;

/** What is said where more points are chosen than become a selection. */
export function tooMany(points: number): string {
  return (
    `${count(points)} points are chosen, and ${count(MOST_CHOSEN)} of them are selected. ` +
    "Draw a smaller line, go nearer, or hide some by the legend."
  );
}
