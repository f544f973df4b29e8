/** The colours of the map: one hue per family of instruments, the key wheel's hue per key, a ramp for the tempo. */

import { FAMILIES, keyHue, PALE, wheelPlace } from "@/parts/data";
import { NO_KEY } from "./cloud";
import type { Field, Palettes } from "./drawing";

export type Theme = "dark" | "light";

/** One line of the legend: the values that it stands for share a colour, and are shown or hidden together. */
export interface LegendEntry {
  readonly id: string;
  readonly label: string;
  readonly values: readonly number[];
  readonly colour: string;
}

interface Lch {
  readonly lightness: number;
  readonly chroma: number;
  readonly hue: number;
}

const TEMPI: readonly (readonly [number, number])[] = [
  [1, 79],
  [80, 94],
  [95, 109],
  [110, 119],
  [120, 127],
  [128, 139],
  [140, 159],
  [160, 510],
];

const GREY: Readonly<Record<Theme, Lch>> = {
  dark: { lightness: 0.6, chroma: 0, hue: 0 },
  light: { lightness: 0.6, chroma: 0, hue: 0 },
};

/** Return the legend of each field; `instruments` and `keys` name the values of the bytes, in order. */
export function legends(
  instruments: readonly string[],
  keys: readonly string[],
  theme: Theme,
): Readonly<Record<Field, readonly LegendEntry[]>> {
  return { instrument: instrumentLegend(instruments, theme), key: keyLegend(keys, theme), tempo: tempoLegend(theme) };
}

function instrumentLegend(names: readonly string[], theme: Theme): LegendEntry[] {
  const known = new Set(FAMILIES.flatMap(({ instruments }) => instruments));
  const entries = FAMILIES.map(({ label, hue, instruments }) => ({
    id: label.toLowerCase().replaceAll(" ", "-"),
    label,
    values: names.flatMap((name, value) => (instruments.includes(name) ? [value] : [])),
    // Rooms and effects have no instrument: they are nearly grey.
    colour: css(hue === PALE ? { ...shade(theme, hue), chroma: 0.045 } : shade(theme, hue)),
  }));
  const others = others256(names.flatMap((name, value) => (known.has(name) ? [value] : [])));
  return [...entries, { id: "unknown", label: "Not known", values: others, colour: css(GREY[theme]) }];
}

function keyLegend(names: readonly string[], theme: Theme): LegendEntry[] {
  const entries = names.map((label, value) => ({
    id: `key-${value}`,
    label,
    values: [value],
    colour: css(keyShade(label, theme)),
  }));
  entries.sort((one, other) => wheel(one.label) - wheel(other.label));
  const none = others256(names.map((_, value) => value));
  return [...entries, { id: "no-key", label: "No key", values: none, colour: css(GREY[theme]) }];
}

function tempoLegend(theme: Theme): LegendEntry[] {
  const entries = TEMPI.map(([from, to], at) => ({
    id: `tempo-${from}`,
    label: at === 0 ? `Below ${to + 1}` : at === TEMPI.length - 1 ? `${from} and more` : `${from} to ${to}`,
    values: Array.from({ length: 256 }, (_, value) => value).filter((value) => value > 0 && bin(2 * value) === at),
    colour: css(shade(theme, 265 - at * 34)),
  }));
  return [...entries, { id: "no-tempo", label: "No tempo", values: [0], colour: css(GREY[theme]) }];
}

function bin(tempo: number): number {
  return TEMPI.findIndex(([, to]) => tempo <= to + 1);
}

function others256(taken: readonly number[]): number[] {
  const known = new Set(taken);
  return Array.from({ length: NO_KEY + 1 }, (_, value) => value).filter((value) => !known.has(value));
}

function readKey(name: string): [root: string, mode: "minor" | "major"] {
  return [/^[A-G]#?/.exec(name)?.[0] ?? "C", name.endsWith("m") || name.endsWith("minor") ? "minor" : "major"];
}

/** Return the place among the keys, where relative keys are neighbours. */
function wheel(name: string): number {
  const [root, mode] = readKey(name);
  return 2 * (wheelPlace(root, mode) ?? 0) + (mode === "minor" ? 1 : 0);
}

function keyShade(name: string, theme: Theme): Lch {
  const [root, mode] = readKey(name);
  const base = shade(theme, keyHue(root, mode) ?? 0);
  // A minor key is the darker one of two relatives.
  return mode === "minor" ? { ...base, lightness: base.lightness - 0.09 } : base;
}

function shade(theme: Theme, hue: number): Lch {
  return theme === "dark" ? { lightness: 0.76, chroma: 0.14, hue } : { lightness: 0.56, chroma: 0.15, hue };
}

/** Return the colours of all values; those of hidden entries are transparent. */
export function palettes(
  entries: Readonly<Record<Field, readonly LegendEntry[]>>,
  hidden: ReadonlySet<string>,
): Palettes {
  const table = (field: Field) => {
    const colours = new Uint8Array(1024);
    for (const entry of entries[field]) {
      const rgb = parse(entry.colour);
      for (const value of entry.values) colours.set([...rgb, hidden.has(entry.id) ? 0 : 255], 4 * value);
    }
    return colours;
  };
  return { instrument: table("instrument"), key: table("key"), tempo: table("tempo") };
}

/** Return how many points have the values of each entry. */
export function counts(values: Uint8Array, entries: readonly LegendEntry[]): ReadonlyMap<string, number> {
  const histogram = new Uint32Array(256);
  for (const value of values) histogram[value] = (histogram[value] as number) + 1;
  return new Map(
    entries.map((entry) => [entry.id, entry.values.reduce((sum, value) => sum + (histogram[value] as number), 0)]),
  );
}

/** Return a colour of OKLCH as a hexadecimal colour of sRGB; what sRGB lacks is clipped. */
export function css({ lightness, chroma, hue }: Lch): string {
  const a = chroma * Math.cos((hue * Math.PI) / 180);
  const b = chroma * Math.sin((hue * Math.PI) / 180);
  const l = (lightness + 0.3963377774 * a + 0.2158037573 * b) ** 3;
  const m = (lightness - 0.1055613458 * a - 0.0638541728 * b) ** 3;
  const s = (lightness - 0.0894841775 * a - 1.291485548 * b) ** 3;
  const linear = [
    4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
    -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
    -0.0041960863 * l - 0.7034186147 * m + 1.707614701 * s,
  ];
  const bytes = linear.map((value) => {
    const inside = Math.min(Math.max(value, 0), 1);
    const encoded = inside <= 0.0031308 ? 12.92 * inside : 1.055 * inside ** (1 / 2.4) - 0.055;
    return Math.round(255 * encoded);
  });
  return `#${bytes.map((byte) => byte.toString(16).padStart(2, "0")).join("")}`;
}

function parse(colour: string): [number, number, number] {
  const value = Number.parseInt(colour.slice(1), 16);
  return [value >> 16, (value >> 8) & 255, value & 255];
}
