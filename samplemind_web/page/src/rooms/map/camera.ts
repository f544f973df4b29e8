/** Where the map is looked at from: pure arithmetic between the map's coordinates and the pixels of the canvas. */

export interface Camera {
  /** The point of the map in the middle of the canvas. */
  readonly x: number;
  readonly y: number;
  /** CSS pixels per unit of the map. */
  readonly scale: number;
}

export interface Size {
  readonly width: number;
  readonly height: number;
}

const MARGIN = 0.92;
const CLOSEST = 4000;

/** Return the camera that shows the whole map. */
export function fitted(size: Size): Camera {
  return { x: 0, y: 0, scale: (Math.min(size.width, size.height) / 2) * MARGIN || 1 };
}

export function toScreen(camera: Camera, size: Size, x: number, y: number): [number, number] {
  return [(x - camera.x) * camera.scale + size.width / 2, size.height / 2 - (y - camera.y) * camera.scale];
}

export function toMap(camera: Camera, size: Size, left: number, top: number): [number, number] {
  return [camera.x + (left - size.width / 2) / camera.scale, camera.y + (size.height / 2 - top) / camera.scale];
}

/** Return the camera nearer by a factor, with the same point of the map below a pixel. */
export function zoomed(camera: Camera, size: Size, factor: number, left: number, top: number): Camera {
  const least = fitted(size).scale * 0.5;
  const scale = Math.min(Math.max(camera.scale * factor, least), fitted(size).scale * CLOSEST);
  const [x, y] = toMap(camera, size, left, top);
  return kept({
    scale,
    x: x - (left - size.width / 2) / scale,
    y: y - (size.height / 2 - top) / scale,
  });
}

export function panned(camera: Camera, right: number, down: number): Camera {
  return kept({ ...camera, x: camera.x - right / camera.scale, y: camera.y + down / camera.scale });
}

/** Return the camera that has a point in view: moved only if it lies outside of the middle part. */
export function showing(camera: Camera, size: Size, x: number, y: number): Camera {
  const [left, top] = toScreen(camera, size, x, y);
  const margin = 0.12;
  const inside =
    left > size.width * margin &&
    left < size.width * (1 - margin) &&
    top > size.height * margin &&
    top < size.height * (1 - margin);
  return inside ? camera : { ...camera, x, y };
}

// Nobody loses the map by pushing it away.
function kept(camera: Camera): Camera {
  const within = (value: number) => Math.min(Math.max(value, -1.2), 1.2);
  return { ...camera, x: within(camera.x), y: within(camera.y) };
}

/** Return the diameter of a point in CSS pixels: the fewer there are, and the nearer one looks, the larger. */
export function pointSize(count: number, camera: Camera, size: Size): number {
  const base = count > 300_000 ? 1.5 : count > 50_000 ? 2.2 : count > 5_000 ? 3.5 : count > 500 ? 6 : 9;
  return Math.min(base * (camera.scale / fitted(size).scale) ** 0.4, 14);
}
