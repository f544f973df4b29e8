/** The rows of the library as tiles: for those who know sounds by their look. */
import { useMemo } from "react";
import { duration, tempo } from "@/parts/format";
import { usePlayer } from "@/player/player";
import { Waveforms } from "@/waveforms/Waveforms";
import { Playhead } from "./Playhead";
import type { ListProps } from "./Table";
import { KeyCell, KindCell } from "./TableRow";
import { useElementWidth, useList } from "./useList";

const LEAST_WIDTH = 176;
const GAP = 8;
const WAVE = 56;
const HEIGHT = WAVE + 48;
const PADDING = 12;

/** How many tiles a line of this width has. */
function tilesPerLine(width: number): number {
  return Math.max(1, Math.floor((width - 2 * PADDING + GAP) / (LEAST_WIDTH + GAP)));
}

/** The tiles. */
export function Grid({
  rows,
  total,
  cursor,
  selected,
  look,
  handlers,
  onWidth,
}: ListProps & { onWidth: (perLine: number) => void }) {
  const [box, width] = useElementWidth();
  const perLine = tilesPerLine(width);
  onWidth(perLine);
  const tile = Math.floor((width - 2 * PADDING - GAP * (perLine - 1)) / perLine);
  const line = HEIGHT + GAP;
  const { scroller, items, height } = useList({ total, perLine, height: line, cursor, look });
  const playing = usePlayer((state) => state.current?.file_id);
  const first = items[0]?.start ?? 0;
  const end = items.at(-1)?.end ?? 0;
  const tiles = useMemo(
    () =>
      items.flatMap((item) =>
        Array.from({ length: perLine }, (_, column) => {
          const index = item.index * perLine + column;
          return { index, row: rows[index], top: item.start, left: column * (tile + GAP) };
        }).filter(({ index }) => index < total),
      ),
    [items, rows, perLine, tile, total],
  );
  const places = useMemo(
    () => tiles.flatMap(({ row, top, left }) => (row ? [{ id: row.file_id, top: top - first, left }] : [])),
    [tiles, first],
  );
  const heard = tiles.find(({ row }) => row && row.file_id === playing);
  return (
    <div ref={box} className="h-full">
      <div
        ref={scroller}
        role="listbox"
        tabIndex={0}
        aria-label="Samples"
        aria-multiselectable
        aria-activedescendant={cursor >= 0 ? `tile-${cursor}` : undefined}
        className="h-full overflow-y-auto overflow-x-hidden p-3 focus-visible:outline-offset-[-2px]"
        {...handlers}
      >
        <div role="presentation" className="relative" style={{ height }}>
          {width > 0 &&
            tiles.map(({ index, row, top, left }) => (
              <div
                key={index}
                role="option"
                id={`tile-${index}`}
                data-index={index}
                aria-selected={row ? selected.has(row.file_id) : false}
                aria-setsize={total}
                aria-posinset={index + 1}
                draggable
                className={`absolute top-0 left-0 rounded-md border text-list ${
                  index === cursor ? "border-accent bg-chosen" : "border-line bg-surface hover:bg-hover"
                }`}
                style={{ transform: `translate(${left}px, ${top}px)`, width: tile, height: HEIGHT }}
              >
                <div data-wave style={{ height: WAVE }} className={row ? "" : "skeleton m-1"} />
                {row && (
                  <div className="px-2" title={[row.folder, row.name].filter(Boolean).join("/")}>
                    <div className={`name ${selected.has(row.file_id) ? "font-medium text-accent" : ""}`}>
                      <bdi>{row.name}</bdi>
                    </div>
                    <div className="numbers flex items-center gap-2 text-[12px] text-dim">
                      <span className="min-w-0 flex-1">
                        <KindCell row={row} />
                      </span>
                      {row.tempo ? <span>{tempo(row.tempo)}</span> : null}
                      {row.key || row.pitch_note ? <KeyCell row={row} /> : null}
                      <span>{duration(row.duration)}</span>
                    </div>
                  </div>
                )}
              </div>
            ))}
          {width > 0 && (
            <Waveforms
              places={places}
              top={first}
              height={end - first}
              width={width - 2 * PADDING}
              waveWidth={tile}
              rowHeight={WAVE}
              className="pointer-events-none absolute left-0"
            />
          )}
          {heard && <Playhead top={heard.top + 3} left={heard.left} width={tile} height={WAVE - 6} />}
        </div>
      </div>
    </div>
  );
}
