/** The waveform of one sample with beats, sections, slices, chords and loop points. A click plays from there. */
import { Minus, Plus } from "lucide-react";
import { useEffect, useMemo, useRef, useState } from "react";
import { colour, useTheme } from "@/frame/theme";
import { Button } from "@/parts/Button";
import { pixelsOf } from "@/parts/canvas";
import { duration as lengthText } from "@/parts/format";
import { play, position, usePlayer } from "@/player/player";
import { bandColours, drawPeaks } from "@/waveforms/draw";
import { onPeaks, peaksOf } from "@/waveforms/peaks";
import type { Facts } from "./facts";
import { type Lane, lanesOf, panned, zoomed } from "./lanes";

const LANE = 18; // px
const TICK = 6;

interface View {
  from: number;
  to: number;
}
const ALL: View = { from: 0, to: 1 };

/** The waveform; `tall`: as in the view of its own, with what is known of its form. */
export function WaveView({ facts, height, tall = false }: { facts: Facts; height: number; tall?: boolean }) {
  const box = useRef<HTMLDivElement>(null);
  const canvas = useRef<HTMLCanvasElement>(null);
  const line = useRef<HTMLDivElement>(null);
  const theme = useTheme((state) => state.theme);
  const { current, playing } = usePlayer();
  const [width, setWidth] = useState(0);
  const [view, setView] = useState<View>(ALL);
  const [arrived, setArrived] = useState(0);
  const seconds = facts.duration ?? 0;
  const mine = current?.file_id === facts.file_id;
  const lanes = useMemo(() => (tall ? lanesOf(facts) : []), [facts, tall]);

  useEffect(() => onPeaks(() => setArrived((count) => count + 1)), []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: another sample is seen as a whole
  useEffect(() => setView(ALL), [facts.file_id]);
  useEffect(() => {
    if (!box.current) return;
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width)));
    observer.observe(box.current);
    return () => observer.disconnect();
  }, []);
  // biome-ignore lint/correctness/useExhaustiveDependencies: `arrived` and the theme change what is drawn
  useEffect(() => {
    const context = canvas.current && pixelsOf(canvas.current);
    if (!canvas.current || !context || !width) return;
    const ratio = window.devicePixelRatio || 1;
    canvas.current.width = Math.round(width * ratio);
    canvas.current.height = Math.round(height * ratio);
    context.scale(ratio, ratio);
    const peaks = peaksOf(facts.file_id);
    if (peaks)
      drawPeaks(context, peaks, { x: 0, y: 4, width, height: height - 8 }, bandColours(), { ...view, step: 1 / ratio });
    if (seconds) drawMarks(context, facts, { width, height, seconds, view, tall });
  }, [facts, width, height, view, theme, arrived, tall]);
  useEffect(() => {
    let frame = 0;
    const draw = () => {
      const at = (position() - view.from) / (view.to - view.from);
      if (line.current) {
        line.current.style.transform = `translateX(${at * width}px)`;
        line.current.hidden = !mine || at < 0 || at > 1 || (!playing && position() > 0.998);
      }
      if (playing && mine) frame = requestAnimationFrame(draw);
    };
    draw();
    return () => cancelAnimationFrame(frame);
  }, [playing, mine, width, view]);

  const whole = view.to - view.from > 0.999;
  return (
    <figure className="m-0">
      {tall && (
        <div className="mb-1 flex items-center gap-1">
          <Button quiet label="Closer" onClick={() => setView(zoomed(view, 0.5))}>
            <Plus size={14} aria-hidden />
          </Button>
          <Button quiet label="Farther" disabled={whole} onClick={() => setView(zoomed(view, 2))}>
            <Minus size={14} aria-hidden />
          </Button>
          <span className="numbers text-[12px] text-dim">
            {lengthText(view.from * seconds)} to {lengthText(view.to * seconds)}
          </span>
        </div>
      )}
      <div ref={box}>
        {/* biome-ignore lint/a11y/useKeyWithClickEvents: the position in the player is moved by keys */}
        {/* biome-ignore lint/a11y/noStaticElementInteractions: see above */}
        <div
          className="relative cursor-text"
          style={{ height }}
          onClick={(event) => {
            const area = event.currentTarget.getBoundingClientRect();
            const at = view.from + ((event.clientX - area.left) / area.width) * (view.to - view.from);
            play(facts, at < 0.01 ? 0 : at);
          }}
          onWheel={(event) => {
            if (!tall || whole) return;
            setView(panned(view, (event.deltaX || event.deltaY) / 2000));
          }}
        >
          <canvas ref={canvas} aria-hidden className="absolute inset-0 size-full" />
          <div
            ref={line}
            aria-hidden
            hidden
            className="pointer-events-none absolute inset-y-0 left-0 w-0.5 bg-accent"
          />
        </div>
        {lanes.map((lane) => (
          <LaneStrip key={lane.name} lane={lane} view={view} seconds={seconds} />
        ))}
      </div>
      <figcaption className="sr-only">
        The waveform of {facts.name}, {lengthText(seconds)} long.
      </figcaption>
    </figure>
  );
}

function LaneStrip({ lane, view, seconds }: { lane: Lane; view: View; seconds: number }) {
  const place = (time: number) => ((time / seconds - view.from) / (view.to - view.from)) * 100;
  return (
    <div className="mt-1">
      <span className="sr-only">{lane.name}: </span>
      <ul aria-label={lane.name} className="relative m-0 list-none overflow-hidden p-0" style={{ height: LANE }}>
        {lane.parts.map((part) => {
          const left = place(part.start);
          const right = place(part.end);
          if (right <= 0 || left >= 100) return null;
          return (
            <li
              key={`${part.start} ${part.text}`}
              title={part.title}
              className="name absolute inset-y-0 rounded-sm border border-line bg-raised px-1 text-[11px] leading-4 text-dim"
              style={{ left: `${left}%`, width: `${right - left}%` }}
            >
              {part.text}
            </li>
          );
        })}
      </ul>
    </div>
  );
}

function drawMarks(
  context: CanvasRenderingContext2D,
  facts: Facts,
  { width, height, seconds, view, tall }: { width: number; height: number; seconds: number; view: View; tall: boolean },
): void {
  const place = (time: number) => ((time / seconds - view.from) / (view.to - view.from)) * width;
  const beats = facts.beats ?? [];
  const perBar = facts.time_signature?.[0] ?? 4;
  const spacing = beats.length > 1 ? width / (beats.length * (view.to - view.from)) : width;
  context.fillStyle = colour("dim");
  beats.forEach((time, index) => {
    const first = index % perBar === 0;
    if (!first && spacing < 4) return;
    if (spacing * perBar < 3) return;
    context.fillRect(place(time), 0, 1, first ? TICK * 1.5 : TICK);
  });
  if (!tall) return;
  context.fillStyle = colour("accent");
  for (const { time, strength } of facts.slices ?? []) {
    context.globalAlpha = 0.35 + 0.65 * strength;
    context.fillRect(place(time), height - TICK - 4 * strength, 1, TICK + 4 * strength);
  }
  context.globalAlpha = 1;
}
