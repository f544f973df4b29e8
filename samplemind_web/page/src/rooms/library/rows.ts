/** The rows of the library: a list of which those pages are loaded that somebody looks at, or what is like a sample. */
import { keepPreviousData, type UseQueryResult, useQueries, useQuery } from "@tanstack/react-query";
import { useCallback, useMemo, useState } from "react";
import { api, type Schemas, taken } from "@/api/client";
import type { Project } from "@/player/fit";
import { FILTERS } from "./filters";

/** A row; `recipe` says how a match is made to fit. */
export type Row = Schemas["SampleRow"] & { recipe?: string };
type RowPage = Schemas["SamplePage"];

const FIRST_PAGE = 100; // what a tall screen shows, and more
const PAGE = 500;
const MOST_RANKED = 400; // a list by rank ends there
const MOST_PAGES = 20; // that are shown at once; those before them stay in the cache for a while
const AHEAD = 200; // rows to either side of what is seen
const NONE: readonly number[] = [];
const MOST_ALIKE = 200;
const MOST_IDS = 500;

/** Which rows are asked for. */
export type Source =
  | { of: "query"; query: Record<string, string> }
  | { of: "ids"; ids: readonly string[] }
  | { of: "similar"; id: string; query: Record<string, string> }
  | { of: "match"; id: string; query: Record<string, string> }
  | { of: "project"; project: Project; query: Record<string, string> };

/** The parameters of the address that decide which rows there are. */
export function queryOf(params: URLSearchParams, names = ["q", "sort", ...FILTERS.map(({ name }) => name)]) {
  const query: Record<string, string> = {};
  for (const name of names) {
    const value = params.get(name);
    if (value) query[name] = value;
  }
  return query;
}

export interface Rows {
  /** Rows by their place in the list. Where a page is not loaded there are holes, which `map` and `filter` leave out. */
  rows: readonly Row[];
  /** Rows that the list has or will have, as far as that is known. */
  total: number;
  /** Samples that were found: a ranked list has the best of them alone. */
  found: number;
  /** Whether `found` is all, and not the least that there are. */
  exact: boolean;
  /** Words and filters that no sample meets. */
  unmet: readonly string[];
  /** What the answer may lack. */
  notes: readonly string[];
  /** Load what lies between two places of the list. */
  look: (from: number, to: number) => void;
  pending: boolean;
  /** Whether `rows` still answer the query before this one. */
  stale: boolean;
  error: unknown;
  failedAt: number;
  retry: () => void;
}

/** Return the rows of a source. */
export function useRows(source: Source): Rows {
  const paged = usePages(source.of === "query" ? source.query : null);
  const fixed = useQuery({
    queryKey: ["samples", source],
    enabled: source.of !== "query",
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => fetchFixed(source, signal),
  });
  if (source.of === "query") return paged;
  const rows = fixed.data ?? [];
  return {
    rows,
    total: rows.length,
    found: rows.length,
    exact: true,
    unmet: [],
    notes: [],
    look: () => undefined,
    pending: fixed.isPending,
    stale: fixed.isPlaceholderData,
    error: fixed.error,
    failedAt: fixed.errorUpdatedAt,
    retry: () => void fixed.refetch(),
  };
}

