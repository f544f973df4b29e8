/** The rows of the library: a list that grows by pages as far as somebody looks, or what is like or fits a sample. */
import { keepPreviousData, useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { useMemo } from "react";
import { api, type Schemas, taken } from "@/api/client";
import type { Project } from "@/player/fit";
import { FILTERS } from "./filters";

/** A row; `recipe` says how a match is made to fit. */
export type Row = Schemas["SampleRow"] & { recipe?: string };
type RowPage = Schemas["SamplePage"];

const FIRST_PAGE = 100; // what a tall screen shows, and more
const PAGE = 1000;
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
  rows: Row[];
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
  loadMore: () => void;
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
    loadMore: () => undefined,
    pending: fixed.isPending,
    stale: fixed.isPlaceholderData,
    error: fixed.error,
    failedAt: fixed.errorUpdatedAt,
    retry: () => void fixed.refetch(),
  };
}

function usePages(query: Record<string, string> | null): Rows {
  const list = useInfiniteQuery({
    queryKey: ["samples", "pages", query],
    enabled: query !== null,
    placeholderData: keepPreviousData,
    initialPageParam: null as string | null,
    getNextPageParam: (last: RowPage) => last.next ?? null,
    queryFn: ({ pageParam, signal }): Promise<RowPage> => {
      const paging = pageParam ? { limit: PAGE, cursor: pageParam } : { limit: FIRST_PAGE };
      return taken(api.GET("/api/v1/samples", { params: { query: { ...query, ...paging } as object }, signal }));
    },
  });
  const { data, hasNextPage, isFetching, fetchNextPage } = list;
  const rows = useMemo(() => data?.pages.flatMap((page) => page.items) ?? [], [data]);
  const first = data?.pages[0];
  return {
    rows,
    total: hasNextPage ? Math.max(first?.total ?? first?.total_at_least ?? 0, rows.length) : rows.length,
    exact: !hasNextPage || first?.total != null,
    found: first?.total ?? first?.total_at_least ?? rows.length,
    unmet: first?.unmet ?? [],
    notes: first?.notes ?? [],
    loadMore: () => {
      if (hasNextPage && !isFetching) void fetchNextPage();
    },
    pending: list.isPending,
    stale: list.isPlaceholderData,
    error: list.error,
    failedAt: list.errorUpdatedAt,
    retry: () => void list.refetch(),
  };
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
