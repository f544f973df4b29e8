/** The rows of the library as a table of 36 px lines. Only what can be seen is in the document. */
import { ArrowDown } from "lucide-react";
import { useMemo } from "react";
import { usePlayer } from "@/player/player";
import { Waveforms } from "@/waveforms/Waveforms";
import { columnsFor } from "./columns";
import { Playhead } from "./Playhead";
import type { Row } from "./rows";
import { TableRow } from "./TableRow";
import { useElementWidth, useList } from "./useList";

const ROW_HEIGHT = 36;
const HEAD_HEIGHT = 28;
const PADDING = 12; // px left of the first column

export interface ListProps {
  rows: readonly Row[];
  total: number;
  cursor: number;
  selected: ReadonlySet<string>;
  look: (from: number, to: number) => void;
  handlers: React.HTMLAttributes<HTMLDivElement>;
  onStar: (row: Row) => void;
  sort: string;
  onSort: (sort: string) => void;
}

/** The table. */
export function Table({ rows, total, cursor, selected, look, handlers, onStar, sort, onSort }: ListProps) {
  const [box, width] = useElementWidth();
  const recipes = rows[0]?.recipe != null;
  const { columns, template, wave } = useMemo(() => columnsFor(width, recipes), [width, recipes]);
  const { scroller, items, height } = useList({
    total,
    perLine: 1,
    height: ROW_HEIGHT,
    cursor,
    look,
  });
  const playing = usePlayer((state) => state.current?.file_id);
  const first = items[0]?.start ?? 0;
  const end = items.at(-1)?.end ?? 0;
  const places = useMemo(
    () =>
      items.flatMap(({ index, start }) => {
        const row = rows[index];
        return row ? [{ id: row.file_id, top: start - first }] : [];
      }),
    [items, rows, first],
  );
  const heard = items.find(({ index }) => rows[index]?.file_id === playing);
  return (
    <div ref={box} className="h-full">
      <div
        ref={scroller}
        role="grid"
        tabIndex={0}
        aria-label="Samples"
        aria-rowcount={total + 1}
        aria-multiselectable
        aria-activedescendant={cursor >= 0 ? `row-${cursor}` : undefined}
        className="h-full overflow-y-auto overflow-x-hidden focus-visible:outline-offset-[-2px]"
        {...handlers}
      >
        <div
          role="row"
          aria-rowindex={1}
          className="sticky top-0 z-10 grid items-center gap-3 border-line border-b bg-ground px-3 text-[12px] text-dim"
          style={{ gridTemplateColumns: template, height: HEAD_HEIGHT }}
        >
          {columns.map((column) => {
            const { sort: by } = column;
            const right = column.id === "tempo" || column.id === "length" ? "justify-end" : "";
            return (
              <div
                key={column.id}
                role="columnheader"
                aria-sort={by && sort === by ? "ascending" : undefined}
                className={`name flex items-center gap-1 ${right}`}
              >
                {by ? (
                  <button
                    type="button"
                    tabIndex={-1}
                    className="hover:text-text"
                    onClick={() => onSort(sort === by ? "" : by)}
                  >
                    {column.title}
                  </button>
                ) : (
                  <span className={column.id === "star" || column.id === "wave" ? "sr-only" : ""}>{column.title}</span>
                )}
                {by && sort === by && <ArrowDown size={12} aria-hidden className="text-accent" />}
              </div>
            );
          })}
        </div>
        <div role="rowgroup" className="relative" style={{ height }}>
          {items.map(({ index, start }) => {
            const row = rows[index];
            return row ? (
              <TableRow
                key={index}
                row={row}
                index={index}
                columns={columns}
                template={template}
                top={start}
                height={ROW_HEIGHT}
                current={index === cursor}
                selected={selected.has(row.file_id)}
                onStar={onStar}
              />
            ) : (
              <div
                key={index}
                role="row"
                aria-label="Loading"
                className="absolute inset-x-0 flex items-center gap-3 px-3"
                style={{ transform: `translateY(${start}px)`, height: ROW_HEIGHT }}
              >
                <span className="skeleton h-5" style={{ width: wave }} />
                <span className="skeleton h-3 w-1/4" />
              </div>
            );
          })}
          <Waveforms
            places={places}
            top={first}
            height={end - first}
            width={wave}
            waveWidth={wave}
            rowHeight={ROW_HEIGHT}
            className="pointer-events-none absolute left-3"
          />
          {heard && <Playhead top={heard.start + 3} left={PADDING} width={wave} height={ROW_HEIGHT - 6} />}
        </div>
      </div>
    </div>
  );
}
