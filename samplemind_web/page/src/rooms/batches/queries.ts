/** What the room asks of the server about batches, and how events keep it true. */
import { type InfiniteData, useMutation, useQuery, useQueryClient } from "@tanstack/react-query";
import { useCallback } from "react";
import { api, taken } from "@/api/client";
import { useEvents } from "@/api/events";
import { after, usePages } from "@/api/pages";
import { announce } from "@/frame/Announcer";
import { plural } from "@/parts/format";

const PAGE = 100;

const fetchBatches = (cursor: string | null) =>
  taken(api.GET("/api/v1/batches", { params: { query: { limit: PAGE, ...after(cursor) } } }));
const fetchBatch = (batch_id: string) =>
  taken(api.GET("/api/v1/batches/{batch_id}", { params: { path: { batch_id } } }));
const fetchFailures = (batch_id: string) =>
  taken(api.GET("/api/v1/batches/{batch_id}/failures", { params: { path: { batch_id } } }));

type BatchPage = Awaited<ReturnType<typeof fetchBatches>>;
export type Batch = BatchPage["items"][number];
export type BatchDetail = Awaited<ReturnType<typeof fetchBatch>>;
export type Failure = Awaited<ReturnType<typeof fetchFailures>>["items"][number];

/** The batches, newest first, page by page. */
export function useBatches() {
  return usePages(["batches"], fetchBatches);
}

/** One batch, with what it works on and what it waits for. */
export function useBatch(batchId: string) {
  return useQuery({
    queryKey: ["batch", batchId],
    queryFn: () => fetchBatch(batchId),
    // Notes come with the answer only: they change while the counts stand still.
    refetchInterval: ({ state }) => (state.data === undefined || isOpen(state.data) ? 3_000 : false),
  });
}

/** The failures of a batch, grouped; asked again whenever there are more. */
export function useFailures(batchId: string, failed: number) {
  return useQuery({
    queryKey: ["batch", batchId, "failures", failed],
    queryFn: () => fetchFailures(batchId),
    enabled: failed > 0,
    placeholderData: (before) => before,
  });
}

/** Bring events into what is shown; a batch that the list does not have yet makes it ask again. */
export function useBatchEvents(): void {
  const client = useQueryClient();
  useEvents(
    "batch",
    useCallback(
      (data: unknown) => {
        const batch = data as BatchDetail;
        let known = false;
        client.setQueryData<InfiniteData<BatchPage>>(["batches"], (before) => {
          if (before === undefined) return before;
          const pages = before.pages.map((page) => ({
            ...page,
            items: page.items.flatMap((item) => {
              if (item.batch_id !== batch.batch_id) return item;
              known = true;
              // Another window may have cleared it away.
              return batch.hidden_at === null ? { ...item, ...batch } : [];
            }),
          }));
          return { ...before, pages };
        });
        if (!known && batch.hidden_at === null) void client.invalidateQueries({ queryKey: ["batches"] });
        client.setQueryData<BatchDetail>(["batch", batch.batch_id], (before) =>
          before === undefined ? before : { ...before, ...batch },
        );
        if (!isOpen(batch)) void client.invalidateQueries({ queryKey: ["batch", batch.batch_id], exact: true });
      },
      [client],
    ),
  );
}

/**
 * What can be done with a batch; afterwards everything about batches is asked again. `onDone` is called even if what
 * was clicked is gone by then.
 */
export function useBatchAction<Input, Output>(act: (input: Input) => Promise<Output>, onDone: (done: Output) => void) {
  const client = useQueryClient();
  return useMutation({
    mutationFn: act,
    onSuccess: onDone,
    onError: (error) => announce(error.message, { bad: true }),
    onSettled: () => {
      void client.invalidateQueries({ queryKey: ["batches"] });
      void client.invalidateQueries({ queryKey: ["batch"] });
    },
  });
}

/** Say how many files a retry has queued. */
export function sayQueued({ queued }: { queued: number }): void {
  announce(`${plural(queued, "file")} queued again.`);
}

export function cancelBatch(batch_id: string) {
  return taken(api.POST("/api/v1/batches/{batch_id}/cancel", { params: { path: { batch_id }, header: once() } }));
}

/** Begin no more files of a batch until it is resumed. */
export function pauseBatch(batch_id: string) {
  return taken(api.POST("/api/v1/batches/{batch_id}/pause", { params: { path: { batch_id }, header: once() } }));
}

export function resumeBatch(batch_id: string) {
  return taken(api.POST("/api/v1/batches/{batch_id}/resume", { params: { path: { batch_id }, header: once() } }));
}

/** Queue the failed files again, or those that failed for one reason. */
export function retryBatch({ batchId, code }: { batchId: string; code?: string }) {
  return taken(
    api.POST("/api/v1/batches/{batch_id}/retry", {
      params: { path: { batch_id: batchId }, header: once() },
      body: { code: code ?? null },
    }),
  );
}

/** Take an ended batch out of the list; its files and results stay. */
export function clearBatch(batch_id: string) {
  return taken(api.DELETE("/api/v1/batches/{batch_id}", { params: { path: { batch_id } } }));
}

/** A key by which the server recognises a request that is sent twice. */
export function once(): { "Idempotency-Key": string } {
  return { "Idempotency-Key": crypto.randomUUID() };
}

export function isOpen(batch: { readonly status: string }): boolean {
  return batch.status === "pending" || batch.status === "processing";
}
