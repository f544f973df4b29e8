/** What plays: the state of the player, and the functions by which every room plays sounds. */
import { create } from "zustand";
import { AS_IT_IS, type Fit, fitOf, type Project } from "./fit";
import { audio, LONGEST_DECODED, load, loadAhead, ready, streamOf } from "./sounds";
import { BufferVoice, ElementVoice, type Voice } from "./voices";

/** What the player needs to know of a sample. A `SampleRow` has it all. */
export interface Playable {
  file_id: string;
  name: string;
  kind?: string | null;
  duration?: number | null;
  tempo?: number | null;
  key?: string | null;
  mode?: string | null;
}

interface State {
  current: Playable | null;
  /** What sounds under everything else, so that others are heard with it. */
  held: Playable | null;
  playing: boolean;
  /** Why nothing is heard, or null. */
  trouble: string | null;
  fit: Fit;
  /** From the call of `play` to the start of the sound, of the last one, in milliseconds. */
  latency: number | null;
  volume: number;
  /** Whether everything is played over and over. */
  repeat: boolean;
  /** Whether sounds are made to fit the project. */
  inProject: boolean;
  project: Project;
}

interface Saved {
  volume: number;
  repeat: boolean;
  inProject: boolean;
  project: Project;
}

const DEFAULTS: Saved = {
  volume: 0.8,
  repeat: false,
  inProject: false,
  project: { bpm: 120, key: null, mode: "minor" },
};

function saved(): Saved {
  try {
    return { ...DEFAULTS, ...(JSON.parse(localStorage.getItem("player") ?? "{}") as Partial<Saved>) };
  } catch {
    return DEFAULTS;
  }
}

export const usePlayer = create<State>(() => ({
  current: null,
  held: null,
  playing: false,
  trouble: null,
  fit: AS_IT_IS,
  latency: null,
  ...saved(),
}));

let voice: Voice | null = null;
let heldVoice: Voice | null = null;
let master: GainNode | null = null;
let asked = 0;
/** When a bar of the project began, on the clock of the AudioContext: loops start where they would be by now. */
let origin: number | null = null;

function output(): GainNode {
  if (!master) {
    master = audio().createGain();
    master.gain.value = usePlayer.getState().volume ** 2;
    master.connect(audio().destination);
  }
  return master;
}

function fitFor(sample: Playable): Fit {
  const { inProject, project } = usePlayer.getState();
  return inProject ? fitOf(sample, project) : AS_IT_IS;
}

/** Play a sample, from its beginning or from a part of it (0 to 1); what plays now ends. */
export function play(sample: Playable, from = 0): void {
  asked += 1;
  const mine = asked;
  const at = performance.now();
  const fit = fitFor(sample);
  usePlayer.setState({ current: sample, playing: true, trouble: null, fit });
  const context = audio();
  if (context.state === "suspended") void context.resume();
  const begin = (next: Voice) => {
    if (mine !== asked) return next.end();
    voice?.end();
    voice = next;
    next.onEnd = () => {
      if (voice === next) usePlayer.setState({ playing: false });
    };
    next.onBegin = () => {
      // The names are those of the browser's own list of measures, where a benchmark reads them.
      const { duration: latency } = performance.measure("play", { start: at });
      if (mine === asked) usePlayer.setState({ latency });
    };
    const blocked = context.state === "suspended";
    usePlayer.setState({
      trouble: blocked ? "The browser allows sound once you click or press a key on the page." : null,
    });
    next.begin();
  };
  if ((sample.duration ?? 0) > LONGEST_DECODED) {
    begin(new ElementVoice(streamOf(sample.file_id), output(), fit.speed, from, fail(mine)));
    return;
  }
  const here = ready(sample.file_id, fit);
  if (here) {
    begin(voiceOf(sample, here, from));
    return;
  }
  // The sound before ends at once: what is heard is what is shown.
  voice?.end();
  voice = null;
  load(sample, fit).then((buffer) => {
    if (mine === asked) begin(voiceOf(sample, buffer, from));
  }, fail(mine));
}

