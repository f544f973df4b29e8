import { expect, it } from "vitest";
import type { Facts } from "./facts";
import { lanesOf, panned, zoomed } from "./lanes";

it("never looks beyond the ends", () => {
  expect(zoomed({ from: 0, to: 0.5 }, 2)).toEqual({ from: 0, to: 1 });
  expect(panned({ from: 0.5, to: 0.75 }, 0.5)).toEqual({ from: 0.75, to: 1 });
  expect(panned({ from: 0.1, to: 0.3 }, -0.5).from).toBe(0);
  const closest = zoomed({ from: 0, to: 0.01 }, 0.5);
  expect(closest.to - closest.from).toBeCloseTo(0.01);
});

it("has a strip for each thing that is known of the form", () => {
  const facts = {
    sections: [{ start: 0, end: 31.2, label: "A", kind: "intro", energy: 0.5 }],
    chords: [{ start: 0, end: 4, name: "Am", confidence: 0.93, numeral: "i" }],
    loop_points: null,
  } as unknown as Facts;
  expect(lanesOf(facts).map(({ name, parts }) => [name, parts[0]?.text])).toEqual([
    ["Sections", "A intro"],
    ["Chords", "Am"],
  ]);
});
