/** What the room asks of the server about packs and reports. */
import { useQuery } from "@tanstack/react-query";
import { api, taken } from "@/api/client";
import { after, usePages } from "@/api/pages";

const PAGE = 200;

const fetchPacks = (cursor: string | null) =>
  taken(api.GET("/api/v1/packs", { params: { query: { limit: PAGE, ...after(cursor) } } }));
const fetchNights = (cursor: string | null) =>
  taken(api.GET("/api/v1/nights", { params: { query: { limit: PAGE, ...after(cursor) } } }));
const fetchNight = (run: string) => taken(api.GET("/api/v1/nights/{run}", { params: { path: { run } } }));

export type Pack = Awaited<ReturnType<typeof fetchPacks>>["items"][number];
export type Report = Awaited<ReturnType<typeof fetchNight>>;

export function usePacks() {
  return usePages(["packs"], fetchPacks, 10_000);
}

export function usePack(pack_id: string) {
  return useQuery({
    queryKey: ["packs", pack_id],
    queryFn: () => taken(api.GET("/api/v1/packs/{pack_id}", { params: { path: { pack_id } } })),
  });
}

export function useNights() {
  return usePages(["nights"], fetchNights, 30_000);
}

export function useNight(run: string) {
  return useQuery({
    queryKey: ["nights", run],
    queryFn: () => fetchNight(run),
    refetchInterval: ({ state }) => (state.data && state.data.pending > 0 ? 5_000 : false),
  });
}