function voiceOf(sample: Playable, buffer: AudioBuffer, from: number): Voice {
  const { inProject, repeat, project } = usePlayer.getState();
  const inTime = inProject && sample.kind === "loop" && Boolean(sample.tempo && project.bpm);
  const now = audio().currentTime;
  let offset = from * buffer.duration;
  if (inTime && from === 0) {
    const other = (voice?.inTime && voice.sounding) || heldVoice;
    if (!other || origin === null) origin = now;
    offset = (now - origin) % buffer.duration;
  }
  return new BufferVoice(buffer, output(), offset, { loop: inTime || repeat, inTime });
}

function fail(mine: number): (error: unknown) => void {
  return (error) => {
    if (mine !== asked) return;
    const why = error instanceof Error ? error.message : "";
    usePlayer.setState({ playing: false, trouble: `This sound cannot be played. ${why}` });
  };
}

/** End what plays, and what is held. */
export function stop(): void {
  asked += 1;
  voice?.end();
  voice = null;
  letGo();
  usePlayer.setState({ playing: false });
}

/** Pause or go on; play from the beginning what has ended. */
export function toggle(): void {
  const { current, playing } = usePlayer.getState();
  if (!current) return;
  if (playing) {
    const place = position();
    asked += 1;
    voice?.end();
    pausedAt = place;
    voice = null;
    usePlayer.setState({ playing: false });
  } else {
    const from = pausedAt;
    pausedAt = 0;
    play(current, from >= 0.999 ? 0 : from);
  }
}
let pausedAt = 0;

/** Where in the sound the player is, from 0 to 1. */
export function position(): number {
  return voice ? voice.position() : pausedAt;
}

/** Go to a part of what is played, from 0 to 1. */
export function seek(to: number): void {
  const { current, playing } = usePlayer.getState();
  if (!current) return;
  const place = Math.min(Math.max(to, 0), 0.999);
  if (playing) play(current, place || 1e-6);
  else pausedAt = place;
}

/** Go forward (or back, if negative) by a beat, or by a twentieth where there is none; by 5 s in long sounds. */
export function skip(direction: number): void {
  const { current } = usePlayer.getState();
  const seconds = current?.duration ?? 0;
  if (!current || !seconds) return;
  const beat = current.tempo && current.kind !== "one_shot" ? 60 / current.tempo : seconds / 20;
  const step = seconds > LONGEST_DECODED ? 5 : beat;
  seek(position() + (direction * step) / seconds);
}

/** Keep what plays sounding under what is played next; a second time lets it go. */
export function hold(): void {
  const { current, held, playing } = usePlayer.getState();
  if (held) {
    letGo();
    return;
  }
  if (!current || !playing || !voice) return;
  heldVoice = voice;
  voice = null;
  usePlayer.setState({ held: current, playing: false });
}

function letGo(): void {
  heldVoice?.end();
  heldVoice = null;
  usePlayer.setState({ held: null });
}

/** Load the beginnings of samples ahead, the likeliest first. */
export function prefetch(samples: readonly Playable[]): void {
  loadAhead(samples, fitFor);
}

/** Change how everything is played; what plays is played anew if it sounds differently now. */
export function setUp(change: Partial<Saved>): void {
  const before = usePlayer.getState();
  usePlayer.setState(change);
  const { current, playing, volume, repeat, inProject, project } = usePlayer.getState();
  try {
    localStorage.setItem("player", JSON.stringify({ volume, repeat, inProject, project } satisfies Saved));
  } catch {
    // Storage may be off: the choice lasts as long as the page.
  }
  if (master) master.gain.setTargetAtTime(volume ** 2, audio().currentTime, 0.01);
  const changed = before.repeat !== repeat || before.inProject !== inProject || before.project !== project;
  if (changed && current && playing) {
    if (before.project.bpm !== project.bpm) letGo();
    play(current);
  } else if (changed && current) usePlayer.setState({ fit: fitFor(current) });
}
