/** Adds a filter: first which one, then its value. */
import { useQuery } from "@tanstack/react-query";
import { ListFilter } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { api, taken } from "@/api/client";
import { useAddress } from "@/frame/address";
import { useKeys } from "@/frame/keys";
import { Button } from "@/parts/Button";
import { FilterForm } from "./FilterForm";
import { FILTERS, type Filter } from "./filters";

/** The button with its menu. */
export function AddFilter({ taken: set }: { taken: string[] }) {
  const [, change] = useAddress();
  const [open, setOpen] = useState(false);
  const [chosen, setChosen] = useState<Filter | null>(null);
  useKeys("Library", [{ key: "+", says: "Add a filter", act: () => setOpen(true) }]);
  const done = (name: string, value: string) => {
    setOpen(false);
    change({ [name]: value, only: null });
  };
  return (
    <Popover.Root
      open={open}
      onOpenChange={(now) => {
        setOpen(now);
        if (now) setChosen(null);
      }}
    >
      <Popover.Trigger asChild>
        <Button quiet label="Add a filter (+)">
          <ListFilter size={15} aria-hidden />
          <span className="max-md:hidden">Filter</span>
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          sideOffset={6}
          align="end"
          aria-label="Add a filter"
          className="z-30 w-64 rounded-md border border-edge bg-raised p-2"
        >
          {chosen?.name === "collection" ? (
            <Collections onTake={(id) => done("collection", id)} />
          ) : chosen ? (
            <FilterForm filter={chosen} value="" onDone={(value) => done(chosen.name, value)} />
          ) : (
            <ul className="max-h-80 overflow-y-auto">
              {FILTERS.filter(({ name }) => !set.includes(name)).map((filter) => (
                <li key={filter.name}>
                  <button
                    type="button"
                    className="flex w-full justify-between rounded-md px-2 py-1 text-left text-list hover:bg-hover"
                    onClick={() => (filter.takes === "switch" ? done(filter.name, "true") : setChosen(filter))}
                  >
                    {filter.says}
                    <span className="name text-[12px] text-faint">{filter.name}:</span>
                  </button>
                </li>
              ))}
            </ul>
          )}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function Collections({ onTake }: { onTake: (id: string) => void }) {
  const { data } = useQuery({ queryKey: ["collections"], queryFn: () => taken(api.GET("/api/v1/collections")) });
  return (
    <ul aria-label="Collections" className="max-h-80 overflow-y-auto">
      {data?.items.map((each) => (
        <li key={each.id}>
          <button
            type="button"
            className="flex w-full justify-between gap-3 rounded-md px-2 py-1 text-left text-list hover:bg-hover"
            onClick={() => onTake(each.id)}
          >
            <span className="name">
              <bdi>{each.name}</bdi>
            </span>
            <span className="numbers text-faint">{each.samples}</span>
          </button>
        </li>
      ))}
    </ul>
  );
}
