/** What plays: the state of the player, and the functions by which every room plays sounds. */
import { create } from "zustand";

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
  playing: boolean;
}

export const usePlayer = create<State>(() => ({ current: null, playing: false }));

/** Play a sample from its beginning; what plays now ends. */
export function play(sample: Playable): void {
  usePlayer.setState({ current: sample, playing: true });
}

/** End what plays. */
export function stop(): void {
  usePlayer.setState({ playing: false });
}

/** Load the beginnings of samples ahead, the likeliest first. */
export function prefetch(_samples: readonly Playable[]): void {}
