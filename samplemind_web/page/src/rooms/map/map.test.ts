import KDBush from "kdbush";
import { describe, expect, it } from "vitest";
import { fitted, panned, showing, toMap, toScreen, zoomed } from "./camera";
import { type Cloud, DamagedMapError, indicesOf, readCloud } from "./cloud";
import { following, inside, nearest, nearestOfAll, next } from "./geometry";
import { counts, legends, palettes } from "./palettes";

const SIZE = { width: 800, height: 600 };
const everywhere = () => true;

/** Encode points as the server does. */
function encoded(points: readonly (readonly [number, number])[], ids: readonly string[] = []): ArrayBuffer {
  const buffer = new ArrayBuffer(8 + points.length * 20);
  const view = new DataView(buffer);
  view.setUint32(0, 0x50414d53, true);
  view.setUint32(4, points.length, true);
  points.forEach(([x, y], at) => {
    view.setFloat32(8 + 4 * at, x, true);
    view.setFloat32(8 + 4 * (points.length + at), y, true);
  });
  const bytes = new Uint8Array(buffer);
  const from = 8 + 12 * points.length;
  ids.forEach((id, at) => {
    for (let byte = 0; byte < 8; byte++) {
      bytes[from + 8 * at + byte] = Number.parseInt(id.slice(2 * byte, 2 * byte + 2), 16);
    }
  });
  return buffer;
}

function indexed(cloud: Cloud): KDBush {
  const index = new KDBush(cloud.count, 64, Float32Array);
  for (let point = 0; point < cloud.count; point++) index.add(cloud.x[point] as number, cloud.y[point] as number);
  return index.finish();
}

function grid(side: number): Cloud {
  const points = Array.from({ length: side * side }, (_, at) => [at % side, Math.floor(at / side)] as const);
  return readCloud("v", encoded(points));
}

describe("readCloud", () => {
  it("centres the points and keeps their proportions", () => {
    const cloud = readCloud(
      "v",
      encoded([
        [10, 5],
        [30, 5],
        [20, 10],
      ]),
    );
    expect([...cloud.x]).toEqual([-1, 1, 0]);
    expect([...cloud.y]).toEqual([-0.25, -0.25, 0.25]);
  });

  it("reads one point, and none", () => {
    expect([...readCloud("v", encoded([[7, 7]])).x]).toEqual([0]);
    expect(readCloud("v", encoded([])).count).toBe(0);
  });

  it.each([
    ["too short", new ArrayBuffer(4)],
    ["of another kind", new ArrayBuffer(8)],
    ["cut off", encoded([[1, 2]]).slice(0, 20)],
  ])("refuses bytes that are %s", (_, bytes) => {
    expect(() => readCloud("v", bytes)).toThrow(DamagedMapError);
  });

  it("finds points by their file ids, in the order of the ids", () => {
    const ids = ["00ff".padEnd(64, "1"), "abcd".padEnd(64, "2"), "00ff".padEnd(64, "3")];
    const cloud = readCloud(
      "v",
      encoded(
        [
          [0, 0],
          [1, 0],
          [2, 0],
        ],
        ids,
      ),
    );
    expect(indicesOf(cloud, [ids[2] as string, "ee".repeat(32), ids[0] as string])).toEqual([2, 0]);
  });
});

describe("the camera", () => {
  it("maps to the screen and back", () => {
    const camera = { x: 0.3, y: -0.2, scale: 420 };
    const [left, top] = toScreen(camera, SIZE, 0.5, 0.1);
    const [x, y] = toMap(camera, SIZE, left, top);
    expect(x).toBeCloseTo(0.5, 9);
    expect(y).toBeCloseTo(0.1, 9);
  });

  it("keeps the point below the pointer when it zooms", () => {
    const before = fitted(SIZE);
    const after = zoomed(before, SIZE, 3, 500, 200);
    expect(toMap(after, SIZE, 500, 200)[0]).toBeCloseTo(toMap(before, SIZE, 500, 200)[0], 9);
    expect(after.scale).toBeCloseTo(3 * before.scale, 9);
  });

  it("never loses the map", () => {
    expect(panned(fitted(SIZE), 1e9, -1e9).x).toBe(-1.2);
    expect(zoomed(fitted(SIZE), SIZE, 1e9, 0, 0).scale).toBe(fitted(SIZE).scale * 4000);
  });

  it("moves to a point only if that is out of view", () => {
    const camera = fitted(SIZE);
    expect(showing(camera, SIZE, 0.1, 0.1)).toBe(camera);
    expect(showing({ ...camera, scale: 5000 }, SIZE, 0.9, 0.9).x).toBe(0.9);
  });
});

