/** Stretches sounds beside the page, so that nothing on it waits. */
import { stretch } from "./stretch";

export interface Order {
  id: number;
  channels: Float32Array[];
  speed: number;
  shift: number;
  ring: boolean;
}

export interface Done {
  id: number;
  channels: Float32Array[];
}

self.onmessage = ({ data }: MessageEvent<Order>) => {
  const channels = stretch(data.channels, data.speed, data.shift, data.ring);
  const done: Done = { id: data.id, channels };
  self.postMessage(done, { transfer: channels.map(({ buffer }) => buffer) });
};
