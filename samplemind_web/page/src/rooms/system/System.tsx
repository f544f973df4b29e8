/** The system: what runs, what is wrong and how to mend it, what was spent, and who may do what. */
import { ExternalLink, RefreshCw } from "lucide-react";
import type { ReactNode } from "react";
import { Button } from "@/parts/Button";
import { count, plural, words } from "@/parts/format";
import { Sentence } from "@/parts/Sentence";
import { Failed, SkeletonRows } from "@/parts/States";
import { useMay } from "@/rooms/login/session";
import { Account } from "./Account";
import { OpenBatches } from "./OpenBatches";
import { type SystemReport, useDoctor, useSystem } from "./queries";
import { Spend } from "./Spend";
import { Users } from "./Users";

export default function System() {
  const system = useSystem();
  const admin = useMay("admin");
  return (
    <div className="h-full overflow-y-auto">
      <header className="flex h-12 items-center border-line border-b px-3">
        <h1 className="font-semibold">System</h1>
        {system.data && <span className="ml-auto text-dim text-list">SampleMind {system.data.version}</span>}
      </header>
      <div className="max-w-[1800px] gap-x-10 p-4 lg:columns-2">
        <Section title="Services and workers">
          {system.isError && system.data === undefined && (
            <Failed error={system.error} what="What runs" since={system.errorUpdatedAt} onRetry={system.refetch} />
          )}
          {system.isPending && <SkeletonRows rows={6} height={28} />}
          {system.data && <Running system={system.data} />}
        </Section>
        {system.data && system.data.open_batches !== 0 && <OpenBatches open={system.data.open_batches ?? null} />}
        <Checks />
        <Section title="Money spent on summaries">
          <Spend />
        </Section>
        <Section title="You">
          <Account />
        </Section>
        {admin && <Users />}
      </div>
    </div>
  );
}

export function Section({ title, tools, children }: { title: string; tools?: ReactNode; children: ReactNode }) {
  return (
    <section aria-label={title} className="mb-8 flex min-w-0 break-inside-avoid flex-col gap-2 text-list">
      <div className="flex h-7 items-center gap-3">
        <h2 className="font-semibold text-base">{title}</h2>
        {tools}
      </div>
      {children}
    </section>
  );
}

const SERVICES: Readonly<Record<string, string>> = {
  mongodb: "MongoDB, the record",
  redis: "Redis, the queue",
  chroma: "Chroma, the index of sounds",
};

/** The names without those of before the prefix: `cpu` where there is `samplemind:cpu`, too. */
function present(names: readonly string[]): string[] {
  return names.filter((name) => !names.some((other) => other.endsWith(`:${name}`)));
}

function Running({ system }: { system: SystemReport }) {
  const named = new Set(present(system.queues.map(({ name }) => name)));
  const queues = system.queues.filter(({ name, waiting }) => named.has(name) || waiting > 0);
  return (
    <>
      <ul className="flex flex-wrap gap-x-6 gap-y-1">
        {Object.entries(system.services).map(([name, answers]) => (
          <li key={name} className="flex items-center gap-2">
            <Dot state={answers ? "ok" : "fail"} />
            {SERVICES[name] ?? name}
            {answers ? "" : " does not answer"}
          </li>
        ))}
      </ul>
      <p className="numbers text-dim">
        {system.open_batches === null || system.open_batches === undefined
          ? "Whether batches are open is not known while the record does not answer."
          : system.open_batches === 0
            ? "No batch is open."
            : `${plural(system.open_batches, "batch is", "batches are")} open.`}{" "}
        <Sentence>
          {system.nightly
            ? `The inbox is taken in every night at ${system.nightly}.`
            : "The inbox is taken in when somebody asks for it, in the room Packs or by `samplemind ingest`; with the setting SAMPLEMIND_NIGHTLY, also once per night."}
        </Sentence>
      </p>
      {system.workers.length === 0 ? (
        <p>
          No worker gives a sign of life, so nothing is analysed. Start one: <code>samplemind up --detach</code>
        </p>
      ) : (
        <Table
          name="Workers"
          heads={["Worker", "Takes from", "At once"]}
          rows={system.workers.map((worker) => [worker.name, present(worker.queues).join(", "), count(worker.slots)])}
        />
      )}
      {queues.length > 0 && (
        <Table
          name="Queues"
          heads={["Queue", "Waiting", "Read by"]}
          rows={queues.map((queue) => [
            queue.name,
            count(queue.waiting),
            queue.read_by === 0 ? "nobody" : plural(queue.read_by, "worker"),
          ])}
        />
      )}
      <p className="text-dim">
        {system.flower_url ? (
          <a href={system.flower_url} target="_blank" rel="noreferrer" className="text-accent underline">
            Flower shows queues and workers in detail <ExternalLink size={13} aria-hidden className="inline" />
          </a>
        ) : (
          <>
            Flower, which shows queues and workers in detail, is not running: <code>samplemind flower</code> starts it.
          </>
        )}
      </p>
    </>
  );
}

