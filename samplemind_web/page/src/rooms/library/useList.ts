/** What table and grid share: the width of the list, what is loaded of it, and the scrolling to the cursor. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useLayoutEffect, useRef, useState } from "react";

const RESTS_MS = 80; // what is scrolled past is not loaded

interface Options {
  /** Rows of the list, those included that are not loaded. */
  total: number;
  perLine: number;
  height: number;
  cursor: number;
  look: (from: number, to: number) => void;
}

/** Return the virtual lines and the element that scrolls. */
export function useList({ total, perLine, height, cursor, look }: Options) {
  const scroller = useRef<HTMLDivElement>(null);
  const virtual = useVirtualizer({
    count: Math.ceil(total / perLine),
    getScrollElement: () => scroller.current,
    estimateSize: () => height,
    overscan: 10,
    scrollPaddingEnd: height,
    scrollPaddingStart: height,
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: the lines change with their height
  useLayoutEffect(() => virtual.measure(), [height, perLine]);
  const items = virtual.getVirtualItems();
  const first = (items[0]?.index ?? 0) * perLine;
  const last = ((items.at(-1)?.index ?? 0) + 1) * perLine;
  useEffect(() => {
    const timer = setTimeout(() => look(first, last), RESTS_MS);
    return () => clearTimeout(timer);
  }, [first, last, look]);
  const line = cursor < 0 ? -1 : Math.floor(cursor / perLine);
  useEffect(() => {
    if (line >= 0) virtual.scrollToIndex(line, { align: "auto" });
  }, [line, virtual]);
  return { scroller, items, height: virtual.getTotalSize() };
}

/** The width of an element in CSS pixels, as it changes. */
export function useElementWidth(): [React.RefObject<HTMLDivElement | null>, number] {
  const element = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    if (!element.current) return;
    setWidth(element.current.clientWidth);
    const observer = new ResizeObserver(([entry]) => entry && setWidth(Math.round(entry.contentRect.width)));
    observer.observe(element.current);
    return () => observer.disconnect();
  }, []);
  return [element, width];
}
