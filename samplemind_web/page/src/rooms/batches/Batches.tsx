/** The batches: what runs, what has ended and how, what failed and why; and where new ones are begun. */
import { FolderPlus, ListX } from "lucide-react";
import { useState } from "react";
import { Link, useLocation, useParams } from "wouter";
import { announce } from "@/frame/Announcer";
import { useAddress } from "@/frame/address";
import { useKeys } from "@/frame/keys";
import { useWidth } from "@/frame/width";
import { Button } from "@/parts/Button";
import { plural } from "@/parts/format";
import { Empty, Failed, SkeletonRows } from "@/parts/States";
import { useMay } from "@/rooms/login/session";
import { BatchDetail } from "./BatchDetail";
import { BatchList } from "./BatchList";
import { NewBatch } from "./NewBatch";
import { type Batch, clearBatch, isOpen, useBatchAction, useBatchEvents, useBatches } from "./queries";

export default function Batches() {
  const { id } = useParams<{ id?: string }>();
  const [, go] = useLocation();
  const [params, change] = useAddress();
  const narrow = useWidth() < 1000;
  const may = useMay("submit");
  const starting = may && params.get("new") === "1";
  const batches = useBatches();
  useBatchEvents();
  const list = batches.data?.pages.flatMap((page) => page.items) ?? [];
  const at = list.findIndex((batch) => batch.batch_id === id);
  const step = (by: number) => {
    const next = list[Math.min(Math.max(at + by, 0), list.length - 1)];
    if (next !== undefined) go(`/batches/${encodeURIComponent(next.batch_id)}`);
  };
  useKeys("Batches", [
    { key: "ArrowDown", says: "Next batch", act: () => step(1) },
    { key: "ArrowUp", says: "Previous batch", act: () => step(-1) },
    { key: "n", says: "Analyse a folder", act: () => change({ new: "1" }) },
    {
      key: "Escape",
      says: "Close the form, or the batch",
      act: () => (starting ? change({ new: null }) : go("/batches")),
    },
  ]);
  const chosen = id ?? (narrow ? undefined : list[0]?.batch_id);
  const showsList = !narrow || (id === undefined && !starting);
  return (
    <div className="flex h-full min-h-0">
      {!showsList && <h1 className="sr-only">Batches</h1>}
      {showsList && (
        <div className="flex min-w-0 flex-1 flex-col border-line lg:max-w-[460px] min-[1000px]:border-r">
          <header className="flex h-12 shrink-0 items-center gap-2 border-line border-b px-3">
            <h1 className="mr-auto font-semibold">Batches</h1>
            {may && (
              <>
                <ClearEnded batches={list} />
                <Button main onClick={() => change({ new: "1" })}>
                  <FolderPlus size={15} aria-hidden />
                  Analyse a folder
                </Button>
              </>
            )}
          </header>
          {batches.isPending && <SkeletonRows height={60} />}
          {batches.isError && batches.data === undefined && (
            <Failed error={batches.error} what="The batches" since={batches.errorUpdatedAt} onRetry={batches.refetch} />
          )}
          {batches.isSuccess && list.length === 0 && <NoBatches />}
          {list.length > 0 && (
            <BatchList
              batches={list}
              chosen={chosen}
              more={batches.hasNextPage}
              onMore={() => batches.isFetchingNextPage || void batches.fetchNextPage()}
            />
          )}
        </div>
      )}
      {starting ? (
        <div className="min-w-0 flex-[2] overflow-y-auto">
          <NewBatch onClose={() => change({ new: null })} />
        </div>
      ) : (
        chosen !== undefined && (
          <div className="min-w-0 flex-[2] overflow-hidden">
            {narrow && (
              <Link href="/batches" className="block border-line border-b px-3 py-2 text-accent text-list">
                All batches
              </Link>
            )}
            <BatchDetail key={chosen} batchId={chosen} />
          </div>
        )
      )}
    </div>
  );
}

function NoBatches() {
  return (
    <Empty title="Nothing has been analysed yet">
      <p>
        A batch is one folder that is analysed. Choose <b>Analyse a folder</b>, or run this command:
      </p>
      <code className="mt-2 block rounded-md border border-line bg-surface px-3 py-2 text-list text-text">
        samplemind submit ~/Samples
      </code>
      <p className="mt-2">
        Sample packs that you drop onto{" "}
        <Link href="/packs" className="text-accent underline">
          Packs
        </Link>{" "}
        become batches, too.
      </p>
    </Empty>
  );
}

/** Takes ended batches out of the list, after being asked twice; nothing of their results is lost. */
function ClearEnded({ batches }: { batches: readonly Batch[] }) {
  const [sure, setSure] = useState(false);
  const ended = batches.filter((batch) => !isOpen(batch));
  const clear = useBatchAction(
    async (ids: readonly string[]) => {
      for (const batchId of ids) await clearBatch(batchId);
      return ids.length;
    },
    (many) => announce(`${plural(many, "batch", "batches")} taken out of the list.`),
  );
  if (ended.length === 0) return null;
  return (
    <Button
      quiet={!sure}
      disabled={clear.isPending}
      onBlur={() => setSure(false)}
      onClick={() => {
        if (!sure) {
          setSure(true);
          return;
        }
        setSure(false);
        clear.mutate(ended.map((batch) => batch.batch_id));
      }}
    >
      <ListX size={15} aria-hidden />
      {sure ? `Take ${ended.length} out of the list?` : "Clear ended"}
    </Button>
  );
}