/** A table of texts; the first column is its heading. */
export function Table({
  name,
  heads,
  rows,
}: {
  name: string;
  heads: readonly string[];
  rows: readonly (readonly ReactNode[])[];
}) {
  return (
    <section className="relative overflow-x-auto" aria-label={name} tabIndex={0}>
      <table className="numbers w-full border-collapse">
        <thead>
          <tr className="border-line border-b text-left text-dim">
            {heads.map((head) => (
              <th key={head} scope="col" className="h-7 pr-4 font-normal">
                {head}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, at) => (
            // biome-ignore lint/suspicious/noArrayIndexKey: rows have no state of their own.
            <tr key={at} className="border-line border-b">
              {row.map((cell, column) =>
                column === 0 ? (
                  <th key={heads[column]} scope="row" className="h-7 max-w-72 truncate pr-4 text-left font-normal">
                    {cell}
                  </th>
                ) : (
                  <td key={heads[column]} className="h-7 max-w-72 truncate pr-4">
                    {cell}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  );
}

function Dot({ state }: { state: "ok" | "warn" | "fail" }) {
  const [colour, word] = {
    ok: ["bg-good", "works"],
    warn: ["bg-warn", "warning"],
    fail: ["bg-bad", "fails"],
  }[state] as [string, string];
  return (
    <span className={`${colour} inline-block size-2.5 shrink-0 rounded-full`}>
      <span className="sr-only">{word}: </span>
    </span>
  );
}

const ORDER = { fail: 0, warn: 1, ok: 2 } as const;

/** The checks of `doctor`, what fails first. */
function Checks() {
  const { data, error, errorUpdatedAt, isFetching, refetch } = useDoctor();
  const checks = [...(data?.checks ?? [])].sort((one, other) => ORDER[one.state] - ORDER[other.state]);
  const bad = checks.filter(({ state }) => state !== "ok").length;
  return (
    <Section
      title="Checks"
      tools={
        <Button quiet disabled={isFetching} onClick={() => void refetch()}>
          <RefreshCw size={14} aria-hidden />
          Check again
        </Button>
      }
    >
      <p role="status" className="text-dim">
        {isFetching
          ? "Each service and folder is being tried out; this takes up to a minute."
          : data && (bad === 0 ? "Everything works." : `${plural(bad, "check needs", "checks need")} a look.`)}
      </p>
      {error && data === undefined && (
        <Failed error={error} what="The checks" since={errorUpdatedAt} onRetry={refetch} />
      )}
      <ul className="flex flex-col">
        {checks.map((check) => (
          <li key={check.name} className="flex gap-2 border-line border-b py-1">
            <span className="mt-1">
              <Dot state={check.state} />
            </span>
            <span className="w-28 shrink-0">{words(check.name)}</span>
            <span className="min-w-0 break-words text-dim">
              <Sentence>{check.detail}</Sentence>
              {check.mend && (
                <span className="block text-text">
                  <Sentence>{check.mend}</Sentence>
                </span>
              )}
            </span>
          </li>
        ))}
      </ul>
    </Section>
  );
}
