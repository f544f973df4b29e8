import { describe, expect, it } from "vitest";
import { fitOf, inWords } from "./fit";
import { stretch } from "./stretch";

const RATE = 44_100;

function sine(hz: number, seconds: number): Float32Array {
  return Float32Array.from({ length: Math.round(seconds * RATE) }, (_, i) => Math.sin((2 * Math.PI * hz * i) / RATE));
}

/** The frequency by counting crossings of zero upwards. */
function frequency(y: Float32Array): number {
  let crossings = 0;
  for (let i = 1; i < y.length; i += 1) if ((y[i - 1] ?? 0) < 0 && (y[i] ?? 0) >= 0) crossings += 1;
  return (crossings * RATE) / y.length;
}

function loudest(y: Float32Array): number {
  return y.reduce((most, value) => Math.max(most, Math.abs(value)), 0);
}

describe("stretch", () => {
  for (const speed of [0.5, 0.8, 1.25, 2]) {
    it(`changes the length and not the pitch at speed ${speed}`, () => {
      const [y] = stretch([sine(220, 2)], speed, 0, true);
      expect(y?.length).toBe(Math.round((2 * RATE) / speed));
      expect(frequency(y ?? new Float32Array())).toBeCloseTo(220, -1);
      expect(loudest(y ?? new Float32Array())).toBeLessThan(1.1);
    });
  }

  for (const shift of [-5, 3, 6]) {
    it(`changes the pitch and not the length by ${shift} semitones`, () => {
      const [y] = stretch([sine(220, 2)], 1, shift, false);
      expect(y?.length).toBe(2 * RATE);
      const heard = frequency(y ?? new Float32Array());
      expect(12 * Math.log2(heard / 220)).toBeCloseTo(shift, 0);
    });
  }

  it("keeps clicks on the beat", () => {
    const beat = Math.round(RATE / 2);
    const y = new Float32Array(4 * beat);
    for (let k = 0; k < 4; k += 1)
      for (let i = 0; i < 200; i += 1) y[k * beat + i] = Math.exp(-i / 40) * (i % 2 ? -1 : 1);
    const [result] = stretch([y], 0.8, 0, true);
    const length = beat / 0.8;
    for (let k = 0; k < 4; k += 1) {
      let place = 0;
      let most = 0;
      for (let i = Math.round((k - 0.5) * length); i < (k + 0.5) * length; i += 1) {
        const at = (i + (result?.length ?? 0)) % (result?.length ?? 1);
        if (Math.abs(result?.[at] ?? 0) > most) [most, place] = [Math.abs(result?.[at] ?? 0), i];
      }
      // Twenty milliseconds are what a listener forgives.
      expect(Math.abs(place - k * length)).toBeLessThan(0.02 * RATE);
    }
  });

  it("runs the end of a ring into its beginning", () => {
    const [y] = stretch([sine(220, 2)], 0.9, 0, true);
    expect(Math.abs((y?.[0] ?? 0) - (y?.at(-1) ?? 0))).toBeLessThan(0.2);
  });

  it("returns as many channels as it was given, and takes what is too short to be laid", () => {
    expect(stretch([sine(220, 1), sine(330, 1)], 1.1, 0, true)).toHaveLength(2);
    expect(stretch([new Float32Array(10)], 0.5, 0, false)[0]).toHaveLength(20);
    expect(stretch([new Float32Array(0)], 0.5, 0, false)[0]).toHaveLength(0);
  });
});

describe("fitOf", () => {
  const project = { bpm: 124, key: "A", mode: "minor" } as const;

  it("takes half or double where that is nearer", () => {
    expect(fitOf({ kind: "loop", tempo: 62 }, project).speed).toBe(1);
    expect(fitOf({ kind: "loop", tempo: 174 }, project).speed).toBeCloseTo(124 / 174);
    expect(fitOf({ kind: "one_shot", tempo: 62 }, project).speed).toBe(1);
  });

  it("transposes to the key or its relative, the shorter way", () => {
    expect(fitOf({ kind: "loop", key: "A", mode: "minor" }, project).shift).toBe(0);
    expect(fitOf({ kind: "loop", key: "C", mode: "major" }, project).shift).toBe(0);
    expect(fitOf({ kind: "loop", key: "B", mode: "minor" }, project).shift).toBe(-2);
    expect(fitOf({ kind: "loop", key: "F", mode: "minor" }, project).shift).toBe(4);
    expect(fitOf({ kind: "loop", key: null }, project).shift).toBe(0);
  });

  it("is said in words", () => {
    expect(inWords({ speed: 1.042, shift: -2 })).toBe("+4.2 %, 2 semitones down");
    expect(inWords({ speed: 1, shift: 0 })).toBe("");
  });
});
