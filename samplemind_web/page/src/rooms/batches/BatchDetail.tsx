/** One batch: how far it is, what it works on, what it waits for, what failed and why, and its files. */
import { RotateCcw, Square, X } from "lucide-react";
import { useState } from "react";
import { Link, useLocation } from "wouter";
import { Problem } from "@/api/client";
import { announce } from "@/frame/Announcer";
import { Button } from "@/parts/Button";
import { count, plural } from "@/parts/format";
import { Sentence } from "@/parts/Sentence";
import { Empty, Failed, SkeletonRows } from "@/parts/States";
import { span, when } from "@/parts/time";
import { useMay } from "@/rooms/login/session";
import { Failures } from "./Failures";
import { Files } from "./Files";
import { Hold } from "./Hold";
import { Obstacles } from "./Obstacles";
import { inWords, Legend, ProgressBar, Status } from "./Progress";
import {
  cancelBatch,
  clearBatch,
  type BatchDetail as Detail,
  isOpen,
  retryBatch,
  sayQueued,
  useBatch,
  useBatchAction,
} from "./queries";

export function BatchDetail({ batchId }: { batchId: string }) {
  const { data: batch, error, errorUpdatedAt, refetch } = useBatch(batchId);
  if (batch === undefined) {
    if (error instanceof Problem && error.status === 404) {
      return (
        <Empty title="There is no such batch">
          <p>It may belong to somebody else, or the address has a mistake.</p>
        </Empty>
      );
    }
    if (error) return <Failed error={error} what="The batch" since={errorUpdatedAt} onRetry={refetch} />;
    return <SkeletonRows rows={6} />;
  }
  return (
    <div className="flex h-full flex-col gap-5 overflow-y-auto p-4">
      <Header batch={batch} />
      <Obstacles notes={batch.notes ?? []} />
      <WorkingOn batch={batch} />
      {batch.failed > 0 && <Failures batchId={batch.batch_id} failed={batch.failed} />}
      <Files batch={batch} />
    </div>
  );
}

function Header({ batch }: { batch: Detail }) {
  return (
    <header className="flex flex-col gap-2">
      <div className="flex items-start gap-2 max-sm:flex-col">
        <h2 className="mr-auto min-w-0 max-w-full font-semibold text-[17px]">
          <bdi className="name block" title={batch.name}>
            {batch.name}
          </bdi>
        </h2>
        <Actions batch={batch} />
      </div>
      <p className="numbers text-list" aria-live="polite">
        <Status batch={batch} />
        {batch.paused_at !== null && <span className="text-warn"> since {when(batch.paused_at)}</span>}{" "}
        <span className="text-dim">· {inWords(batch)}</span>
      </p>
      <ProgressBar batch={batch} name={batch.name} />
      <Legend batch={batch} />
      <p className="numbers text-dim text-list">
        Started {when(batch.created_at)}
        {batch.finished_at && batch.started_at && (
          <> · took {span((Date.parse(batch.finished_at) - Date.parse(batch.started_at)) / 1000)}</>
        )}
        {batch.ai.calls > 0 && (
          <>
            {" "}
            · {plural(batch.ai.calls, "summary request")}, {batch.ai.usd.toFixed(2)} USD
          </>
        )}
        {" · "}
        <Link href={`/?batch=${encodeURIComponent(batch.batch_id)}`} className="text-accent underline">
          Show its samples
        </Link>
      </p>
      {batch.ai.hint && (
        <p className="text-dim text-list">
          <Sentence>{`Summaries: ${batch.ai.hint}`}</Sentence>
        </p>
      )}
    </header>
  );
}

function Actions({ batch }: { batch: Detail }) {
  const [, go] = useLocation();
  const may = useMay("submit");
  const [sure, setSure] = useState(false);
  const cancel = useBatchAction(cancelBatch, () => announce("The batch is cancelled."));
  const retry = useBatchAction(retryBatch, sayQueued);
  const clear = useBatchAction(clearBatch, () => {
    announce("The batch is taken out of the list. Its samples stay.");
    go("/batches");
  });
  if (!may) return null;
  if (isOpen(batch)) {
    const rest = batch.running + batch.pending;
    return (
      <div className="flex gap-2">
        <Hold batch={batch} />
        <Button
          disabled={cancel.isPending}
          onBlur={() => setSure(false)}
          onClick={() => {
            if (!sure) {
              setSure(true);
              return;
            }
            setSure(false);
            cancel.mutate(batch.batch_id);
          }}
        >
          <Square size={13} aria-hidden />
          {cancel.isPending ? "Cancelling" : sure ? `Stop ${plural(rest, "file")}?` : "Cancel"}
        </Button>
      </div>
    );
  }
  return (
    <div className="flex gap-2">
      {batch.failed > 0 && (
        <Button main disabled={retry.isPending} onClick={() => retry.mutate({ batchId: batch.batch_id })}>
          <RotateCcw size={14} aria-hidden />
          Retry {count(batch.failed)} failed
        </Button>
      )}
      <Button disabled={clear.isPending} onClick={() => clear.mutate(batch.batch_id)}>
        <X size={14} aria-hidden />
        Clear
      </Button>
    </div>
  );
}

function WorkingOn({ batch }: { batch: Detail }) {
  if (!isOpen(batch)) return null;
  const paths = batch.working_on ?? [];
  return (
    <section aria-labelledby="working-on" className="flex flex-col gap-1">
      <h3 id="working-on" className="font-medium text-list">
        In work now
      </h3>
      <ul className="text-dim text-list">
        {paths.map((path) => (
          <li key={path} className="name" title={path}>
            <bdi>{path}</bdi>
          </li>
        ))}
      </ul>
      {paths.length === 0 && (
        <p className="text-dim text-list">
          {batch.recorded
            ? batch.notes?.length
              ? "Nothing, for the reason above."
              : "Nothing at this moment; the next files are about to be handed to a worker."
            : "The folder is being walked; files are analysed once all are listed."}
        </p>
      )}
    </section>
  );
}
