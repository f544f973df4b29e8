/** Says that the server does not answer, since when, and what works without it. It goes away by itself. */
import { useConnection } from "@/api/events";
import { timeOfDay } from "@/parts/format";

/** The banner, or nothing while the server is heard. */
export function ConnectionBanner() {
  const since = useConnection((state) => state.downSince);
  if (since === null) return null;
  return (
    <p role="status" className="border-warn border-b bg-raised px-3 py-1.5 text-list">
      The server has not answered since {timeOfDay(since)}. What is on the screen stays, and sounds that were loaded
      play; the page goes on by itself once it answers.
    </p>
  );
}
