/** The filters of the library: what each is called, how it is written, and how a word such as `bpm:120..128` is one. */

export interface Filter {
  /** The parameter of the address and of the API. */
  name: string;
  says: string;
  /** What it takes. `choice` has its values, `range` is written `120..128`, `switch` is there or not. */
  takes: "text" | "range" | "choice" | "switch";
  hint: string;
  values?: readonly string[];
}

const INSTRUMENTS = [
  "kick",
  "snare",
  "clap",
  "rim",
  "hat_closed",
  "hat_open",
  "tom",
  "crash",
  "ride",
  "shaker",
  "cowbell",
  "perc",
  "bass",
  "synth",
  "piano",
  "guitar",
  "strings",
  "brass",
  "sax",
  "flute",
  "organ",
  "bell",
  "vocal",
  "voice",
  "ambience",
  "fx",
  "drum_loop",
  "music_loop",
  "song",
] as const;

export const FILTERS: readonly Filter[] = [
  { name: "bpm", says: "Tempo", takes: "range", hint: "120..128, 124, 90.." },
  { name: "half_double", says: "Half and double tempo", takes: "switch", hint: "" },
  { name: "key", says: "Key", takes: "text", hint: "Am, F#, Bb major, 8A" },
  { name: "compatible", says: "Compatible keys", takes: "switch", hint: "" },
  { name: "chord", says: "Chord", takes: "text", hint: "Am7" },
  { name: "kind", says: "Kind", takes: "choice", hint: "", values: ["one_shot", "loop", "track"] },
  { name: "instrument", says: "Instrument", takes: "choice", hint: "", values: INSTRUMENTS },
  { name: "duration", says: "Length", takes: "range", hint: "..1, 500ms..2s, 1min.." },
  { name: "loudness", says: "Loudness", takes: "range", hint: "LUFS: -14..-8" },
  { name: "brightness", says: "Brightness", takes: "range", hint: "Hz: ..800" },
  { name: "pitch", says: "Note", takes: "range", hint: "C3, C2..B2, F#" },
  { name: "tag", says: "Tag", takes: "text", hint: "vinyl" },
  { name: "pack", says: "Pack", takes: "text", hint: "name of a folder" },
  { name: "path", says: "Folder", takes: "text", hint: "a folder or a file" },
  { name: "batch", says: "Batch", takes: "text", hint: "id or last" },
  { name: "since", says: "New since", takes: "text", hint: "7d, yesterday, 2026-01-31" },
  { name: "until", says: "Until", takes: "text", hint: "7d, last week, 2026-01-31" },
  { name: "favourite", says: "Favourites", takes: "switch", hint: "" },
  { name: "collection", says: "Collection", takes: "text", hint: "" },
];

const BY_NAME = new Map(FILTERS.map((filter) => [filter.name, filter]));
const ALSO: Record<string, string> = { tempo: "bpm", length: "duration", note: "pitch", fav: "favourite", is: "kind" };

export interface Active {
  filter: Filter;
  value: string;
}

/** The filters that an address has, in the order of the list. */
export function active(params: URLSearchParams): Active[] {
  return FILTERS.flatMap((filter) => {
    const value = params.get(filter.name);
    return value ? [{ filter, value }] : [];
  });
}

/** Take filters such as `bpm:120..128` or `key:"A minor"` out of a text; returns what is left, and them. */
export function filtersIn(text: string): { rest: string; found: Record<string, string> } {
  const found: Record<string, string> = {};
  const rest = text.replace(
    /(^|\s)(\w+):("[^"]+"|[^\s"]+)(?=\s|$)/g,
    (all, before: string, word: string, value: string) => {
      const filter = BY_NAME.get(ALSO[word] ?? word);
      if (!filter) return all;
      found[filter.name] = filter.takes === "switch" ? "true" : value.replaceAll('"', "");
      return before;
    },
  );
  return { rest: rest.replace(/\s+/g, " ").trimStart(), found };
}

/** What a chip says: `118..124 BPM`, `Am`, `favourites`. */
export function chipText({ filter, value }: Active): string {
  switch (filter.name) {
    case "bpm":
      return `${value} BPM`;
    case "duration":
      return /[a-z:]/i.test(value) ? value : `${value} s`;
    case "loudness":
      return `${value} LUFS`;
    case "brightness":
      return `${value} Hz`;
    case "kind":
    case "instrument":
      return value.replaceAll("_", "-").replaceAll(",", ", ");
    case "key":
    case "chord":
      return value;
    case "since":
      return `since ${value}`;
    case "until":
      return `until ${value}`;
    default:
      return filter.takes === "switch" ? filter.says.toLowerCase() : `${filter.says.toLowerCase()} ${value}`;
  }
}
