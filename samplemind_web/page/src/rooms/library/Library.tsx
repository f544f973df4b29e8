/** The library: search, list, hear, select and mark. */
import { useQuery } from "@tanstack/react-query";
import { LayoutGrid, List, MousePointerClick, PanelRight, X } from "lucide-react";
import { useCallback, useEffect, useMemo, useRef, useState } from "react";
import { useLocation } from "wouter";
import { useEvents } from "@/api/events";
import { queryClient } from "@/api/queries";
import { announce } from "@/frame/Announcer";
import { useAddress } from "@/frame/address";
import { useKeys } from "@/frame/keys";
import { usePanel } from "@/frame/SidePanel";
import { Button } from "@/parts/Button";
import { count, keyName, plural } from "@/parts/format";
import { Empty, Failed, SkeletonRows } from "@/parts/States";
import type { Project } from "@/player/fit";
import { play, prefetch, skip, usePlayer } from "@/player/player";
import { useCursor, useCursorInAddress } from "./cursor";
import { EmptyLibrary } from "./EmptyLibrary";
import { active, FILTERS } from "./filters";
import { Grid } from "./Grid";
import { rememberLibrary } from "./last";
import { mark } from "./marks";
import { queryOf, type Row, rowsOf, type Source, useRows } from "./rows";
import { SearchBar } from "./SearchBar";
import { SelectionBar } from "./SelectionBar";
import { useSelection } from "./selection";
import { Table } from "./Table";
import { useAudition } from "./useAudition";

const AHEAD = 8; // rows to either side of the cursor whose sounds are loaded
const SORTS = ["added", "name", "tempo", "duration", "loudness"];

