/** What keeps a batch from going on, in sentences. */
import { CircleAlert } from "lucide-react";
import { Sentence } from "@/parts/Sentence";

export function Obstacles({ notes, label = "What it waits for" }: { notes: readonly string[]; label?: string }) {
  if (notes.length === 0) return null;
  return (
    <section aria-label={label} className="flex flex-col gap-1 rounded-md border border-warn px-3 py-2">
      {notes.map((note) => (
        <p key={note} className="flex gap-2 text-list">
          <CircleAlert size={15} aria-hidden className="mt-0.5 shrink-0 text-warn" />
          <span className="min-w-0 break-words">
            <Sentence>{note}</Sentence>
          </span>
        </p>
      ))}
    </section>
  );
}
