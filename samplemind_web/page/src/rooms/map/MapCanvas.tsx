/** The canvas of the map: pointer, wheel, touch and keys move over it, hear points and draw a lasso. */

import { type KeyboardEvent, type PointerEvent, useCallback, useEffect, useRef, useState } from "react";
import { toMap } from "./camera";
import type { Cloud } from "./cloud";
import { type Direction, following, type Index, inside, nearest, nearestOfAll, next } from "./geometry";
import { type Look, Stage } from "./stage";

const HEAR_AFTER_MS = 80;
const REACH = 14; // CSS pixels between the pointer and a point
const DRAG_FROM = 4; // CSS pixels
const STEP = 60; // CSS pixels that shift and an arrow move the map

const ARROWS: Readonly<Record<string, Direction>> = {
  ArrowLeft: "left",
  ArrowRight: "right",
  ArrowUp: "up",
  ArrowDown: "down",
};

export interface MapCanvasProps {
  readonly cloud: Cloud;
  readonly index: Index;
  readonly look: Look;
  /** Whether a drag draws a lasso; else it moves the map, unless shift is held. */
  readonly lassoing: boolean;
  readonly visible: (point: number) => boolean;
  readonly description: string;
  readonly onPoint: (point: number | null) => void;
  readonly onHear: (point: number) => void;
  readonly onOpen: (point: number) => void;
  readonly onNeighbours: (point: number) => void;
  readonly onChosen: (points: readonly number[]) => void;
  /** The place of the point at hand on the screen, for its label. */
  readonly onReady: (stage: Stage) => void;
}

interface Drag {
  readonly kind: "pan" | "lasso";
  moved: boolean;
  left: number;
  top: number;
  line: number[];
}

