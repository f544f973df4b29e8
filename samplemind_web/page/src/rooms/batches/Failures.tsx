/** The failures of a batch, grouped by their reason; each group can be tried again by itself. */
import { RotateCcw } from "lucide-react";
import { Button } from "@/parts/Button";
import { count, plural } from "@/parts/format";
import { Failed, SkeletonRows } from "@/parts/States";
import { useMay } from "@/rooms/login/session";
import { type Failure, retryBatch, sayQueued, useBatchAction, useFailures } from "./queries";

export function Failures({ batchId, failed }: { batchId: string; failed: number }) {
  const { data, error, errorUpdatedAt, refetch } = useFailures(batchId, failed);
  return (
    <section aria-labelledby="failures" className="flex flex-col gap-2">
      <h3 id="failures" className="font-medium text-list">
        Why {plural(failed, "file")} failed
      </h3>
      {data === undefined && error && (
        <Failed error={error} what="The failures" since={errorUpdatedAt} onRetry={refetch} />
      )}
      {data === undefined && !error && <SkeletonRows rows={2} height={56} />}
      <ul className="flex flex-col divide-y divide-line rounded-md border border-line">
        {data?.items.map((group) => (
          <Group key={`${group.code} ${group.message}`} batchId={batchId} group={group} groups={data.items} />
        ))}
      </ul>
    </section>
  );
}

function Group({ batchId, group, groups }: { batchId: string; group: Failure; groups: readonly Failure[] }) {
  const may = useMay("submit");
  const retry = useBatchAction(retryBatch, sayQueued);
  // A retry is by code, and one code may have several messages.
  const alike = groups.filter(({ code }) => code === group.code).reduce((sum, each) => sum + each.count, 0);
  return (
    <li className="flex flex-col gap-1 px-3 py-2 text-list">
      <div className="flex items-start gap-3 max-sm:flex-col">
        <p className="mr-auto min-w-0 break-words">
          <span className="numbers font-medium">{count(group.count)}</span>{" "}
          <code className="rounded border border-line px-1 text-dim">{group.code}</code> {group.message}
        </p>
        {may && (
          <Button disabled={retry.isPending} onClick={() => retry.mutate({ batchId, code: group.code })}>
            <RotateCcw size={14} aria-hidden />
            Retry {count(alike)}
            <span className="sr-only"> with the code {group.code}</span>
          </Button>
        )}
      </div>
      <p className="text-dim">{attempts(group)}</p>
      <ul className="text-dim">
        {group.examples.map((path) => (
          <li key={path} className="name" title={path}>
            <bdi>{path}</bdi>
          </li>
        ))}
        {group.count > group.examples.length && <li>and {count(group.count - group.examples.length)} more</li>}
      </ul>
    </li>
  );
}

function attempts(group: Failure): string {
  return group.attempts === 1 ? "Tried once" : `Tried ${group.attempts} times`;
}
