/** How numbers and times are written. */

/** A length: `0.4 s`, `12.1 s`, `3:07`. */
export function duration(seconds: number | null | undefined): string {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(2) : seconds.toFixed(1)} s`;
  const whole = Math.round(seconds);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor((whole % 3600) / 60);
  const rest = String(whole % 60).padStart(2, "0");
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}

/** A tempo: `124`, `137.9`. */
export function tempo(bpm: number | null | undefined): string {
  if (bpm === null || bpm === undefined) return "–";
  return String(Math.round(bpm * 10) / 10);
}

/** A key: `Am`, `C#`. */
export function keyName(key: string | null | undefined, mode: string | null | undefined): string {
  if (!key) return "–";
  return mode === "minor" ? `${key}m` : key;
}

const KINDS: Record<string, string> = { one_shot: "one-shot", loop: "loop", track: "track" };

/** A kind as people write it. */
export function kindName(kind: string | null | undefined): string {
  return kind ? (KINDS[kind] ?? kind) : "–";
}

/** A name of the record as people write it: `drum_loop` is `drum loop`. */
export function words(name: string | null | undefined): string {
  return name ? name.replaceAll("_", " ") : "–";
}

/** A count: `1,204`. */
export function count(value: number): string {
  return value.toLocaleString("en-US");
}

/** Bytes: `12.4 MB`. */
export function bytes(value: number): string {
  const units = ["B", "kB", "MB", "GB", "TB"];
  let rest = value;
  let unit = 0;
  while (rest >= 1000 && unit < units.length - 1) {
    rest /= 1000;
    unit += 1;
  }
  return `${unit && rest < 100 ? rest.toFixed(1) : Math.round(rest)} ${units[unit]}`;
}

/** A share: `81 %`. */
export function percent(share: number | null | undefined): string {
  return share === null || share === undefined ? "–" : `${Math.round(share * 100)} %`;
}

/** The time of day: `14:05:12`. */
export function timeOfDay(at: number): string {
  return new Date(at).toLocaleTimeString("en-GB");
}

/** One or many: `1 file`, `2 files`. */
export function plural(value: number, one: string, many = `${one}s`): string {
  return `${count(value)} ${value === 1 ? one : many}`;
}
