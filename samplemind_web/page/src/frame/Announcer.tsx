/** Tells what happened, once: to the eye for a few seconds, and to screen readers. */
import { create } from "zustand";

interface Notice {
  text: string;
  bad: boolean;
}

const useNotice = create<{ notice: Notice | null }>(() => ({ notice: null }));
let timer = 0;

/** Say one sentence about what was done, or why it was not. */
export function announce(text: string, { bad = false } = {}): void {
  useNotice.setState({ notice: { text, bad } });
  clearTimeout(timer);
  timer = window.setTimeout(() => useNotice.setState({ notice: null }), bad ? 8_000 : 4_000);
}

/** Where notices appear. */
export function Announcer() {
  const notice = useNotice((state) => state.notice);
  return (
    <div
      role="status"
      aria-live="polite"
      className="pointer-events-none fixed inset-x-0 bottom-24 z-40 flex justify-center px-4"
    >
      {notice && (
        <p
          className={`name max-w-full rounded-md border bg-raised px-3 py-1.5 ${notice.bad ? "border-bad text-bad" : "border-edge"}`}
        >
          {notice.text}
        </p>
      )}
    </div>
  );
}