export default function Library() {
  const [params, change] = useAddress();
  const [, go] = useLocation();
  const panel = usePanel();
  const list = useRef<HTMLDivElement>(null);
  const { inProject, project } = usePlayer();
  const selection = useSelection();
  const cursorId = useCursor((state) => state.id);
  const moveCursor = useCursorInAddress();
  const grid = params.get("view") === "grid";
  const [hoverPlays, setHoverPlays] = useState(true);
  const [changed, setChanged] = useState(false);
  const perLine = useRef(1);
  const anchor = useRef(-1);
  /** A place that the keys went to before its page was loaded. */
  const [awaited, setAwaited] = useState(-1);

  useEffect(() => rememberLibrary(params), [params]);
  const source = useMemo(() => sourceOf(params, selection.ids, project), [params, selection.ids, project]);
  const { rows, total, found, exact, unmet, notes, look, pending, stale, error, failedAt, retry } = useRows(source);
  const cursor = useMemo(() => rows.findIndex((row) => row?.file_id === cursorId), [rows, cursorId]);
  useEvents("library", () => {
    if (total <= 200) void queryClient.invalidateQueries({ queryKey: ["samples"] });
    else setChanged(true);
  });

  const moveTo = useCallback(
    (index: number, how: { play: boolean; from?: number; extend?: boolean; toggle?: boolean }) => {
      const row = rows[index];
      if (!row) {
        // Its page is still to come.
        if (how.play) setAwaited(index);
        return;
      }
      const { ids, set } = useSelection.getState();
      if (how.extend) {
        if (anchor.current < 0) anchor.current = Math.max(cursor, 0);
        const [from, to] = [Math.min(anchor.current, index), Math.max(anchor.current, index)];
        const between = rows.slice(from, to + 1).flatMap((each) => each.file_id);
        const missing = to + 1 - from - between.length;
        if (missing)
          announce(`${plural(missing, "sample")} between them are not loaded, and are not selected.`, { bad: true });
        set(between);
      } else {
        anchor.current = index;
        if (how.toggle) {
          const next = new Set(ids);
          if (!next.delete(row.file_id)) next.add(row.file_id);
          set(next);
        }
      }
      setAwaited(-1);
      moveCursor(row.file_id);
      if (how.play) play(row, how.from ?? 0);
    },
    [rows, cursor, moveCursor],
  );
  // biome-ignore lint/correctness/useExhaustiveDependencies: a change of the project changes what is loaded ahead
  useEffect(() => {
    const near: Row[] = [];
    for (let step = 0; step <= AHEAD; step += 1) {
      for (const index of step ? [cursor + step, cursor - step] : [cursor]) {
        const row = rows[index];
        if (row) near.push(row);
      }
    }
    const timer = setTimeout(() => prefetch(near), 60);
    return () => clearTimeout(timer);
  }, [rows, cursor, inProject, project]);

  const current = rows[cursor];
  useEffect(() => {
    if (awaited >= 0 && rows[awaited]) moveTo(awaited, { play: true });
  }, [rows, awaited, moveTo]);
  // The address also changes where the list does not: when the cursor has moved.
  const listed = source.of === "query" ? JSON.stringify(source.query) : source.of;
  // biome-ignore lint/correctness/useExhaustiveDependencies: another list has other places
  useEffect(() => setAwaited(-1), [listed]);
  const step = (by: number, extend = false) => {
    const from = awaited >= 0 ? awaited : cursor;
    const next = Math.min(Math.max(from + by, 0), total - 1);
    moveTo(next, { play: true, extend });
  };
  const line = () => (grid ? perLine.current : 1);
  const show = (name: "similar" | "match") => {
    if (name === "match" && inProject && (project.bpm || project.key)) {
      change({ match: "project", similar: null, only: null, q: null, sort: null });
    } else if (cursorId)
      change({ [name]: cursorId, [name === "match" ? "similar" : "match"]: null, only: null, q: null, sort: null });
  };
  useKeys("Library", [
    { key: "ArrowDown", says: "Next: move and play", act: () => step(line()) },
    { key: "ArrowUp", says: "Previous: move and play", act: () => step(-line()) },
    ...(grid
      ? [
          { key: "ArrowRight", says: "Next tile: move and play", act: () => step(1) },
          { key: "ArrowLeft", says: "Previous tile: move and play", act: () => step(-1) },
          { key: "Shift+ArrowRight", says: "Forward by a beat", act: () => skip(1) },
          { key: "Shift+ArrowLeft", says: "Back by a beat", act: () => skip(-1) },
        ]
      : []),
    { key: "Shift+ArrowDown", says: "Select on", act: () => step(line(), true) },
    { key: "Shift+ArrowUp", says: "Select back", act: () => step(-line(), true) },
    { key: "PageDown", says: "Ten on", act: () => step(10 * line()) },
    { key: "PageUp", says: "Ten back", act: () => step(-10 * line()) },
    { key: "Home", says: "To the first", act: () => step(-total) },
    { key: "End", says: "To the last", act: () => step(total) },
    { key: "x", says: "Select the current one, or not", act: () => moveTo(cursor, { play: false, toggle: true }) },
    { key: "Ctrl+a", says: "Select all that are loaded", act: () => selection.set(rows.flatMap((row) => row.file_id)) },
    { key: "s", says: "What sounds similar", act: () => show("similar") },
    { key: "m", says: "What matches it, or the project", act: () => show("match") },
    { key: "v", says: "Table or tiles", act: () => change({ view: grid ? null : "grid" }) },
    { key: "i", says: "Open or close the panel", act: () => panel.show(!panel.shown) },
    { key: "Enter", says: "Open the sample", act: () => cursorId && go(`/sample/${cursorId}`) },
  ]);

  const acted =
    selection.ids.size > 0 ? rows.filter(({ file_id }) => selection.ids.has(file_id)) : current ? [current] : [];
  const onStar = useCallback((row: Row) => void mark([row.file_id], { favourite: !row.favourite }), []);
  const handlers = useAudition({ rows, hoverPlays, moveTo, open: (row) => go(`/sample/${row.file_id}`) });
  const sort = params.get("sort") ?? "";
  const shared = {
    rows,
    total,
    cursor: awaited >= 0 ? awaited : cursor,
    selected: selection.ids,
    look,
    handlers,
    onStar,
    sort,
    onSort: (by: string) => change({ sort: by }),
  };
  const asked = source.of !== "query" || Object.keys(source.query).some((name) => name !== "sort");

  return (
    <div className="flex h-full flex-col">
      <h1 className="sr-only">Library</h1>
      <SearchBar leave={() => list.current?.querySelector<HTMLElement>("[role=grid], [role=listbox]")?.focus()} />
      <div className="flex min-h-9 flex-wrap items-center gap-x-3 px-3 py-1">
        <p role="status" className="numbers mr-auto min-w-0 text-dim text-list">
          {source.of !== "query" && (
            <SourceLine
              source={source}
              rows={rows}
              onEnd={() => change({ similar: null, match: null, only: null, by: null })}
            />
          )}
          {!pending &&
            !error &&
            source.of === "query" &&
            `${exact ? "" : "at least "}${plural(found, "sample")}${found > total ? `, the best ${count(total)} of them` : ""}`}
          {stale && ", asking"}
          {notes.length > 0 && <span className="text-warn"> {notes.join(" ")}</span>}
        </p>
        {changed && (
          <Button
            onClick={() => {
              setChanged(false);
              void queryClient.resetQueries({ queryKey: ["samples"] });
            }}
          >
            The library has changed: load it anew
          </Button>
        )}
        <SelectionBar rows={acted} selected={selection.ids.size} />
        {source.of === "query" && (
          <label className="text-dim text-list max-md:hidden">
            <span className="sr-only">Sorted by</span>
            <select
              className="h-7 rounded-md border border-edge bg-ground px-1"
              value={sort}
              onChange={({ currentTarget }) => change({ sort: currentTarget.value })}
            >
              <option value="">sorted by {params.get("q") ? "match" : "when it was added"}</option>
              {SORTS.filter((each) => params.get("q") || each !== "added").map((each) => (
                <option key={each} value={each}>
                  sorted by {each === "added" ? "when it was added" : each}
                </option>
              ))}
            </select>
          </label>
        )}
        <div className="flex items-center gap-0.5">
          <Button
            quiet
            pressed={hoverPlays}
            label="Waveforms play under the pointer"
            onClick={() => setHoverPlays(!hoverPlays)}
          >
            <MousePointerClick size={15} aria-hidden />
          </Button>
          <Button quiet label={grid ? "Table (v)" : "Tiles (v)"} onClick={() => change({ view: grid ? null : "grid" })}>
            {grid ? <List size={15} aria-hidden /> : <LayoutGrid size={15} aria-hidden />}
          </Button>
          <Button
            quiet
            pressed={panel.shown}
            disabled={!panel.id}
            label="Panel (i)"
            onClick={() => panel.show(!panel.shown)}
          >
            <PanelRight size={15} aria-hidden />
          </Button>
        </div>
      </div>
      <div ref={list} className={`min-h-0 flex-1 ${stale ? "opacity-70" : ""}`}>
        {pending && !error ? (
          <SkeletonRows rows={20} />
        ) : rows.length === 0 && error ? (
          <Failed what="The samples" error={error} since={failedAt} onRetry={retry} />
        ) : rows.length === 0 ? (
          source.of === "ids" ? (
            <Empty title={selection.lost ? "This selection is gone" : "Nothing is selected"}>
              {selection.lost > 0 && (
                <p>{plural(selection.lost, "sample")} were selected. Up to 200 outlast a reload of the page.</p>
              )}
              <p>Select samples with x, or with a click while Ctrl is held.</p>
              <Button onClick={() => change({ only: null })}>Back to the search</Button>
            </Empty>
          ) : asked ? (
            <NothingFound params={params} unmet={unmet} change={change} />
          ) : (
            <EmptyLibrary />
          )
        ) : grid ? (
          <Grid
            {...shared}
            onWidth={(tiles) => {
              perLine.current = tiles;
            }}
          />
        ) : (
          <Table {...shared} />
        )}
      </div>
    </div>
  );
}

