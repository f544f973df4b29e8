/** One pack: where it went, what of it was taken, and what was left out or refused and why. */
import { Link } from "wouter";
import { bytes, count, words } from "@/parts/format";
import { Failed, SkeletonRows } from "@/parts/States";
import { when } from "@/parts/time";
import { PackState } from "./PackList";
import { usePack } from "./queries";

export function PackDetail({ id }: { id: string }) {
  const { data: pack, error, errorUpdatedAt, refetch } = usePack(id);
  if (pack === undefined) {
    return error ? (
      <Failed error={error} what="The pack" since={errorUpdatedAt} onRetry={refetch} />
    ) : (
      <SkeletonRows rows={6} />
    );
  }
  const left = Object.entries(pack.left_out);
  return (
    <div className="h-full overflow-y-auto p-4 text-list">
      <Link href="/packs" className="text-accent">
        All packs
      </Link>
      <h2 className="mt-2 font-semibold text-[17px]">
        <bdi className="block break-words">{pack.source}</bdi>
      </h2>
      <p className="mt-1">
        <PackState state={pack.state} /> {pack.reason && <span className="break-words">· {pack.reason}</span>}
      </p>
      <dl className="mt-4 grid grid-cols-[max-content_minmax(0,1fr)] gap-x-6 gap-y-1.5">
        <Fact name="Begun">{when(pack.started_at)}</Fact>
        {pack.finished_at && <Fact name="Ended">{when(pack.finished_at)}</Fact>}
        <Fact name="Files">
          {count(pack.files)}, of which {count(pack.new)} were new
        </Fact>
        <Fact name="Size">{bytes(pack.bytes)}</Fact>
        {pack.folder && (
          <Fact name="Folder">
            <bdi className="break-all">{pack.folder}</bdi>
          </Fact>
        )}
        {left.length > 0 && (
          <Fact name="Left out">
            <ul>
              {left.map(([reason, files]) => (
                <li key={reason}>
                  {count(files)} {words(reason)}
                </li>
              ))}
            </ul>
          </Fact>
        )}
        {pack.batch_id && (
          <Fact name="Batch">
            <Link href={`/batches/${encodeURIComponent(pack.batch_id)}`} className="text-accent underline">
              {pack.batch_id}
            </Link>
          </Fact>
        )}
        <Fact name="Report">
          <Link href={`/packs/nights/${encodeURIComponent(pack.run)}`} className="text-accent underline">
            {pack.run}
          </Link>
        </Fact>
        <Fact name="SHA-256">
          <span className="break-all text-dim">{pack.pack_id}</span>
        </Fact>
      </dl>
    </div>
  );
}

export function Fact({ name, children }: { name: string; children: React.ReactNode }) {
  return (
    <>
      <dt className="text-dim">{name}</dt>
      <dd className="numbers min-w-0">{children}</dd>
    </>
  );
}
