/**
 * Time stretching and transposition of a whole sound by WSOLA (Verhelst and Roelands, 1993): pieces of the sound are
 * laid over each other at another distance, each taken from where it continues the piece before best. A sound that is
 * to be repeated is treated as a ring, so that its end runs into its beginning.
 */

const FRAME = 2048; // samples: 46 ms at 44.1 kHz, longer than the period of the lowest bass
const HOP = FRAME / 2;
const SEARCH = 640; // samples to either side
const COARSE = 4; // the first look compares each fourth sample at each fourth place

/** Return channels that are `1 / speed` times as long, `shift` semitones higher. `ring`: the sound is repeated. */
export function stretch(channels: Float32Array[], speed: number, shift: number, ring: boolean): Float32Array[] {
  const length = channels[0]?.length ?? 0;
  const wanted = Math.round(length / speed);
  if (length < FRAME * 2 || wanted < FRAME * 2) return channels.map((channel) => resampled(channel, wanted, ring));
  // Transposed by playing faster; the stretch makes up for the length.
  const factor = 2 ** (shift / 12);
  const between = Math.round(wanted * factor);
  const laid = Math.abs(between - length) < 2 ? channels : overlapped(channels, between, ring);
  return between === wanted ? laid : laid.map((channel) => resampled(channel, wanted, ring));
}

function overlapped(channels: Float32Array[], wanted: number, ring: boolean): Float32Array[] {
  const length = channels[0]?.length ?? 0;
  const mono = mixed(channels);
  const window = hann();
  const count = Math.max(1, Math.round(wanted / HOP));
  const results = channels.map(() => new Float32Array(wanted));
  const weights = new Float32Array(wanted);
  let before = 0;
  for (let k = 0; k < (ring ? count : count + 1); k += 1) {
    const target = Math.round((k * wanted) / count) - (ring ? 0 : HOP);
    const nominal = Math.round(((target + HOP) * length) / wanted) - HOP;
    // The first piece stays in place, so that the attack does.
    const from = k === 0 ? nominal : nearest(mono, before + HOP, nominal, ring);
    for (let i = 0; i < FRAME; i += 1) {
      let to = target + i;
      let at = from + i;
      if (ring) {
        to = to % wanted;
        at = ((at % length) + length) % length;
      } else if (to < 0 || to >= wanted || at < 0 || at >= length) continue;
      const weight = window[i] ?? 0;
      weights[to] = (weights[to] ?? 0) + weight;
      for (let c = 0; c < channels.length; c += 1) {
        const result = results[c];
        const channel = channels[c];
        if (result && channel) result[to] = (result[to] ?? 0) + weight * (channel[at] ?? 0);
      }
    }
    before = from;
  }
  for (const result of results) {
    for (let i = 0; i < wanted; i += 1) result[i] = (result[i] ?? 0) / Math.max(weights[i] ?? 0, 1e-3);
  }
  return results;
}

/** Where near `nominal` the sound is most like it is from `continued` on. */
function nearest(mono: Float32Array, continued: number, nominal: number, ring: boolean): number {
  let best = nominal;
  for (const [step, reach] of [
    [COARSE, SEARCH],
    [1, COARSE],
  ] as const) {
    const middle = best;
    let most = Number.NEGATIVE_INFINITY;
    for (let shift = -reach; shift <= reach; shift += step) {
      const found = likeness(mono, continued, middle + shift, step, ring);
      if (found > most) {
        most = found;
        best = middle + shift;
      }
    }
  }
  return best;
}

function likeness(mono: Float32Array, a: number, b: number, step: number, ring: boolean): number {
  const length = mono.length;
  let product = 0;
  let energy = 1e-9;
  for (let i = 0; i < HOP; i += step) {
    let one = a + i;
    let other = b + i;
    if (ring) {
      one = ((one % length) + length) % length;
      other = ((other % length) + length) % length;
    } else if (one < 0 || other < 0 || one >= length || other >= length) continue;
    const value = mono[other] ?? 0;
    product += (mono[one] ?? 0) * value;
    energy += value * value;
  }
  return product / Math.sqrt(energy);
}

function mixed(channels: Float32Array[]): Float32Array {
  const [first, second] = channels;
  if (!first) return new Float32Array(0);
  if (!second) return first;
  return first.map((value, i) => value + (second[i] ?? 0));
}

function hann(): Float32Array {
  return Float32Array.from({ length: FRAME }, (_, i) => 0.5 - 0.5 * Math.cos((2 * Math.PI * (i + 0.5)) / FRAME));
}

/** The sound at another number of samples, by cubic interpolation (Catmull and Rom). */
function resampled(channel: Float32Array, wanted: number, ring: boolean): Float32Array {
  const length = channel.length;
  const result = new Float32Array(wanted);
  if (!length) return result;
  const at = (i: number): number =>
    channel[ring ? ((i % length) + length) % length : Math.min(Math.max(i, 0), length - 1)] ?? 0;
  const step = length / wanted;
  for (let i = 0; i < wanted; i += 1) {
    const place = i * step;
    const whole = Math.floor(place);
    const t = place - whole;
    const [a, b, c, d] = [at(whole - 1), at(whole), at(whole + 1), at(whole + 2)];
    result[i] = b + 0.5 * t * (c - a + t * (2 * a - 5 * b + 4 * c - d + t * (3 * (b - c) + d - a)));
  }
  return result;
}