function sourceOf(params: URLSearchParams, ids: ReadonlySet<string>, project: Project): Source {
  const filters = queryOf(
    params,
    FILTERS.map(({ name }) => name),
  );
  const similar = params.get("similar");
  const match = params.get("match");
  if (params.get("only") === "selection") return { of: "ids", ids: [...ids] };
  if (similar) return { of: "similar", id: similar, query: { ...filters, ...queryOf(params, ["by"]) } };
  if (match === "project") return { of: "project", project, query: filters };
  if (match) return { of: "match", id: match, query: filters };
  return { of: "query", query: queryOf(params) };
}

function SourceLine({ source, rows, onEnd }: { source: Source; rows: readonly Row[]; onEnd: () => void }) {
  const says = () => {
    switch (source.of) {
      case "ids":
        return `${count(rows.length)} selected`;
      case "similar":
        return `${count(rows.length)} that sound like `;
      case "match":
        return `${count(rows.length)} that match `;
      case "project": {
        const { bpm, key, mode } = source.project;
        return `${count(rows.length)} that match the project: ${[bpm && `${bpm} BPM`, key && keyName(key, mode)].filter(Boolean).join(", ")}`;
      }
      default:
        return "";
    }
  };
  return (
    <span className="inline-flex max-w-full items-center gap-1">
      <span className="name">
        {says()}
        {(source.of === "similar" || source.of === "match") && <NameOf id={source.id} rows={rows} />}
      </span>
      <Button quiet label="Back to the search" onClick={onEnd}>
        <X size={14} aria-hidden />
      </Button>
    </span>
  );
}

function NameOf({ id, rows }: { id: string; rows: readonly Row[] }) {
  const playing = usePlayer((state) => state.current);
  const name = rows.find((row) => row?.file_id === id)?.name ?? (playing?.file_id === id ? playing.name : null);
  // A list of matches does not have the sample itself.
  const { data } = useQuery({
    queryKey: ["name of", id],
    enabled: name === null,
    queryFn: ({ signal }) => rowsOf([id], signal),
  });
  return <bdi className="text-text">{name ?? data?.[0]?.name ?? "the sample"}</bdi>;
}

function NothingFound(props: {
  params: URLSearchParams;
  unmet: readonly string[];
  change: (values: Record<string, null>) => void;
}) {
  const { params, unmet, change } = props;
  const chips = active(params);
  const q = params.get("q");
  return (
    <Empty title="Nothing passes all of this">
      {unmet.length > 0 && (
        <p>
          No sample at all has <bdi>{unmet.join(", ")}</bdi>.
        </p>
      )}
      <p>Take a part of it away:</p>
      <div className="mt-2 flex flex-wrap gap-2">
        {q && (
          <Button onClick={() => change({ q: null })}>
            <span className="name max-w-72">
              the words “<bdi>{q}</bdi>”
            </span>
          </Button>
        )}
        {chips.map(({ filter, value }) => (
          <Button key={filter.name} onClick={() => change({ [filter.name]: null })}>
            {filter.says.toLowerCase()} {filter.takes === "switch" ? "" : value}
          </Button>
        ))}
        <Button
          onClick={() =>
            change(
              Object.fromEntries(
                ["q", "similar", "match", "only", ...FILTERS.map(({ name }) => name)].map((name) => [name, null]),
              ),
            )
          }
        >
          all of it
        </Button>
      </div>
    </Empty>
  );
}
