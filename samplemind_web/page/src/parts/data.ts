/** Colours that stand for data: a hue per key on the Camelot wheel, a hue per family of instruments. */

const FIFTHS = ["C", "G", "D", "A", "E", "B", "F#", "C#", "G#", "D#", "A#", "F"];

/** The place of a key on the wheel of fifths, 0 to 11, which relative keys share; null if there is no key. */
export function wheelPlace(key: string | null | undefined, mode: string | null | undefined): number | null {
  const place = key ? FIFTHS.indexOf(key) : -1;
  return place < 0 ? null : (mode === "minor" ? place + 9 : place) % 12;
}

/** The hue of a key: neighbours on the wheel have neighbouring hues. */
export function keyHue(key: string | null | undefined, mode: string | null | undefined): number | null {
  const place = wheelPlace(key, mode);
  return place === null ? null : place * 30;
}

/** A family of instruments, which share a hue. */
export interface Family {
  readonly label: string;
  readonly hue: number;
  readonly instruments: readonly string[];
}

/** The hue of rooms and effects, which have no instrument. */
export const PALE = 230;
/** All instruments that the engine names, loops and songs included. */
export const FAMILIES: readonly Family[] = [
  { label: "Kicks and toms", hue: 20, instruments: ["kick", "tom"] },
  { label: "Snares and claps", hue: 50, instruments: ["snare", "clap", "rim"] },
  { label: "Hats and cymbals", hue: 90, instruments: ["hat_closed", "hat_open", "crash", "ride"] },
  { label: "Percussion", hue: 125, instruments: ["perc", "cowbell", "shaker"] },
  { label: "Bass", hue: 293, instruments: ["bass"] },
  { label: "Keys and synths", hue: 255, instruments: ["synth", "piano", "organ", "bell"] },
  { label: "Strings and guitars", hue: 160, instruments: ["guitar", "strings"] },
  { label: "Winds", hue: 200, instruments: ["brass", "sax", "flute"] },
  { label: "Voices", hue: 352, instruments: ["vocal", "voice"] },
  { label: "Ambience and effects", hue: PALE, instruments: ["ambience", "fx"] },
  { label: "Loops and songs", hue: 325, instruments: ["drum_loop", "music_loop", "song"] },
];
const HUES = new Map(FAMILIES.flatMap(({ hue, instruments }) => instruments.map((name) => [name, hue] as const)));

/** The hue of an instrument's family, or null. */
export function instrumentHue(instrument: string | null | undefined): number | null {
  return instrument ? (HUES.get(instrument) ?? null) : null;
}

/** A colour of a hue that can be told from the ground in both themes. */
export function dataColour(hue: number | null, theme: "dark" | "light"): string {
  if (hue === null) return "var(--color-edge)";
  return theme === "dark" ? `oklch(0.76 0.13 ${hue})` : `oklch(0.52 0.15 ${hue})`;
}
