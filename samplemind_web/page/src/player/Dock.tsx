/** The player: always there, at the foot of the page. */
import { usePlayer } from "./player";

/** The dock. */
export function Dock() {
  const { current } = usePlayer();
  return (
    <section aria-label="Player" className="flex h-14 shrink-0 items-center gap-3 border-line border-t bg-surface px-3">
      <span className="name text-dim">{current ? current.name : "Nothing plays. Arrow keys move and play."}</span>
    </section>
  );
}
