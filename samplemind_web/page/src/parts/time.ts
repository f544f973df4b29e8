/** How spans and points of time are written. */

/** A span, roughly: `8 s`, `3 min`, `2 h 10 min`, `4 days`. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.max(Math.round(seconds), 1)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 90) return `${minutes} min`;
  const hours = Math.floor(minutes / 60);
  if (hours < 36) return minutes % 60 ? `${hours} h ${minutes % 60} min` : `${hours} h`;
  return `${Math.round(minutes / 1440)} days`;
}

/** How long ago something was: `just now`, `3 min ago`. */
export function ago(time: string, now: number = Date.now()): string {
  const seconds = (now - Date.parse(time)) / 1000;
  return seconds < 5 ? "just now" : `${span(seconds)} ago`;
}

/** A day and a time of day: `30 Nov 2026, 14:05`. */
export function when(time: string): string {
  return new Date(time).toLocaleString("en-GB", {
    day: "numeric",
    month: "short",
    year: "numeric",
    hour: "2-digit",
    minute: "2-digit",
  });
}
