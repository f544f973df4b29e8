/** What a room says when it has nothing to show: it is empty, it loads, or something failed. */
import type { ReactNode } from "react";
import { Problem } from "@/api/client";
import { Button } from "./Button";
import { timeOfDay } from "./format";

/** Nothing is here yet: what to do first. */
export function Empty({ title, children }: { title: string; children?: ReactNode }) {
  return (
    <div className="mx-auto flex max-w-xl flex-col gap-2 px-6 py-16">
      <h2 className="font-semibold text-[17px]">{title}</h2>
      <div className="text-dim">{children}</div>
    </div>
  );
}

/** Something could not be loaded: what, since when, and that it is tried again. */
export function Failed({
  error,
  what,
  since,
  onRetry,
}: {
  error: unknown;
  /** What was asked for, as `The samples`. */
  what: string;
  /** Milliseconds since 1970. */
  since?: number;
  onRetry?: () => void;
}) {
  const problem = error instanceof Problem ? error : null;
  const detail = error instanceof Error ? error.message : String(error);
  return (
    <div role="alert" className="mx-auto flex max-w-xl flex-col gap-2 px-6 py-16">
      <h2 className="font-semibold text-[17px]">{what} cannot be shown</h2>
      <p className="text-dim">
        {detail}
        {since ? ` This is so since ${timeOfDay(since)}.` : ""}
      </p>
      {problem?.passing && (
        <p className="text-dim">
          The page asks again every few seconds. What is on the screen and was loaded still works.
        </p>
      )}
      {onRetry && (
        <div>
          <Button onClick={onRetry}>Ask again now</Button>
        </div>
      )}
    </div>
  );
}

/** Rows of the right height while a list loads. */
export function SkeletonRows({ rows = 12, height = 36 }: { rows?: number; height?: number }) {
  return (
    <div role="status" aria-label="Loading">
      {Array.from({ length: rows }, (_, index) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they are all alike
        <div key={index} className="flex items-center gap-3 px-3" style={{ height }}>
          <span className="skeleton h-5 w-[120px]" />
          <span className="skeleton h-3" style={{ width: `${22 + ((index * 13) % 30)}%` }} />
        </div>
      ))}
    </div>
  );
}
