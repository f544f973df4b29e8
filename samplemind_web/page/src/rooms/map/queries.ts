/** What the room asks of the server: the map, its points, and which samples they are. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import KDBush from "kdbush";
import { useCallback } from "react";
import { api, problemOf, taken } from "@/api/client";
import { useEvents } from "@/api/events";
import { type Cloud, readCloud } from "./cloud";
import type { Index } from "./geometry";

const MOST_IDS = 5000;
const MOST_ROWS = 500;

const fetchMap = () => taken(api.GET("/api/v1/map"));
const fetchRows = (ids: string[]) => taken(api.POST("/api/v1/samples/rows", { body: { ids } }));

export type MapState = Awaited<ReturnType<typeof fetchMap>>;
export type Row = Awaited<ReturnType<typeof fetchRows>>["items"][number];

/** What the server knows of the map; asked again while it is computed, and when an event says that it has changed. */
export function useMapState() {
  const client = useQueryClient();
  useEvents(
    "map",
    useCallback(() => void client.invalidateQueries({ queryKey: ["map"], exact: true }), [client]),
  );
  return useQuery({
    queryKey: ["map"],
    queryFn: fetchMap,
    refetchInterval: ({ state }) => (state.data?.state === "ready" ? 60_000 : 3_000),
  });
}

export interface Points {
  readonly cloud: Cloud;
  readonly index: Index;
}

/** The points of a version, with their spatial index; a version never changes. */
export function usePoints(version: string | null) {
  return useQuery({
    queryKey: ["map", version],
    queryFn: async ({ signal }): Promise<Points> => {
      const response = await fetch(`/api/v1/map/${encodeURIComponent(version ?? "")}/points`, { signal });
      if (!response.ok) throw await problemOf(response);
      const cloud = readCloud(version ?? "", await response.arrayBuffer());
      return { cloud, index: await indexOf(cloud) };
    },
    enabled: version !== null,
    staleTime: Number.POSITIVE_INFINITY,
    gcTime: 60_000,
    // Two versions of a large map are worth no comparison.
    structuralSharing: false,
    placeholderData: (before) => before,
  });
}

function indexOf(cloud: Cloud): Promise<Index> {
  if (cloud.count === 0) return Promise.resolve(new KDBush(0));
  return new Promise((resolve, reject) => {
    const worker = new Worker(new URL("./index.worker.ts", import.meta.url), { type: "module" });
    worker.onmessage = (event: MessageEvent<ArrayBuffer>) => {
      resolve(KDBush.from(event.data));
      worker.terminate();
    };
    worker.onerror = () => {
      reject(new Error("The places of the points could not be sorted."));
      worker.terminate();
    };
    worker.postMessage({ x: cloud.x, y: cloud.y });
  });
}

/** Finds out which samples the points of a version are, and what is known of them; each is asked for once. */
export class Names {
  private readonly ids = new Map<number, string>();
  private readonly rows = new Map<string, Row>();

  constructor(private readonly version: string) {}

  /** Return the file ids of points, in their order; points whose sample is gone are left out. */
  async idsOf(points: readonly number[]): Promise<string[]> {
    const unknown = points.filter((point) => !this.ids.has(point));
    for (let from = 0; from < unknown.length; from += MOST_IDS) {
      const indices = unknown.slice(from, from + MOST_IDS);
      const { ids } = await taken(api.POST("/api/v1/map/ids", { body: { version: this.version, indices } }));
      indices.forEach((point, at) => {
        this.ids.set(point, ids[at] ?? "");
      });
    }
    return points.map((point) => this.ids.get(point) ?? "").filter((id) => id !== "");
  }

  /** Return what is known of some points. */
  async rowsOf(points: readonly number[]): Promise<Row[]> {
    const ids = await this.idsOf(points.slice(0, MOST_ROWS));
    const unknown = ids.filter((id) => !this.rows.has(id));
    if (unknown.length > 0) {
      for (const row of (await fetchRows(unknown)).items) this.rows.set(row.file_id, row);
    }
    return ids.flatMap((id) => this.rows.get(id) ?? []);
  }

  /** Return what was asked before of a point. */
  known(point: number | null): Row | undefined {
    return point === null ? undefined : this.rows.get(this.ids.get(point) ?? "");
  }
}

/** Return the ids of the samples most alike to one. */
export async function neighbours(file_id: string): Promise<string[]> {
  const { items } = await taken(
    api.GET("/api/v1/samples/{file_id}/similar", { params: { path: { file_id }, query: { limit: 12 } } }),
  );
  return items.map((item) => item.file_id);
}
