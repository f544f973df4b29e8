/** Finding points: the nearest to a place, the next in a direction, and those inside a drawn line. */

import type KDBush from "kdbush";
import type { Cloud } from "./cloud";

export type Index = KDBush;
export type Visible = (index: number) => boolean;
export type Direction = "left" | "right" | "up" | "down";

/** Return the visible point nearest to a place, at most `radius` away; null if there is none. */
export function nearest(
  cloud: Cloud,
  index: Index,
  visible: Visible,
  x: number,
  y: number,
  radius: number,
): number | null {
  let best: number | null = null;
  let least = radius * radius;
  for (const point of index.within(x, y, radius)) {
    if (!visible(point)) continue;
    const distance = (xOf(cloud, point) - x) ** 2 + (yOf(cloud, point) - y) ** 2;
    if (distance <= least) {
      least = distance;
      best = point;
    }
  }
  return best;
}

/** Return the visible point nearest to a place, however far; null if none is visible. */
export function nearestOfAll(cloud: Cloud, index: Index, visible: Visible, x: number, y: number): number | null {
  for (let radius = 0.01; radius < 20; radius *= 2) {
    const found = nearest(cloud, index, visible, x, y, radius);
    if (found !== null) return found;
  }
  return null;
}

/**
 * Return the next point in a direction; null if there is none. Points count that lie within 45 degrees of the direction,
 * and going aside costs twice as much as going ahead.
 */
export function next(cloud: Cloud, index: Index, visible: Visible, from: number, direction: Direction): number | null {
  const x = xOf(cloud, from);
  const y = yOf(cloud, from);
  const [aheadX, aheadY] = { left: [-1, 0], right: [1, 0], up: [0, 1], down: [0, -1] }[direction] as [number, number];
  for (let radius = 0.005; radius < 8; radius *= 2) {
    let best: number | null = null;
    let least = Number.POSITIVE_INFINITY;
    for (const point of index.within(x, y, radius)) {
      if (point === from || !visible(point)) continue;
      const dx = xOf(cloud, point) - x;
      const dy = yOf(cloud, point) - y;
      const ahead = dx * aheadX + dy * aheadY;
      const aside = Math.abs(dx * aheadY - dy * aheadX);
      if (ahead <= 0 || aside > ahead) continue;
      const cost = ahead + 2 * aside;
      if (cost < least) {
        least = cost;
        best = point;
      }
    }
    if (best !== null) return best;
  }
  return null;
}

/** Return the visible point after another one, or before it (`by` is -1), in the order of the map; they form a ring. */
export function following(cloud: Cloud, visible: Visible, from: number | null, by: 1 | -1): number | null {
  const start = from ?? (by === 1 ? -1 : cloud.count);
  for (let step = 1; step <= cloud.count; step++) {
    const point = (((start + by * step) % cloud.count) + cloud.count) % cloud.count;
    if (visible(point)) return point;
  }
  return null;
}

/** Return the visible points inside a closed line, given as x, y, x, y, ... in the map's coordinates. */
export function inside(cloud: Cloud, index: Index, visible: Visible, line: readonly number[]): number[] {
  if (line.length < 6) return [];
  const xs = line.filter((_, at) => at % 2 === 0);
  const ys = line.filter((_, at) => at % 2 === 1);
  const box = [Math.min(...xs), Math.min(...ys), Math.max(...xs), Math.max(...ys)] as const;
  return index
    .range(...box)
    .filter((point) => visible(point) && isInside(xOf(cloud, point), yOf(cloud, point), xs, ys))
    .sort((one, other) => one - other);
}

function isInside(x: number, y: number, xs: readonly number[], ys: readonly number[]): boolean {
  let within = false;
  for (let at = 0, before = xs.length - 1; at < xs.length; before = at++) {
    const [x1, y1, x2, y2] = [xs[at], ys[at], xs[before], ys[before]] as [number, number, number, number];
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) within = !within;
  }
  return within;
}

const xOf = (cloud: Cloud, point: number) => cloud.x[point] as number;
const yOf = (cloud: Cloud, point: number) => cloud.y[point] as number;
