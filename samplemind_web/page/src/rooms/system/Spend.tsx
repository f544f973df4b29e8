/** The money that summaries cost: of this day and month, against the budgets, by provider and by day. */
import { count, plural } from "@/parts/format";
import { Failed, SkeletonRows } from "@/parts/States";
import { useSpend } from "./queries";
import { Table } from "./System";

const usd = (amount: number) => `${amount.toFixed(2)} USD`;

export function Spend() {
  const { data, error, errorUpdatedAt, isPending, refetch } = useSpend();
  if (isPending) return <SkeletonRows rows={4} height={28} />;
  if (data === undefined) {
    return <Failed error={error} what="What was spent" since={errorUpdatedAt} onRetry={refetch} />;
  }
  const providers = Object.entries(data.month.providers);
  const days = data.days.filter((day) => day.usd > 0);
  return (
    <>
      <Budget name="Today" spent={data.today.usd} cap={data.today.cap_usd} />
      <Budget name="This month" spent={data.month.usd} cap={data.month.cap_usd} />
      <p className="text-dim">
        {data.batch_cap_usd !== null &&
          data.batch_cap_usd !== undefined &&
          `One batch may cost ${usd(data.batch_cap_usd)}. `}
        {data.providers.length === 0
          ? "No model is set up: the local describer writes the summaries, and they cost nothing."
          : `Models of ${data.providers.join(", ")} can be asked. Days and months are those of UTC.`}
      </p>
      {providers.length > 0 && (
        <Table
          name="Providers this month"
          heads={["Provider", "Requests", "Tokens in", "Tokens out", "USD"]}
          rows={providers.map(([name, sums]) => [
            name,
            count(sums.requests),
            count(sums.input_tokens),
            count(sums.output_tokens),
            sums.usd.toFixed(2),
          ])}
        />
      )}
      {days.length > 0 && (
        <details>
          <summary className="text-dim">{plural(days.length, "day")} with costs</summary>
          <Table name="Days" heads={["Day", "USD"]} rows={days.map((day) => [day.period, day.usd.toFixed(2)])} />
        </details>
      )}
    </>
  );
}

function Budget({ name, spent, cap }: { name: string; spent: number; cap: number }) {
  const share = cap > 0 ? Math.min(spent / cap, 1) : 0;
  return (
    <div className="flex items-center gap-3">
      <span className="w-24 shrink-0">{name}</span>
      <div aria-hidden className="h-1.5 w-40 overflow-hidden rounded-full bg-line">
        <div className={`h-full ${share > 0.8 ? "bg-warn" : "bg-good"}`} style={{ width: `${100 * share}%` }} />
      </div>
      <span className="numbers">
        {usd(spent)} <span className="text-dim">of {usd(cap)}</span>
      </span>
    </div>
  );
}
