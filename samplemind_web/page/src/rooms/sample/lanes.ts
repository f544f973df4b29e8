/** What is drawn below a waveform: sections, chords and loop points as strips; and the arithmetic of looking closer. */
import { percent, plural } from "@/parts/format";
import type { Facts } from "./facts";

export interface Lane {
  name: string;
  parts: { start: number; end: number; text: string; title: string }[];
}

/** The strips that a sample has. */
export function lanesOf(facts: Facts): Lane[] {
  const lanes: Lane[] = [];
  if (facts.sections?.length) {
    lanes.push({
      name: "Sections",
      parts: facts.sections.map(({ start, end, label, kind, energy }) => ({
        start,
        end,
        text: kind ? `${label} ${kind}` : label,
        title: `${label}${kind ? `, ${kind}` : ""}, energy ${percent(energy)}`,
      })),
    });
  }
  if (facts.chords?.length) {
    lanes.push({
      name: "Chords",
      parts: facts.chords.map(({ start, end, name, numeral, confidence }) => ({
        start,
        end,
        text: name,
        title: `${name}${numeral ? ` (${numeral})` : ""}, ${percent(confidence)}`,
      })),
    });
  }
  if (facts.loop_points?.length) {
    lanes.push({
      name: "Loop points",
      parts: facts.loop_points.map(({ start, end, bars, score }) => ({
        start,
        end,
        text: plural(bars, "bar"),
        title: `${plural(bars, "bar")}, both ends alike by ${percent(score)}`,
      })),
    });
  }
  return lanes;
}

interface View {
  from: number;
  to: number;
}

const CLOSEST = 0.01;

/** The part that is seen when it is made this many times as long, around its middle. */
export function zoomed({ from, to }: View, times: number): View {
  const length = Math.min(Math.max((to - from) * times, CLOSEST), 1);
  const middle = (from + to) / 2;
  return moved({ from: middle - length / 2, to: middle + length / 2 });
}

/** The part that is seen when it is moved by a part of the whole. */
export function panned({ from, to }: View, by: number): View {
  return moved({ from: from + by, to: to + by });
}

function moved({ from, to }: View): View {
  if (from < 0) return { from: 0, to: Math.min(to - from, 1) };
  if (to > 1) return { from: Math.max(from - (to - 1), 0), to: 1 };
  return { from, to };
}