export function MapCanvas(props: MapCanvasProps) {
  const { cloud, index, look, visible, onReady } = props;
  const frame = useRef<HTMLDivElement>(null);
  const points = useRef<HTMLCanvasElement>(null);
  const marks = useRef<HTMLCanvasElement>(null);
  const stage = useRef<Stage>(null);
  const drag = useRef<Drag>(null);
  const touches = useRef(new Map<number, [number, number]>());
  const timer = useRef(0);
  const [grabbing, setGrabbing] = useState(false);

  useEffect(() => {
    if (frame.current === null || points.current === null || marks.current === null) return;
    const still = matchMedia("(prefers-reduced-motion: reduce)").matches;
    const made = new Stage(cloud, points.current, marks.current, still);
    stage.current = made;
    const observer = new ResizeObserver(([entry]) => {
      if (entry !== undefined) made.resize({ width: entry.contentRect.width, height: entry.contentRect.height });
    });
    observer.observe(frame.current);
    const element = frame.current;
    const wheel = (event: WheelEvent) => {
      event.preventDefault();
      const box = element.getBoundingClientRect();
      const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 24 : 1;
      made.zoom(Math.exp(-event.deltaY * lines * 0.0022), event.clientX - box.left, event.clientY - box.top);
    };
    // React listens to wheels passively, which would scroll the page as well.
    element.addEventListener("wheel", wheel, { passive: false });
    onReady(made);
    return () => {
      element.removeEventListener("wheel", wheel);
      observer.disconnect();
      window.clearTimeout(timer.current);
      made.close();
      stage.current = null;
    };
  }, [cloud, onReady]);

  useEffect(() => stage.current?.show(look), [look]);

  const at = useCallback(
    (left: number, top: number) => {
      const made = stage.current;
      if (made === null) return null;
      const [x, y] = toMap(made.camera, made.size, left, top);
      return nearest(cloud, index, visible, x, y, REACH / made.camera.scale);
    },
    [cloud, index, visible],
  );

  const hover = (point: number | null) => {
    if (point === look.current) return;
    window.clearTimeout(timer.current);
    props.onPoint(point);
    if (point !== null) timer.current = window.setTimeout(() => props.onHear(point), HEAR_AFTER_MS);
  };

  const place = (event: PointerEvent): [number, number] => {
    const box = event.currentTarget.getBoundingClientRect();
    return [event.clientX - box.left, event.clientY - box.top];
  };

  const down = (event: PointerEvent<HTMLDivElement>) => {
    if (event.button !== 0) return;
    const [left, top] = place(event);
    touches.current.set(event.pointerId, [left, top]);
    event.currentTarget.setPointerCapture(event.pointerId);
    const kind = props.lassoing !== event.shiftKey ? "lasso" : "pan";
    drag.current = touches.current.size > 1 ? null : { kind, moved: false, left, top, line: [left, top] };
    setGrabbing(kind === "pan");
  };

  const move = (event: PointerEvent<HTMLDivElement>) => {
    const [left, top] = place(event);
    const made = stage.current;
    if (made === null) return;
    const before = touches.current.get(event.pointerId);
    if (before !== undefined && touches.current.size === 2) {
      const other = [...touches.current].find(([id]) => id !== event.pointerId)?.[1] ?? before;
      const distance = ([x, y]: [number, number]) => Math.hypot(x - other[0], y - other[1]) || 1;
      made.zoom(distance([left, top]) / distance(before), (left + other[0]) / 2, (top + other[1]) / 2);
      touches.current.set(event.pointerId, [left, top]);
      return;
    }
    const going = drag.current;
    if (going === null) {
      if (event.pointerType === "mouse" && touches.current.size === 0) hover(at(left, top));
      return;
    }
    if (!going.moved && Math.hypot(left - going.left, top - going.top) < DRAG_FROM) return;
    going.moved = true;
    if (going.kind === "pan") {
      made.pan(left - going.left, top - going.top);
      going.left = left;
      going.top = top;
    } else {
      going.line.push(left, top);
      made.drawLasso([...going.line]);
    }
  };

  const up = (event: PointerEvent<HTMLDivElement>) => {
    touches.current.delete(event.pointerId);
    setGrabbing(false);
    const going = drag.current;
    const made = stage.current;
    drag.current = null;
    if (going === null || made === null) return;
    if (!going.moved) {
      const point = at(...place(event));
      hover(point);
      if (point !== null) props.onOpen(point);
      return;
    }
    if (going.kind === "lasso") {
      const line = going.line.flatMap((_, at) =>
        at % 2 === 0 ? toMap(made.camera, made.size, going.line[at] as number, going.line[at + 1] as number) : [],
      );
      made.drawLasso([]);
      props.onChosen(inside(cloud, index, visible, line));
    }
  };

  const go = (point: number | null) => {
    if (point === null) return;
    window.clearTimeout(timer.current);
    stage.current?.reveal(point);
    props.onPoint(point);
    props.onHear(point);
  };

  const key = (event: KeyboardEvent<HTMLDivElement>) => {
    const made = stage.current;
    if (made === null || event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = ARROWS[event.key];
    if (direction !== undefined && event.shiftKey) {
      const [right, downward] = { left: [STEP, 0], right: [-STEP, 0], up: [0, STEP], down: [0, -STEP] }[direction];
      made.pan(right as number, downward as number);
    } else if (direction !== undefined) {
      const from = look.current;
      go(
        from === null
          ? nearestOfAll(cloud, index, visible, made.camera.x, made.camera.y)
          : next(cloud, index, visible, from, direction),
      );
    } else if (event.key === "PageDown") go(following(cloud, visible, look.current, 1));
    else if (event.key === "PageUp") go(following(cloud, visible, look.current, -1));
    else if (event.key === "+" || event.key === "=") made.zoom(1.5);
    else if (event.key === "-") made.zoom(1 / 1.5);
    else if (event.key === "0") made.fit();
    else if (event.key === "Enter" && look.current !== null) props.onOpen(look.current);
    else if (event.key === "s" && look.current !== null) props.onNeighbours(look.current);
    else if (event.key === "a") props.onChosen(inside(cloud, index, visible, corners(made)));
    else return;
    event.preventDefault();
    event.stopPropagation();
  };

  return (
    <div
      ref={frame}
      role="application"
      aria-label="Map of the library"
      aria-description={props.description}
      aria-keyshortcuts="ArrowLeft ArrowRight ArrowUp ArrowDown PageDown PageUp Enter s a + - 0"
      tabIndex={0}
      className={`map-canvas absolute inset-0 touch-none ${props.lassoing ? "cursor-crosshair" : grabbing ? "cursor-grabbing" : "cursor-default"}`}
      onPointerDown={down}
      onPointerMove={move}
      onPointerUp={up}
      onPointerCancel={up}
      onPointerLeave={() => drag.current === null && window.clearTimeout(timer.current)}
      onKeyDown={key}
    >
      <canvas ref={points} className="absolute inset-0 size-full" data-testid="map-points" />
      <canvas ref={marks} className="pointer-events-none absolute inset-0 size-full" />
    </div>
  );
}

/** Return the line around what is in view. */
function corners({ camera, size }: Stage): number[] {
  const [left, top] = toMap(camera, size, 0, 0);
  const [right, bottom] = toMap(camera, size, size.width, size.height);
  return [left, top, right, top, right, bottom, left, bottom];
}
