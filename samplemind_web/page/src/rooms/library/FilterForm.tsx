/** The form in which a filter is set or changed. */
import { useId, useState } from "react";
import { Button } from "@/parts/Button";
import { words } from "@/parts/format";
import type { Filter } from "./filters";

/** The form; `onDone` gets the value as the API reads it, or an empty text. */
export function FilterForm({
  filter,
  value,
  onDone,
}: {
  filter: Filter;
  value: string;
  onDone: (value: string) => void;
}) {
  const id = useId();
  const [text, setText] = useState(value);
  const chosen = new Set(text ? text.split(",") : []);
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        onDone(text.trim());
      }}
    >
      <label htmlFor={id} className="mb-1 block text-dim text-list">
        {filter.says}
      </label>
      {filter.takes === "choice" ? (
        <div
          id={id}
          role="group"
          aria-label={filter.says}
          className="mb-2 flex max-h-60 flex-wrap gap-1 overflow-y-auto"
        >
          {filter.values?.map((each) => (
            <Button
              key={each}
              pressed={chosen.has(each)}
              onClick={() => {
                if (chosen.has(each)) chosen.delete(each);
                else chosen.add(each);
                setText([...chosen].join(","));
              }}
            >
              {words(each)}
            </Button>
          ))}
        </div>
      ) : (
        <input
          id={id}
          value={text}
          // biome-ignore lint/a11y/noAutofocus: somebody has just asked for this field
          autoFocus
          autoComplete="off"
          maxLength={300}
          placeholder={filter.hint}
          className="mb-2 h-8 w-full rounded-md border border-edge bg-ground px-2"
          onChange={(event) => setText(event.currentTarget.value)}
        />
      )}
      {filter.hint && <p className="mb-2 text-[12px] text-faint">For example {filter.hint}</p>}
      <Button main type="submit">
        Filter
      </Button>
    </form>
  );
}
