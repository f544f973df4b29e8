/** The packs that were ever taken in or refused, newest first. */
import { useVirtualizer } from "@tanstack/react-virtual";
import { useEffect, useRef } from "react";
import { Link } from "wouter";
import { bytes, count, plural, words } from "@/parts/format";
import { useNow } from "@/parts/now";
import { Empty, Failed, SkeletonRows } from "@/parts/States";
import { ago, when } from "@/parts/time";
import { type Pack, usePacks } from "./queries";

const ROW = 52;

export function PackList() {
  const packs = usePacks();
  const list = packs.data?.pages.flatMap((page) => page.items) ?? [];
  const scroller = useRef<HTMLDivElement>(null);
  const now = useNow(30);
  const rows = useVirtualizer({
    count: list.length,
    getScrollElement: () => scroller.current,
    estimateSize: () => ROW,
    overscan: 6,
  });
  const items = rows.getVirtualItems();
  const last = items.at(-1)?.index ?? 0;
  const { hasNextPage, isFetchingNextPage, fetchNextPage } = packs;
  useEffect(() => {
    if (hasNextPage && !isFetchingNextPage && last >= list.length - 20) void fetchNextPage();
  }, [hasNextPage, isFetchingNextPage, fetchNextPage, last, list.length]);
  if (packs.isPending) return <SkeletonRows height={ROW} />;
  if (packs.isError && packs.data === undefined) {
    return <Failed error={packs.error} what="The packs" since={packs.errorUpdatedAt} onRetry={packs.refetch} />;
  }
  if (list.length === 0) return <NoPacks />;
  return (
    <div ref={scroller} className="h-full overflow-y-auto">
      <ul aria-label="Packs" className="relative" style={{ height: rows.getTotalSize() }}>
        {items.map(({ index, start }) => (
          <li key={list[index]?.pack_id} className="absolute inset-x-0" style={{ height: ROW, top: start }}>
            <Row pack={list[index] as Pack} now={now} />
          </li>
        ))}
      </ul>
    </div>
  );
}

function Row({ pack, now }: { pack: Pack; now: number }) {
  const left = Object.values(pack.left_out).reduce((sum, each) => sum + each, 0);
  return (
    <Link
      href={`/packs?pack=${encodeURIComponent(pack.pack_id)}`}
      className="soft flex h-full flex-col justify-center border-line border-b px-3 text-list hover:bg-hover"
    >
      <span className="flex items-baseline gap-2">
        <bdi className="name font-medium">{pack.source}</bdi>
        <time dateTime={pack.started_at} title={when(pack.started_at)} className="ml-auto shrink-0 text-dim">
          {ago(pack.started_at, now)}
        </time>
      </span>
      <span className="flex gap-2">
        <PackState state={pack.state} />
        <span className="numbers name text-dim">
          {pack.state === "refused"
            ? pack.reason
            : [
                `${plural(pack.files, "file")}, ${count(pack.new)} new`,
                bytes(pack.bytes),
                ...(left > 0 ? [`${count(left)} left out`] : []),
              ].join(" · ")}
        </span>
      </span>
    </Link>
  );
}

const STATES: Readonly<Record<string, readonly [string, string]>> = {
  taking: ["Being taken in", "text-accent"],
  recorded: ["Being analysed", "text-accent"],
  done: ["Taken in", "text-good"],
  refused: ["Refused", "text-bad"],
};

export function PackState({ state }: { state: string }) {
  const [word, colour] = STATES[state] ?? [words(state), "text-dim"];
  return <span className={`shrink-0 ${colour}`}>{word}</span>;
}

function NoPacks() {
  return (
    <Empty title="No pack has been taken in yet">
      <p>Drop zips onto this page and press Take in now, or put them into the inbox folder and run this command:</p>
      <code className="mt-2 block rounded-md border border-line bg-surface px-3 py-2 text-list text-text">
        samplemind ingest
      </code>
      <p className="mt-2">With the setting SAMPLEMIND_NIGHTLY, what lies in the inbox is taken in once per night.</p>
    </Empty>
  );
}
