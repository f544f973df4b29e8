/** The search: words, and filters as chips that the keyboard reaches. */
import { Search, X } from "lucide-react";
import { useEffect, useRef, useState } from "react";
import { useAddress } from "@/frame/address";
import { useKeys } from "@/frame/keys";
import { AddFilter } from "./AddFilter";
import { FilterChip } from "./FilterChip";
import { active, filtersIn } from "./filters";
import { Suggestions, useSuggestions } from "./Suggestions";

const RESTS_MS = 180;

/** The bar. `leave` gives the focus to the list. */
export function SearchBar({ leave }: { leave: () => void }) {
  const [params, change] = useAddress();
  const q = params.get("q") ?? "";
  const [text, setText] = useState(q);
  const [focused, setFocused] = useState(false);
  const field = useRef<HTMLInputElement>(null);
  const timer = useRef(0);
  const suggestions = useSuggestions(focused ? text : "");
  const chips = active(params);
  useEffect(() => {
    // The address has changed by itself: by back, or by a link.
    if (!timer.current) setText((before) => (before.trim() === q ? before : q));
  }, [q]);
  useKeys("Library", [{ key: "/", says: "Search", act: () => field.current?.select() }]);

  const send = (value: string, extra: Record<string, string | null> = {}, push = false) => {
    clearTimeout(timer.current);
    timer.current = 0;
    change({ q: value.trim(), similar: null, match: null, only: null, ...extra }, { replace: !push });
  };
  const type = (value: string) => {
    // A filter is taken when its word is ended by a space.
    const { rest, found } = /\s$/.test(value) ? filtersIn(value) : { rest: value, found: {} };
    setText(rest);
    if (Object.keys(found).length) {
      send(rest, found, true);
      return;
    }
    clearTimeout(timer.current);
    // A filter that is being typed is no word yet.
    timer.current = window.setTimeout(() => send(filtersIn(rest).rest), RESTS_MS);
  };
  const take = (suggestion: { text: string; filter?: Record<string, string> }) => {
    if (suggestion.filter) {
      const words = text.trimEnd().split(/\s+/).slice(0, -1).join(" ");
      setText(words && `${words} `);
      send(words, suggestion.filter, true);
    } else {
      const words = [...text.trimEnd().split(/\s+/).slice(0, -1), suggestion.text].join(" ");
      setText(`${words} `);
      send(words);
    }
    suggestions.close();
  };
  const onKey = (event: React.KeyboardEvent<HTMLInputElement>) => {
    if (suggestions.take(event, take)) return;
    if (event.key === "Enter") {
      const { rest, found } = filtersIn(text);
      setText(rest);
      send(rest, found, true);
      suggestions.close();
      leave();
    } else if (event.key === "Escape") {
      if (text) {
        setText("");
        send("");
      } else leave();
    } else if (event.key === "ArrowDown") {
      event.preventDefault();
      leave();
    } else if (event.key === "Backspace" && !text && chips.length) {
      change({ [chips.at(-1)?.filter.name ?? ""]: null });
    }
  };
  return (
    <search className="relative flex min-h-11 flex-wrap items-center gap-1.5 border-line border-b px-3 py-1.5">
      <div className="flex h-8 min-w-40 flex-1 items-center gap-2 rounded-md border border-edge bg-surface px-2 has-focus:outline-2 has-focus:outline-accent">
        <Search size={15} aria-hidden className="shrink-0 text-dim" />
        <input
          ref={field}
          value={text}
          role="combobox"
          aria-label="Search"
          aria-expanded={suggestions.shown}
          aria-controls="suggestions"
          aria-autocomplete="list"
          aria-activedescendant={suggestions.shown && suggestions.at >= 0 ? `suggestion-${suggestions.at}` : undefined}
          placeholder="Search words, or bpm:118..124 key:Am"
          autoComplete="off"
          spellCheck={false}
          maxLength={500}
          className="min-w-0 flex-1 bg-transparent outline-none placeholder:text-faint"
          onChange={(event) => type(event.currentTarget.value)}
          onKeyDown={onKey}
          onFocus={() => setFocused(true)}
          onBlur={() => setFocused(false)}
        />
        {text ? (
          <button
            type="button"
            aria-label="Clear the search"
            className="text-dim hover:text-text"
            onClick={() => {
              setText("");
              send("");
              field.current?.focus();
            }}
          >
            <X size={15} aria-hidden />
          </button>
        ) : (
          <kbd aria-hidden className="rounded border border-line px-1.5 font-sans text-[12px] text-faint">
            /
          </kbd>
        )}
      </div>
      {chips.map((chip) => (
        <FilterChip
          key={chip.filter.name}
          chip={chip}
          onChange={(value) => change({ [chip.filter.name]: value, only: null })}
        />
      ))}
      <AddFilter taken={chips.map(({ filter }) => filter.name)} />
      {suggestions.shown && <Suggestions list={suggestions.list} at={suggestions.at} onTake={take} />}
    </search>
  );
}
