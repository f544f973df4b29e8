/** What can be done with the selected samples, or with the current one. */
import { useQuery } from "@tanstack/react-query";
import { Copy, FolderPlus, Star, Tag, X } from "lucide-react";
import { Popover } from "radix-ui";
import { useState } from "react";
import { api, Problem, taken } from "@/api/client";
import { announce } from "@/frame/Announcer";
import { useAddress } from "@/frame/address";
import { useKeys } from "@/frame/keys";
import { Button } from "@/parts/Button";
import { plural } from "@/parts/format";
import { collect, copyPaths, mark } from "./marks";
import type { Row } from "./rows";
import { useSelection } from "./selection";

/** The bar. `rows` are what it acts on. */
export function SelectionBar({ rows, selected }: { rows: readonly Row[]; selected: number }) {
  const [params, change] = useAddress();
  const [asks, setAsks] = useState<"tags" | "collections" | null>(null);
  const none = rows.length === 0;
  const ids = rows.map(({ file_id }) => file_id);
  const all = rows.every((row) => row.favourite);
  const star = () => none || void mark(ids, { favourite: !all });
  useKeys("Selection", [
    { key: "f", says: "Favourite, or none any more", act: star },
    { key: "t", says: "Tag", act: () => none || setAsks("tags") },
    { key: "c", says: "Put into a collection", act: () => none || setAsks("collections") },
    { key: "y", says: "Copy the path", act: () => none || void copyPaths(rows) },
  ]);
  const only = params.get("only") === "selection";
  return (
    <div className="flex items-center gap-0.5">
      {selected > 0 && (
        <>
          <span className="numbers mr-1 text-list">{plural(selected, "sample")} selected</span>
          <Button pressed={only} onClick={() => change({ only: only ? null : "selection" })}>
            only these
          </Button>
          <Button quiet label="Select nothing" onClick={() => useSelection.getState().clear()}>
            <X size={15} aria-hidden />
          </Button>
        </>
      )}
      <Button quiet disabled={none} label="Favourite (f)" pressed={!none && all} onClick={star}>
        <Star size={15} aria-hidden />
      </Button>
      <Asking
        label="Tag (t)"
        icon={<Tag size={15} aria-hidden />}
        disabled={none}
        open={asks === "tags"}
        onOpen={(open) => setAsks(open ? "tags" : null)}
      >
        <TagForm rows={rows} onDone={() => setAsks(null)} />
      </Asking>
      <Asking
        label="Collection (c)"
        icon={<FolderPlus size={15} aria-hidden />}
        disabled={none}
        open={asks === "collections"}
        onOpen={(open) => setAsks(open ? "collections" : null)}
      >
        <CollectionForm ids={ids} inside={params.get("collection")} onDone={() => setAsks(null)} />
      </Asking>
      <Button quiet disabled={none} label="Copy the path (y)" onClick={() => void copyPaths(rows)}>
        <Copy size={15} aria-hidden />
      </Button>
    </div>
  );
}

function Asking(props: {
  label: string;
  icon: React.ReactNode;
  disabled: boolean;
  open: boolean;
  onOpen: (open: boolean) => void;
  children: React.ReactNode;
}) {
  return (
    <Popover.Root open={props.open} onOpenChange={props.onOpen}>
      <Popover.Trigger asChild>
        <Button quiet disabled={props.disabled} label={props.label}>
          {props.icon}
        </Button>
      </Popover.Trigger>
      <Popover.Portal>
        <Popover.Content
          sideOffset={6}
          align="end"
          aria-label={props.label}
          className="z-30 w-72 rounded-md border border-edge bg-raised p-3"
        >
          {props.children}
        </Popover.Content>
      </Popover.Portal>
    </Popover.Root>
  );
}

