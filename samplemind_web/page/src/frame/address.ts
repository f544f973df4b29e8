/** The part of the address behind `?`: what is searched, filtered, sorted and shown. */
import { useCallback } from "react";
import { useSearchParams } from "wouter";

type Change = Record<string, string | null | undefined>;

/** Return the parameters of the address, and a function that changes some of them and keeps the others. */
export function useAddress(): [URLSearchParams, (change: Change, options?: { replace?: boolean }) => void] {
  const [params, setParams] = useSearchParams();
  const change = useCallback(
    (values: Change, options?: { replace?: boolean }) => {
      const before = new URLSearchParams(location.search);
      // The same address twice would take two steps back.
      if (changed(before, values).toString() === before.toString()) return;
      setParams((now) => changed(now, values), { replace: options?.replace ?? false });
    },
    [setParams],
  );
  return [params, change];
}

/** Return parameters with some changed; null or an empty text takes one away. */
export function changed(before: URLSearchParams, change: Change): URLSearchParams {
  const after = new URLSearchParams(before);
  for (const [name, value] of Object.entries(change)) {
    if (value === null || value === undefined || value === "") after.delete(name);
    else after.set(name, value);
  }
  return after;
}
