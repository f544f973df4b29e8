/** The time that `ago` counts from, renewed while it is looked at. */
import { useEffect, useState } from "react";

/** Return the current time in milliseconds since 1970, renewed every `seconds`. */
export function useNow(seconds: number): number {
  const [now, setNow] = useState(() => Date.now());
  useEffect(() => {
    const timer = window.setInterval(() => setNow(Date.now()), 1000 * seconds);
    return () => window.clearInterval(timer);
  }, [seconds]);
  return now;
}
