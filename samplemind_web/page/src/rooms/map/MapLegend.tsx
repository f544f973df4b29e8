/** The legend of the map: it says what the colours mean, and hides what is switched off. */
import { useId } from "react";
import { Button } from "@/parts/Button";
import { count } from "@/parts/format";
import { FIELDS, type Field } from "./drawing";
import type { LegendEntry } from "./palettes";

const NAMES: Readonly<Record<Field, string>> = { instrument: "Instrument", key: "Key", tempo: "Tempo" };

interface Props {
  readonly colourBy: Field;
  readonly onColourBy: (field: Field) => void;
  readonly entries: readonly LegendEntry[];
  readonly counts: ReadonlyMap<string, number>;
  readonly hidden: ReadonlySet<string>;
  /** How many entries of the other fields are hidden. */
  readonly hiddenElsewhere: number;
  readonly onHidden: (hidden: ReadonlySet<string>) => void;
}

export function MapLegend({ colourBy, onColourBy, entries, counts, hidden, hiddenElsewhere, onHidden }: Props) {
  const id = useId();
  const shown = entries.filter((entry) => (counts.get(entry.id) ?? 0) > 0);
  const toggle = (entry: LegendEntry, only: boolean) => {
    const after = new Set(hidden);
    if (only) {
      for (const each of shown) after.add(each.id);
      after.delete(entry.id);
    } else if (!after.delete(entry.id)) after.add(entry.id);
    onHidden(after);
  };
  return (
    <section aria-labelledby={id} className="flex min-h-0 flex-col gap-2 text-list">
      <h2 id={id} className="sr-only">
        Legend
      </h2>
      <fieldset className="flex gap-1">
        <legend className="sr-only">Colour by</legend>
        {FIELDS.map((field) => (
          <Button key={field} quiet pressed={field === colourBy} onClick={() => onColourBy(field)}>
            {NAMES[field]}
          </Button>
        ))}
      </fieldset>
      <ul className="min-h-0 overflow-y-auto" aria-label={`Values of ${NAMES[colourBy]}`}>
        {shown.map((entry) => {
          const off = hidden.has(entry.id);
          return (
            <li key={entry.id}>
              <button
                type="button"
                aria-pressed={!off}
                title="Click: show or hide. Alt and click: show this alone."
                onClick={(event) => toggle(entry, event.altKey)}
                className={`soft flex h-6 w-full items-center gap-2 rounded px-1.5 hover:bg-hover ${off ? "text-faint line-through" : ""}`}
              >
                <span
                  aria-hidden
                  className="size-2.5 shrink-0 rounded-full border"
                  style={{ background: off ? "transparent" : entry.colour, borderColor: entry.colour }}
                />
                <span className="name">{entry.label}</span>
                <span className="numbers ml-auto pl-3 text-dim">{count(counts.get(entry.id) ?? 0)}</span>
              </button>
            </li>
          );
        })}
      </ul>
      {(hiddenElsewhere > 0 || shown.some((entry) => hidden.has(entry.id))) && (
        <Button onClick={() => onHidden(new Set())}>Show all</Button>
      )}
    </section>
  );
}
