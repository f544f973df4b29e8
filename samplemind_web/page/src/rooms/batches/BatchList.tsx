/** The list of batches: one line of facts and one bar each, however many there are. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { useNow } from "@/parts/now";
import { ago, when } from "@/parts/time";
import { inWords, ProgressBar, Status } from "./Progress";
import { type Batch, isOpen } from "./queries";

const ROW = 60;

interface Props {
  readonly batches: readonly Batch[];
  readonly chosen: string | undefined;
  readonly more: boolean;
  readonly onMore: () => void;
}

export function BatchList({ batches, chosen, more, onMore }: Props) {
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow(15);
  const rows = useVirtualizer({
    count: batches.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 6,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  useEffect(() => {
    if (more && last >= batches.length - 10) onMore();
  }, [more, last, batches.length, onMore]);
  return (
    <div ref={scroller} className="min-h-0 flex-1 overflow-y-auto">
      <ul aria-label="Batches" className="relative" style={{ height: rows.getTotalSize() }}>
        {items.map(({ index, start }) => {
          const batch = batches[index] as Batch;
          const here = batch.batch_id === chosen;
          return (
            <li key={batch.batch_id} className="absolute inset-x-0" style={{ height: ROW, top: start }}>
              <Link
                href={`/batches/${encodeURIComponent(batch.batch_id)}`}
                aria-current={here ? "true" : undefined}
                className={`soft flex h-full flex-col justify-center gap-1 border-line border-b px-3 text-list ${here ? "bg-chosen" : "hover:bg-hover"}`}
              >
                <span className="flex items-baseline gap-2">
                  <bdi className="name font-medium">{batch.name}</bdi>
                  <time
                    dateTime={batch.created_at}
                    title={when(batch.created_at)}
                    className="ml-auto shrink-0 text-dim"
                  >
                    {ago(batch.created_at, now)}
                  </time>
                </span>
                {isOpen(batch) && <ProgressBar batch={batch} name={batch.name} />}
                <span className="numbers flex gap-2 text-dim">
                  <Status batch={batch} />
                  <span className="name">{inWords(batch)}</span>
                </span>
              </Link>
            </li>
          );
        })}
      </ul>
    </div>
  );
}
