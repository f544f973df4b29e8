/** Lists that the API gives page by page. */
import { useInfiniteQuery } from "@tanstack/react-query";

/** The parameters that ask for the page after a cursor; null asks for the first page. */
export function after(cursor: string | null): { cursor?: string } {
  return cursor === null ? {} : { cursor };
}

/** A list of which `fetch` gives the page after a cursor; it is asked for again every `refetchInterval` milliseconds. */
export function usePages<Page extends { next?: string | null }>(
  queryKey: readonly unknown[],
  fetch: (cursor: string | null) => Promise<Page>,
  refetchInterval: number | false = false,
) {
  return useInfiniteQuery({
    queryKey,
    queryFn: ({ pageParam }) => fetch(pageParam),
    initialPageParam: null as string | null,
    getNextPageParam: (page) => page.next ?? null,
    refetchInterval,
  });
}
