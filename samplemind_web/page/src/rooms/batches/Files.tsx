/** The files of a batch with their state, page by page, however many there are. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { api, taken } from "@/api/client";
import { after, usePages } from "@/api/pages";
import { useAddress } from "@/frame/address";
import { count, words } from "@/parts/format";
import { Failed, SkeletonRows } from "@/parts/States";
import { type BatchDetail, isOpen } from "./queries";

const ROW = 28;
const PAGE = 500;
const STATES = ["completed", "failed", "skipped", "running", "queued", "pending", "cancelled"] as const;
type State = (typeof STATES)[number];

const COLOURS: Readonly<Record<string, string>> = {
  completed: "text-good",
  failed: "text-bad",
  cancelled: "text-warn",
};

export function Files({ batch }: { batch: BatchDetail }) {
  const [params, change] = useAddress();
  const said = params.get("state");
  const state = STATES.find((each) => each === said) ?? null;
  const scroller = useRef<HTMLDivElement>(null);
  const files = usePages(
    ["batch", batch.batch_id, "files", state],
    (cursor) => fetchFiles(batch.batch_id, state, cursor),
    isOpen(batch) ? 10_000 : false,
  );
  const list = files.data?.pages.flatMap((page) => page.items) ?? [];
  const rows = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 10,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = files;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= list.length - 50) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, list.length]);
  return (
    <section aria-labelledby="files" className="flex min-h-72 flex-1 flex-col gap-2">
      <div className="flex items-center gap-3">
        <h3 id="files" className="font-medium text-list">
          Files
        </h3>
        <label className="flex items-center gap-1.5 text-dim text-list">
          State
          <select
            value={state ?? ""}
            onChange={(event) => change({ state: event.target.value }, { replace: true })}
            className="h-7 rounded-md border border-edge bg-surface px-1.5 text-text"
          >
            <option value="">all</option>
            {STATES.map((each) => (
              <option key={each} value={each}>
                {each}
              </option>
            ))}
          </select>
        </label>
        <span className="numbers ml-auto text-dim text-list">
          {count(list.length)}
          {hasNextPage ? " loaded" : ""}
        </span>
      </div>
      {batch.thinned_at && (
        <p className="text-dim text-list">
          This batch ended long ago: only the files that failed, or were retried, are listed still.
        </p>
      )}
      {files.isPending && <SkeletonRows rows={8} height={ROW} />}
      {files.isError && files.data === undefined && (
        <Failed error={files.error} what="The files" since={files.errorUpdatedAt} onRetry={files.refetch} />
      )}
      {files.isSuccess && list.length === 0 && (
        <p className="text-dim text-list">
          {state === null ? "No file is listed yet." : `No file is in the state "${state}".`}
        </p>
      )}
      {/* biome-ignore-start lint/a11y: what scrolls must be reached by keys. */}
      <div
        ref={scroller}
        tabIndex={0}
        role="group"
        aria-label="List of files"
        className="min-h-0 flex-1 overflow-y-auto rounded-md border border-line"
      >
        {/* biome-ignore-end lint/a11y: see above. */}
        <ul className="relative" style={{ height: rows.getTotalSize() }}>
          {items.map(({ index, start }) => {
            const file = list[index];
            if (file === undefined) return null;
            return (
              <li
                key={file.path}
                className="absolute inset-x-0 flex items-center gap-3 px-3 text-list"
                style={{ height: ROW, top: start }}
              >
                <span className={`w-20 shrink-0 ${COLOURS[file.state] ?? "text-dim"}`}>{file.state}</span>
                <span className="flex min-w-0 flex-1 items-baseline gap-2" title={file.path}>
                  <bdi className="name min-w-0 shrink">
                    {file.file_id ? (
                      <Link href={`/?sample=${file.file_id}&panel=1`} className="hover:underline">
                        {file.name}
                      </Link>
                    ) : (
                      file.name
                    )}
                  </bdi>
                  <bdi className="name min-w-0 flex-1 shrink-[3] text-[12px] text-faint">{file.folder}</bdi>
                </span>
                <span className="name max-w-[40%] shrink-0 text-dim" title={file.error?.message}>
                  {file.error
                    ? `${file.error.code}: ${file.error.message}`
                    : file.skip_reason
                      ? words(file.skip_reason)
                      : file.state === "running" || file.state === "queued"
                        ? words(file.step)
                        : ""}
                </span>
              </li>
            );
          })}
        </ul>
      </div>
    </section>
  );
}

function fetchFiles(batch_id: string, state: State | null, cursor: string | null) {
  const query = { limit: PAGE, ...(state === null ? {} : { state }), ...after(cursor) };
  return taken(api.GET("/api/v1/batches/{batch_id}/files", { params: { path: { batch_id }, query } }));
}