function TagForm({ rows, onDone }: { rows: readonly Row[]; onDone: () => void }) {
  const { data } = useQuery({ queryKey: ["tags"], queryFn: () => taken(api.GET("/api/v1/tags")) });
  const ids = rows.map(({ file_id }) => file_id);
  const present = [...new Set(rows.flatMap((row) => row.user_tags))].sort();
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const field = event.currentTarget.elements.namedItem("tags") as HTMLInputElement;
        const tags = field.value
          .split(",")
          .map((tag) => tag.trim())
          .filter(Boolean);
        if (tags.length) void mark(ids, { add_tags: tags });
        onDone();
      }}
    >
      <label className="block text-dim text-list">
        Add tags to {plural(rows.length, "sample")}, separated by commas
        <input
          name="tags"
          list="known-tags"
          // biome-ignore lint/a11y/noAutofocus: somebody has just asked for this field
          autoFocus
          autoComplete="off"
          maxLength={500}
          className="mt-1 mb-2 h-8 w-full rounded-md border border-edge bg-ground px-2 text-base text-text"
        />
      </label>
      <datalist id="known-tags">
        {data?.items.map(({ tag }) => (
          <option key={tag} value={tag} />
        ))}
      </datalist>
      {present.length > 0 && (
        <ul aria-label="Tags that are set" className="mb-2 flex flex-wrap gap-1">
          {present.map((tag) => (
            <li key={tag}>
              <Button onClick={() => void mark(ids, { remove_tags: [tag] })} aria-label={`Remove the tag ${tag}`}>
                <bdi className="name max-w-40">{tag}</bdi> <X size={12} aria-hidden />
              </Button>
            </li>
          ))}
        </ul>
      )}
      <Button main type="submit">
        Tag
      </Button>
    </form>
  );
}

function CollectionForm({ ids, inside, onDone }: { ids: string[]; inside: string | null; onDone: () => void }) {
  const { data, refetch } = useQuery({
    queryKey: ["collections"],
    queryFn: () => taken(api.GET("/api/v1/collections")),
  });
  const own = data?.items.filter(({ built_in }) => !built_in) ?? [];
  const here = own.find(({ id }) => id === inside);
  const create = async (name: string) => {
    try {
      const made = await taken(api.POST("/api/v1/collections", { body: { name } }));
      await collect(made as { id: string; name: string }, { add: ids });
      void refetch();
      onDone();
    } catch (error) {
      announce(error instanceof Problem ? error.message : "The collection was not made.", { bad: true });
    }
  };
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        const field = event.currentTarget.elements.namedItem("name") as HTMLInputElement;
        if (field.value.trim()) void create(field.value.trim());
      }}
    >
      <p className="mb-1 text-dim text-list">Put {plural(ids.length, "sample")} into</p>
      <ul className="mb-2 max-h-48 overflow-y-auto">
        {own.map((each) => (
          <li key={each.id}>
            <button
              type="button"
              className="flex w-full justify-between gap-3 rounded-md px-2 py-1 text-left text-list hover:bg-hover"
              onClick={() => {
                void collect(each, { add: ids });
                onDone();
              }}
            >
              <span className="name">
                <bdi>{each.name}</bdi>
              </span>
              <span className="numbers text-faint">{each.samples}</span>
            </button>
          </li>
        ))}
      </ul>
      {here && (
        <Button
          className="mb-2"
          onClick={() => {
            void collect(here, { remove: ids });
            onDone();
          }}
        >
          Take out of {here.name}
        </Button>
      )}
      <label className="block text-dim text-list">
        A new collection
        <span className="mt-1 flex gap-2">
          <input
            name="name"
            // biome-ignore lint/a11y/noAutofocus: somebody has just asked for this form
            autoFocus
            autoComplete="off"
            maxLength={200}
            className="h-8 min-w-0 flex-1 rounded-md border border-edge bg-ground px-2 text-base text-text"
          />
          <Button main type="submit" className="h-8">
            Make
          </Button>
        </span>
      </label>
    </form>
  );
}
