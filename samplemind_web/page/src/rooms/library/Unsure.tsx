/** A value that the analysis gives: what is unsure looks unsure, and names the runner-up. */
import type { ReactNode } from "react";

const SURE = 0.5;

/** The value; lighter and with `?` below a confidence of one half. */
export function Unsure(props: {
  children: ReactNode;
  confidence: number | null | undefined;
  runnerUp?: string | null;
}) {
  const { children, confidence, runnerUp } = props;
  if (confidence === null || confidence === undefined || confidence >= SURE) {
    return <span title={runnerUp ? `otherwise ${runnerUp}` : undefined}>{children}</span>;
  }
  const says = `unsure (${Math.round(confidence * 100)} %)${runnerUp ? `, perhaps ${runnerUp}` : ""}`;
  return (
    <span className="text-faint" title={says}>
      {children}
      <span aria-hidden>?</span>
      <span className="sr-only">, {says}</span>
    </span>
  );
}
