/**
 * The points of a map as the server sends them (`GET /map/{version}/points`): little-endian arrays, one after the other.
 */

const MAGIC = 0x50414d53; // "SMAP"
const ID_BYTES = 8;
const BYTES_PER_POINT = 4 + 4 + 4 + ID_BYTES;

/** A value that is missing, in each of the three bytes. */
export const NO_KEY = 255;

export interface Cloud {
  readonly version: string;
  readonly count: number;
  /** Positions, centred on zero; the larger extent reaches from -1 to 1. */
  readonly x: Float32Array;
  readonly y: Float32Array;
  readonly instrument: Uint8Array;
  readonly key: Uint8Array;
  readonly tempo: Uint8Array;
  readonly kind: Uint8Array;
  /** The first eight bytes of each file id. */
  readonly ids: Uint8Array;
}

export class DamagedMapError extends Error {}

/** Read the points; throws `DamagedMapError` if the bytes are not a whole map. */
export function readCloud(version: string, buffer: ArrayBuffer): Cloud {
  const view = new DataView(buffer);
  if (buffer.byteLength < 8 || view.getUint32(0, true) !== MAGIC) {
    throw new DamagedMapError("The map that the server sent is no map.");
  }
  const count = view.getUint32(4, true);
  if (buffer.byteLength !== 8 + count * BYTES_PER_POINT) {
    throw new DamagedMapError("The map that the server sent is not whole.");
  }
  let offset = 8;
  const floats = () => {
    const values = new Float32Array(buffer, offset, count).slice();
    offset += 4 * count;
    return values;
  };
  const bytes = (each: number) => {
    const values = new Uint8Array(buffer, offset, count * each);
    offset += each * count;
    return values;
  };
  const x = floats();
  const y = floats();
  centre(x, y);
  return {
    version,
    count,
    x,
    y,
    instrument: bytes(1),
    key: bytes(1),
    tempo: bytes(1),
    kind: bytes(1),
    ids: bytes(ID_BYTES),
  };
}

function centre(x: Float32Array, y: Float32Array): void {
  const [left, right] = extent(x);
  const [low, high] = extent(y);
  const middleX = (left + right) / 2;
  const middleY = (low + high) / 2;
  const scale = 2 / (Math.max(right - left, high - low) || 1);
  for (let index = 0; index < x.length; index++) {
    x[index] = ((x[index] as number) - middleX) * scale;
    y[index] = ((y[index] as number) - middleY) * scale;
  }
}

function extent(values: Float32Array): [number, number] {
  let low = Number.POSITIVE_INFINITY;
  let high = Number.NEGATIVE_INFINITY;
  for (const value of values) {
    if (value < low) low = value;
    if (value > high) high = value;
  }
  return low <= high ? [low, high] : [0, 0];
}

/** Return the indices of the points of some file ids; what the map does not have is left out. */
export function indicesOf(cloud: Cloud, fileIds: readonly string[]): number[] {
  const wanted = new Map(fileIds.map((fileId, order) => [fileId.slice(0, 2 * ID_BYTES), order]));
  const firstBytes = new Set([...wanted.keys()].map((start) => Number.parseInt(start.slice(0, 2), 16)));
  const found: number[] = [];
  for (let index = 0; index < cloud.count; index++) {
    if (!firstBytes.has(cloud.ids[index * ID_BYTES] as number)) continue;
    const order = wanted.get(idStart(cloud, index));
    if (order !== undefined) found[order] = index;
  }
  return found.filter((index) => index !== undefined);
}

function idStart(cloud: Cloud, index: number): string {
  let text = "";
  for (let byte = index * ID_BYTES; byte < (index + 1) * ID_BYTES; byte++) {
    text += (cloud.ids[byte] as number).toString(16).padStart(2, "0");
  }
  return text;
}
