/** How far a batch is: a bar with one part per state, and the same in words. */
import { count, plural } from "@/parts/format";
import { span } from "@/parts/time";

export interface Counts {
  readonly status: string;
  /** Since when none of its files is begun; null of a batch that is not paused. */
  readonly paused_at: string | null;
  readonly recorded: boolean;
  readonly total_files: number;
  readonly completed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly cancelled: number;
  readonly running: number;
  readonly pending: number;
  readonly files_per_second: number | null;
  readonly eta_seconds: number | null;
}

const PARTS = [
  ["completed", "analysed", "bg-good"],
  ["skipped", "skipped", "bg-edge"],
  ["failed", "failed", "bg-bad"],
  ["cancelled", "cancelled", "bg-warn"],
  ["running", "in work", "bg-accent"],
] as const;

/** The bar; what waits is its empty part. */
export function ProgressBar({ batch, name }: { batch: Counts; name: string }) {
  const total = batch.total_files || 1;
  const ended = batch.completed + batch.failed + batch.skipped + batch.cancelled;
  return (
    <div
      role="progressbar"
      aria-label={`Progress of ${name}`}
      aria-valuemin={0}
      aria-valuemax={batch.total_files}
      aria-valuenow={ended}
      aria-valuetext={inWords(batch)}
      className="flex h-1.5 w-full overflow-hidden rounded-full bg-line"
    >
      {PARTS.map(([state, , colour]) => (
        <span key={state} className={`${colour} h-full`} style={{ width: `${(100 * batch[state]) / total}%` }} />
      ))}
    </div>
  );
}

/** The counts of all states that have any. */
export function Legend({ batch }: { batch: Counts }) {
  return (
    <ul className="numbers flex flex-wrap gap-x-4 gap-y-1 text-list">
      {[...PARTS, ["pending", "waiting", "bg-line"] as const].map(
        ([state, word, colour]) =>
          batch[state] > 0 && (
            <li key={state} className="flex items-center gap-1.5">
              <span aria-hidden className={`${colour} size-2.5 rounded-full border border-edge`} />
              {count(batch[state])} {word}
            </li>
          ),
      )}
    </ul>
  );
}

/** Say how a batch does, in one line: `412 of 1,204, 35 per second, 22 s left`. */
export function inWords(batch: Counts): string {
  if (!batch.recorded) return `Looking through the folder: ${plural(batch.total_files, "file")} so far`;
  const ended = batch.completed + batch.failed + batch.skipped + batch.cancelled;
  if (batch.status === "pending" || batch.status === "processing") {
    const parts = [`${count(ended)} of ${count(batch.total_files)}`];
    if (batch.files_per_second && batch.paused_at === null) parts.push(`${rate(batch.files_per_second)} per second`);
    if (batch.eta_seconds) parts.push(`about ${span(batch.eta_seconds)} left`);
    return parts.join(" · ");
  }
  const parts = [plural(batch.total_files, "file")];
  if (batch.failed) parts.push(`${count(batch.failed)} failed`);
  if (batch.cancelled) parts.push(`${count(batch.cancelled)} cancelled`);
  if (batch.skipped) parts.push(`${count(batch.skipped)} skipped`);
  return parts.join(" · ");
}

function rate(filesPerSecond: number): string {
  return filesPerSecond < 10 ? filesPerSecond.toFixed(1) : count(Math.round(filesPerSecond));
}

const STATUS: Readonly<Record<string, readonly [string, string]>> = {
  pending: ["Waiting", "text-dim"],
  processing: ["Running", "text-accent"],
  completed: ["Done", "text-good"],
  failed: ["Failed", "text-bad"],
  cancelled: ["Cancelled", "text-warn"],
};

/** The status as a word; colour only repeats it. */
export function Status({ batch: { status, failed, paused_at } }: { batch: Counts }) {
  const [word, colour] = STATUS[status] ?? [status, "text-dim"];
  if (paused_at !== null) return <span className="text-warn">Paused</span>;
  if (status === "completed" && failed > 0) return <span className="text-warn">Done, with failures</span>;
  return <span className={colour}>{word}</span>;
}