describe("finding points", () => {
  const cloud = grid(11);
  const index = indexed(cloud);

  it("finds the nearest within reach", () => {
    expect(nearest(cloud, index, everywhere, 0.01, -0.01, 0.05)).toBe(60);
    expect(nearest(cloud, index, everywhere, 0.1, 0.1, 0.05)).toBeNull();
    expect(nearest(cloud, index, (point) => point !== 60, 0.01, -0.01, 0.05)).toBeNull();
    expect(nearestOfAll(cloud, index, everywhere, 5, 5)).toBe(120);
  });

  it("goes on in a direction, to the edge", () => {
    expect(next(cloud, index, everywhere, 60, "right")).toBe(61);
    expect(next(cloud, index, everywhere, 60, "left")).toBe(59);
    expect(next(cloud, index, everywhere, 60, "up")).toBe(71);
    expect(next(cloud, index, everywhere, 60, "down")).toBe(49);
    expect(next(cloud, index, everywhere, 120, "up")).toBeNull();
  });

  it("reaches nearly every point of a random map by steps in directions, and every one in order", () => {
    let seed = 7;
    const random = () => {
      seed = (seed * 16807) % 2147483647;
      return seed / 2147483647;
    };
    const scattered = readCloud("v", encoded(Array.from({ length: 300 }, () => [random(), random()] as const)));
    const finder = indexed(scattered);
    const reached = new Set([0]);
    const queue = [0];
    for (let from = queue.pop(); from !== undefined; from = queue.pop()) {
      for (const direction of ["left", "right", "up", "down"] as const) {
        const to = next(scattered, finder, everywhere, from, direction);
        if (to !== null && !reached.has(to)) {
          reached.add(to);
          queue.push(to);
        }
      }
    }
    expect(reached.size).toBeGreaterThan(295);
    let point: number | null = null;
    for (let step = 0; step < 300; step++) point = following(scattered, everywhere, point, 1);
    expect(point).toBe(299);
    expect(following(scattered, everywhere, 299, 1)).toBe(0);
    expect(following(scattered, everywhere, null, -1)).toBe(299);
    expect(following(scattered, () => false, 3, 1)).toBeNull();
  });

  it("finds what lies inside a line, whatever its shape", () => {
    const square = [-0.1, -0.1, 0.3, -0.1, 0.3, 0.3, -0.1, 0.3];
    expect(inside(cloud, index, everywhere, square)).toEqual([60, 61, 71, 72]);
    const hook = [-1.1, -1.1, 1.1, -1.1, 1.1, 1.1, 0.9, 1.1, 0.9, -0.9, -1.1, -0.9];
    expect(inside(cloud, index, everywhere, hook)).toHaveLength(21);
    expect(inside(cloud, index, everywhere, [0, 0, 1, 1])).toEqual([]);
  });
});

describe("the legend", () => {
  const instruments = ["kick", "snare", "bass", "theremin"];
  const keys = ["Am", "C", "F#m"];

  it.each(["dark", "light"] as const)("has one entry for each value of a field in the %s theme", (theme) => {
    for (const entries of Object.values(legends(instruments, keys, theme))) {
      const values = entries.flatMap((entry) => entry.values).sort((one, other) => one - other);
      expect(values).toEqual(Array.from({ length: 256 }, (_, value) => value));
    }
  });

  it("puts relative keys beside each other", () => {
    const order = legends(instruments, keys, "dark").key.map((entry) => entry.label);
    expect(order.indexOf("Am") - order.indexOf("C")).toBe(1);
  });

  it("hides what is switched off", () => {
    const all = legends(instruments, keys, "dark");
    const tables = palettes(all, new Set(["bass"]));
    expect(tables.instrument[4 * 2 + 3]).toBe(0);
    expect(tables.instrument[4 * 0 + 3]).toBe(255);
  });

  it("counts the points of each entry", () => {
    const found = counts(new Uint8Array([0, 0, 2, 3, 255]), legends(instruments, keys, "dark").instrument);
    expect(found.get("kicks-and-toms")).toBe(2);
    expect(found.get("unknown")).toBe(2);
  });

  it.each([
    ["dark", "#131416"],
    ["light", "#fbfbfc"],
  ] as const)("has a contrast of 3 to 1 in the %s theme", (theme, ground) => {
    for (const entries of Object.values(legends(instruments, keys, theme))) {
      for (const entry of entries) expect(contrast(entry.colour, ground)).toBeGreaterThanOrEqual(3);
    }
  });
});

function contrast(one: string, other: string): number {
  const [high, low] = [luminance(one), luminance(other)].sort((a, b) => b - a) as [number, number];
  return (high + 0.05) / (low + 0.05);
}

function luminance(colour: string): number {
  const linear = [1, 3, 5].map((at) => {
    const value = Number.parseInt(colour.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  }) as [number, number, number];
  return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
}
