/** Opens a canvas that the processor draws. */

/**
 * Return the context of a canvas whose pixels stay in memory.
 *
 * Waveforms are a few thousand short lines, which the processor draws in a millisecond. Left to the browser they are
 * drawn by the graphics driver; where that is software (virtual machines, remote desktops), a frame then took seconds.
 */
export function pixelsOf(canvas: HTMLCanvasElement): CanvasRenderingContext2D | null;
export function pixelsOf(canvas: OffscreenCanvas): OffscreenCanvasRenderingContext2D | null;
export function pixelsOf(
  canvas: HTMLCanvasElement | OffscreenCanvas,
): CanvasRenderingContext2D | OffscreenCanvasRenderingContext2D | null {
  return canvas.getContext("2d", { willReadFrequently: true }) as
    | CanvasRenderingContext2D
    | OffscreenCanvasRenderingContext2D
    | null;
}
