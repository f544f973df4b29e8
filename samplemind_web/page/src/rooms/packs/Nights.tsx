/** The reports of all runs of the ingestion, newest first. */
import { Link } from "wouter";
import { Button } from "@/parts/Button";
import { count, plural } from "@/parts/format";
import { Empty, Failed, SkeletonRows } from "@/parts/States";
import { when } from "@/parts/time";
import { useNights } from "./queries";

export function Nights() {
  const nights = useNights();
  if (nights.isPending) return <SkeletonRows height={52} />;
  if (nights.isError && nights.data === undefined) {
    return <Failed error={nights.error} what="The reports" since={nights.errorUpdatedAt} onRetry={nights.refetch} />;
  }
  const list = nights.data?.pages.flatMap((page) => page.items) ?? [];
  if (list.length === 0) {
    return (
      <Empty title="There is no report yet">
        <p>Each run of the ingestion that takes or refuses a pack leaves one, at night or by `samplemind ingest`.</p>
      </Empty>
    );
  }
  return (
    <div className="h-full overflow-y-auto">
      <ul aria-label="Reports">
        {list.map((night) => (
          <li key={night.run}>
            <Link
              href={`/packs/nights/${encodeURIComponent(night.run)}`}
              className="soft flex h-[52px] flex-col justify-center border-line border-b px-3 text-list hover:bg-hover"
            >
              <time dateTime={night.started_at} className="font-medium">
                {when(night.started_at)}
              </time>
              <span className="numbers name text-dim">
                {packsInWords(night.packs)} · {plural(night.files, "file")}, {count(night.new)} new
                {night.failed > 0 && `, ${count(night.failed)} failed`}
                {night.pending > 0 && `, ${count(night.pending)} still in work`}
              </span>
            </Link>
          </li>
        ))}
      </ul>
      {nights.hasNextPage && (
        <Button className="m-3" disabled={nights.isFetchingNextPage} onClick={() => void nights.fetchNextPage()}>
          Show older reports
        </Button>
      )}
    </div>
  );
}

/** Say how many packs ended how: `3 taken, 1 refused`. */
export function packsInWords(packs: Readonly<Record<string, number>>): string {
  const parts = Object.entries(packs).filter(([, many]) => many > 0);
  return parts.map(([status, many]) => `${count(many)} ${status}`).join(", ") || "no packs";
}
