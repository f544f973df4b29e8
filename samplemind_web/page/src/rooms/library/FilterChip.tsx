/** One filter that is set: Enter changes it, Delete takes it away. */
import { useQuery } from "@tanstack/react-query";
import { X } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { api, taken } from "@/api/client";
import { FilterForm } from "./FilterForm";
import { type Active, chipText } from "./filters";

/** The chip. */
export function FilterChip({ chip, onChange }: { chip: Active; onChange: (value: string | null) => void }) {
  const [open, setOpen] = useState(false);
  const { filter } = chip;
  const collection = useCollectionName(filter.name === "collection" ? chip.value : null);
  const text = collection ?? chipText(chip);
  const fixed = filter.takes === "switch";
  const button = (
    <button
      type="button"
      aria-label={`${filter.says}: ${text}${fixed ? "" : ". Enter changes it."} Delete takes it away.`}
      className="name h-full max-w-48 pr-1 pl-2"
      onKeyDown={(event) => {
        if (event.key === "Delete" || event.key === "Backspace") {
          event.preventDefault();
          onChange(null);
        }
      }}
    >
      {text}
    </button>
  );
  return (
    <span className="inline-flex h-7 items-center rounded-md border border-edge bg-raised text-list">
      {fixed ? (
        button
      ) : (
        <Popover.Root open={open} onOpenChange={setOpen}>
          <Popover.Trigger asChild>{button}</Popover.Trigger>
          <Popover.Portal>
            <Popover.Content
              sideOffset={6}
              align="start"
              aria-label={filter.says}
              className="z-30 w-64 rounded-md border border-edge bg-raised p-3"
            >
              <FilterForm
                filter={filter}
                value={chip.value}
                onDone={(value) => {
                  setOpen(false);
                  onChange(value || null);
                }}
              />
            </Popover.Content>
          </Popover.Portal>
        </Popover.Root>
      )}
      <button
        type="button"
        tabIndex={-1}
        aria-label={`Without ${text}`}
        className="flex h-full w-6 items-center justify-center text-dim hover:text-text"
        onClick={() => onChange(null)}
      >
        <X size={13} aria-hidden />
      </button>
    </span>
  );
}

/** The name of a collection; null until it is known, and where there is no such collection. */
function useCollectionName(id: string | null): string | null {
  const { data } = useQuery({
    queryKey: ["collections"],
    enabled: id !== null,
    queryFn: () => taken(api.GET("/api/v1/collections")),
  });
  return data?.items.find((each) => each.id === id)?.name ?? null;
}
