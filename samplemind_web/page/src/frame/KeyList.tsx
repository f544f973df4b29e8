/** The list of all keys that act now, on `?`. */
import { X } from "lucide-react";
import { useEffect, useRef } from "react";
import { create } from "zustand";
import { Button } from "@/parts/Button";
import { useKeyGroups } from "./keys";

/** Whether the list is shown. */
export const useKeyList = create<{ shown: boolean; toggle: () => void }>((set, get) => ({
  shown: false,
  toggle: () => set({ shown: !get().shown }),
}));

const NAMES: Record<string, string> = {
  ArrowUp: "↑",
  ArrowDown: "↓",
  ArrowLeft: "←",
  ArrowRight: "→",
  " ": "Space",
  Escape: "Esc",
};

/** The dialog with the list. */
export function KeyList() {
  const { shown, toggle } = useKeyList();
  const groups = useKeyGroups((state) => state.groups);
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (shown) dialog.current?.showModal();
    else dialog.current?.close();
  }, [shown]);
  return (
    <dialog
      ref={dialog}
      aria-labelledby="key-list"
      onClose={() => useKeyList.setState({ shown: false })}
      className="max-h-[80vh] w-[min(720px,92vw)] rounded-md border border-edge bg-surface p-4 backdrop:bg-black/50"
    >
      <div className="mb-3 flex items-center justify-between">
        <h2 id="key-list" className="font-semibold text-base">
          Keys
        </h2>
        <Button quiet label="Close" onClick={toggle}>
          <X size={16} aria-hidden />
        </Button>
      </div>
      <div className="columns-2 gap-8 max-sm:columns-1">
        {shown &&
          [...new Set(groups.map(({ title }) => title))].map((title) => (
            <section key={title} className="mb-4 break-inside-avoid">
              <h3 className="mb-1 text-dim text-list">{title}</h3>
              <dl>
                {groups
                  .filter((group) => group.title === title)
                  .flatMap((group) => group.keys())
                  .filter(({ quiet }) => !quiet)
                  .map(({ key, says }) => (
                    <div key={key} className="flex justify-between gap-4 py-0.5 text-list">
                      <dt>{says}</dt>
                      <dd className="shrink-0">
                        {key.split(/(?<=.)[ ]/).map((part) => (
                          <kbd key={part} className="ml-1 rounded border border-edge px-1.5 font-sans text-[12px]">
                            {readable(part)}
                          </kbd>
                        ))}
                      </dd>
                    </div>
                  ))}
              </dl>
            </section>
          ))}
      </div>
    </dialog>
  );
}

function readable(key: string): string {
  if (key === "+") return key;
  return key
    .split("+")
    .map((part) => NAMES[part] ?? part)
    .join(" ");
}