function usePages(query: Record<string, string> | null): Rows {
  const name = JSON.stringify(query);
  const list = useQuery({
    queryKey: ["samples", "first", query],
    enabled: query !== null,
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => fetchPage(query, { limit: FIRST_PAGE }, signal),
  });
  const first = list.data;
  const goesOn = Boolean(first?.next) && !list.isPlaceholderData;
  const [wanted, setWanted] = useState<{ name: string; pages: readonly number[] }>({ name, pages: NONE });
  const pages = wanted.name === name && goesOn ? wanted.pages : NONE;
  const isRanked = Boolean(query?.q) && (!query?.sort || query.sort === "match");
  const places = useQuery({
    queryKey: ["samples", "places", query],
    // A list by rank has one page.
    enabled: !isRanked && (pages.some((page) => page > 0) || (pages.length > 0 && first?.total == null)),
    structuralSharing: false,
    queryFn: ({ signal }) => fetchPlaces(query, signal),
  });
  const rest = useQueries({
    queries: pages.map((page) => {
      const cursor = page === 0 ? null : (places.data?.cursors[page - 1] ?? null);
      return {
        queryKey: ["samples", "page", query, page, cursor],
        enabled: page === 0 || cursor !== null,
        structuralSharing: false,
        queryFn: ({ signal }: { signal: AbortSignal }) =>
          fetchPage(query, cursor === null ? { limit: PAGE } : { limit: PAGE, cursor }, signal),
      };
    }),
    combine: resultsOf,
  });
  const stated = places.data?.total ?? first?.total ?? first?.total_at_least ?? 0;
  const begin = rest.pages[pages.indexOf(0)];
  const ends = goesOn ? (begin && !begin.next ? begin : null) : first;
  const total = ends ? ends.items.length : isRanked ? Math.min(stated, MOST_RANKED) : stated;
  const rows = useMemo(() => {
    const all = first?.items.slice() ?? [];
    rest.pages.forEach((page, at) => {
      const start = (pages[at] ?? 0) * PAGE;
      page?.items.forEach((row, index) => {
        all[start + index] = row;
      });
    });
    return all;
  }, [first, rest.pages, pages]);
  const known = Math.max(total, rows.length);
  const look = useCallback(
    (from: number, to: number) => {
      if (!goesOn || to + FIRST_PAGE / 2 < FIRST_PAGE) return;
      const seen: number[] = [];
      const last = Math.floor(Math.min(to + AHEAD, known - 1) / PAGE);
      for (let page = Math.floor(Math.max(from - AHEAD, 0) / PAGE); page <= last; page += 1) seen.push(page);
      setWanted((before) => {
        const old = before.name === name ? before.pages : NONE;
        if (seen.every((page) => old.includes(page))) return before;
        return { name, pages: [...old.filter((page) => !seen.includes(page)), ...seen].slice(-MOST_PAGES) };
      });
    },
    [goesOn, known, name],
  );
  const broken = [list, places, ...rest.failed].find(({ error }) => error);
  return {
    rows,
    total: known,
    exact: !goesOn || first?.total != null || places.data !== undefined,
    found: stated || rows.length,
    unmet: first?.unmet ?? [],
    notes: first?.notes ?? [],
    look,
    pending: list.isPending,
    stale: list.isPlaceholderData,
    error: broken?.error ?? null,
    failedAt: broken?.errorUpdatedAt ?? 0,
    retry: () => void broken?.refetch(),
  };
}

function resultsOf(results: UseQueryResult<RowPage>[]) {
  return { pages: results.map(({ data }) => data), failed: results.filter(({ error }) => error) };
}

function fetchPage(
  query: Record<string, string> | null,
  paging: { limit: number; cursor?: string },
  signal: AbortSignal,
) {
  return taken(api.GET("/api/v1/samples", { params: { query: { ...query, ...paging } as object }, signal }));
}

function fetchPlaces(query: Record<string, string> | null, signal: AbortSignal) {
  const { sort, ...others } = query ?? {};
  const given = { ...others, size: PAGE, ...(sort && sort !== "match" ? { sort } : {}) };
  return taken(api.GET("/api/v1/samples/pages", { params: { query: given as object }, signal }));
}

async function fetchFixed(source: Source, signal: AbortSignal): Promise<Row[]> {
  switch (source.of) {
    case "ids":
      return rowsOf(source.ids, signal);
    case "similar": {
      const params = { path: { file_id: source.id }, query: { ...source.query, limit: MOST_ALIKE } as object };
      return (await taken(api.GET("/api/v1/samples/{file_id}/similar", { params, signal }))).items;
    }
    case "match": {
      const params = { path: { file_id: source.id }, query: { ...source.query, limit: MOST_ALIKE } as object };
      return (await taken(api.GET("/api/v1/samples/{file_id}/match", { params, signal }))).items;
    }
    case "project": {
      const { bpm, key, mode } = source.project;
      const wanted = { ...(bpm ? { bpm } : {}), ...(key ? { key: `${key} ${mode}` } : {}) };
      const params = { query: { ...source.query, ...wanted, limit: MOST_ALIKE } as object };
      return (await taken(api.GET("/api/v1/match", { params, signal }))).items;
    }
    case "query":
      return [];
  }
}

/** The rows of some ids, in their order. Ids that the library does not have are left out. */
export async function rowsOf(ids: readonly string[], signal?: AbortSignal): Promise<Row[]> {
  const rows: Row[] = [];
  for (let at = 0; at < ids.length; at += MOST_IDS) {
    const body = { ids: ids.slice(at, at + MOST_IDS) };
    rows.push(...(await taken(api.POST("/api/v1/samples/rows", { body, ...(signal ? { signal } : {}) }))).items);
  }
  return rows;
}
