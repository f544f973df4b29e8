/** Draws a waveform in three bands: the low band behind, the high one in front. */
import { colour } from "@/frame/theme";
import type { Peaks } from "./peaks";

const BANDS = ["low", "mid", "high"] as const;

/** The colours of the bands in the theme that is shown. */
export function bandColours(): readonly string[] {
  return BANDS.map(colour);
}

/** Draw peaks into a rectangle, in the units of the context. `from` and `to` are the part of the sound, 0 to 1. */
export function drawPeaks(
  context: CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D,
  { buckets, data }: Peaks,
  box: { x: number; y: number; width: number; height: number },
  colours: readonly string[],
  { from = 0, to = 1, step = 1 } = {},
): void {
  const middle = box.y + box.height / 2;
  const scale = box.height / 2 / 127;
  for (let band = 0; band < 3; band += 1) {
    context.fillStyle = colours[band] ?? "#888";
    for (let x = 0; x < box.width; x += step) {
      const first = Math.floor((from + ((to - from) * x) / box.width) * buckets);
      const last = Math.max(first + 1, Math.floor((from + ((to - from) * (x + step)) / box.width) * buckets));
      let low = 0;
      let high = 0;
      for (let bucket = Math.max(first, 0); bucket < last && bucket < buckets; bucket += 1) {
        low = Math.min(low, (data[bucket * 6 + band * 2] ?? 128) - 128);
        high = Math.max(high, (data[bucket * 6 + band * 2 + 1] ?? 128) - 128);
      }
      const top = middle - high * scale;
      const height = (high - low) * scale;
      if (height > 0) context.fillRect(box.x + x, top, step, Math.max(height, 0.5));
    }
  }
}
