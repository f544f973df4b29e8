/** One row of the table. */
import { Star } from "lucide-react";
import { memo } from "react";
import { useTheme } from "@/frame/theme";
import { dataColour, instrumentHue, keyHue } from "@/parts/data";
import { duration, keyName, kindName, tempo, words } from "@/parts/format";
import type { Column } from "./columns";
import type { Row } from "./rows";
import { Unsure } from "./Unsure";

interface Props {
  row: Row;
  index: number;
  columns: readonly Column[];
  template: string;
  top: number;
  height: number;
  current: boolean;
  selected: boolean;
  onStar: (row: Row) => void;
}

/** A row with the cells of the columns; what is clicked, dragged and hovered is told by `data-index`. */
export const TableRow = memo(function TableRow(props: Props) {
  const { row, index, columns, template, top, height, current, selected, onStar } = props;
  return (
    <div
      role="row"
      id={`row-${index}`}
      data-index={index}
      aria-rowindex={index + 2}
      aria-selected={selected}
      draggable
      className={`absolute inset-x-0 grid cursor-default items-center gap-3 px-3 text-list ${
        current ? "bg-chosen" : selected ? "bg-raised" : "hover:bg-hover"
      }`}
      style={{ transform: `translateY(${top}px)`, height, gridTemplateColumns: template }}
    >
      {columns.map((column) => (
        <Cell key={column.id} column={column} row={row} selected={selected} onStar={onStar} />
      ))}
    </div>
  );
});

function Cell({
  column,
  row,
  selected,
  onStar,
}: {
  column: Column;
  row: Row;
  selected: boolean;
  onStar: Props["onStar"];
}) {
  switch (column.id) {
    case "wave":
      return <div role="gridcell" data-wave aria-label="Waveform" className="h-full" />;
    case "name":
      return (
        <div
          role="gridcell"
          className="flex min-w-0 items-baseline gap-2"
          title={[row.folder, row.name].filter(Boolean).join("/")}
        >
          <span className={`name shrink ${selected ? "font-medium text-accent" : ""}`}>
            <bdi>{row.name}</bdi>
          </span>
          {row.folder && (
            <span className="name min-w-0 flex-1 shrink-[3] text-[12px] text-faint">
              <bdi>{row.folder}</bdi>
            </span>
          )}
        </div>
      );
    case "tempo":
      return (
        <div role="gridcell" className="numbers text-right">
          {row.tempo ? (
            <Unsure
              confidence={row.tempo_confidence}
              runnerUp={row.tempo_runner_up ? `${tempo(row.tempo_runner_up)} BPM` : null}
            >
              {tempo(row.tempo)}
            </Unsure>
          ) : (
            <Nothing />
          )}
        </div>
      );
    case "key":
      return (
        <div role="gridcell">
          <KeyCell row={row} />
        </div>
      );
    case "kind":
      return (
        <div role="gridcell" className="name text-dim">
          <KindCell row={row} />
        </div>
      );
    case "length":
      return (
        <div role="gridcell" className="numbers text-right text-dim">
          {duration(row.duration)}
        </div>
      );
    case "tags":
      return (
        <div
          role="gridcell"
          className="name text-[12px] text-faint"
          title={[row.recipe, row.why?.join(", "), [...row.user_tags, ...row.tags].join(", ")]
            .filter(Boolean)
            .join("\n")}
        >
          {row.recipe && <span className="mr-2 text-accent">{row.recipe}</span>}
          {row.why && row.why.length > 0 && <span className="mr-2 text-dim">{row.why.join(", ")}</span>}
          {row.user_tags.length > 0 && <span className="text-text">{row.user_tags.join(", ")}</span>}
          {row.user_tags.length > 0 && row.tags.length > 0 && ", "}
          {row.tags.join(", ")}
        </div>
      );
    case "star":
      return (
        <div role="gridcell">
          <button
            type="button"
            tabIndex={-1}
            aria-label={row.favourite ? "No favourite any more" : "Favourite"}
            aria-pressed={row.favourite}
            className={`flex size-7 items-center justify-center rounded-md hover:text-accent ${row.favourite ? "text-accent" : "text-edge"}`}
            onClick={(event) => {
              event.stopPropagation();
              onStar(row);
            }}
          >
            <Star size={14} aria-hidden fill={row.favourite ? "currentColor" : "none"} />
          </button>
        </div>
      );
  }
}

function Nothing() {
  return (
    <span className="text-faint" aria-hidden>
      –
    </span>
  );
}

/** The key (or the chord, or the note) with the hue of its place on the wheel. */
export function KeyCell({ row }: { row: Row }) {
  const theme = useTheme((state) => state.theme);
  const shown = row.key ? keyName(row.key, row.mode) : (row.pitch_note ?? null);
  if (!shown) return <Nothing />;
  const hue = keyHue(row.key, row.mode);
  return (
    <span className="inline-flex items-center gap-1.5">
      <span aria-hidden className="size-2 shrink-0 rounded-full" style={{ background: dataColour(hue, theme) }} />
      <Unsure confidence={row.key ? row.key_confidence : null} runnerUp={row.key_runner_up ?? null}>
        {shown}
      </Unsure>
    </span>
  );
}

/** The instrument, or the kind where that is all that is known. */
export function KindCell({ row }: { row: Row }) {
  const theme = useTheme((state) => state.theme);
  return (
    <span className="inline-flex max-w-full items-center gap-1.5">
      <span
        aria-hidden
        className="size-2 shrink-0 rounded-[2px]"
        style={{ background: dataColour(instrumentHue(row.instrument), theme) }}
      />
      <span className="name">
        {row.instrument && <Unsure confidence={row.instrument_confidence}>{words(row.instrument)}</Unsure>}
        {row.instrument && !row.instrument.endsWith("loop") && " "}
        {!row.instrument?.endsWith("loop") && (
          <span className={row.instrument ? "text-faint" : ""}>{kindName(row.kind)}</span>
        )}
      </span>
    </span>
  );
}
