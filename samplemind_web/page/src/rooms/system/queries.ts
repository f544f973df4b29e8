/** What the room asks of the server about itself. */
import { useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, type Schemas, taken } from "@/api/client";
import { useEvents } from "@/api/events";

export type SystemReport = Schemas["System"];

/** What runs; events keep it true, and it is asked again where none come. */
export function useSystem() {
  const client = useQueryClient();
  useEvents(
    "services",
    useCallback((data: unknown) => client.setQueryData<SystemReport>(["system"], data as SystemReport), [client]),
  );
  return useQuery({
    queryKey: ["system"],
    queryFn: () => taken(api.GET("/api/v1/system")),
    refetchInterval: 15_000,
  });
}

/** The newest of the batches that have not ended, asked for again whenever their number changes. */
export function useOpenBatches(open: number | null) {
  return useQuery({
    queryKey: ["batches", "open", open],
    queryFn: () =>
      taken(api.GET("/api/v1/batches", { params: { query: { status: ["pending", "processing"], limit: 20 } } })),
    placeholderData: (before) => before,
    refetchInterval: 15_000,
  });
}

/** The checks of `doctor`; they take seconds, so they run when asked for. */
export function useDoctor() {
  return useQuery({
    queryKey: ["doctor"],
    queryFn: () => taken(api.GET("/api/v1/system/doctor")),
    staleTime: 60_000,
    refetchInterval: false,
  });
}

/** The money that summaries have cost. */
export function useSpend() {
  return useQuery({
    queryKey: ["spend"],
    queryFn: () => taken(api.GET("/api/v1/summaries/spend")),
    refetchInterval: 30_000,
  });
}
