/** One canvas for the waveforms of all rows that are shown. It lies in what is scrolled, and so moves with the rows. */
import { useEffect, useRef, useState } from "react";
import { useTheme } from "@/frame/theme";
import { pixelsOf } from "@/parts/canvas";
import { bandColours, drawPeaks } from "./draw";
import { onPeaks, peaksOf } from "./peaks";

export interface Place {
  id: string;
  /** Pixels from the top and the left of the canvas. */
  top: number;
  left?: number;
}

const INSET = 5; // px above and below the waveform

const pictures = new Map<string, OffscreenCanvas>();
const MOST_PICTURES = 1000;

/** The canvas. `top` is where it lies in what is scrolled. */
export function Waveforms(props: {
  places: readonly Place[];
  top: number;
  height: number;
  width: number;
  /** Of one waveform. */
  waveWidth: number;
  rowHeight: number;
  className?: string;
}) {
  const { places, top, height, width, waveWidth, rowHeight, className } = props;
  const canvas = useRef<HTMLCanvasElement>(null);
  const theme = useTheme((state) => state.theme);
  const [arrived, setArrived] = useState(0);
  useEffect(() => onPeaks(() => setArrived((count) => count + 1)), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `arrived` says that peaks have come
  useEffect(() => {
    const context = canvas.current && pixelsOf(canvas.current);
    if (!canvas.current || !context) return;
    const ratio = window.devicePixelRatio || 1;
    const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (canvas.current.width !== w || canvas.current.height !== h) {
      canvas.current.width = w;
      canvas.current.height = h;
    } else context.clearRect(0, 0, w, h);
    const colours = bandColours();
    for (const place of places) {
      const picture = pictureOf(place.id, waveWidth, rowHeight, ratio, theme, colours);
      if (picture) context.drawImage(picture, Math.round((place.left ?? 0) * ratio), Math.round(place.top * ratio));
    }
  }, [places, width, height, waveWidth, rowHeight, theme, arrived]);
  return <canvas ref={canvas} aria-hidden className={className} style={{ top, width, height }} />;
}

function pictureOf(
  id: string,
  width: number,
  rowHeight: number,
  ratio: number,
  theme: string,
  colours: readonly string[],
): OffscreenCanvas | null {
  const key = `${id} ${width} ${rowHeight} ${ratio} ${theme}`;
  const here = pictures.get(key);
  if (here) return here;
  const peaks = peaksOf(id);
  if (!peaks) return null;
  const picture = new OffscreenCanvas(Math.round(width * ratio), Math.round(rowHeight * ratio));
  const context = pixelsOf(picture);
  if (!context) return null;
  context.scale(ratio, ratio);
  drawPeaks(context, peaks, { x: 0, y: INSET, width, height: rowHeight - 2 * INSET }, colours, { step: 1 / ratio });
  pictures.set(key, picture);
  for (const oldest of pictures.keys()) {
    if (pictures.size <= MOST_PICTURES) break;
    pictures.delete(oldest);
  }
  return picture;
}
