/** How a sound is changed so that it fits the project: how fast it plays, and by how many semitones it is transposed. */

const PITCHES = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"];

/** The project that sounds are to fit. Null: that part is left as it is. */
export interface Project {
  bpm: number | null;
  key: string | null;
  mode: "major" | "minor";
}

/** What is done to a sound. */
export interface Fit {
  /** Played tempo over recorded tempo; 1 leaves it. */
  speed: number;
  /** Semitones up. */
  shift: number;
}

export const AS_IT_IS: Fit = { speed: 1, shift: 0 };

interface Sound {
  kind?: string | null;
  tempo?: number | null;
  key?: string | null;
  mode?: string | null;
}

/** Return what makes a sound fit. Its tempo may be taken as half or double, where that needs less of a change. */
export function fitOf(sound: Sound, project: Project): Fit {
  return { speed: speedOf(sound, project.bpm), shift: shiftOf(sound, project) };
}

function speedOf({ kind, tempo }: Sound, bpm: number | null): number {
  if (!tempo || !bpm || kind === "one_shot") return 1;
  const ratios = [bpm / tempo, (2 * bpm) / tempo, bpm / (2 * tempo)];
  return ratios.reduce((best, ratio) => (Math.abs(Math.log2(ratio)) < Math.abs(Math.log2(best)) ? ratio : best));
}

function shiftOf(sound: Sound, project: Project): number {
  const from = sound.key ? PITCHES.indexOf(sound.key) : -1;
  const to = project.key ? PITCHES.indexOf(project.key) : -1;
  if (from < 0 || to < 0) return 0;
  // A minor key is that of its relative major, three semitones above.
  const tonic = (pitch: number, mode: string | null | undefined) => (mode === "minor" ? pitch + 3 : pitch);
  const up = (((tonic(to, project.mode) - tonic(from, sound.mode)) % 12) + 12) % 12;
  return up > 6 ? up - 12 : up;
}

/** Say a fit in words: `+4.2 %, 2 semitones down`, or an empty text if nothing is changed. */
export function inWords({ speed, shift }: Fit): string {
  const parts: string[] = [];
  const change = (speed - 1) * 100;
  if (Math.abs(change) >= 0.05) parts.push(`${change > 0 ? "+" : "−"}${Math.abs(change).toFixed(1)} %`);
  if (shift)
    parts.push(`${Math.abs(shift)} ${Math.abs(shift) === 1 ? "semitone" : "semitones"} ${shift > 0 ? "up" : "down"}`);
  return parts.join(", ");
}
