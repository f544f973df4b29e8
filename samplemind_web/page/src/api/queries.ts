/** The client of TanStack Query: what is asked again, and when. */
import { QueryClient } from "@tanstack/react-query";
import { Problem } from "./client";

export const queryClient = new QueryClient({
  defaultOptions: {
    queries: {
      staleTime: 30_000,
      refetchOnWindowFocus: false,
      // What passes by itself is asked again until it answers; a wrong request is not.
      retry: (count, error) => error instanceof Problem && error.passing && count < 2,
      refetchInterval: (query) => {
        const error = query.state.error;
        return error instanceof Problem && error.passing ? 5_000 : false;
      },
    },
  },
});
