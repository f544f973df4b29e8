/** What the room asks of the server about packs and reports. */
import { useInfiniteQuery, useQuery } from "@tanstack/react-query";
import { api, taken } from "@/api/client";

const PAGE = 200;

const fetchPacks = (cursor: string | null) =>
  taken(api.GET("/api/v1/packs", { params: { query: { limit: PAGE, ...(cursor === null ? {} : { cursor }) } } }));
const fetchNights = (cursor: string | null) =>
  taken(api.GET("/api/v1/nights", { params: { query: { limit: PAGE, ...(cursor === null ? {} : { cursor }) } } }));
const fetchNight = (run: string) => taken(api.GET("/api/v1/nights/{run}", { params: { path: { run } } }));

export type Pack = Awaited<ReturnType<typeof fetchPacks>>["items"][number];
export type Night = Awaited<ReturnType<typeof fetchNights>>["items"][number];
export type Report = Awaited<ReturnType<typeof fetchNight>>;

export function usePacks() {
  return useInfiniteQuery({
    queryKey: ["packs"],
    queryFn: ({ pageParam }) => fetchPacks(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    refetchInterval: 10_000,
  });
}

export function usePack(pack_id: string) {
  return useQuery({
    queryKey: ["packs", pack_id],
    queryFn: () => taken(api.GET("/api/v1/packs/{pack_id}", { params: { path: { pack_id } } })),
  });
}

export function useNights() {
  return useInfiniteQuery({
    queryKey: ["nights"],
    queryFn: ({ pageParam }) => fetchNights(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    refetchInterval: 30_000,
  });
}

export function useNight(run: string) {
  return useQuery({
    queryKey: ["nights", run],
    queryFn: () => fetchNight(run),
    refetchInterval: ({ state }) => (state.data && state.data.pending > 0 ? 5_000 : false),
  });
}
