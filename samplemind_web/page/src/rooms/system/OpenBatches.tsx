/** The batches that have not ended: how far each is, what it waits for, and the button that holds it. */
import { Link } from "wouter";
import { plural } from "@/parts/format";
import { Failed } from "@/parts/States";
import { when } from "@/parts/time";
import { Hold } from "@/rooms/batches/Hold";
import { Obstacles } from "@/rooms/batches/Obstacles";
import { inWords, Status } from "@/rooms/batches/Progress";
import { type Batch, isOpen, useBatch } from "@/rooms/batches/queries";
import { useMay } from "@/rooms/login/session";
import { useOpenBatches } from "./queries";
import { Section } from "./System";

export function OpenBatches({ open }: { open: number | null }) {
  const { data, error, errorUpdatedAt, refetch } = useOpenBatches(open);
  const batches = data?.items ?? [];
  if (batches.length === 0 && !error) return null;
  return (
    <Section title="Open batches">
      {error && data === undefined && (
        <Failed error={error} what="The open batches" since={errorUpdatedAt} onRetry={refetch} />
      )}
      <ul aria-label="Open batches" className="flex flex-col">
        {batches.map((batch) => (
          <Row key={batch.batch_id} listed={batch} />
        ))}
      </ul>
      {open !== null && open > batches.length && data?.next && (
        <p className="text-dim">
          <Link href="/batches" className="text-accent underline">
            {plural(open - batches.length, "more batch", "more batches")}
          </Link>
        </p>
      )}
    </Section>
  );
}

function Row({ listed }: { listed: Batch }) {
  const { data } = useBatch(listed.batch_id);
  const may = useMay("submit");
  const batch = data ?? listed;
  if (!isOpen(batch)) return null;
  return (
    <li className="flex flex-col gap-1.5 border-line border-b py-2">
      <div className="flex items-center gap-3">
        <p className="numbers mr-auto min-w-0">
          <Link href={`/batches/${batch.batch_id}`} title={batch.name} className="name block text-accent underline">
            <bdi>{batch.name}</bdi>
          </Link>
          <Status batch={batch} />
          {batch.paused_at !== null && <span className="text-warn"> since {when(batch.paused_at)}</span>}{" "}
          <span className="text-dim">· {inWords(batch)}</span>
        </p>
        {may && <Hold batch={batch} named />}
      </div>
      <Obstacles notes={data?.notes ?? []} label={`What ${batch.name} waits for`} />
    </li>
  );
}
