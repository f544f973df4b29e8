/** The side panel: what is known of the current sample. Beside the room, or a sheet over it where there is no width. */
import { lazy, Suspense } from "react";
import { useLocation } from "wouter";
import { useAddress } from "./address";
import { useWidth } from "./width";

const SamplePanel = lazy(() => import("@/rooms/sample/SamplePanel"));

/** Return the id of the current sample (of the address), whether the panel shows it, and how to open or close it. */
export function usePanel(): { id: string | null; shown: boolean; show: (shown: boolean) => void } {
  const [params, change] = useAddress();
  const wide = useWidth() >= 1200;
  const id = params.get("sample");
  const said = params.get("panel");
  return {
    id,
    shown: id !== null && (said ? said === "1" : wide),
    show: (shown) => change({ panel: shown ? "1" : "0" }, { replace: true }),
  };
}

/** The panel, or nothing: `beside` the room, or as a `sheet` over it, above the player. */
export function SidePanel({ as }: { as: "beside" | "sheet" }) {
  const { id, shown, show } = usePanel();
  const width = useWidth();
  const [location] = useLocation();
  // The view of its own shows the same.
  if (!shown || !id || location.startsWith("/sample/")) return null;
  const sheet = width < 900;
  if (sheet !== (as === "sheet")) return null;
  return (
    <aside
      aria-label="Sample"
      className={
        sheet
          ? "absolute inset-x-0 bottom-0 z-30 flex max-h-[70%] flex-col rounded-t-md border-edge border-t bg-surface"
          : "flex w-[360px] shrink-0 flex-col border-line border-l bg-surface"
      }
    >
      <Suspense fallback={<p className="p-4 text-dim">Loading the panel.</p>}>
        <SamplePanel id={id} onClose={() => show(false)} />
      </Suspense>
    </aside>
  );
}
