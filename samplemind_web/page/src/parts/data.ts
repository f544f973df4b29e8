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

const FAMILIES: Record<string, number> = {};
for (const [hue, names] of [
  [25, "kick snare clap rim hat_closed hat_open tom crash ride shaker cowbell perc"],
  [265, "bass"],
  [165, "synth piano guitar strings brass sax flute organ bell"],
  [340, "vocal voice"],
  [215, "ambience fx"],
  [70, "drum_loop music_loop song"],
] as const) {
  for (const name of names.split(" ")) FAMILIES[name] = hue;
}

/** The hue of an instrument's family, or null. */
export function instrumentHue(instrument: string | null | undefined): number | null {
  return instrument ? (FAMILIES[instrument] ?? null) : null;
}

/** A colour of a hue that can be told from the ground in both themes. */
export function dataColour(hue: number | null, theme: "dark" | "light"): string {
  if (hue === null) return "var(--color-edge)";
  return theme === "dark" ? `oklch(0.76 0.13 ${hue})` : `oklch(0.52 0.15 ${hue})`;
}
