/** What is on the screen: the points, and above them the trail, the rings, the lasso and the point at hand. */

import { pixelsOf } from "@/parts/canvas";
import { type Camera, fitted, panned, pointSize, type Size, showing, toScreen, zoomed } from "./camera";
import type { Cloud } from "./cloud";
import { type Drawing, type Field, matchPixels, type Palettes, plainDrawing, webGlDrawing } from "./drawing";

const FADE_MS = 400;

/** What the room says about the points. */
export interface Look {
  readonly palettes: Palettes;
  readonly colourBy: Field;
  readonly chosen: Uint8Array | null;
  /** The points that were heard last, the newest first. */
  readonly trail: readonly number[];
  /** The neighbours of a point. */
  readonly rings: readonly number[];
  readonly current: number | null;
  /** Colours of what is drawn above the points. */
  readonly ink: string;
  readonly accent: string;
}

export class Stage {
  camera: Camera;
  size: Size = { width: 1, height: 1 };
  /** The line that is being drawn around points, in CSS pixels: x, y, x, y, ... */
  lasso: readonly number[] = [];
  /** Called after each picture, for what moves along with the points. */
  onDrawn: (() => void) | null = null;
  private drawing: Drawing;
  private look: Look | null = null;
  private requested = 0;
  private readonly began: number;

  constructor(
    private readonly cloud: Cloud,
    private readonly points: HTMLCanvasElement,
    private readonly marks: HTMLCanvasElement,
    still: boolean,
  ) {
    const made = webGlDrawing(points, cloud) ?? plainDrawing(points, cloud);
    if (made === null) throw new Error("The browser can draw neither by WebGL nor on a canvas.");
    this.drawing = made;
    points.addEventListener("webglcontextlost", this.lost);
    points.addEventListener("webglcontextrestored", this.restored);
    this.camera = fitted(this.size);
    this.began = still ? Number.NEGATIVE_INFINITY : performance.now();
  }

  /** A browser restores what the graphics card has lost only where that is asked for. */
  private readonly lost = (event: Event) => event.preventDefault();

  private readonly restored = () => {
    const made = webGlDrawing(this.points, this.cloud);
    if (made === null) return;
    this.drawing = made;
    const chosen = this.look?.chosen;
    if (chosen) made.choose(chosen);
    this.drawSoon();
  };

  get usesWebGl(): boolean {
    return this.drawing.usesWebGl;
  }

  resize(size: Size): void {
    const untouched = this.camera.scale === fitted(this.size).scale && this.camera.x === 0 && this.camera.y === 0;
    const ratio = fitted(size).scale / fitted(this.size).scale;
    this.camera = untouched ? fitted(size) : { ...this.camera, scale: this.camera.scale * ratio };
    this.size = size;
    this.drawSoon();
  }

  show(look: Look): void {
    if (look.chosen !== null && look.chosen !== this.look?.chosen) this.drawing.choose(look.chosen);
    this.look = look;
    this.drawSoon();
  }

  drawLasso(line: readonly number[]): void {
    this.lasso = line;
    this.drawSoon();
  }

  pan(right: number, down: number): void {
    this.camera = panned(this.camera, right, down);
    this.drawSoon();
  }

  zoom(factor: number, left = this.size.width / 2, top = this.size.height / 2): void {
    this.camera = zoomed(this.camera, this.size, factor, left, top);
    this.drawSoon();
  }

  fit(): void {
    this.camera = fitted(this.size);
    this.drawSoon();
  }

  /** Move so far that a point is in view. */
  reveal(point: number): void {
    this.camera = showing(this.camera, this.size, this.cloud.x[point] as number, this.cloud.y[point] as number);
    this.drawSoon();
  }

  placeOf(point: number): [number, number] {
    return toScreen(this.camera, this.size, this.cloud.x[point] as number, this.cloud.y[point] as number);
  }

  close(): void {
    cancelAnimationFrame(this.requested);
    this.points.removeEventListener("webglcontextlost", this.lost);
    this.points.removeEventListener("webglcontextrestored", this.restored);
    this.drawing.close();
  }

  private drawSoon(): void {
    if (this.requested !== 0) return;
    this.requested = requestAnimationFrame((now) => {
      this.requested = 0;
      this.draw(now);
    });
  }

  private draw(now: number): void {
    if (this.look === null || this.size.width <= 1) return;
    const opacity = Math.min((now - this.began) / FADE_MS, 1);
    this.drawing.draw({
      camera: this.camera,
      size: this.size,
      palettes: this.look.palettes,
      colourBy: this.look.colourBy,
      opacity: Math.max(opacity, 0),
      dimmed: this.look.chosen !== null,
    });
    this.drawMarks(this.look);
    this.points.dataset.drawn = String(this.cloud.count);
    this.onDrawn?.();
    if (opacity < 1) this.drawSoon();
  }

  private drawMarks({ trail, rings, current, ink, accent }: Look): void {
    const context = pixelsOf(this.marks);
    if (context === null) return;
    const ratio = matchPixels(this.marks, this.size);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, this.size.width, this.size.height);
    const radius = pointSize(this.cloud.count, this.camera, this.size) / 2;
    context.lineJoin = "round";
    trail.forEach((point, age) => {
      const before = trail[age + 1];
      context.globalAlpha = 0.7 * (1 - age / 10);
      context.strokeStyle = ink;
      context.lineWidth = 1.25;
      if (before !== undefined) {
        context.beginPath();
        context.moveTo(...this.placeOf(point));
        context.lineTo(...this.placeOf(before));
        context.stroke();
      }
      this.ring(context, point, radius + 3);
    });
    context.globalAlpha = 1;
    context.strokeStyle = accent;
    context.lineWidth = 2;
    for (const point of rings) this.ring(context, point, radius + 5);
    if (current !== null) {
      context.strokeStyle = ink;
      this.ring(context, current, radius + 7);
      context.strokeStyle = accent;
      this.ring(context, current, radius + 4);
    }
    this.drawLine(context, accent);
  }

  private ring(context: CanvasRenderingContext2D, point: number, radius: number): void {
    const [left, top] = this.placeOf(point);
    context.beginPath();
    context.arc(left, top, radius, 0, 2 * Math.PI);
    context.stroke();
  }

  private drawLine(context: CanvasRenderingContext2D, accent: string): void {
    if (this.lasso.length < 4) return;
    context.beginPath();
    for (let at = 0; at < this.lasso.length; at += 2) {
      context.lineTo(this.lasso[at] as number, this.lasso[at + 1] as number);
    }
    context.closePath();
    context.strokeStyle = accent;
    context.lineWidth = 1.5;
    context.stroke();
    context.globalAlpha = 0.12;
    context.fillStyle = accent;
    context.fill();
    context.globalAlpha = 1;
  }
}
