/** One report: what each pack became, what was refused and why, and what the summaries cost. */
import { Link } from "wouter";
import { count, plural, words } from "@/parts/format";
import { Failed, SkeletonRows } from "@/parts/States";
import { span, when } from "@/parts/time";
import { packsInWords } from "./Nights";
import { Fact } from "./PackDetail";
import { type Report, useNight } from "./queries";

type Outcome = Report["outcomes"][number];

const COLOUR: Readonly<Record<string, string>> = {
  taken: "text-good",
  known: "text-dim",
  refused: "text-bad",
  postponed: "text-warn",
  waiting: "text-dim",
};

export function NightReport({ run }: { run: string }) {
  const { data: report, error, errorUpdatedAt, refetch } = useNight(run);
  if (report === undefined) {
    return error ? (
      <Failed error={error} what="The report" since={errorUpdatedAt} onRetry={refetch} />
    ) : (
      <SkeletonRows rows={6} />
    );
  }
  return (
    <div className="h-full overflow-y-auto p-4 text-list">
      <Link href="/packs?view=nights" className="text-accent">
        All reports
      </Link>
      <h2 className="mt-2 font-semibold text-[17px]">Packs of {when(report.started_at)}</h2>
      <dl className="mt-3 grid grid-cols-[max-content_minmax(0,1fr)] gap-x-6 gap-y-1.5">
        <Fact name="Packs">{packsInWords(report.packs)}</Fact>
        <Fact name="Files">
          {count(report.files)}: {count(report.new)} new, {count(report.known)} known
        </Fact>
        <Fact name="So far">
          {count(report.analyzed)} analysed or linked, {count(report.failed)} failed, {count(report.pending)} in work
        </Fact>
        <Fact name="Time">{span(report.seconds)}</Fact>
        <Fact name="Summaries">{report.summary_spend_usd.toFixed(2)} USD</Fact>
      </dl>
      <h3 className="mt-5 font-medium">Each pack</h3>
      {report.outcomes.length === 0 && <p className="text-dim">There was none in the inbox.</p>}
      <ul className="mt-1 divide-y divide-line rounded-md border border-line">
        {report.outcomes.map((outcome) => (
          <li key={outcome.pack} className="flex gap-3 px-3 py-2 max-sm:flex-col max-sm:gap-0">
            <span className={`w-20 shrink-0 ${COLOUR[outcome.status] ?? "text-dim"}`}>{outcome.status}</span>
            <div className="min-w-0">
              <bdi className="block break-words font-medium">{outcome.pack}</bdi>
              <p className="numbers break-words text-dim">{inWords(outcome)}</p>
              {outcome.batch_id && (
                <Link href={`/batches/${encodeURIComponent(outcome.batch_id)}`} className="text-accent underline">
                  Its batch
                </Link>
              )}
            </div>
          </li>
        ))}
      </ul>
      {report.outcomes_left_out > 0 && (
        <p className="mt-1 text-dim">and {count(report.outcomes_left_out)} more, which are not listed</p>
      )}
      {report.left_alone.length > 0 && (
        <>
          <h3 className="mt-5 font-medium">Left alone, because it is neither archive, folder nor audio</h3>
          <ul className="mt-1 text-dim">
            {report.left_alone.map((name) => (
              <li key={name} className="break-words">
                <bdi>{name}</bdi>
              </li>
            ))}
          </ul>
        </>
      )}
    </div>
  );
}

function inWords(outcome: Outcome): string {
  if (outcome.reason) return outcome.reason;
  if (outcome.status === "known") return "It was taken in before.";
  const left = Object.entries(outcome.left_out).map(([reason, files]) => `${count(files)} ${words(reason)}`);
  const parts = [`${plural(outcome.files, "file")}, ${count(outcome.new)} new`];
  if (left.length > 0) parts.push(`left out: ${left.join(", ")}`);
  return parts.join("; ");
}
