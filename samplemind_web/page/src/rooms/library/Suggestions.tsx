/** What could follow in the search: words of the library, keys, instruments, tags and packs. */
import { keepPreviousData, useQuery } from "@tanstack/react-query";
import { useEffect, useState } from "react";
import { api, type Schemas, taken } from "@/api/client";

export interface Suggestion {
  text: string;
  about: string;
  filter?: Record<string, string>;
}

const FILTER_OF: Record<string, string> = {
  key: "key",
  keys: "key",
  instrument: "instrument",
  instruments: "instrument",
  tag: "tag",
  tags: "tag",
  pack: "pack",
  packs: "pack",
};

/** Return what could complete the last word of a text, and how keys move through it. */
export function useSuggestions(text: string) {
  const word = /\s$/.test(text) ? "" : (text.split(/\s+/).at(-1) ?? "");
  const [at, setAt] = useState(-1);
  const [closed, setClosed] = useState("");
  const { data } = useQuery<Suggestion[]>({
    queryKey: ["suggest", word],
    enabled: word.length >= 2 && word.length <= 60 && !word.includes(":"),
    placeholderData: keepPreviousData,
    queryFn: ({ signal }) => taken(api.GET("/api/v1/suggest", { params: { query: { q: word } }, signal })).then(read),
  });
  // biome-ignore lint/correctness/useExhaustiveDependencies: another word has other suggestions
  useEffect(() => setAt(-1), [word]);
  const list = word.length >= 2 ? (data ?? []).slice(0, 8) : [];
  const shown = list.length > 0 && closed !== text;
  return {
    list,
    shown,
    at,
    close: () => setClosed(text),
    /** Whether a key was for the list. */
    take(event: React.KeyboardEvent, onTake: (suggestion: Suggestion) => void): boolean {
      if (!shown) return false;
      const chosen = list[at];
      if (event.key === "ArrowDown") setAt(Math.min(at + 1, list.length - 1));
      else if (event.key === "ArrowUp" && at >= 0) setAt(at - 1);
      else if ((event.key === "Enter" || event.key === "Tab") && chosen) onTake(chosen);
      else if (event.key === "Escape") setClosed(text);
      else return false;
      event.preventDefault();
      return true;
    },
  };
}

/** The suggestions in an answer. */
function read({ items }: Schemas["Suggestions"]): Suggestion[] {
  return items.map(({ text, kind, value }) => {
    const filter = FILTER_OF[kind];
    return { text, about: kind, ...(filter ? { filter: { [filter]: value ?? text } } : {}) };
  });
}

/** The list below the search. */
export function Suggestions({
  list,
  at,
  onTake,
}: {
  list: Suggestion[];
  at: number;
  onTake: (suggestion: Suggestion) => void;
}) {
  return (
    <div
      id="suggestions"
      role="listbox"
      aria-label="Suggestions"
      className="absolute top-full left-3 z-20 -mt-1 min-w-64 max-w-[90%] rounded-md border border-edge bg-raised py-1"
    >
      {list.map((suggestion, index) => (
        // biome-ignore lint/a11y/useKeyWithClickEvents: the keys of the field choose, too
        <div
          key={`${suggestion.about} ${suggestion.text}`}
          id={`suggestion-${index}`}
          role="option"
          aria-selected={index === at}
          className={`flex cursor-default justify-between gap-6 px-3 py-1 text-list ${index === at ? "bg-chosen" : "hover:bg-hover"}`}
          onPointerDown={(event) => event.preventDefault()}
          onClick={() => onTake(suggestion)}
        >
          <span className="name">
            <bdi>{suggestion.text}</bdi>
          </span>
          <span className="text-faint">{suggestion.about}</span>
        </div>
      ))}
    </div>
  );
}
