/** What the pointer does on rows: a click moves and plays, the waveform plays under the pointer, rows are dragged out. */
import { useEffect, useRef } from "react";
import { play, stop, usePlayer } from "@/player/player";
import { fillDrag } from "./marks";
import type { Row } from "./rows";
import { useSelection } from "./selection";

const HOVER_MS = 80;

interface Places {
  rows: readonly Row[];
  hoverPlays: boolean;
  moveTo: (index: number, options: { play: boolean; from?: number; extend?: boolean; toggle?: boolean }) => void;
  open: (row: Row) => void;
}

/** Return the handlers of a list whose rows have `data-index`, and whose waveforms have `data-wave`. */
export function useAudition({ rows, hoverPlays, moveTo, open }: Places) {
  const timer = useRef(0);
  const hovered = useRef<string | null>(null);
  useEffect(() => () => clearTimeout(timer.current), []);

  const at = (target: EventTarget): { index: number; row: Row; wave: HTMLElement | null } | null => {
    if (!(target instanceof Element)) return null;
    const element = target.closest<HTMLElement>("[data-index]");
    const index = Number(element?.dataset.index);
    const row = element ? rows[index] : undefined;
    return row ? { index, row, wave: target.closest<HTMLElement>("[data-wave]") } : null;
  };
  const leave = () => {
    clearTimeout(timer.current);
    const { current, held } = usePlayer.getState();
    if (hovered.current && current?.file_id === hovered.current && !held) stop();
    hovered.current = null;
  };

  return {
    onClick: (event: React.MouseEvent) => {
      const found = at(event.target);
      if (!found) return;
      hovered.current = null; // what was clicked goes on when the pointer leaves
      clearTimeout(timer.current);
      const box = found.wave?.getBoundingClientRect();
      const from = box ? (event.clientX - box.left) / box.width : 0;
      moveTo(found.index, {
        play: !(event.shiftKey || event.ctrlKey || event.metaKey),
        from: from < 0.03 ? 0 : from,
        extend: event.shiftKey,
        toggle: event.ctrlKey || event.metaKey,
      });
    },
    onDoubleClick: (event: React.MouseEvent) => {
      const found = at(event.target);
      if (found) open(found.row);
    },
    onPointerOver: (event: React.PointerEvent) => {
      if (!hoverPlays || event.pointerType !== "mouse" || event.buttons) return;
      const found = at(event.target);
      const id = found?.wave ? found.row.file_id : null;
      if (id === hovered.current) return;
      leave();
      if (!found || !id) return;
      timer.current = window.setTimeout(() => {
        hovered.current = id;
        play(found.row);
      }, HOVER_MS);
    },
    onPointerLeave: leave,
    onDragStart: (event: React.DragEvent) => {
      const found = at(event.target);
      if (!found) return;
      clearTimeout(timer.current);
      const { ids } = useSelection.getState();
      const several = ids.has(found.row.file_id) ? rows.filter(({ file_id }) => ids.has(file_id)) : [];
      fillDrag(event, several.length > 1 ? [found.row, ...several.filter((row) => row !== found.row)] : [found.row]);
    },
  };
}
